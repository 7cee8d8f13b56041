"""Facemap files in and out through folders of outcomes."""

import errno
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import mystax
from mystax.core.events import Event
from mystax.core.geometry import Ellipse, Rectangle, Roi
from mystax.core.quality import flags_from_json
from mystax.engine.exchange import _times, _video_names, export_facemap, import_facemap, read_regions
from mystax.errors import FormatError, RecipeError, RoiError, SpaceError, StoreError
from mystax.io.formats.facemap import read_facemap, write_facemap
from mystax.io.rois import rois_to_toml
from tests.fixtures.engine_runs import run_folder
from tests.fixtures.engine_toys import make_recording, toy_spec
from tests.fixtures.facemap_files import facemap_dict
from tests.fixtures.measure import moving_movie
from tests.fixtures.refusals import code_of
from tests.fixtures.videos import Shelf
from tests.unit.io.formats.test_facemap import KEYS, same, seeds_with

pytestmark = pytest.mark.usefixtures("readers_here")


def write(folder: Path, tree: dict[str, Any], name: str = "face_proc.npy") -> Path:
    path = folder / name
    write_facemap(path, tree)
    return path


@pytest.mark.parametrize("n", [2, pytest.param(50, marks=pytest.mark.slow)])
def test_imported_files_are_written_back_equal_leaf_by_leaf(n: int, tmp_path: Path) -> None:
    for seed in range(n):
        folder = tmp_path / str(seed)
        folder.mkdir()
        tree = facemap_dict(seed)
        path = write(folder, tree)
        import_facemap(path)
        again = export_facemap(folder / "face_proc.mystax", folder / "back")
        assert again == folder / "back" / "face_proc.npy"
        assert same(read_facemap(again), tree)


@pytest.mark.parametrize("n", [1, pytest.param(50, marks=pytest.mark.slow)])
def test_matlab_files_come_back_with_the_same_leaves(n: int, tmp_path: Path) -> None:
    for seed in range(n):
        folder = tmp_path / str(seed)
        folder.mkdir()
        path = write(folder, facemap_dict(seed), "face_proc.mat")
        before = read_facemap(path)
        import_facemap(path)
        again = export_facemap(folder / "face_proc.mystax", folder / "back", matlab=True)
        after = read_facemap(again)
        assert list(after) == list(before)
        np.testing.assert_equal(opened(after), opened(before))


def opened(value: Any) -> Any:
    """Show cells inside of cells as lists, which NumPy compares one by one."""
    if isinstance(value, Mapping):
        return {key: opened(one) for key, one in value.items()}
    if isinstance(value, np.ndarray) and value.dtype == object:
        return [value.shape, *(opened(one) for one in value.flat)]
    return [opened(one) for one in value] if isinstance(value, list | tuple) else value


def test_importing_twice_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, facemap_dict(1))
    import_facemap(path)
    files = sorted((tmp_path / "face_proc.mystax").glob("*.nc"))
    stamps = [file.stat().st_mtime_ns for file in files]
    events: list[Event] = []
    import_facemap(path, report=events.append)
    assert [file.stat().st_mtime_ns for file in files] == stamps
    assert events == []


def test_regions_that_a_person_drew_are_kept_when_a_file_is_imported_over_them(tmp_path: Path) -> None:
    path = write(tmp_path, facemap_dict(1))
    imported = import_facemap(path).folder
    assert imported is not None
    regions = imported / "rois.toml"
    before = regions.read_bytes()
    drawn = before + b'\n[[roi]]\nname = "mine"\nkind = "motion"\nshape = "rectangle"\nbox = [1, 2, 8, 9]\n'
    regions.write_bytes(drawn)
    events: list[Event] = []
    import_facemap(path, report=events.append)
    assert regions.read_bytes() == before
    assert [file.read_bytes() for file in (imported / ".mystax" / "old").glob("rois.*.toml")] == [drawn]
    assert [event.kind for event in events] == ["note"]


def test_importing_with_repair_makes_the_outcomes_anew(tmp_path: Path) -> None:
    path = write(tmp_path, facemap_dict(1))
    import_facemap(path)
    events: list[Event] = []
    import_facemap(path, repair=True, report=events.append)
    assert {event.stage for event in events} == {
        file.stem for file in (tmp_path / "face_proc.mystax").glob("*.nc")
    }


def test_outcomes_go_where_they_are_sent(tmp_path: Path) -> None:
    outcomes = import_facemap(write(tmp_path, facemap_dict(1)), tmp_path / "there")
    assert outcomes.folder == tmp_path / "there"
    assert not (tmp_path / "face_proc.mystax").exists()


def test_regions_of_the_file_stand_beside_the_outcomes(tmp_path: Path) -> None:
    (seed,) = seeds_with(lambda tree: tree["rois"] and len(tree["Ly"]) == 1 if "rois" in tree else False)
    outcomes = import_facemap(write(tmp_path, facemap_dict(seed)))
    assert outcomes.folder is not None
    assert read_regions(outcomes.folder / "rois.toml") == read_regions(tmp_path / "face_proc.npy")


def test_times_come_from_the_video_beside_the_file(tmp_path: Path, shelf: Shelf) -> None:
    (seed,) = seeds_with(lambda tree: tree.get("fullSVD") and len(tree["Ly"]) == 1 and "filenames" in tree)
    tree = facemap_dict(seed, n_frames=40)
    tree["filenames"] = [["/somewhere/else/face.mp4"]]
    (tmp_path / "face.mp4").write_bytes(shelf.take(n_frames=40).read_bytes())
    outcomes = import_facemap(write(tmp_path, tree))
    np.testing.assert_allclose(outcomes["motion"]["time"].values, np.arange(40) / 30)
    assert "times are not known" not in str(outcomes["motion"].attrs["quality"])


def test_a_video_that_is_found_later_gives_the_times_then(tmp_path: Path, shelf: Shelf) -> None:
    (seed,) = seeds_with(lambda tree: tree.get("fullSVD") and len(tree["Ly"]) == 1 and "filenames" in tree)
    tree = facemap_dict(seed, n_frames=40)
    tree["filenames"] = [["/somewhere/else/face.mp4"]]
    path = write(tmp_path, tree)
    assert np.isnan(import_facemap(path)["motion"]["time"].values).all()
    (tmp_path / "face.mp4").write_bytes(shelf.take(n_frames=40).read_bytes())
    found = import_facemap(path)["motion"]
    np.testing.assert_allclose(found["time"].values, np.arange(40) / 30)
    assert "times are not known" not in str(found.attrs["quality"])


@pytest.mark.parametrize(
    "names",
    [
        "face.mp4",
        ["face.mp4"],
        [["face.mp4"]],
        (("face.mp4",),),
        np.array("face.mp4"),
        np.array(["face.mp4"]),
        np.array([["face.mp4"]], object),
    ],
    ids=repr,
)
def test_names_of_videos_are_understood_in_every_form_that_files_keep_them(
    names: object, tmp_path: Path, shelf: Shelf
) -> None:
    (tmp_path / "face.mp4").write_bytes(shelf.take(n_frames=40).read_bytes())
    found = _times({"filenames": names}, tmp_path, ["face"])
    np.testing.assert_allclose(found["face"], np.arange(40) / 30)


@pytest.mark.parametrize("names", [None, [], [[]], np.zeros((0,), object), [["other.mp4"]]])
def test_without_a_video_there_are_no_times(names: object, tmp_path: Path) -> None:
    assert _times({"filenames": names}, tmp_path, ["face"]) == {}


def test_simultaneous_videos_belong_to_their_cameras(tmp_path: Path, shelf: Shelf) -> None:
    (tmp_path / "r.mp4").write_bytes(shelf.take("gap", n_frames=60).read_bytes())
    found = _times({"filenames": np.array([["l.mp4", "r.mp4"]])}, tmp_path, ["camera1", "camera2"])
    assert list(found) == ["camera2"]
    assert len(found["camera2"]) == 60


def test_a_video_that_cannot_be_read_gives_no_times_and_no_error(tmp_path: Path) -> None:
    (seed,) = seeds_with(lambda tree: tree.get("fullSVD") and len(tree["Ly"]) == 1 and "filenames" in tree)
    tree = facemap_dict(seed)
    tree["filenames"] = [["face.mp4"]]
    (tmp_path / "face.mp4").write_text("no video")
    outcomes = import_facemap(write(tmp_path, tree))
    assert np.isnan(outcomes["motion"]["time"].values).all()
    flags = flags_from_json(str(outcomes["motion"].attrs["quality"]))
    assert any("times are not known" in flag.text for flag in flags)


def test_a_file_that_is_none_of_facemap_leaves_nothing(tmp_path: Path) -> None:
    np.save(tmp_path / "x_proc.npy", np.zeros(4))
    with pytest.raises(FormatError, match="F804"):
        import_facemap(tmp_path / "x_proc.npy")
    assert [path.name for path in tmp_path.iterdir()] == ["x_proc.npy"]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Outcomes of mystax itself: two regions of movement, one of the pupil, one of the lids, a wheel."""
    folder = tmp_path_factory.mktemp("own") / "mouse.mystax"
    rois = [
        Roi("pad", "motion", Rectangle(0, 0, 32, 32)),
        Roi("nose", "motion", Rectangle(32, 16, 40, 32)),
        Roi("eye", "pupil", Ellipse(40, 36, 20, 18)),
        Roi("lids", "blink", Ellipse(40, 36, 24, 22)),
        Roi("wheel", "running", Rectangle(40, 20, 48, 48)),
    ]
    from mystax.core.recording import ArraySource, Camera, Recording
    from mystax.engine.recipe import recipe_from

    recording = Recording("mouse", {"face": Camera("face", ArraySource(moving_movie(40, (72, 96)), 30))})
    parameters: dict[str, dict[str, object]] = {"motion": {"bin": 4}, "svd": {"n_components": 5, "bin": 4}}
    names = ["motion", "svd", "pupil", "blink", "running"]
    recipe = recipe_from(analyses=names, parameters=parameters)
    run_folder(folder, recording, recipe, rois=[roi.at("face") for roi in rois])
    return folder


def test_own_outcomes_become_a_file_with_every_key(measured: Path, tmp_path: Path) -> None:
    path = export_facemap(measured, tmp_path)
    assert path == tmp_path / "mouse_proc.npy"
    tree = np.load(path, allow_pickle=True).item()
    assert [key for key in KEYS if key not in tree] == []
    assert [entry["rtype"] for entry in tree["rois"]].count("motion SVD") == 2
    assert sorted(entry["rind"] for entry in tree["rois"]) == [0, 1, 1, 2, 3]


def test_exported_numbers_are_those_of_the_outcomes(measured: Path, tmp_path: Path) -> None:
    outcomes: Any = mystax.load(measured)
    tree = read_facemap(export_facemap(measured, tmp_path))
    energy, n_bins = outcomes["motion"]["energy"].values, outcomes["motion"]["n_bins"].values
    assert len(tree["motion"]) == 3
    for k in range(2):
        np.testing.assert_allclose(tree["motion"][1 + k][1:], energy[1:, k] * n_bins[k], rtol=1e-6)
        np.testing.assert_allclose(np.linalg.norm(tree["motMask"][1 + k], axis=0), 1, atol=1e-4)
        traces = outcomes["svd"]["motion_svd"].values[:, k]
        np.testing.assert_array_equal(tree["motSVD"][1 + k][1:], traces[1:])
        np.testing.assert_array_equal(tree["motSVD"][1 + k][0], traces[1])
    np.testing.assert_array_equal(tree["running"][0], outcomes["running"]["shift"].values[:, 0, ::-1])
    last = outcomes["svd"]["motion_singular_value"].values[1]
    np.testing.assert_array_equal(tree["motSv"], last.astype(np.float32))


def test_element_has_singular_values_of_every_region(measured: Path, tmp_path: Path) -> None:
    outcomes: Any = mystax.load(measured)
    tree = read_facemap(export_facemap(measured, tmp_path, flavour="element"))
    assert len(tree["motSv"]) == 2
    first = outcomes["svd"]["motion_singular_value"].values[0]
    np.testing.assert_array_equal(tree["motSv"][0], first.astype(np.float32))


def test_exported_and_imported_again_is_what_was_measured(measured: Path, tmp_path: Path) -> None:
    before: Any = mystax.load(measured)
    after = import_facemap(export_facemap(measured, tmp_path))
    np.testing.assert_allclose(
        after["motion"]["energy"].values[1:], before["motion"]["energy"].values[1:], rtol=1e-5
    )
    np.testing.assert_allclose(
        after["blink"]["darkness"].values[:, 0], before["blink"]["darkness"].values[:, 0], rtol=1e-5
    )
    for name in ("area", "major", "minor"):
        one, other = (item["pupil"][name].values[:, 0] for item in (after, before))
        np.testing.assert_allclose(one, other, rtol=1e-4)


def test_a_file_that_is_there_is_replaced_on_request_only(measured: Path, tmp_path: Path) -> None:
    path = export_facemap(measured, tmp_path)
    before = path.read_bytes()
    with pytest.raises(RecipeError, match="--overwrite") as caught:
        export_facemap(measured, tmp_path, flavour="element")
    assert caught.value.code == "P403"
    assert path.read_bytes() == before
    export_facemap(measured, tmp_path, flavour="element", overwrite=True)
    assert path.read_bytes() != before


def test_an_outcome_stands_for_its_folder(measured: Path, tmp_path: Path) -> None:
    assert export_facemap(measured / "motion.nc", tmp_path) == tmp_path / "mouse_proc.npy"


def test_what_cannot_be_exported_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such folder"):
        export_facemap(tmp_path / "none", tmp_path)
    with pytest.raises(RecipeError, match="no outcomes"):
        export_facemap(tmp_path, tmp_path)
    run_folder(tmp_path / "toy.mystax", make_recording(toy_spec(20)))
    with pytest.raises(RecipeError, match="nothing that Facemap's files hold"):
        export_facemap(tmp_path / "toy.mystax", tmp_path)
    assert not list(tmp_path.glob("*_proc*"))


def test_regions_are_read_from_toml_and_from_facemap(tmp_path: Path) -> None:
    roi = Roi("pad", "motion", Rectangle(0, 0, 32, 32))
    (tmp_path / "rois.toml").write_text(rois_to_toml([roi]))
    assert read_regions(tmp_path / "rois.toml") == [roi]
    (seed,) = seeds_with(lambda tree: tree.get("rois") and len(tree["rois"]) > 2)
    path = write(tmp_path, facemap_dict(seed))
    assert len(read_regions(path)) == len(facemap_dict(seed)["rois"])
    with pytest.raises(RoiError, match="P402"):
        read_regions(tmp_path / "none.toml")


def test_files_of_several_cameras_are_grouped_as_facemap_has_them() -> None:
    files = {"left": ["l1.mp4", "l2.mp4"], "right": ["r1.mp4", "r2.mp4"]}
    outcomes = {
        name: xr.Dataset(attrs={"run_camera_files": json.dumps(files)})
        for name in ("motion/right", "svd/all_cameras", "svd/right", "svd/left")
    }
    assert _video_names(outcomes) == [["r1.mp4", "l1.mp4"], ["r2.mp4", "l2.mp4"]]  # as the regions stand
    assert _video_names({"motion": xr.Dataset()}) == []


def test_cameras_with_fewer_files_keep_their_place() -> None:
    files = {"left": ["l1.mp4"], "right": ["r1.mp4", "r2.mp4", "r3.mp4"], "body": []}
    outcomes = {f"motion/{name}": xr.Dataset(attrs={"run_camera_files": json.dumps(files)}) for name in files}
    names = _video_names(outcomes)
    assert names == [["l1.mp4", "r1.mp4", ""], ["", "r2.mp4", ""], ["", "r3.mp4", ""]]
    assert _video_names({"motion": xr.Dataset(attrs={"run_files": "face.mp4"})}) == [["face.mp4"]]


def test_times_of_cameras_with_fewer_files_are_found(tmp_path: Path, shelf: Shelf) -> None:
    for name in ("l1", "r1", "r2"):
        n_frames = {"l1": 40, "r1": 40, "r2": 60}[name]
        (tmp_path / f"{name}.mp4").write_bytes(shelf.take(n_frames=n_frames).read_bytes())
    names = [["l1.mp4", "r1.mp4"], ["", "r2.mp4"]]
    found = _times({"filenames": names}, tmp_path, ["left", "right"])
    assert {name: len(times) for name, times in found.items()} == {"left": 40, "right": 100}


@pytest.mark.parametrize("name", ["file", "file/deeper", "x" * 300])
def test_folders_that_cannot_be_are_refused_both_ways(name: str, measured: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    path = write(tmp_path, facemap_dict(1))
    for work in (
        lambda: import_facemap(path, tmp_path / name),
        lambda: export_facemap(measured, tmp_path / name),
    ):
        assert code_of(work) == "P403"
    assert (tmp_path / "file").read_text() == "mine"


def test_a_disk_that_takes_no_file_is_s501_and_leaves_none(
    measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(SpaceError, match="no space left") as caught:
        export_facemap(measured, tmp_path / "out")
    assert caught.value.code == "S501"
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_without_rights_is_s503(
    measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(np, "save", closed)
    with pytest.raises(StoreError, match="Permission denied") as caught:
        export_facemap(measured, tmp_path / "out")
    assert caught.value.code == "S503"
