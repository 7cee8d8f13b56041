"""The DataJoint element: schemas for labs that run a DataJoint pipeline.

Three schemas, each a module with `activate`: `facial_behavior_estimation` and `facemap_inference` have the
names of Element Facemap where the meaning is the same; `behavior` has what that one lacks.
"""

from importlib import import_module
from types import ModuleType

from mystax.core.extras import require

__all__ = ["behavior", "facemap_inference", "facial_behavior_estimation"]

require("datajoint", "datajoint")


def __getattr__(name: str) -> ModuleType:
    """Import a schema's module when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")
