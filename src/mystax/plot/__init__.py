"""Figures and the report: a Dataset in, a figure out."""
