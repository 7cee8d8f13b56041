"""Tests of the readers of neural data."""
