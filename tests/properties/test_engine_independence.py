"""Every frame analysis: equal content for any chunk, number of threads, place of rows and interruption."""

import contextlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from xarray import Dataset

from mystax.compute import decompose
from mystax.core.events import Event
from mystax.core.geometry import Ellipse, Rectangle, Roi
from mystax.core.recording import ArraySource, Camera, Recording
from mystax.engine.recipe import recipe_from
from mystax.errors import Cancelled
from mystax.io.outcomes import Outcomes
from tests.fixtures.engine_runs import StopAt, digests_of, run_folder
from tests.fixtures.measure import moving_movie

N = 160
SHAPE = (72, 96)
ROIS = (
    Roi("pad", "motion", Rectangle(0, 0, 64, 64), "face"),
    Roi("eye", "pupil", Ellipse(40, 36, 20, 18), "face"),
    Roi("lid", "blink", Ellipse(40, 36, 24, 22), "face"),
    Roi("wheel", "running", Rectangle(40, 20, 48, 48), "face"),
)
NAMES = ("motion", "svd", "pupil", "blink", "running")
PARAMETERS: dict[str, dict[str, object]] = {
    "motion": {"bin": 4},
    "svd": {"n_components": 6, "bin": 4, "with_movie": True},
}


def _frames() -> np.ndarray:
    frames = moving_movie(N, SHAPE, 3)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    radius = 9 + 2 * np.sin(np.arange(N) / 9)
    frames[((x - 40) ** 2 + (y - 36) ** 2)[None] < (radius**2)[:, None, None]] = 12
    return frames


FRAMES = _frames()


def _recording() -> Recording:
    reason = np.zeros(N, np.uint8)
    reason[[50, 51, 120]] = 1, 2, 1
    source = ArraySource(FRAMES, Fraction(100), reason=reason)
    return Recording("r", {"face": Camera("face", source)})


def _digests(folder: Path, *names: str, rois: tuple[Roi, ...] = ROIS, **more: object) -> dict[str, str]:
    recipe = recipe_from(
        analyses=names, parameters={name: PARAMETERS[name] for name in names if name in PARAMETERS}
    )
    run_folder(folder, _recording(), recipe, rois=rois, **more)  # type: ignore[arg-type] # options of the run
    return digests_of(folder, *names)


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Digests of an undisturbed run."""
    return _digests(tmp_path_factory.mktemp("truth"), *NAMES)


class Places:
    """Callback that stops a run at every place at which no run was stopped before."""

    def __init__(self) -> None:
        self.known: set[tuple[str, int]] = set()

    def __call__(self, event: Event) -> None:
        place = event.stage, event.done
        if event.kind == "progress" and event.stage != "start" and place not in self.known:
            self.known.add(place)
            raise Cancelled("run")


@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.slow), 7, 500])
def test_chunk_size(size: int, truth: dict[str, str], tmp_path: Path) -> None:
    assert _digests(tmp_path, *NAMES, size=size) == truth


def test_threads(truth: dict[str, str], tmp_path: Path) -> None:
    assert _digests(tmp_path, *NAMES, cores=4) == truth


def test_no_room_for_scratch_files(truth: dict[str, str], tmp_path: Path) -> None:
    assert _digests(tmp_path, *NAMES, scratch="none") == truth


@pytest.mark.parametrize("name", NAMES)
def test_alone(name: str, truth: dict[str, str], tmp_path: Path) -> None:
    assert _digests(tmp_path, name)[name] == truth[name]


def test_other_regions_on_top_change_no_bit(truth: dict[str, str], tmp_path: Path) -> None:
    assert _digests(tmp_path, "motion", "svd", rois=ROIS[:1]) == {
        name: truth[name] for name in ("motion", "svd")
    }


@pytest.mark.parametrize(
    ("seed", "scratch"),
    [(0, "auto"), (1, "none"), *(pytest.param(2, name, marks=pytest.mark.slow) for name in ("auto", "none"))],
)
def test_interruptions(seed: int, scratch: str, truth: dict[str, str], tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    for stop in rng.integers(3, 30, 4):
        try:
            _digests(
                tmp_path, *NAMES, report=StopAt(int(stop)), size=int(rng.integers(5, 60)), scratch=scratch
            )
        except Cancelled:
            continue
    assert _digests(tmp_path, *NAMES, scratch=scratch) == truth


@pytest.mark.parametrize("scratch", ["auto", pytest.param("none", marks=pytest.mark.slow)])
def test_stopped_at_every_place(
    scratch: str, truth: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decompose, "SLICE", 0.0)  # each block of a later reading is a place
    places, found = Places(), None
    while found is None:
        with contextlib.suppress(Cancelled):
            found = _digests(tmp_path, *NAMES, report=places, size=64, scratch=scratch)
    assert found == truth
    assert len(places.known) >= 10


def test_order_of_regions(tmp_path: Path) -> None:
    second = Roi("other", "motion", Rectangle(10, 8, 50, 60), "face")
    there, back = (ROIS[0], second), (second, ROIS[0])
    for folder, rois in (("there", there), ("back", back)):
        _digests(tmp_path / folder, "motion", "svd", rois=rois)
    one, other = (Outcomes.of_folder(tmp_path / folder) for folder in ("there", "back"))
    for name, variables in (("motion", ("energy", "energy_norm")), ("svd", ("motion_singular_value",))):
        for variable in variables:
            values = one[name][variable].sel(roi=["pad", "other"]).values
            np.testing.assert_array_equal(values, other[name][variable].sel(roi=["pad", "other"]).values)


# a large region, whose bins are read more than once ------------------------------------------------------

N_LARGE = 4200
SVD: dict[str, object] = {"n_components": 20, "bin": 1}
WAYS: dict[str, dict[str, object]] = {
    "1 core": {"cores": 1},
    "2 cores": {"cores": 2},
    "4 cores": {"cores": 4},
    "chunks of 7": {"size": 7},
    "chunks of 64": {"size": 64},
    "chunks of 500": {"size": 500},
    "rows on disk": {"scratch": "rows"},
    "no scratch": {"scratch": "none"},
}


class AtFrames:
    """Callback that stops the first reading when it has come to a frame, once for each of some frames."""

    def __init__(self, frames: list[int]) -> None:
        self.left = sorted(frames)

    def __call__(self, event: Event) -> None:
        is_reading = event.kind == "progress" and event.stage == "reading 1"
        if is_reading and self.left and int(str(event.data["frame"])) >= self.left[0]:
            self.left.pop(0)
            raise Cancelled("run")


@pytest.fixture(scope="module")
def large() -> np.ndarray:
    """Frames with more bins, and more of them, than an exact decomposition takes."""
    part = moving_movie(600, SHAPE, 5)
    return np.concatenate([np.roll(part, 5 * k, axis=2) for k in range(N_LARGE // 600)])


def _svd(folder: Path, frames: np.ndarray, **options: object) -> Dataset:
    """Decompose the whole frame; the parameters may be changed with `svd`."""
    parameters = {**SVD, **options.pop("svd", {})}  # type: ignore[dict-item] # a mapping of the tests
    recipe = recipe_from(analyses=["svd"], parameters={"svd": parameters})
    recording = Recording("r", {"face": Camera("face", ArraySource(frames, Fraction(100)))})
    run_folder(folder, recording, recipe, rois=(), **options)  # type: ignore[arg-type] # options of the run
    return Outcomes.of_folder(folder)["svd"]


@pytest.fixture(scope="module")
def large_truth(large: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Content of an undisturbed run."""
    found = _svd(tmp_path_factory.mktemp("large"), large)
    assert str(found["motion_method"].values[0]) == "subspace"
    return str(found.attrs["content_sha256"])


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_large_regions_are_the_same_every_way(
    way: str, large: np.ndarray, large_truth: str, tmp_path: Path
) -> None:
    options = dict(WAYS[way])
    if options.get("scratch") == "rows":
        options["scratch"] = str(tmp_path)
    assert _svd(tmp_path / "out", large, **options).attrs["content_sha256"] == large_truth


@pytest.mark.slow
def test_large_regions_are_the_same_after_five_interruptions(
    large: np.ndarray, large_truth: str, tmp_path: Path
) -> None:
    frames = np.random.default_rng(4).permutation(N_LARGE)[:5].tolist()
    stop, n_stopped = AtFrames(frames), 0
    for _ in frames:
        with contextlib.suppress(Cancelled):
            _svd(tmp_path, large, report=stop, size=20)
            break
        n_stopped += 1
    assert (n_stopped, stop.left) == (5, [])
    found = _svd(tmp_path, large, size=20)
    assert found.attrs["run_resumed_at"] >= max(frames)
    assert found.attrs["content_sha256"] == large_truth


@pytest.mark.slow
def test_without_a_spool_every_frame_is_decoded_exactly_twice(large: np.ndarray, tmp_path: Path) -> None:
    rows, decoded, files = tmp_path / "rows", [0], set[str]()
    rows.mkdir()

    def watch(event: Event) -> None:
        files.update(path.name for path in tmp_path.rglob("*.spool"))
        decoded.append(int(str(event.data.get("decoded", 0))))

    found = _svd(tmp_path / "out", large, svd={"max_spool": 0.0}, report=watch, scratch=str(rows))
    assert str(found["motion_method"].values[0]) == "subspace_streamed"
    assert max(decoded) == found.attrs["run_n_decoded"] == 2 * N_LARGE
    assert files
    assert not [name for name in files if "bins" in name]
    assert not list(rows.iterdir())
