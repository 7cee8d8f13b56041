"""Points in space: calibration of a rig from pictures, and triangulation."""
