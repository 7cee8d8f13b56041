"""The battery on every analysis, and the battery on analyses that are wrong on purpose."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mystax.core import analysis as registry
from mystax.core.analysis import FramesIn, Pass, RoiIn, analysis
from mystax.core.dataset import Schema, Variable
from mystax.core.params import Params, param
from mystax.core.quality import Flag
from mystax.core.recording import FrameChunk
from mystax.testing import CHECKS, check_analysis

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

pytestmark = pytest.mark.usefixtures("nwb_rules_read_once")

PARAMETERS: Mapping[str, dict[str, object]] = {"svd": {"n_components": 8, "bin": 4}}


NAMES = ("rois", "motion", "svd", "pupil", "blink", "running", "pose")
QUICK = ("outcome_keeps_its_schema", "one_frame_is_enough")
"""Checks of `rois` in every run: each looks for a face with the network, again and again."""
LONG = ("batch_size_changes_nothing", "threads_change_nothing", "same_input_gives_equal_bits")
"""Checks of `pose` that track many times."""
CASES = [
    pytest.param(
        name,
        check,
        marks=[pytest.mark.slow]
        if (name == "rois" and check not in QUICK) or (name == "pose" and check in LONG)
        else [],
    )
    for name in NAMES
    for check in CHECKS
]


@pytest.mark.parametrize(("name", "check"), CASES)
def test_analysis_passes(name: str, check: str) -> None:
    CHECKS[check](name, dict(PARAMETERS.get(name, {})))


class ToyParams(Params):
    """Parameters of the toy."""

    gain: float = param(1.0, gt=0, le=10, help="Factor.")


class Toy:
    """Mean grey of each region, with one mistake on request."""

    n_passes = 1

    def __init__(self, mistake: str) -> None:
        self.mistake = mistake
        self.rows: list[np.ndarray] = []
        self.chunks = 0

    def start(self, source: Pass) -> None:
        self.masks = [roi.mask(source.shape) for roi in source.rois]
        self.rows = []

    def update(self, chunk: FrameChunk) -> None:
        self.chunks += 1
        for k in range(len(chunk)):
            values = np.array([chunk.data[k][mask].mean() for mask in self.masks])
            if self.mistake == "chunks":
                values = values + 0.5 * self.chunks
            if self.mistake == "other rois" and len(values) > 1:
                values = values + 1
            if not chunk.valid[k] and self.mistake != "missing":
                values = np.full(len(values), np.nan)
            self.rows.append(values)

    def end_pass(self) -> None:
        pass

    def work(self) -> float | None:
        return None

    def state(self) -> Mapping[str, np.ndarray]:
        return {"rows": np.array(self.rows).reshape(len(self.rows), len(self.masks))}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        rows = state["rows"] if self.mistake != "restore" else state["rows"][:-1]
        self.rows = list(rows)

    def finish(self) -> Dataset:
        import xarray as xr

        grey = np.array(self.rows, np.float64 if self.mistake == "schema" else np.float32)
        return xr.Dataset({"grey": (("time", "roi"), grey.reshape(-1, len(self.masks)))})

    def flags(self) -> Sequence[Flag]:
        return ()


def declare(monkeypatch: pytest.MonkeyPatch, mistake: str) -> None:
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    schema = Schema({"grey": Variable(("time", "roi"), "grey_level", "float32", "Mean grey.")})

    @analysis("toy", version=1, params=ToyParams, inputs=[FramesIn(), RoiIn("motion")], outputs=schema)
    def toy(params: ToyParams) -> Any:
        """Mean grey."""
        return Toy(mistake)


def test_sound_analysis_passes_the_whole_battery(monkeypatch: pytest.MonkeyPatch) -> None:
    declare(monkeypatch, "")
    check_analysis("toy")


@pytest.mark.parametrize(
    ("mistake", "check"),
    [
        ("chunks", "chunk_size_changes_nothing"),
        ("other rois", "other_rois_change_nothing"),
        ("missing", "missing_frames_stay_missing"),
        ("schema", "outcome_keeps_its_schema"),
    ],
)
def test_each_mistake_is_found_by_its_check(
    monkeypatch: pytest.MonkeyPatch, mistake: str, check: str
) -> None:
    declare(monkeypatch, mistake)
    with pytest.raises(AssertionError, match=check):
        check_analysis("toy")


def test_lost_rows_after_a_restart_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    declare(monkeypatch, "restore")
    with pytest.raises((AssertionError, ValueError)):
        check_analysis("toy")
