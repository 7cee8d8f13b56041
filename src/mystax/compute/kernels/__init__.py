"""Compiled loops, one module per topic; each has a NumPy twin in the tests."""
