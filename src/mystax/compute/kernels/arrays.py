"""Whole arrays in compiled loops: a slice that is assigned takes ten times as long to compile."""

from mystax.core.compiled import kernel

__all__ = ["copy", "fill"]


@kernel
def copy(values, out):
    """Copy an array of one dimension into the front of another."""
    for i in range(len(values)):
        out[i] = values[i]


@kernel
def fill(out, value):
    """Set all values of an array of one dimension."""
    for i in range(len(out)):
        out[i] = value
