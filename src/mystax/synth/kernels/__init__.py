"""Compiled loops of the renderers, one module per topic; each has a NumPy twin in the tests."""
