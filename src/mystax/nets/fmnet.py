"""Facemap's keypoint network: read its checkpoint, write it as mystax weights."""
