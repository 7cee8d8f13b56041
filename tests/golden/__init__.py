"""Golden numbers and how they are made."""
