"""Readers of neural data: one module per format, one dataset for all of them."""
