"""mystax: face videos into measurements.

Every public name is loaded when it is first used, so ``import mystax`` costs nothing.
"""

from importlib import import_module

from mystax.errors import nearest

_LAZY = {
    "Catalog": "mystax.engine.catalog.catalog:Catalog",
    "Clock": "mystax.core.clock:Clock",
    "KeypointSet": "mystax.core.keypoints:KeypointSet",
    "Labels": "mystax.engine.labels.labels:Labels",
    "Recording": "mystax.core.recording:Recording",
    "Rig": "mystax.analyses.rig:Rig",
    "Roi": "mystax.core.geometry:Roi",
    "Tracker": "mystax.analyses.live:Tracker",
    "blink": "mystax.engine.calls:blink",
    "demo": "mystax.engine.demo.demo:demo",
    "encoding": "mystax.engine.encoding.encoding:encoding",
    "load": "mystax.io.outcomes:load",
    "motion": "mystax.engine.calls:motion",
    "open": "mystax.engine.recordings:open_recording",
    "pose": "mystax.engine.pose:pose",
    "predict": "mystax.engine.encoding.prediction:predict",
    "pose3d": "mystax.engine.space.pose3d:pose3d",
    "pupil": "mystax.engine.calls:pupil",
    "read_neural": "mystax.io.neural.reading:read_neural",
    "run": "mystax.engine.run:run",
    "running": "mystax.engine.calls:running",
    "states": "mystax.engine.states.states:states",
    "svd": "mystax.engine.calls:svd",
    "train": "mystax.engine.training.train:train",
}

__all__ = sorted(_LAZY)  # noqa: PLE0605 - a test proves it equal to the names of the stub


def __getattr__(name: str) -> object:
    """Load a public name at its first use."""
    if name not in _LAZY:
        raise AttributeError(f"module 'mystax' has no attribute {name!r}{nearest(name, _LAZY)}")
    module, attribute = _LAZY[name].split(":")
    found = getattr(import_module(module), attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
