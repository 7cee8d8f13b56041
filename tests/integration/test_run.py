"""`mystax.run` on files: from the first run to the one that does nothing."""

import json
import shutil
import signal
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.compute.proposals import proposed_rois
from mystax.core.events import Event
from mystax.core.geometry import Rectangle, Roi
from mystax.engine import run as engine
from mystax.engine.places import FolderPlace
from mystax.engine.recipe import Recipe, Step
from mystax.engine.run import plan_run
from mystax.errors import Cancelled, ParameterError, RecipeError, RoiError, StoreError
from mystax.io.outcomes import Outcomes
from mystax.io.rois import read_rois, rois_to_toml
from mystax.io.store import Store
from mystax.synth import faulty_video
from tests.fixtures.commands import run_command
from tests.fixtures.engine_runs import without_pose
from tests.fixtures.engine_toys import frames_of

N = 40
SMALL: dict[str, dict[str, object]] = {"svd": {"n_components": 5}}
HERE: dict[str, Any] = {"report": False, "isolated": False}
"""What is measured matters, not that it is done in a child."""
PAD = Roi("pad", "motion", Rectangle(20, 30, 40, 40))
EYE = Roi("eye", "pupil", Rectangle(50, 40, 30, 30))


def _video(folder: Path, name: str = "face.mp4", *, seed: int = 0, n: int = N) -> Path:
    path = folder / name
    faulty_video(path, "clean", n_frames=n, seed=seed)
    return path


def _stamps(folder: Path) -> dict[str, tuple[int, int]]:
    return {path.name: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.glob("*")}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcomes]:
    """A video that has been run once with the standard recipe."""
    folder = tmp_path_factory.mktemp("standard")
    return folder, mystax.run(_video(folder), parameters=SMALL, report=False)


def test_outcomes_go_beside_the_video(finished: tuple[Path, Outcomes]) -> None:
    folder, outcomes = finished
    names = {path.name for path in (folder / "face.mystax").iterdir()}
    assert {"rois.nc", "motion.nc", "svd.nc", "recipe.toml", "rois.toml"} <= names
    assert {"rois", "motion", "svd"} <= set(outcomes)
    assert outcomes["motion"].sizes["time"] == N


def test_plain_xarray_opens_them_with_units(finished: tuple[Path, Outcomes]) -> None:
    import xarray as xr

    for name in ("rois", "motion", "svd"):
        with xr.open_dataset(finished[0] / "face.mystax" / f"{name}.nc", engine="h5netcdf") as dataset:
            for variable in dataset.data_vars.values():
                assert variable.dtype.kind not in "iuf" or variable.attrs["units"]


def test_a_second_run_does_nothing(finished: tuple[Path, Outcomes]) -> None:
    folder, _ = finished
    before = _stamps(folder / "face.mystax")
    events: list[Event] = []
    mystax.run(folder / "face.mp4", parameters=SMALL, report=False, progress=events.append)
    assert _stamps(folder / "face.mystax") == before
    assert [(event.kind, event.done) for event in events] == [("done", 4)]


@pytest.mark.parametrize("word", ["supervise", "run_in_folder", "run_plan"])
def test_a_signal_that_comes_when_all_is_done_is_still_heard(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who runs one recording after the other would go on with the next one."""
    real = getattr(engine, word)

    def late(*words: Any, **named: Any) -> Any:
        found = real(*words, **named)
        signal.raise_signal(signal.SIGTERM)
        return found

    monkeypatch.setattr(engine, word, late)
    video: Any = _video(tmp_path) if word != "run_plan" else frames_of(0, 5)
    options: dict[str, Any] = {"analyses": "motion", "rois": [], "report": False}
    with pytest.raises(Cancelled) as error:
        mystax.run(video, isolated=word == "supervise", **options)
    assert error.value.signal == signal.SIGTERM
    if word != "run_plan":
        monkeypatch.undo()
        events: list[Event] = []
        mystax.run(video, progress=events.append, **options)
        assert [event.kind for event in events] == ["done"], "nothing was lost"


def test_without_isolation_the_same_is_done_in_this_process(
    finished: tuple[Path, Outcomes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, outcomes = finished
    monkeypatch.setattr("mystax.engine.run.supervise", lambda *_, **__: pytest.fail("a child was started"))
    shutil.copy(folder / "face.mp4", tmp_path)
    found = mystax.run(tmp_path / "face.mp4", analyses=["motion"], propose=True, **HERE)
    for name in ("rois", "motion"):
        assert found[name].attrs["content_sha256"] == outcomes[name].attrs["content_sha256"]


def test_a_second_command_loads_no_library_that_computes(finished: tuple[Path, Outcomes]) -> None:
    folder, _ = finished
    before = _stamps(folder / "face.mystax")
    words = ("run", "face.mp4", "--svd-n-components", "5", "--no-report", "--json")
    found = run_command(*words, cwd=folder, env={"PYTHONPROFILEIMPORTTIME": "1"})
    assert found.status == 0, found.err
    assert {item["state"] for item in found.json["outcomes"]} == {"current"}
    assert _stamps(folder / "face.mystax") == before
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in found.err.splitlines()}
    assert "h5py" in loaded
    assert not loaded & {"xarray", "pandas", "scipy", "numba", "matplotlib", "torch", "onnxruntime"}


def test_a_command_with_nothing_to_do_tells_a_damaged_outcome(
    finished: tuple[Path, Outcomes], tmp_path: Path
) -> None:
    folder, outcomes = finished
    shutil.copytree(folder, tmp_path / "copy")
    path = tmp_path / "copy" / "face.mystax" / "motion.nc"
    data = bytearray(path.read_bytes())
    place = data.find(outcomes["motion"]["energy"].values.tobytes()[40:60])
    assert place > 0
    data[place] ^= 1
    path.write_bytes(data)
    words = ("run", "face.mp4", "--svd-n-components", "5", "--no-report", "--json")
    found = run_command(*words, cwd=tmp_path / "copy")
    assert (found.status, found.codes) == (1, ["S502"]), found.err


def test_regions_of_a_folder_are_those_of_its_outcome(finished: tuple[Path, Outcomes]) -> None:
    folder, outcomes = finished
    found = FolderPlace(Store(folder / "face.mystax")).proposals()
    assert found.rois == proposed_rois(outcomes["rois"])
    assert found.content == outcomes["rois"].attrs["content_sha256"]


def test_nothing_is_left_of_the_work(finished: tuple[Path, Outcomes]) -> None:
    folder = finished[0] / "face.mystax"
    assert not list(folder.rglob("*.part"))
    assert not list((folder / ".mystax" / "work").glob("*"))


def test_recipe_in_use_is_written_with_all_defaults(finished: tuple[Path, Outcomes]) -> None:
    recipe = tomllib.loads((finished[0] / "face.mystax" / "recipe.toml").read_text("utf-8"))
    steps = {step["name"]: step["parameters"] for step in recipe["analysis"]}
    assert steps["svd"]["n_components"] == 5
    assert steps["motion"]["floor"] == 5.0


def test_numbers_are_those_of_the_one_function_call(finished: tuple[Path, Outcomes]) -> None:
    folder, outcomes = finished
    face = [roi for roi in read_rois(folder / "face.mystax" / "rois.toml") if roi.kind == "face"]
    alone = mystax.motion(folder / "face.mp4")
    whole = outcomes["motion"].sel(roi="frame")
    for name in ("energy", "energy_norm", "brightness"):
        np.testing.assert_array_equal(whole[name].values, alone[name].values[:, 0])
    assert outcomes["motion"].sizes["roi"] == 1 + len(face)


def test_provenance_names_file_parameters_and_coverage(finished: tuple[Path, Outcomes]) -> None:
    attributes = finished[1]["motion"].attrs
    inputs = json.loads(attributes["inputs"])
    assert {item["role"] for item in inputs} == {"frames", "rois"}
    assert attributes["coverage"] == 1.0
    assert "face.mp4" in str(attributes["run_files"])


def test_regions_that_a_person_corrects_are_used(tmp_path: Path) -> None:
    video = _video(tmp_path)
    first = mystax.run(video, "quick", **HERE)
    assert first["motion"]["roi"].values.tolist() == ["frame"]
    text = "# mine\n" + rois_to_toml([PAD])
    (tmp_path / "face.mystax" / "rois.toml").write_text(text, "utf-8")
    second = mystax.run(video, "quick", **HERE)
    assert second["motion"]["roi"].values.tolist() == ["pad"]
    assert (tmp_path / "face.mystax" / "rois.toml").read_text("utf-8") == text


def test_given_regions_are_kept_for_the_next_run(tmp_path: Path) -> None:
    video = _video(tmp_path)
    mystax.run(video, analyses=["motion"], rois=[PAD], **HERE)
    before = _stamps(tmp_path / "face.mystax")
    mystax.run(video, analyses=["motion"], **HERE)
    assert _stamps(tmp_path / "face.mystax")["motion.nc"] == before["motion.nc"]


def test_regions_that_are_taken_away_do_not_come_back(tmp_path: Path) -> None:
    """Nothing has to be measured, but the next run without words starts from what is left."""
    video = _video(tmp_path)
    recipe = Recipe(name="mine", analysis=(Step(name="motion"), Step(name="blink")))
    lid = Roi("lid", "blink", Rectangle(50, 40, 30, 30))
    mystax.run(video, recipe, rois=[lid, PAD], **HERE)
    before = _stamps(tmp_path / "face.mystax")
    mystax.run(video, recipe, rois=[PAD], **HERE)
    after = _stamps(tmp_path / "face.mystax")
    assert {name for name in before if before[name] != after[name]} - {".mystax"} == {"rois.toml"}
    assert read_rois(tmp_path / "face.mystax" / "rois.toml") == (PAD,)
    assert plan_run(video, recipe).plan.outcome("blink").state == "not applicable"
    mystax.run(video, recipe, **HERE)
    assert _stamps(tmp_path / "face.mystax") == after


def test_other_regions_change_nothing_for_a_region(tmp_path: Path) -> None:
    video = _video(tmp_path)
    alone = mystax.run(video, analyses=["motion"], rois=[PAD], out=tmp_path / "a", **HERE)
    both = mystax.run(video, without_pose(SMALL), rois=[EYE, PAD], out=tmp_path / "b", **HERE)
    np.testing.assert_array_equal(alone["motion"]["energy"].values, both["motion"]["energy"].values)
    assert "pupil" in both
    assert "running" not in both


def test_out_makes_three_levels(tmp_path: Path) -> None:
    video = _video(tmp_path, "a b.mp4")
    outcomes = mystax.run(video, "quick", out=tmp_path / "out", **HERE)
    assert outcomes.folder is not None
    assert outcomes.folder.name == "quick"
    assert outcomes.folder.parent.name.startswith("a_b-")


@pytest.mark.slow
def test_force_makes_them_again(tmp_path: Path) -> None:
    video = _video(tmp_path)
    mystax.run(video, "quick", report=False)
    made: list[str] = []
    mystax.run(
        video,
        "quick",
        report=False,
        force=True,
        progress=lambda event: made.append(event.stage) if event.kind == "outcome" else None,
    )
    assert made == ["motion"]


def test_two_cameras_become_groups_and_one_decomposition_of_both(tmp_path: Path) -> None:
    cameras = {name: _video(tmp_path, f"{name}.mp4", seed=k) for k, name in enumerate(("left", "right"))}
    parameters: dict[str, dict[str, object]] = {"svd": {"n_components": 4, "all_cameras": True}}
    outcomes = mystax.run(
        cameras, analyses=["motion", "svd"], parameters=parameters, out=tmp_path / "out", **HERE
    )
    assert set(outcomes) == {"motion/left", "motion/right", "svd/left", "svd/right", "svd/all_cameras"}
    np.testing.assert_array_equal(
        outcomes["motion/right"]["energy"].values, mystax.motion(cameras["right"])["energy"].values
    )
    joint = outcomes["svd/all_cameras"]
    assert set(joint["camera"].values) == {"left", "right"}
    variance = sum(float(outcomes[f"svd/{name}"]["motion_variance"][0]) for name in cameras)
    np.testing.assert_allclose(float(joint["motion_variance"][0]), variance, rtol=1e-9)


def test_frames_in_memory_stay_in_memory() -> None:
    outcomes = mystax.run(frames_of(0, 20, (64, 64)), "quick")
    assert outcomes.folder is None
    assert outcomes["motion"].sizes["time"] == 20


def test_frames_in_memory_may_go_to_a_folder(tmp_path: Path) -> None:
    outcomes = mystax.run(frames_of(0, 20, (64, 64)), "quick", out=tmp_path, report=False)
    assert outcomes.folder == tmp_path / "frames" / "quick"


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    planned = plan_run(_video(tmp_path)).as_dict()
    assert [path.name for path in tmp_path.iterdir()] == ["face.mp4"]
    assert planned["decodes"] == 1
    assert planned["n_frames"] == N
    assert json.loads(json.dumps(planned)) == planned


def test_mistakes_are_found_before_anything_is_written(tmp_path: Path) -> None:
    video = _video(tmp_path)
    outside = Roi("eye", "pupil", Rectangle(500, 500, 40, 40))
    with pytest.raises(RoiError, match="P402"):
        mystax.run(video, rois=[outside])
    with pytest.raises(ParameterError, match="P401"):
        mystax.run(video, parameters={"motion": {"bin": 99}})
    with pytest.raises(RecipeError, match="did you mean 'motion'"):
        mystax.run(video, analyses=["motoin"])
    with pytest.raises(ParameterError, match="stall >= 10"):
        mystax.run(video, stall=1)
    with pytest.raises(RecipeError, match="more memory than the run may take"):
        mystax.run(video, memory=128)
    assert [path.name for path in tmp_path.iterdir()] == ["face.mp4"]


def _shown_bin(folder: Path) -> object:
    """Return the bin that the report tells of motion."""
    told = json.loads((folder / "report.json").read_text("utf-8"))
    (entry,) = [item for item in told["outcomes"] if item["name"] == "motion"]
    return entry["parameters"]["bin"]


def test_a_report_is_made_again_where_it_shows_something_else_or_is_not_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video, folder = _video(tmp_path), tmp_path / "face.mystax"
    wish: dict[str, Any] = {"analyses": "motion", "isolated": False}
    bins: dict[str, Any] = {"parameters": {"motion": {"bin": 8}}}
    mystax.run(video, **wish)
    assert _shown_bin(folder) == "auto"
    mystax.run(video, **wish, **bins, report=False)
    mystax.run(video, **wish, **bins)
    assert _shown_bin(folder) == 8, "made without a report, shown by the next one"

    page = (folder / "report.html").read_bytes()
    mystax.run(video, **wish, report=False)
    with monkeypatch.context() as stopped:
        stopped.setattr("mystax.plot.report.page", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            mystax.run(video, **wish)
    assert (folder / "report.html").read_bytes() == page
    mystax.run(video, **wish)
    assert _shown_bin(folder) == "auto", "stopped at its last file, made whole by the next run"

    places = [folder, folder / "figures"]
    for gone in (folder / "report.html", *sorted((folder / "figures").iterdir())[:2]):
        gone.unlink()
        mystax.run(video, **wish)
        assert gone.is_file()
    before = [_stamps(place) for place in places]
    mystax.run(video, **wish)
    assert [_stamps(place) for place in places] == before, "a report that is whole is left alone"


def test_a_current_folder_that_cannot_be_written_is_only_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = _video(tmp_path)
    mystax.run(video, analyses=["motion"], isolated=False, report=False)
    events: list[Event] = []

    def refused(*_: object, **__: object) -> None:
        raise StoreError("S503", "recipe.toml", "the disk is read-only")

    monkeypatch.setattr("mystax.engine.run.finish_folder", refused)
    outcomes = mystax.run(video, analyses=["motion"], progress=events.append)
    assert "motion" in outcomes
    assert any("stay as they are" in event.text for event in events if event.kind == "note")


def test_what_is_not_applicable_any_more_is_neither_shown_nor_counted(tmp_path: Path) -> None:
    from mystax.engine.report import make_report

    video, folder = _video(tmp_path), tmp_path / "face.mystax"
    recipe = Recipe(name="mine", analysis=(Step(name="motion"), Step(name="rois")))

    def shown() -> list[str]:
        told = json.loads((folder / "report.json").read_text("utf-8"))
        return sorted(item["name"] for item in told["outcomes"])

    assert sorted(mystax.run(video, recipe, isolated=False)) == shown() == ["motion", "rois"]
    for _ in range(2):  # the second time nothing has to be measured
        assert list(mystax.run(video, recipe, rois=[PAD], isolated=False)) == shown() == ["motion"]
    assert (folder / "rois.nc").is_file()
    assert 'id="rois"' not in (folder / "report.html").read_text("utf-8")
    make_report(Store(folder))  # as commands do that know of no plan
    assert shown() == ["motion"]
    assert sorted(mystax.run(video, recipe, propose=True, isolated=False)) == shown() == ["motion", "rois"]


@pytest.mark.parametrize("name", ["file", "file/deeper", "x" * 300])
def test_an_out_that_is_no_folder_is_refused_by_plan_and_run(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    frames = frames_of(0, 20)
    for work in (plan_run, mystax.run):
        with pytest.raises(RecipeError) as caught:
            work(frames, analyses=["motion"], out=tmp_path / name)
        assert caught.value.code == "P403"
    assert (tmp_path / "file").read_text() == "mine"
