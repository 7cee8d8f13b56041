"""Tests of the DataJoint element that need no server."""
