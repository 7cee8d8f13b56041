"""Labelled frames: the folder and its journal, checks, suggestions, labels of other tools."""
