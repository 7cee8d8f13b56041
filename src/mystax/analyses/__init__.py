"""Declarations of the analyses: parameters, inputs, outputs, and a thin run each."""
