"""Tests of mystax.analyses."""
