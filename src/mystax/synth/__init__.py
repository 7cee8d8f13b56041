"""Synthetic worlds with known truth: a mouse's face, benchmark and damaged videos, recordings with clocks.

Every public name is loaded when it is first used.
"""

from importlib import import_module

from mystax.errors import nearest

_LAZY = {
    "HeadRig": "mystax.synth.head_rig:HeadRig",
    "HeadScript": "mystax.synth.head_script:HeadScript",
    "HeadVideo": "mystax.synth.head_video:HeadVideo",
    "RecordingTruth": "mystax.synth.faulty_recordings:RecordingTruth",
    "Sample": "mystax.synth.head:Sample",
    "SampleBatch": "mystax.synth.head:SampleBatch",
    "Scene": "mystax.synth.scene:Scene",
    "Truth": "mystax.synth.truth:Truth",
    "benchmark_video": "mystax.synth.benchmark:benchmark_video",
    "draw_barcode": "mystax.synth.barcode:draw_barcode",
    "face_camera": "mystax.synth.head_video:face_camera",
    "faulty_recording": "mystax.synth.faulty_recordings:faulty_recording",
    "faulty_video": "mystax.synth.faulty:faulty_video",
    "read_barcode": "mystax.synth.barcode:read_barcode",
    "render_batch": "mystax.synth.head:render_batch",
    "render_image": "mystax.synth.head:render_image",
    "render_rig": "mystax.synth.head_rig:render_rig",
    "render_video": "mystax.synth.head_video:render_video",
    "write_rig": "mystax.synth.head_files:write_rig",
    "write_video": "mystax.synth.head_files:write_video",
}

__all__ = sorted(_LAZY)  # noqa: PLE0605 - one table, so that list and loader cannot differ


def __getattr__(name: str) -> object:
    """Load a public name at its first use."""
    if name not in _LAZY:
        raise AttributeError(f"module 'mystax.synth' has no attribute {name!r}{nearest(name, _LAZY)}")
    module, attribute = _LAZY[name].split(":")
    found = getattr(import_module(module), attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
