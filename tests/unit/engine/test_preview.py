"""The preview of one frame equals the outcome bit for bit."""

import tracemalloc
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from xarray import Dataset

import mystax
from mystax.core.analysis import Analysis, FramesIn, Pass
from mystax.core.dataset import Schema, Variable
from mystax.core.geometry import Ellipse, Rectangle, Roi, RoiKind
from mystax.core.params import Params
from mystax.core.recording import ArraySource, FrameChunk
from mystax.engine.preview import preview
from mystax.errors import ParameterError, RecipeError, RoiError
from mystax.io.video import Video
from mystax.synth import faulty_video
from mystax.synth.eye import eye_movie
from tests.fixtures.engine_toys import frames_of

N = 70
SIZE = (96, 112)
ROIS: Mapping[RoiKind, Roi] = {
    "motion": Roi("pad", "motion", Rectangle(8, 20, 60, 48)),
    "pupil": Roi("eye", "pupil", Ellipse(56, 48, 24, 20, 0.0), scale=(0.02, 0.02)),
    "blink": Roi("lids", "blink", Rectangle(30, 30, 50, 40)),
    "running": Roi("wheel", "running", Rectangle(10, 40, 64, 50)),
}


@pytest.fixture(scope="module")
def source() -> ArraySource:
    """Frames with texture, two missing ones and a gap in time."""
    frames = frames_of(3, N, SIZE)
    reason = np.zeros(N, np.uint8)
    reason[[20, 41]] = 1
    times = np.arange(N) / 40.0
    times[50:] += 0.5
    return ArraySource(frames, times=times, reason=reason)


def _assert_equal(name: str, source: mystax.Recording | ArraySource | Video, places: list[int]) -> None:
    roi = ROIS[name]  # type: ignore[index] # the names of these analyses are kinds of regions
    function = getattr(mystax, name)
    outcome = function(source, rois=roi)
    n_finite = 0
    for place in places:
        assert not isinstance(source, mystax.Recording)
        found = preview(name, source, roi, frame=place)
        assert found.sizes["time"] == 1
        assert set(found.data_vars) > {"missing"}
        for variable in found.data_vars:
            whole = outcome[variable]
            if "time" in whole.dims:
                whole = whole.isel(time=slice(place, place + 1))
            shown = found[variable].values
            assert shown.dtype == whole.dtype
            assert shown.tobytes() == whole.values.tobytes(), (variable, place)
            n_finite += int(np.isfinite(shown).sum())
        assert found["frame"].item() == place
        assert found["time"].item() == outcome["time"].values[place]
    assert n_finite > len(places)


@pytest.mark.parametrize("name", ["motion", "pupil", "blink", "running"])
def test_preview_equals_the_outcome(name: str, source: ArraySource) -> None:
    places = np.random.default_rng(len(name)).choice(N, 25, replace=False).tolist()
    _assert_equal(name, source, [0, 1, 20, 21, 49, 50, N - 1, *places])


@pytest.fixture(scope="module")
def damaged_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "face.mp4"
    faulty_video(path, "flipped", n_frames=90, size=(112, 96), scene="face", b_frames=2)
    return path


@pytest.mark.parametrize("name", ["motion", "pupil", "blink", "running"])
def test_preview_of_a_video_equals_the_outcome(name: str, damaged_film: Path) -> None:
    video = Video(damaged_film)
    _assert_equal(name, video, [0, 7, 33, 59, 60, 61, 89])
    video.close()


def test_preview_of_a_pupil_that_is_seen_equals_the_outcome() -> None:
    movie = eye_movie(60, seed=4, blinks=[(0.7, 0.9)])
    outcome = mystax.pupil(movie.source, rois=movie.pupil)
    n_seen = 0
    for place in np.random.default_rng(1).choice(60, 20, replace=False).tolist():
        found = preview("pupil", movie.source, movie.pupil, frame=place)
        for name in ("area", "centre", "angle", "confidence", "threshold"):
            whole = outcome[name].isel(time=[place]) if "time" in outcome[name].dims else outcome[name]
            if name in found:
                assert found[name].values.tobytes() == whole.values.tobytes(), (name, place)
        n_seen += int(np.isfinite(found["area"].item()))
    assert n_seen > 10


class _Broadcast(ArraySource):
    """One picture again and again, which has no room in memory as often as it comes."""

    identity = ("one picture",)  # a fingerprint would be taken of all of them

    def sample(self, n: int) -> FrameChunk:
        """Give one of them: they are all the same."""
        assert n > 0
        return self.frame_at(0)


@pytest.mark.parametrize("name", ROIS)
def test_a_long_recording_costs_no_more_than_a_short_one(name: RoiKind) -> None:
    """The values of two million frames are those of the short film; room is taken for two of them."""
    short = frames_of(5, 2, SIZE)
    n_long = 2_000_000
    long = _Broadcast(np.broadcast_to(short[:1], (n_long, *SIZE)))
    assert long.frame_at(n_long - 1).time[0] == (n_long - 1) / 30, "times are made before memory is measured"
    wanted = getattr(mystax, name)(ArraySource(np.repeat(short[:1], 8, axis=0)), rois=ROIS[name])
    tracemalloc.start()
    try:
        found = preview(name, long, ROIS[name], frame=7)
        last = preview(name, long, ROIS[name], frame=n_long - 1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    for variable in found.data_vars:
        if "time" in found[variable].dims:
            assert found[variable].values.tobytes() == wanted[variable].values[7:8].tobytes(), variable
    assert (found["frame"].item(), last["frame"].item()) == (7, n_long - 1)
    assert last["time"].item() == (n_long - 1) / 30
    assert peak < n_long, "less than a byte for each frame"


def test_an_analysis_that_counts_rows_or_indexes_by_frame_is_shown_a_stretch(source: ArraySource) -> None:
    class Counted:
        n_passes = 1

        def start(self, source: Pass) -> None:
            self.level = np.full(source.n_frames, np.nan, np.float32)
            self.rows: list[float] = []
            self.source = source

        def update(self, chunk: FrameChunk) -> None:
            mean = chunk.data.mean(axis=(1, 2))
            self.level[chunk.index] = mean
            self.rows += mean.tolist()
            again = self.source.frame_at(int(chunk.index[0])).data[0]
            assert np.array_equal(again, chunk.data[0])
            assert chunk.base + chunk.index[0] in (8, 9)

        def end_pass(self) -> None:
            assert self.source.clock.n == self.source.n_frames == len(self.rows) == 2

        def work(self) -> None:
            return None

        def finish(self) -> Dataset:
            assert self.level.tolist() == np.array(self.rows, np.float32).tolist()
            return Dataset({"level": ("time", self.level)})

        def flags(self) -> tuple[()]:
            return ()

    made = Schema({"level": Variable(("time",), "grey_level", "float32", "Mean.", raw=True)}, per_roi=False)
    found = Analysis("counted", 1, Params, (FramesIn(),), made, lambda _: Counted())  # type: ignore[arg-type, return-value] # no more than a preview needs
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mystax.engine.preview.get_analysis", lambda _: found)
        shown = preview("counted", source, frame=9)
    assert shown["level"].item() == np.float32(source.frame_at(9).data[0].mean())
    assert shown["frame"].item() == 9


def test_what_needs_the_whole_recording_is_left_out(source: ArraySource) -> None:
    found = preview("pupil", source, ROIS["pupil"], frame=5)
    assert "area" in found
    assert "area_smooth" not in found
    assert "energy_norm" not in preview("motion", source, frame=5)


def test_parameters_are_those_of_a_run(source: ArraySource) -> None:
    found = preview("motion", source, ROIS["motion"], {"bin": 2}, frame=9)
    assert found["energy"].item() == mystax.motion(source, rois=ROIS["motion"], bin=2)["energy"].values[9, 0]
    with pytest.raises(ParameterError, match="did you mean 'bin'"):
        preview("motion", source, None, {"bim": 2})


def test_mistakes_are_refused(source: ArraySource) -> None:
    with pytest.raises(RecipeError, match=r"a frame of 0\.\.69"):
        preview("motion", source, frame=N)
    with pytest.raises(RecipeError, match="whole recording"):
        preview("svd", source)
    with pytest.raises(RoiError, match="no region of kind 'pupil'"):
        preview("pupil", source)
    with pytest.raises(RoiError, match="outside the picture"):
        preview("pupil", source, Roi("eye", "pupil", Rectangle(900, 900, 40, 40)))


@pytest.mark.parametrize("name", ROIS)
def test_frames_that_follow_each_other_are_those_of_the_outcome(name: RoiKind, source: ArraySource) -> None:
    whole = getattr(mystax, name)(source, rois=ROIS[name])
    for frame, n in [(0, 5), (18, 10), (48, 4), (N - 3, 10)]:
        found = preview(name, source, ROIS[name], frame=frame, n_frames=n)
        assert found.sizes["time"] == min(n, N - frame)
        for variable in found.data_vars:
            if "time" in found[variable].dims:
                wanted = whole[variable].values[frame : frame + n]
                assert found[variable].values.tobytes() == wanted.tobytes(), (variable, frame)


@pytest.mark.parametrize(("name", "level"), [("pupil", "threshold"), ("blink", "level")])
def test_what_the_fit_sees_comes_with_the_same_values_and_the_threshold_of_the_outcome(
    name: str, level: str
) -> None:
    movie = eye_movie(20, seed=4)
    roi = getattr(movie, name)
    outcome = getattr(mystax, name)(movie.source, rois=roi)
    for frame in (0, 11):
        plain = preview(name, movie.source, roi, frame=frame)
        found = preview(name, movie.source, roi, frame=frame, sight=True)
        for variable in plain.variables:
            assert found[variable].values.tobytes() == plain[variable].values.tobytes(), variable
        assert found["sight_thresholds"].values[0] == outcome[level].item()
        assert found["sight_kind"].shape == found["sight_picture"].shape


def test_nothing_is_seen_of_a_missing_frame_or_by_an_analysis_without_a_threshold(
    source: ArraySource,
) -> None:
    for name, frame in (("pupil", 20), ("motion", 5), ("running", 5)):
        found = preview(name, source, ROIS[name], frame=frame, sight=True)  # type: ignore[index] # as above
        assert set(found.data_vars) == set(preview(name, source, ROIS[name], frame=frame).data_vars)  # type: ignore[index] # as above
