"""Checks that every analysis passes, shipped so that authors of plug-ins can run them.

``check_analysis("name")`` runs the battery on synthetic frames; ``CHECKS`` lists its parts.
"""

from importlib import import_module

from mystax.errors import nearest

_LAZY = {
    "CHECKS": "mystax.testing.battery:CHECKS",
    "check_analysis": "mystax.testing.battery:check_analysis",
    "measure": "mystax.testing.bench:measure",
    "rois_for_test": "mystax.testing.bench:rois_for_test",
    "make_frames": "mystax.testing.bench:make_frames",
}

__all__ = sorted(_LAZY)  # noqa: PLE0605 - one table, so that list and loader cannot differ


def __getattr__(name: str) -> object:
    """Load a public name at its first use."""
    if name not in _LAZY:
        raise AttributeError(f"module 'mystax.testing' has no attribute {name!r}{nearest(name, _LAZY)}")
    module, attribute = _LAZY[name].split(":")
    found = getattr(import_module(module), attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
