"""Compiled loops about the keypoint network, one module per topic; each has a NumPy twin in the tests."""
