"""Tests of mystax.nets."""
