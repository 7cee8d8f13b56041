"""The DataJoint element: schemas for labs that run a DataJoint pipeline.

Three schemas, each a module with `activate`: `facial_behavior_estimation` and `facemap_inference` have the
names of Element Facemap where the meaning is the same; `behavior` has what that one lacks.
"""

from mystax.core.extras import require

__all__ = ["behavior", "facemap_inference", "facial_behavior_estimation"]

require("datajoint", "datajoint")
