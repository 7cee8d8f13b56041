"""Where outcomes go, and which regions a folder stands for."""

from pathlib import Path

import pytest

from mystax.core.events import Event
from mystax.core.geometry import Rectangle, Roi
from mystax.core.recording import Camera, Recording
from mystax.engine.folders import folder_for, refuse_shared, regions_of_folder, run_in_folder
from mystax.engine.jobs import Job
from mystax.engine.places import FolderPlace
from mystax.engine.plan import Proposals, Request
from mystax.engine.recipe import read_recipe
from mystax.engine.stills import stills_folder
from mystax.errors import RecipeError, RoiError
from mystax.io.rois import read_rois, rois_to_toml
from mystax.io.store import Store
from tests.fixtures.engine_runs import toy_recipe
from tests.fixtures.engine_toys import make_recording, toy_spec

FACE = Roi("face", "face", Rectangle(0, 0, 20, 20), "face", source="proposed", confidence=0.6)


class Proposing(FolderPlace):
    """A folder in which regions have been proposed."""

    found: tuple[Roi, ...] = (FACE,)

    def current_key(self, analysis: str) -> str:
        return "key" if analysis == "rois" else ""

    def proposals(self) -> Proposals:
        return Proposals(self.found, "abc")


def _place(folder: Path) -> Proposing:
    return Proposing(Store(folder))


def _write(folder: Path, *rois: Roi) -> None:
    (folder / "rois.toml").write_text(rois_to_toml(rois), "utf-8")


def test_outcomes_go_beside_the_first_video(tmp_path: Path) -> None:
    video = make_recording(toy_spec()).video()
    recording = Recording("face", {"face": Camera("face", video, (str(tmp_path / "face.mp4"),))})
    assert folder_for(recording, read_recipe("quick"), None) == tmp_path / "face.mystax"


def test_out_names_recording_and_recipe(tmp_path: Path) -> None:
    recording = make_recording(toy_spec()).renamed("a/b")
    folder = folder_for(recording, read_recipe("quick"), tmp_path)
    assert folder.parent.parent == tmp_path
    assert folder.parent.name.startswith("a_b-")
    assert folder.name == "quick"


@pytest.mark.parametrize("name", ["x" * 251, "é" * 124, "a/b", "../../up", "a\\b"])
def test_a_name_that_no_folder_can_have_becomes_one_beside_the_video(tmp_path: Path, name: str) -> None:
    video = make_recording(toy_spec()).video()
    recording = Recording(name, {"face": Camera("face", video, (str(tmp_path / "face.mp4"),))})
    folder = folder_for(recording, read_recipe("quick"), None)
    assert folder.parent == tmp_path
    folder.mkdir()
    assert folder.name.endswith(".mystax")


def test_frames_in_memory_need_a_folder() -> None:
    with pytest.raises(RecipeError, match="out="):
        folder_for(make_recording(toy_spec()), read_recipe("quick"), None)


@pytest.fixture
def sessions(tmp_path: Path) -> Path:
    """Two sessions with files of the same names."""
    for session in ("a", "b"):
        (tmp_path / session / "dots").mkdir(parents=True)
        for name in ("f.mp4", "f.mkv", "g.mp4", "dots/1.png"):
            (tmp_path / session / name).write_bytes(session.encode())
    return tmp_path


@pytest.mark.parametrize(
    ("sources", "out"),
    [
        (("a/f.mp4", "b/f.mp4"), "out"),
        (("a/g.mp4", "a/f.mp4", "a/f.mkv"), None),
        (("a/dots", "b/dots"), "out"),
        (("a", "b/../a/f.mp4", "b/../b/f.mkv"), "out"),
    ],
)
def test_sources_whose_outcomes_would_replace_each_other_are_refused(
    sessions: Path, sources: tuple[str, ...], out: str | None
) -> None:
    with pytest.raises(RecipeError, match=r"P403.*would replace those of"):
        refuse_shared([sessions / name for name in sources], out and sessions / out)


@pytest.mark.parametrize(
    ("sources", "out"),
    [
        (("a/f.mp4", "b/f.mp4", "a/g.mp4", "a/dots", "b/dots"), None),
        (("a/f.mp4", "a/g.mp4", "a/dots"), "out"),
        (("a/f.mp4", "b/../a/f.mp4"), "out"),
        (("a/absent.mp4", "b/absent.mp4", "a/f.mp4"), "out"),
        (("a/dots", "b/dots.mp4"), "out"),
    ],
)
def test_sources_with_folders_of_their_own_are_not(
    sessions: Path, sources: tuple[str, ...], out: str | None
) -> None:
    (sessions / "b" / "dots.mp4").write_bytes(b"c")
    refuse_shared([sessions / name for name in sources], out and sessions / out)


def test_pictures_behind_a_link_have_the_name_of_the_link(tmp_path: Path) -> None:
    for year in ("2021", "2022"):
        (tmp_path / year / "frames").mkdir(parents=True)
        (tmp_path / f"s{year}").symlink_to(tmp_path / year / "frames")
    places = [stills_folder(tmp_path / f"s{year}", tmp_path / "out") for year in ("2021", "2022")]
    assert places == [tmp_path / "out" / "s2021", tmp_path / "out" / "s2022"]


def test_a_folder_without_regions_stands_for_none(tmp_path: Path) -> None:
    assert regions_of_folder(tmp_path, _place(tmp_path)) is None


def test_proposals_that_nobody_changed_are_no_given_regions(tmp_path: Path) -> None:
    _write(tmp_path, FACE)
    assert regions_of_folder(tmp_path, _place(tmp_path)) is None


def test_nothing_proposed_is_no_given_region_either(tmp_path: Path) -> None:
    _write(tmp_path)
    place = _place(tmp_path)
    place.found = ()
    assert regions_of_folder(tmp_path, place) is None


def test_corrected_proposals_are_given_regions(tmp_path: Path) -> None:
    moved = Roi("face", "face", Rectangle(1, 0, 20, 20), "face", source="proposed", confidence=0.6)
    _write(tmp_path, moved)
    assert regions_of_folder(tmp_path, _place(tmp_path)) == (moved,)


def test_a_file_that_is_not_understood_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rois.toml").write_text("format = 2", "utf-8")
    with pytest.raises(RoiError, match="P402"):
        regions_of_folder(tmp_path, _place(tmp_path))


def test_run_writes_recipe_and_regions(tmp_path: Path) -> None:
    pad = Roi("pad", "motion", Rectangle(0, 0, 12, 12), "face")
    job = Job.of_request(Request(toy_recipe(gain=2.0), (pad,)), {}, tmp_path, report=False)
    run_in_folder(make_recording(toy_spec()), job, lambda _: None)
    assert read_rois(tmp_path / "rois.toml") == (pad,)
    assert read_recipe(tmp_path / "recipe.toml").analysis[0].parameters["gain"] == 2.0


@pytest.mark.parametrize("text", ["# mine\n" + rois_to_toml([FACE]), "format = 2\n", "[[roi"])
def test_regions_that_are_replaced_are_kept_and_told(text: str, tmp_path: Path) -> None:
    pad = Roi("pad", "motion", Rectangle(0, 0, 12, 12), "face")
    (tmp_path / "rois.toml").write_text(text, "utf-8")
    events: list[Event] = []
    for _ in range(2):
        job = Job.of_request(Request(toy_recipe(), (pad,)), {}, tmp_path, report=False)
        run_in_folder(make_recording(toy_spec()), job, events.append)
    assert read_rois(tmp_path / "rois.toml") == (pad,)
    (kept,) = (tmp_path / ".mystax" / "old").glob("rois.*.toml")
    assert kept.read_text("utf-8") == text
    (told,) = [event.text for event in events if event.kind == "note" and "rois.toml" in event.text]
    assert str(kept) in told


def test_regions_that_a_person_draws_while_a_run_goes_on_stay(tmp_path: Path) -> None:
    pad = Roi("pad", "motion", Rectangle(0, 0, 12, 12), "face")
    drawn, told = rois_to_toml([FACE]), list[str]()

    def draw(event: Event) -> None:
        told.append(event.text)
        if event.kind == "outcome":
            (tmp_path / "rois.toml").write_text(drawn, "utf-8")

    job = Job.of_request(Request(toy_recipe(), (pad,)), {}, tmp_path, report=False)
    run_in_folder(make_recording(toy_spec()), job, draw)
    assert (tmp_path / "rois.toml").read_text("utf-8") == drawn
    assert "changed while the run went on" in told[-1]


def test_a_second_run_leaves_every_file_alone(tmp_path: Path) -> None:
    job = Job.of_request(Request(toy_recipe()), {}, tmp_path, report=False)
    run_in_folder(make_recording(toy_spec()), job, lambda _: None)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir() if path.is_file()}
    plan = run_in_folder(make_recording(toy_spec()), job, lambda _: None)
    assert [item.state for item in plan.outcomes] == ["current"]
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_parts_of_dead_runs_are_swept(tmp_path: Path) -> None:
    part = tmp_path / ".toy.0123456789abcdef.nc.part"
    part.write_bytes(b"half")
    job = Job.of_request(Request(toy_recipe()), {}, tmp_path, report=False)
    run_in_folder(make_recording(toy_spec()), job, lambda _: None)
    assert not part.exists()
