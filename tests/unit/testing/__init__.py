"""Tests of the shipped checks."""
