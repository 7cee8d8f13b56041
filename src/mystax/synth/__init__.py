"""Synthetic scenes and damaged videos whose truth is known exactly."""
