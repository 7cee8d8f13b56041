"""Types and rules of the house: pure values, no files, no heavy libraries."""
