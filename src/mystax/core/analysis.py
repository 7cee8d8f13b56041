"""One declaration per analysis: parameters, inputs, outputs and a thin run; the registry of all of them."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

import numpy as np

from mystax.core.clock import Clock
from mystax.core.dataset import Schema
from mystax.core.geometry import Roi
from mystax.core.params import Params
from mystax.core.quality import Flag
from mystax.core.recording import FrameChunk
from mystax.core.typing import Float64, Shaped
from mystax.errors import RecipeError, nearest

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = [
    "Analysis",
    "FramesIn",
    "OutcomeIn",
    "Pass",
    "Reducer",
    "RoiIn",
    "Sighted",
    "Spool",
    "Tiles",
    "analysis",
    "broken_plugins",
    "get_analysis",
    "names_of_analyses",
    "names_on_outcomes",
]


@runtime_checkable
class Spool(Protocol):
    """Append-only rows of fixed width on disk or in memory: long outputs never stay resident."""

    @property
    def n_rows(self) -> int:
        """Number of rows written."""
        ...

    @property
    def width(self) -> int:
        """Values per row."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a value (little-endian on disk)."""
        ...

    def append(self, rows: Shaped[np.ndarray, "n width"]) -> None:
        """Add rows at the end."""
        ...

    def read(self, start: int, stop: int) -> Shaped[np.ndarray, "n width"]:
        """Return rows start..stop."""
        ...


@runtime_checkable
class Tiles(Protocol):
    """Pool of threads for independent pieces of work; the pieces never depend on the number of threads."""

    @property
    def cores(self) -> int:
        """Number of threads."""
        ...

    def map(self, work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """Return work(item) for all items, in order."""
        ...


@runtime_checkable
class Pass(Protocol):
    """What the engine lends a reducer for one camera: facts about the frames, room to store rows, threads."""

    @property
    def camera(self) -> str:
        """Name of the camera."""
        ...

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a frame [px]."""
        ...

    @property
    def bits(self) -> int:
        """Depth of the frames."""
        ...

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        ...

    @property
    def clock(self) -> Clock:
        """Times of all frames."""
        ...

    @property
    def times(self) -> Float64[np.ndarray, " time"]:
        """Times of all frames [s]."""
        ...

    @property
    def rois(self) -> tuple[Roi, ...]:
        """The checked regions to work on; for whole-frame work one rectangle named `frame`."""
        ...

    @property
    def tiles(self) -> Tiles:
        """Threads for independent pieces of work."""
        ...

    def sample(self, n: int) -> FrameChunk:
        """Give up to n valid frames at fixed places, for what is decided before the first frame."""
        ...

    def frame_at(self, index: int) -> FrameChunk:
        """Give one frame at random."""
        ...

    def spool(self, name: str, width: int, dtype: str, *, scratch: bool = False) -> Spool | None:
        """Give an append-only row file.

        With ``scratch=True`` it is large and not part of the outcome; None means that there is no room,
        and the reducer must ask for another decode pass instead (`Reducer.n_passes`).
        """
        ...


@runtime_checkable
class Reducer(Protocol):
    """A frame analysis at work on one camera: frames go in chunk by chunk, one outcome comes out.

    The engine calls ``start``, then ``update`` for every chunk of a decode pass and ``end_pass`` at its
    end, ``n_passes`` times; then ``work`` until it returns None; then ``finish``.  ``state`` may be
    asked for between any two of these calls after ``start``; ``restore`` is called after ``start`` and
    puts the reducer back where the state was taken.
    """

    @property
    def n_passes(self) -> int:
        """How many decode passes are needed (known after `start`; 0 for work on samples only)."""
        ...

    def start(self, source: Pass) -> None:
        """Take the facts about the frames; decide what is decided before the first frame."""
        ...

    def update(self, chunk: FrameChunk) -> None:
        """Take the next frames; never write into them."""
        ...

    def end_pass(self) -> None:
        """Take note that all frames of this pass have come."""
        ...

    def work(self) -> float | None:
        """Do a piece of further work (about a second) and return the share done, or None when all is done."""
        ...

    def state(self) -> Mapping[str, np.ndarray]:
        """Return everything that the reducer knows, as plain arrays (without the rows of its spools)."""
        ...

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a state; spools have been cut back already."""
        ...

    def finish(self) -> Dataset:
        """Return the outcome: variables over `time` and `roi` without the common coordinates."""
        ...

    def flags(self) -> Sequence[Flag]:
        """Return the remarks on the outcome (after `finish`)."""
        ...


@runtime_checkable
class Sighted(Protocol):
    """A reducer that can show, after `start`, what leads to its numbers in a frame."""

    def sight(self, chunk: FrameChunk) -> Dataset:
        """Return what it sees of its first region in a chunk of one whole frame; empty if it is missing."""
        ...


@dataclass(frozen=True, slots=True)
class FramesIn:
    """Input: frames of each camera on its own, or of all cameras together (``cameras="all"``)."""

    cameras: str = "each"


@dataclass(frozen=True, slots=True)
class RoiIn:
    """Input: regions of one kind.  Without any: the whole frame, or the analysis is not applicable."""

    kind: str
    many: bool = True
    whole_frame: bool = False


@dataclass(frozen=True, slots=True)
class OutcomeIn:
    """Input: the outcome of another analysis."""

    analysis: str
    required: bool = True


Input = FramesIn | RoiIn | OutcomeIn
Check = Callable[[Any, str, tuple[int, int]], None]
"""Parameters, name of a camera, rows and columns of its pictures -> None, or a refusal."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """One declared analysis.

    Attributes
    ----------
    name : str
        Name, as in recipes and file names.
    version : int
        Raised whenever results change.
    params : type
        Its `Params` class.
    inputs : tuple
        What it needs.
    outputs : Schema
        What its outcome looks like.
    make : callable
        Parameters -> `Reducer`.
    help : str
        One sentence.
    make_joint : callable, optional
        Parameters and name of the reference camera -> reducer over aligned chunks of all cameras.
    joint_outputs : Schema, optional
        What the outcome over all cameras looks like.
    more_inputs : callable, optional
        Parameters -> fingerprints of further files that the outcome depends on, such as weights; it may
        refuse parameters before any work.
    still_outputs : Schema, optional
        What the outcome of single pictures looks like: with the dimension `image` instead of `time`.
    check : callable, optional
        Parameters, name of a camera, rows and columns of its pictures -> None; refuses before any work what
        cannot be used on them.
    """

    name: str
    version: int
    params: type[Params]
    inputs: tuple[Input, ...]
    outputs: Schema
    make: Callable[[Any], Reducer] = field(repr=False)
    help: str = ""
    make_joint: Callable[[Any, str], Any] | None = field(default=None, repr=False)
    joint_outputs: Schema | None = None
    more_inputs: Callable[[Any], Sequence[Mapping[str, object]]] | None = field(default=None, repr=False)
    still_outputs: Schema | None = None
    check: Check | None = field(default=None, repr=False)

    def schema_of(self, dataset: Dataset) -> Schema:
        """Return the schema of a dataset: `camera` tells all cameras, `image` single pictures."""
        if self.still_outputs is not None and "image" in dataset.dims:
            return self.still_outputs
        if self.joint_outputs is not None and "camera" in dataset.coords:
            return self.joint_outputs
        return self.outputs

    @property
    def roi_input(self) -> RoiIn | None:
        """The regions that it works on, if any."""
        return next((item for item in self.inputs if isinstance(item, RoiIn)), None)

    @property
    def reads_frames(self) -> bool:
        """Whether it takes frames."""
        return any(isinstance(item, FramesIn) for item in self.inputs)


F = TypeVar("F", bound=Callable[[Any], Reducer])

_REGISTRY: dict[str, Analysis] = {}
_BUILT_IN: dict[str, str] = {
    "rois": "mystax.analyses.rois",
    "motion": "mystax.analyses.motion",
    "svd": "mystax.analyses.svd",
    "pupil": "mystax.analyses.pupil",
    "blink": "mystax.analyses.blink",
    "running": "mystax.analyses.running",
    "pose": "mystax.analyses.pose",
    "pose3d": "mystax.analyses.pose3d",
}
_ON_OUTCOMES: dict[str, str] = {
    "states": "mystax.analyses.states",
    "encoding": "mystax.analyses.encoding",
}
"""Analyses of outcomes and further data: they have calls and commands of their own."""
_BROKEN: dict[str, str] = {}


def analysis(
    name: str,
    *,
    version: int,
    params: type[Params],
    inputs: Sequence[Input],
    outputs: Schema,
    make_joint: Callable[[Any, str], Any] | None = None,
    joint_outputs: Schema | None = None,
    more_inputs: Callable[[Any], Sequence[Mapping[str, object]]] | None = None,
    still_outputs: Schema | None = None,
    check: Check | None = None,
) -> Callable[[F], F]:
    """Declare an analysis; the decorated function makes its reducer from the parameters.

    Parameters
    ----------
    name : str
        Name, one lower-case word.
    version : int
        Raised whenever results change.
    params : type
        Its `Params` class.
    inputs : sequence
        `FramesIn`, `RoiIn`, `OutcomeIn`.
    outputs : Schema
        The form of its outcome.
    make_joint : callable, optional
        Makes its reducer over all cameras from the parameters and the name of the reference camera.
    joint_outputs : Schema, optional
        The form of the outcome over all cameras.
    more_inputs : callable, optional
        Parameters -> fingerprints of further files that the outcome depends on.
    still_outputs : Schema, optional
        The form of the outcome of single pictures.
    check : callable, optional
        Parameters, camera, rows and columns of its pictures -> None; refuses what cannot be used on them.

    Returns
    -------
    callable
        Decorator that registers the analysis and returns the function unchanged.
    """

    def register(make: F) -> F:
        lines = (make.__doc__ or params.__doc__ or "").strip().splitlines()
        _REGISTRY[name] = Analysis(
            name,
            version,
            params,
            tuple(inputs),
            outputs,
            make,
            lines[0] if lines else "",
            make_joint,
            joint_outputs,
            more_inputs,
            still_outputs,
            check,
        )
        return make

    return register


def _plugins() -> Mapping[str, EntryPoint]:
    """Return the plug-ins of the packages that can be imported, by name."""
    return _plugins_on(tuple(sys.path))


@lru_cache(maxsize=1)  # a look opens the metadata of every installed package
def _plugins_on(_path: tuple[str, ...]) -> Mapping[str, EntryPoint]:
    return {point.name: point for point in entry_points(group="mystax.analyses")}


def names_of_analyses() -> list[str]:
    """List the names of all analyses that a recipe can run, plug-ins last."""
    return [
        *_BUILT_IN,
        *(
            name
            for name in [*_plugins(), *_REGISTRY]
            if name not in _BUILT_IN and name not in _ON_OUTCOMES and name not in _BROKEN
        ),
    ]


def names_on_outcomes() -> list[str]:
    """List the names of the analyses that take outcomes and further data; no run of a recording has one."""
    return list(_ON_OUTCOMES)


def broken_plugins() -> Mapping[str, str]:
    """Return the plug-ins that failed to load, with the reason (X002)."""
    return dict(_BROKEN)


def get_analysis(name: str) -> Analysis:
    """Return a declared analysis by name; its module is imported at the first call.

    Raises
    ------
    RecipeError
        P403, if there is no such analysis (with the nearest name).
    """
    if name not in _REGISTRY:
        if name in _BUILT_IN or name in _ON_OUTCOMES:
            import_module({**_BUILT_IN, **_ON_OUTCOMES}[name])
        elif name in (plugins := _plugins()):
            _load_plugin(plugins[name])
    if name not in _REGISTRY:
        reason = f" (the plug-in is broken: {_BROKEN[name]})" if name in _BROKEN else ""
        raise RecipeError(
            "P403",
            f"analysis {name!r}",
            f"there is no such analysis{reason}{nearest(name, names_of_analyses())}",
        )
    return _REGISTRY[name]


def _load_plugin(point: EntryPoint) -> None:
    """Import a plug-in; a broken one is noted (X002) and does not disturb the rest."""
    try:
        point.load()
    except Exception as error:  # noqa: BLE001 - a plug-in is foreign code: whatever it raises stays with it
        _BROKEN[point.name] = f"{type(error).__name__}: {error}"
