"""A run that is stopped anywhere and taken up again gives the same bits, for every size of chunk."""

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mystax
from mystax.core.events import Event
from mystax.engine.recipe import recipe_from
from mystax.errors import Cancelled
from mystax.io.outcomes import Outcomes
from mystax.synth import faulty_video
from tests.fixtures.engine_runs import StopAt, digest_of, run_folder, toy_recipe
from tests.fixtures.engine_toys import make_recording, toy_spec

N = 60


def _digest(folder: Path, cameras: list[str], name: str, parameters: dict[str, object]) -> str:
    run_folder(folder, make_recording(toy_spec(N, cameras=cameras)), toy_recipe(name, **parameters), size=16)
    return digest_of(folder, name)


@pytest.mark.slow
@settings(deadline=None, max_examples=15)
@given(
    stops=st.lists(st.integers(0, 40), min_size=1, max_size=3),
    sizes=st.lists(st.integers(1, 64), min_size=4, max_size=4),
    n_readings=st.integers(1, 2),
    n_works=st.integers(0, 3),
    scratch=st.sampled_from([None, "none", "folder"]),
    shape=st.sampled_from([("toy", ["face"]), ("toy", ["left", "right"]), ("toyjoint", ["left", "right"])]),
)
def test_stopped_runs_end_with_equal_content(
    stops: list[int],
    sizes: list[int],
    n_readings: int,
    n_works: int,
    scratch: str | None,
    shape: tuple[str, list[str]],
) -> None:
    name, cameras = shape
    parameters: dict[str, object] = {"n_readings": n_readings, "n_works": n_works}
    with tempfile.TemporaryDirectory() as top:
        truth = _digest(Path(top, "truth"), cameras, name, parameters)
        rows = Path(top, "scratch")
        rows.mkdir()
        place = {None: "auto", "none": "auto", "folder": str(rows)}[scratch]
        more = {**parameters, "scratch": scratch == "folder"}
        folder = Path(top, "stopped")
        for stop, size in zip(stops, sizes, strict=False):
            recording = make_recording(toy_spec(N, cameras=cameras))
            try:
                run_folder(
                    folder, recording, toy_recipe(name, **more), report=StopAt(stop), scratch=place, size=size
                )
            except Cancelled:
                continue
        recording = make_recording(toy_spec(N, cameras=cameras))
        run_folder(folder, recording, toy_recipe(name, **more), scratch=place, size=sizes[-1])
        assert digest_of(folder, name) == truth
        assert not list(rows.iterdir())
        assert not list((folder / ".mystax" / "work").glob("*"))


class Between:
    """Callback that takes up another run at event number n, and stops it there after some events."""

    def __init__(self, n: int, other: Callable[[StopAt], None]) -> None:
        self._left, self._other = n, other

    def __call__(self, event: Event) -> None:  # noqa: ARG002 - only their number counts
        self._left -= 1
        if self._left == 0:
            self._other(StopAt(1))


@pytest.mark.slow
@pytest.mark.parametrize("stop", [3, 5, 8])
@pytest.mark.parametrize("meet", range(2, 10))
def test_equal_runs_into_two_folders_share_no_scratch_file(stop: int, meet: int, tmp_path: Path) -> None:
    rows = tmp_path / "rows"
    rows.mkdir()
    recipe = toy_recipe(scratch=True, n_works=2)

    def run(name: str, report: Callable[[Event], None], *, ends: bool = True) -> None:
        recording = make_recording(toy_spec(N))
        with contextlib.nullcontext() if ends else pytest.raises(Cancelled):
            run_folder(tmp_path / name, recording, recipe, report=report, scratch=str(rows), size=10)

    def go_on(report: StopAt) -> None:
        run("first", report, ends=False)

    go_on(StopAt(stop))
    run("second", Between(meet, go_on))
    run("first", StopAt(10**6))
    run_folder(tmp_path / "truth", make_recording(toy_spec(N)), recipe)
    truth = digest_of(tmp_path / "truth")
    assert [digest_of(tmp_path / name) for name in ("first", "second")] == [truth, truth]
    assert not list(rows.iterdir())


@pytest.mark.parametrize("kind", ["flipped", "cut_70"])
def test_remarks_on_damage_do_not_depend_on_interruptions(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "face.mp4"
    faulty_video(path, kind, n_frames=120, key_interval=20)

    def run(folder: Path, report: StopAt) -> None:
        recording = mystax.open(path)
        try:
            run_folder(folder, recording, recipe_from("quick"), report=report, size=10)
        finally:
            recording.close()

    run(tmp_path / "truth", StopAt(10**6))
    for at in (4, 9):
        with pytest.raises(Cancelled):
            run(tmp_path / "stopped", StopAt(at))
    run(tmp_path / "stopped", StopAt(10**6))
    truth, stopped = (Outcomes.of_folder(tmp_path / name)["motion"].attrs for name in ("truth", "stopped"))
    assert truth["quality"] != "[]"
    assert stopped["quality"] == truth["quality"]
    assert stopped["content_sha256"] == truth["content_sha256"]


@pytest.mark.parametrize("at", range(0, 20, 3))
def test_a_stopped_run_goes_on_where_it_was(at: int, tmp_path: Path) -> None:
    stop = StopAt(at)
    with pytest.raises(Cancelled):
        run_folder(tmp_path, make_recording(toy_spec(N)), report=stop, size=3)
    again = StopAt(10**6)
    run_folder(tmp_path, make_recording(toy_spec(N)), report=again, size=3)
    places = [event.data["frame"] for event in stop.events if event.stage == "reading 1"]
    resumed = [event.done for event in again.events if event.stage == "resume"]
    assert resumed == ([places[-1]] if places else [])
