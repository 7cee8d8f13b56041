"""Tasks of the element: what is asked for is done, what lies there is taken only if it fits."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.engine.recipe import recipe_from
from mystax.io.formats.facemap import write_facemap
from tests.attacks.payloads import PICKLES, npy_of
from tests.fixtures.facemap_films import facemap_tree_of_regions
from tests.fixtures.lab import FIRST, NIGHTLY, Lab, film, motion_rois
from tests.fixtures.sine_outcomes import publish_sines

N = 40
RECIPE = recipe_from(
    analyses=["motion", "svd"], parameters={"motion": {"bin": 4}, "svd": {"n_components": 10, "bin": 4}}
)

both = pytest.mark.parametrize("lab", NIGHTLY, indirect=True, scope="session")
"""What is kept is kept by both servers."""
one = pytest.mark.parametrize("lab", FIRST, indirect=True, scope="session")
"""What is decided before anything is kept."""


def errors_of(report: dict[str, Any], table: str = "FacemapProcessing") -> list[str]:
    return [text for _, text in report[table]["errors"]]


@both
def test_recipe_is_run_once_and_its_components_are_stored(lab: Lab) -> None:
    video = film(lab.root / "trigger" / "face.mkv", N)
    key = lab.recording(video)
    task = lab.fbe.FacemapTask.insert_recipe(key, RECIPE, rois=motion_rois())
    report = lab.populate(key)
    assert [item["done"] for item in report.values()] == [1, 1, 1, 1]
    about = (lab.fbe.FacemapProcessing & task).fetch1("provenance")
    outcomes = mystax.load(lab.root / about["path"])
    found = (lab.fbe.FacialSignal.MotionSVD & task).to_dicts(order_by="roi_no, component_id")
    assert len(found) == 30
    for row in found:
        r, k = row["roi_no"], row["component_id"]
        bins = motion_rois()[r].bins((64, 96), 4)
        mask = np.asarray(row["motmask"])
        assert mask.shape == (bins.any(1).sum(), bins.any(0).sum())
        trace = outcomes["svd"]["motion_svd"].values[:, r, k]
        np.testing.assert_array_equal(np.asarray(row["projection"]), trace)
        # another way: the trace of a component is the film's motion seen through its mask
        assert abs(np.linalg.norm(mask.astype(np.float64)) - 1) < 1e-5
        assert abs(np.linalg.norm(trace[1:].astype(np.float64)) / row["singular_value"] - 1) < 1e-4
    assert lab.populate(key)["FacemapProcessing"]["done"] == 0


@one
def test_second_task_of_equal_parameters_has_a_folder_of_its_own(lab: Lab) -> None:
    key = lab.recording(film(lab.root / "two" / "face.mkv", 10))
    first = lab.fbe.FacemapTask.insert_recipe(key, "quick")
    second = lab.fbe.FacemapTask.insert_recipe(key, "quick")
    assert (first["facemap_task_id"], second["facemap_task_id"]) == (0, 1)
    folders = [lab.fbe.FacemapTask.infer_output_dir(task, mkdir=False) for task in (first, second)]
    assert folders == [Path("two/facemap_recordingid0_0"), Path("two/facemap_recordingid0_1")]


@one
def test_unknown_parameter_is_refused_before_any_frame_is_read(lab: Lab) -> None:
    key = lab.recording(film(lab.root / "unknown" / "face.mkv", 10))
    lab.task(key, {"sbim": 4}, task_mode="trigger")
    (text,) = errors_of(lab.populate(key))
    assert text.startswith("P401 ")
    assert "did you mean 'sbin'" in text
    assert not list((lab.root / "unknown").glob("facemap*"))


@both
def test_facemap_file_is_copied_by_the_right_axes(lab: Lab) -> None:
    video = film(lab.root / "proc" / "face.mkv", N)
    tree = facemap_tree_of_regions(N)
    write_facemap(video.with_name("face_proc.npy"), tree)
    key = lab.recording(video)
    task = lab.task(key, {}, facemap_output_dir="proc", do_mov_svd=True)
    report = lab.populate(key)
    assert [errors_of(report, name) for name in report] == [[]] * 4
    regions = (lab.fbe.FacialSignal.Region & task).to_dicts(order_by="roi_no")
    assert [row["roi_kind"] for row in regions] == ["frame", "motion", "motion"]
    for row in regions:
        np.testing.assert_array_equal(np.asarray(row["motion"]), tree["motion"][row["roi_no"]])
    for name, mask, short in (("MotionSVD", "motmask", "mot"), ("MovieSVD", "movmask", "mov")):
        rows = (getattr(lab.fbe.FacialSignal, name) & task).to_dicts(order_by="roi_no, component_id")
        assert len(rows) == 9
        for row in rows:
            r, k = row["roi_no"], row["component_id"]
            np.testing.assert_array_equal(np.asarray(row["projection"]), tree[f"{short}SVD"][r][:, k])
            np.testing.assert_array_equal(np.asarray(row[mask]), tree[f"{short}Mask_reshape"][r][:, :, k])
            known = r == 2  # Facemap keeps the singular values of its last region only
            assert row["singular_value"] == (tree[f"{short}Sv"][k] if known else None)


@one
def test_file_of_another_video_is_not_taken(lab: Lab) -> None:
    video = film(lab.root / "strange" / "face.mkv", 10)
    write_facemap(video.with_name("other_proc.npy"), facemap_tree_of_regions(10))
    key = lab.recording(video)
    lab.task(key, {}, facemap_output_dir="strange")
    (text,) = errors_of(lab.populate(key))
    assert text.startswith("P403 ")
    assert "other_proc.npy (another video)" in text


@one
def test_two_things_that_fit_are_listed_and_none_is_taken(lab: Lab) -> None:
    video = film(lab.root / "both" / "face.mkv", 10)
    key = lab.recording(video)
    if not (lab.root / "both" / "outcomes").exists():
        publish_sines(lab.root / "both" / "outcomes", lab.open(key), motion_rois(1))
    write_facemap(video.with_name("face_proc.npy"), facemap_tree_of_regions(10))
    lab.task(key, {}, facemap_output_dir="both")
    (text,) = errors_of(lab.populate(key))
    assert text.startswith("P403 ")
    assert "both/outcomes" in text
    assert "face_proc.npy" in text


@one
def test_file_about_another_number_of_frames_is_refused(lab: Lab) -> None:
    video = film(lab.root / "length" / "face.mkv", 10)
    write_facemap(video.with_name("face_proc.npy"), facemap_tree_of_regions(11))
    key = lab.recording(video)
    lab.task(key, {}, facemap_output_dir="length")
    (text,) = errors_of(lab.populate(key))
    assert text.startswith("F804 ")
    assert "expected 10 frames, got 11" in text.lower()


@one
def test_outcomes_of_other_parameters_are_not_taken(lab: Lab) -> None:
    video = film(lab.root / "params" / "face.mkv", 10)
    key = lab.recording(video)
    if not (lab.root / "params" / "outcomes").exists():
        publish_sines(lab.root / "params" / "outcomes", lab.open(key), motion_rois(1))
    params = {"recipe": RECIPE.model_dump(), "rois": [roi.as_dict() for roi in motion_rois(1)]}
    lab.task(key, params, facemap_output_dir="params")
    (text,) = errors_of(lab.populate(key))
    assert "other parameters of motion, svd" in text


@one
def test_torn_file_is_refused(lab: Lab) -> None:
    video = film(lab.root / "torn" / "face.mkv", 10)
    path = video.with_name("face_proc.npy")
    write_facemap(path, facemap_tree_of_regions(10))
    path.write_bytes(path.read_bytes()[:-200])
    key = lab.recording(video)
    lab.task(key, {}, facemap_output_dir="torn")
    (text,) = errors_of(lab.populate(key))
    assert text[:4] in ("F801", "F802", "F804")
    assert len(lab.fbe.FacemapProcessing & key) == 0


@pytest.mark.attack
@one
def test_hostile_files_are_refused_and_nothing_in_them_runs(lab: Lab, readers_here: None) -> None:
    keys = []
    for name, make in PICKLES.items():
        video = film(lab.root / "hostile" / name / "face.mkv", 3)
        video.with_name("face_proc.npy").write_bytes(npy_of(make(video.parent / "marker")))
        keys.append(lab.recording(video))
        lab.task(keys[-1], {}, facemap_output_dir=f"hostile/{name}")
    texts = errors_of(lab.fbe.populate_all(keys))
    assert [text[:4] for text in texts] == ["F801"] * 12
    assert not list((lab.root / "hostile").rglob("marker*"))


@one
def test_outcome_that_changed_is_not_stored(lab: Lab) -> None:
    video = film(lab.root / "changed" / f"{lab.prefix}-{lab.site.backend}.mkv", 10)
    key = lab.recording(video)
    folder = lab.root / "changed" / f"{lab.prefix}-{lab.site.backend}"
    publish_sines(folder, lab.open(key), motion_rois(1))
    lab.task(key, {}, facemap_output_dir=folder.relative_to(lab.root).as_posix())
    lab.fbe.FacemapProcessing.populate(key)
    for path in folder.glob("svd.nc*"):
        path.unlink()
    report = lab.populate(key)
    (text,) = errors_of(report, "FacialSignal")
    assert text.startswith("P403 ")
    assert "it is not what it was when FacemapProcessing took it" in text


@both
def test_trace_that_the_server_does_not_take_is_refused_before_the_work(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mystax.element.rows.packet_limit", lambda _: 100)
    key = lab.recording(film(lab.root / "packet" / "face.mkv", 20))
    lab.fbe.FacemapTask.insert_recipe(key, "quick")
    lab.fbe.RecordingInfo.populate(key)
    report = lab.fbe.populate_all(key) if lab.site.array_store is None else {}
    if lab.site.array_store is None:
        (text,) = errors_of(report)
        assert text.startswith("P403 ")
        assert 'array_store="NAME"' in text
        assert not list((lab.root / "packet").glob("facemap*"))
    else:
        lab.fbe.Timestamps.populate(key)
        assert len(lab.fbe.Timestamps & key) == 1
