"""Doors: video, clocks, the store, foreign formats."""
