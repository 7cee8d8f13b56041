"""Tests of mystax."""
