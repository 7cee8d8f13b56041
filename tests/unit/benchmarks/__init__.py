"""Tests of the benchmarks' harness: ratios, states, files; never absolute times."""
