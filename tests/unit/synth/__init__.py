"""Tests of the synthetic worlds."""
