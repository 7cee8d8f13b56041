"""Peers in their own environments."""
