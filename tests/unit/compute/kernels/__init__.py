"""Tests of mystax.compute.kernels."""
