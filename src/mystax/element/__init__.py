"""The DataJoint element: schemas for labs that run a DataJoint pipeline.

Three schemas, each a module with `activate`: `facial_behavior_estimation` and `facemap_inference` have the
names of Element Facemap where the meaning is the same; `behavior` has what that one lacks.
`copy_manual_tables` takes over what people entered into the schemas of Element Facemap.
"""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mystax.core.extras import require

if TYPE_CHECKING:
    from mystax.element.migration import copy_manual_tables

__all__ = ["behavior", "copy_manual_tables", "facemap_inference", "facial_behavior_estimation"]

FUNCTION = "copy_manual_tables"

require("datajoint", "datajoint")


def __getattr__(name: str) -> ModuleType | Any:
    """Import a schema's module when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == FUNCTION:
        return import_module(f"{__name__}.migration").copy_manual_tables
    return import_module(f"{__name__}.{name}")
