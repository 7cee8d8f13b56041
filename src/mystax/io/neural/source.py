"""What a reader of neural data gives: activity or spikes, places and judgements of neurons, times if any."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from mystax.core.quality import Flag
from mystax.core.typing import Float64, Int32, Int64, Shaped
from mystax.io.neural.slabs import Matrix

__all__ = ["NeuralSource", "Neurons", "fingerprints", "ids_text"]


@dataclass(frozen=True, eq=False)
class Neurons:
    """The table of neurons.

    Attributes
    ----------
    ids : array (neuron,)
        Numbers in the source.
    place : array (neuron, 3)
        x, y, z; NaN where unknown.
    unit : {"um", "px"}
        Of the places.
    area, quality : array (neuron,)
        Texts; empty where unknown.
    plane : array (neuron,)
        Imaging plane; -1 where unknown.
    """

    ids: Int64[np.ndarray, " neuron"]
    place: Float64[np.ndarray, "neuron space"]
    unit: str
    area: Shaped[np.ndarray, " neuron"]
    quality: Shaped[np.ndarray, " neuron"]
    plane: Int64[np.ndarray, " neuron"]

    @classmethod
    def of(
        cls,
        ids: Shaped[np.ndarray, " neuron"],
        *,
        place: Float64[np.ndarray, "neuron space"] | None = None,
        unit: str = "um",
        area: Sequence[str] | None = None,
        quality: Sequence[str] | None = None,
        plane: Shaped[np.ndarray, " neuron"] | None = None,
    ) -> "Neurons":
        """Make the table; what is not given is unknown."""
        n = len(ids)
        return cls(
            np.asarray(ids, np.int64),
            np.full((n, 3), np.nan) if place is None else np.asarray(place, np.float64),
            unit,
            np.array([""] * n if area is None else list(area), dtype=np.str_),
            np.array([""] * n if quality is None else list(quality), dtype=np.str_),
            np.full(n, -1, np.int64) if plane is None else np.asarray(plane, np.int64),
        )

    def __len__(self) -> int:
        return len(self.ids)

    def subset(self, chosen: Int64[np.ndarray, " chosen"]) -> "Neurons":
        """Return some of the neurons."""
        return Neurons(
            self.ids[chosen],
            self.place[chosen],
            self.unit,
            self.area[chosen],
            self.quality[chosen],
            self.plane[chosen],
        )


@dataclass(frozen=True, eq=False)
class NeuralSource:
    """Neural data as their files have them.

    Attributes
    ----------
    format : str
        Name of the format.
    where : str
        Name for messages.
    signal : str
        One of `mystax.core.neural.SIGNALS`.
    neurons : Neurons
        The table of neurons.
    matrix : Matrix or None
        Activity, time x neuron.
    spike_time, spike_neuron : array (spike,) or None
        Times [s], rising, and positions in the table.
    times : array (time,) or None
        Times of the rows [s], where the files have them.
    rate : Fraction or None
        Frames per second, where the files say it; no clock.
    offset : float
        By how much the frames come later than the clock says [s].
    plane_delay : float or None
        By how much each plane comes later than the one before [s]; None if it is not known.
    has_baseline : bool
        Whether a moving baseline is to be taken off (raw fluorescence).
    observed : sequence of array (interval, 2) or None
        For each neuron when it was observed [s].
    files : sequence of Path
        What was read.
    counts : mapping
        Numbers for the report.
    flags : tuple of Flag
        Remarks.
    """

    format: str
    where: str
    signal: str
    neurons: Neurons
    matrix: Matrix | None = None
    spike_time: Float64[np.ndarray, " spike"] | None = None
    spike_neuron: Int32[np.ndarray, " spike"] | None = None
    times: Float64[np.ndarray, " time"] | None = None
    rate: Fraction | None = None
    offset: float = 0.0
    plane_delay: float | None = None
    has_baseline: bool = False
    observed: Sequence[Float64[np.ndarray, "... 2"]] | None = None
    files: Sequence[Path] = ()
    counts: Mapping[str, object] = field(default_factory=dict)
    flags: tuple[Flag, ...] = ()


def fingerprints(files: Sequence[Path]) -> list[dict[str, str]]:
    """Name files by their content."""
    from mystax.io.fingerprint import quick_id

    return [{"file": path.name, "id": quick_id(path)} for path in files]


def ids_text(left_out: Mapping[str, Sequence[int]]) -> str:
    """Write the attribute `left_out`: reason to numbers of neurons."""
    return json.dumps({reason: [int(one) for one in ids] for reason, ids in left_out.items()})
