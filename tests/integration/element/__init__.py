"""The DataJoint element on real servers."""
