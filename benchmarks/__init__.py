"""Benchmarks: one interleaved ratio per claim."""
