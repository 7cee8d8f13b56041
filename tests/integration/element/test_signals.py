"""Golden tests of `FacialSignal`: the database holds what the outcome holds, by closed forms."""

from typing import Any

import numpy as np
import pytest

from mystax.core.geometry import Ellipse, Rectangle, Roi
from mystax.io.outcomes import load
from tests.fixtures.lab import FIRST, Lab, film, motion_rois
from tests.fixtures.sine_outcomes import (
    BIN,
    block_mask,
    energy_of,
    publish_sines,
    sine_projection,
    singular_value,
)

pytestmark = pytest.mark.parametrize("lab", FIRST, indirect=True, scope="session")

N = 40
FULL = Roi("frame", "motion", Rectangle(0, 0, 96, 64))


def loaded(
    lab: Lab, rois: list[Roi], name: str, *, do_mot_svd: bool = True, do_mov_svd: bool = True, **more: Any
) -> Any:
    """Publish outcomes of known content, load them through the element, and return the key."""
    video = film(lab.root / name / "face.mkv", N)
    key = lab.recording(video)
    folder = video.parent / "outcomes"
    recording = lab.open(key)
    if not folder.exists():
        publish_sines(folder, recording, rois, **more)
    task = lab.task(
        key,
        {},
        facemap_output_dir=folder.relative_to(lab.root).as_posix(),
        do_mot_svd=do_mot_svd,
        do_mov_svd=do_mov_svd,
    )
    report = lab.populate(key)
    assert [item["errors"] for item in report.values()] == [[]] * 4
    return task


@pytest.fixture(scope="module")
def one_region(lab: Lab) -> Any:
    """Return the key of the outcomes of one region, loaded once for all that look at them."""
    return loaded(lab, list(motion_rois(1)), "one")


def rows(table: Any, key: Any, order: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (table & key).to_dicts(order_by=order)
    return found


def test_every_component_has_its_own_trace_and_mask(lab: Lab) -> None:
    rois = motion_rois(3)
    key = loaded(lab, list(rois), "t1")
    found = rows(lab.fbe.FacialSignal.MotionSVD, key, "roi_no, component_id")
    assert [(row["roi_no"], row["component_id"]) for row in found] == [
        (r, k) for r in range(3) for k in range(10)
    ]
    for row in found:
        r, k = row["roi_no"], row["component_id"]
        box = (rois[r].shape.box().height // BIN, rois[r].shape.box().width // BIN)
        np.testing.assert_array_equal(np.asarray(row["projection"]), sine_projection(N, r, k))
        np.testing.assert_array_equal(np.asarray(row["motmask"]), block_mask(box, r, k))
        assert row["singular_value"] == singular_value(r, k)
        assert np.asarray(row["projection"]).dtype == np.asarray(row["motmask"]).dtype == np.float32


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), pytest.param((1, 2, 0), marks=pytest.mark.slow)])
def test_regions_keep_their_own_motion_in_every_order(lab: Lab, order: tuple[int, ...]) -> None:
    rois = [motion_rois(3)[k] for k in order]
    key = loaded(lab, rois, "t2-" + "".join(map(str, order)))
    for number, row in enumerate(rows(lab.fbe.FacialSignal.Region, key, "roi_no")):
        n_bins = int(rois[number].bins((64, 96), BIN).sum())
        assert (row["roi_no"], row["roi_name"], row["roi_kind"]) == (number, rois[number].name, "motion")
        np.testing.assert_array_equal(np.asarray(row["motion"]), energy_of(N, number) * np.float32(n_bins))
        box = rois[number].shape.box()
        np.testing.assert_array_equal(row["xrange"], np.arange(box.x0, box.x1))
        np.testing.assert_array_equal(row["yrange"], np.arange(box.y0, box.y1))
        np.testing.assert_array_equal(row["xrange_bin"], np.arange(box.x0 // BIN, box.x1 // BIN))
        np.testing.assert_array_equal(row["yrange_bin"], np.arange(box.y0 // BIN, box.y1 // BIN))


def test_motion_and_movie_components_are_kept_apart(lab: Lab) -> None:
    key = loaded(lab, list(motion_rois(2)), "t3")
    for table, kind, name in (
        (lab.fbe.FacialSignal.MotionSVD, "motion", "motmask"),
        (lab.fbe.FacialSignal.MovieSVD, "movie", "movmask"),
    ):
        found = rows(table, key, "roi_no, component_id")
        assert len(found) == 20
        for row in found:
            r, k = row["roi_no"], row["component_id"]
            np.testing.assert_array_equal(np.asarray(row["projection"]), sine_projection(N, r, k, kind))
            assert row["singular_value"] == singular_value(r, k, kind)
            assert np.asarray(row[name]).ravel()[k] == 1


@pytest.mark.parametrize(
    ("full", "n_rois"),
    [
        (True, 0),
        (True, 2),
        (False, 1),
        pytest.param(True, 1, marks=pytest.mark.slow),
        pytest.param(False, 2, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("kind", ["motion", "movie"])
def test_frame_and_regions_in_all_combinations(lab: Lab, full: bool, n_rois: int, kind: str) -> None:
    rois = [FULL] * full + list(motion_rois(n_rois))
    wanted = {"do_mot_svd": kind == "motion", "do_mov_svd": kind == "movie"}
    key = loaded(lab, rois, f"t4-{full}-{n_rois}", **wanted)
    regions = rows(lab.fbe.FacialSignal.Region, key, "roi_no")
    assert [row["roi_kind"] for row in regions] == ["frame"] * full + ["motion"] * n_rois
    counts = [len(lab.fbe.FacialSignal.MotionSVD & key), len(lab.fbe.FacialSignal.MovieSVD & key)]
    assert counts == ([10 * len(rois), 0] if kind == "motion" else [0, 10 * len(rois)])
    table = lab.fbe.FacialSignal.MotionSVD if kind == "motion" else lab.fbe.FacialSignal.MovieSVD
    for row in rows(table, key, "roi_no, component_id"):
        expected = sine_projection(N, row["roi_no"], row["component_id"], kind)
        np.testing.assert_array_equal(np.asarray(row["projection"]), expected)


def test_eye_lids_and_wheel_equal_the_outcomes(lab: Lab) -> None:
    rois = [
        Roi("pad", "motion", Rectangle(0, 0, 32, 32)),
        Roi("left", "pupil", Ellipse(40, 20, 12, 10)),
        Roi("lids", "blink", Ellipse(40, 20, 14, 12)),
        Roi("wheel", "running", Rectangle(60, 20, 36, 40)),
        Roi("right", "pupil", Ellipse(70, 20, 12, 10)),
    ]
    key = loaded(lab, rois, "t12")
    outcomes = load(lab.root / "t12" / "outcomes")
    signal = lab.fbe.FacialSignal
    assert [(row["roi_name"], row["roi_kind"]) for row in rows(signal.Region, key, "roi_no")] == [
        (roi.name, roi.kind) for roi in rois
    ]
    pupils = rows(signal.Pupil, key, "roi_no")
    assert [row["roi_no"] for row in pupils] == [1, 4]
    for place, row in enumerate(pupils):
        for name in ("area", "centre", "confidence"):
            np.testing.assert_array_equal(np.asarray(row[name]), outcomes["pupil"][name].values[:, place])
        np.testing.assert_array_equal(np.asarray(row["centre"])[:, 0], 20 + place + np.arange(N) / 8)
    (blink,) = rows(signal.Blink, key, "roi_no")
    np.testing.assert_array_equal(np.asarray(blink["closure"]), (np.arange(N) / 64 - 0.25).astype(np.float32))
    (wheel,) = rows(signal.Running, key, "roi_no")
    assert (blink["roi_no"], wheel["roi_no"]) == (2, 3)
    np.testing.assert_array_equal(np.asarray(wheel["velocity"]), outcomes["running"]["velocity"].values[:, 0])


def test_summary_holds_the_mean_pictures(lab: Lab, one_region: Any) -> None:
    row = (lab.fbe.FacialSignal.Summary & one_region).fetch1()
    picture = np.arange(16 * 24, dtype=np.float32).reshape(16, 24)
    assert row["sbin"] == BIN
    np.testing.assert_array_equal(row["avgframe"], picture)
    np.testing.assert_array_equal(row["avgmotion"], picture[::-1])


def test_arrays_are_where_the_lab_wants_them(lab: Lab, one_region: Any) -> None:
    value = (lab.fbe.FacialSignal.MotionSVD & one_region & "component_id=0").fetch1("projection")
    in_store = lab.site.array_store is not None
    assert isinstance(value, np.ndarray) != in_store
    assert value.shape == (N,)
    np.testing.assert_array_equal(np.asarray(value), sine_projection(N, 0, 0))


def test_provenance_names_keys_and_digests(lab: Lab, one_region: Any) -> None:
    about = (lab.fbe.FacemapProcessing & one_region).fetch1("provenance")
    outcomes = load(lab.root / "one" / "outcomes")
    assert about["path"] == "one/outcomes"
    assert {name: item["content_sha256"] for name, item in about["outcomes"].items()} == {
        name: outcomes[name].attrs["content_sha256"] for name in ("motion", "svd")
    }
