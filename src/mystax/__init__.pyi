from mystax.analyses.live import Tracker as Tracker
from mystax.analyses.rig import Rig as Rig
from mystax.core.clock import Clock as Clock
from mystax.core.geometry import Roi as Roi
from mystax.core.keypoints import KeypointSet as KeypointSet
from mystax.core.recording import Recording as Recording
from mystax.engine.calls import blink as blink
from mystax.engine.calls import motion as motion
from mystax.engine.calls import pupil as pupil
from mystax.engine.calls import running as running
from mystax.engine.calls import svd as svd
from mystax.engine.catalog.catalog import Catalog as Catalog
from mystax.engine.demo.demo import demo as demo
from mystax.engine.encoding.encoding import encoding as encoding
from mystax.engine.encoding.prediction import predict as predict
from mystax.engine.labels.labels import Labels as Labels
from mystax.engine.pose import pose as pose
from mystax.engine.recordings import open_recording as open  # noqa: A004 - the public name is mystax.open
from mystax.engine.run import run as run
from mystax.engine.space.pose3d import pose3d as pose3d
from mystax.engine.states.states import states as states
from mystax.engine.training.train import train as train
from mystax.io.neural.reading import read_neural as read_neural
from mystax.io.outcomes import load as load

__all__ = [
    "Catalog",
    "Clock",
    "KeypointSet",
    "Labels",
    "Recording",
    "Rig",
    "Roi",
    "Tracker",
    "blink",
    "demo",
    "encoding",
    "load",
    "motion",
    "open",
    "pose",
    "pose3d",
    "predict",
    "pupil",
    "read_neural",
    "run",
    "running",
    "states",
    "svd",
    "train",
]
