"""Tests of mystax.compute."""
