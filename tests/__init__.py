"""Tests of mystax, and the run-time type checker that guards them."""

from beartype import BeartypeConf, beartype

check_types = beartype(conf=BeartypeConf(is_pep484_tower=True))
"""Beartype, where a whole number is a number (as mypy has it)."""
