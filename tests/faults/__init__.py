"""One file per row of the fault table."""
