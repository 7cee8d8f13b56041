"""Orders of bouts in which no state follows itself, drawn by swaps."""

from mystax.core.compiled import inner_kernel, kernel

__all__ = ["swap_bouts"]


@inner_kernel
def _meetings(label, is_joined, k):
    """Count the neighbours of a bout that have its state and are joined to it."""
    found = 0
    if k > 0 and is_joined[k] and label[k - 1] == label[k]:
        found += 1
    if k + 1 < len(label) and is_joined[k + 1] and label[k + 1] == label[k]:
        found += 1
    return found


@kernel
def swap_bouts(label, is_joined, pairs):
    """Swap pairs of bouts (swap, 2) of `label` in turn, but where more equal states would come side by side.

    `is_joined` tells which bouts follow the one before them without a hole.  Returns how many bouts follow
    one of their own state in the end.
    """
    for r in range(len(pairs)):
        i, j = pairs[r, 0], pairs[r, 1]
        if label[i] == label[j]:
            continue
        before = _meetings(label, is_joined, i) + _meetings(label, is_joined, j)
        label[i], label[j] = label[j], label[i]
        if _meetings(label, is_joined, i) + _meetings(label, is_joined, j) > before:
            label[i], label[j] = label[j], label[i]
    left = 0
    for k in range(1, len(label)):
        if is_joined[k] and label[k - 1] == label[k]:
            left += 1
    return left
