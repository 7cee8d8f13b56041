from mystax.synth.barcode import draw_barcode as draw_barcode
from mystax.synth.barcode import read_barcode as read_barcode
from mystax.synth.benchmark import benchmark_video as benchmark_video
from mystax.synth.faulty import faulty_video as faulty_video
from mystax.synth.faulty_recordings import RecordingTruth as RecordingTruth
from mystax.synth.faulty_recordings import faulty_recording as faulty_recording
from mystax.synth.scene import Scene as Scene
from mystax.synth.truth import Truth as Truth

__all__ = [
    "RecordingTruth",
    "Scene",
    "Truth",
    "benchmark_video",
    "draw_barcode",
    "faulty_recording",
    "faulty_video",
    "read_barcode",
]
