"""Tests of figures and the report."""
