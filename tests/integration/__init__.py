"""Whole commands and whole recordings."""
