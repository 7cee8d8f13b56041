"""Facemap's files: read, kept leaf by leaf, understood, written."""

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.core.analysis import get_analysis
from mystax.core.dataset import check_outcome
from mystax.core.geometry import Ellipse, Rectangle
from mystax.errors import FormatError, RecipeError
from mystax.io.formats.facemap import (
    read_facemap,
    tree_from_verbatim,
    verbatim,
    write_facemap,
)
from mystax.io.formats.facemap_export import facemap_tree
from mystax.io.formats.facemap_outcomes import imported_outcomes
from mystax.io.formats.facemap_rois import camera_names, facemap_rois
from tests.fixtures.facemap_files import facemap_dict
from tests.fixtures.refusals import attempt


def same(a: Any, b: Any) -> bool:
    """Tell whether two trees are equal: types, dtypes, shapes, bits, order of keys."""
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray):
        return (
            isinstance(b, np.ndarray)
            and a.dtype == b.dtype
            and a.shape == b.shape
            and a.tobytes() == b.tobytes()
        )
    return type(a) is type(b) and bool(a == b)


def seeds_with(condition: Any, n: int = 1) -> list[int]:
    """Return the first seeds whose file has something."""
    return list(islice((seed for seed in range(400) if condition(facemap_dict(seed))), n))


@pytest.mark.parametrize("seed", range(50))
def test_verbatim_copy_is_equal_leaf_by_leaf(seed: int) -> None:
    tree = facemap_dict(seed)
    assert same(tree_from_verbatim(verbatim(tree)), tree)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_written_file_is_read_equal(tmp_path: Path, seed: int) -> None:
    tree = facemap_dict(seed)
    write_facemap(tmp_path / "face_proc.npy", tree)
    assert same(read_facemap(tmp_path / "face_proc.npy"), tree)


@pytest.mark.parametrize("seed", [0, 3])
def test_written_file_loads_as_facemap_loads_it(tmp_path: Path, seed: int) -> None:
    tree = facemap_dict(seed)
    write_facemap(tmp_path / "face_proc.npy", tree)
    loaded = np.load(tmp_path / "face_proc.npy", allow_pickle=True).item()
    assert same(loaded, tree)


@pytest.mark.usefixtures("readers_here")
@pytest.mark.parametrize("seed", range(6))
def test_matlab_file_holds_the_same_arrays(tmp_path: Path, seed: int) -> None:
    tree = facemap_dict(seed)
    write_facemap(tmp_path / "face_proc.mat", tree)
    found = read_facemap(tmp_path / "face_proc.mat")
    assert [roi.roi.name for roi in facemap_rois(found)] == [roi.roi.name for roi in facemap_rois(tree)]
    for k, trace in enumerate(tree["motion"]):
        assert np.array_equal(np.ravel(found["motion"][k]), trace)


@pytest.mark.parametrize("seed", range(30))
def test_imported_outcomes_have_the_form_of_their_analyses(seed: int) -> None:
    found = imported_outcomes(facemap_dict(seed))
    for name, datasets in found.datasets.items():
        for dataset in datasets.values():
            check_outcome(dataset, get_analysis(name).outputs)


def test_energy_is_the_sum_over_the_bins_divided_by_their_number() -> None:
    (seed,) = seeds_with(lambda tree: tree["rois"] and any(roi["rind"] == 1 for roi in tree["rois"]))
    tree = facemap_dict(seed)
    roi = next(roi for roi in tree["rois"] if roi["rind"] == 1)
    found = imported_outcomes(tree)
    dataset = next(
        item
        for item in found.datasets["motion"].values()
        if any(str(name).startswith("motion") for name in item["roi"].values)
    )
    j = next(j for j, name in enumerate(dataset["roi"].values) if str(name).startswith("motion"))
    n_bins = len(roi["yrange_bin"]) * len(roi["xrange_bin"])
    assert np.allclose(dataset["energy"].values[:, j], tree["motion"][1] / n_bins, rtol=1e-6)
    assert dataset["n_bins"].values[j] == n_bins


def test_pupil_centre_is_turned_to_x_y_in_the_picture_and_axes_are_lengths() -> None:
    (seed,) = seeds_with(lambda tree: tree.get("pupil") and tree["rois"])
    tree = facemap_dict(seed)
    roi = next(roi for roi in tree["rois"] if roi["rind"] == 0)
    dataset = next(iter(imported_outcomes(tree).datasets["pupil"].values()))
    com, axes = tree["pupil"][0]["com"], np.sort(tree["pupil"][0]["axlen"], 1)
    assert np.allclose(dataset["centre"].values[:, 0, 0], com[:, 1] + roi["xrange"][0], rtol=1e-5)
    assert np.allclose(dataset["centre"].values[:, 0, 1], com[:, 0] + roi["yrange"][0], rtol=1e-5)
    assert np.allclose(dataset["major"].values[:, 0], 2 * np.sqrt(axes[:, 1]), rtol=1e-5)
    assert np.allclose(dataset["diameter"].values[:, 0] ** 2 * np.pi / 4, tree["pupil"][0]["area"], rtol=1e-4)


def early(n_frames: int = 1000) -> dict[str, Any]:
    """A file whose motion of frames 1..499 is one frame early, as Facemap 1.0 writes it."""
    (seed,) = seeds_with(lambda tree: tree.get("fullSVD") and len(tree["Ly"]) == 1 and "Ly" in tree)
    tree = facemap_dict(seed, n_frames=n_frames)
    truth = np.arange(n_frames, dtype=np.float32)
    motion = truth.copy()
    motion[:499] = truth[1:500]
    motion[499] = 0
    tree["motion"] = [motion, *(np.roll(motion, 0) for _ in tree["motion"][1:])]
    return tree


def test_early_energy_is_flagged_and_left_alone_without_repair() -> None:
    found = imported_outcomes(early())
    assert any("one frame early" in flag.text for flag in found.flags["motion"])
    energy = found.datasets["motion"][""]["energy"].values[:, 0]
    assert energy[499] == 0


def test_early_energy_is_moved_by_repair_exactly() -> None:
    found = imported_outcomes(early(), repair=True)
    dataset = found.datasets["motion"][""]
    scaled = dataset["energy"].values[:, 0].astype(np.float64) * int(dataset["n_bins"].values[0])
    assert np.isnan(scaled[0])
    assert np.allclose(scaled[1:], np.arange(1, 1000), rtol=1e-5)


def test_masks_without_norm_are_mended_to_unit_norm_with_their_singular_values() -> None:
    (seed,) = seeds_with(
        lambda tree: (
            tree.get("fullSVD") and len(tree["Ly"]) == 1 and {"motMask_reshape", "motSVD"} <= set(tree)
        )
    )
    tree = facemap_dict(seed)
    norms = np.array([1000.0, 700.0, 500.0], np.float32)
    tree["motMask_reshape"][0] = tree["motMask_reshape"][0] * norms
    before = tree["motSVD"][0].copy()
    tree["motSVD"][0] = before * norms
    found = imported_outcomes(tree, repair=True)
    dataset = found.datasets["svd"][""]
    mask = np.nan_to_num(dataset["motion_mask"].values[0])
    assert np.allclose(np.linalg.norm(mask.reshape(3, -1), axis=1), 1, atol=1e-5)
    assert np.allclose(dataset["motion_svd"].values[:, 0], before, rtol=1e-4)
    assert np.allclose(dataset["motion_singular_value"].values[0], norms, rtol=1e-5)
    assert any("masks had no unit norm" in flag.text for flag in found.flags["svd"])


def test_times_come_from_the_videos_or_are_missing_with_a_flag() -> None:
    (seed,) = seeds_with(lambda tree: tree.get("fullSVD") and len(tree["Ly"]) == 1)
    tree = facemap_dict(seed)
    times = np.arange(12) / 30
    with_times = imported_outcomes(tree, {"face": times}).datasets["motion"][""]
    assert np.array_equal(with_times["time"].values, times)
    without = imported_outcomes(tree)
    assert np.isnan(without.datasets["motion"][""]["time"].values).all()
    assert any("times are not known" in flag.text for flag in without.flags["motion"])


def test_running_of_facemap_is_left_out_with_a_remark() -> None:
    (seed,) = seeds_with(
        lambda tree: tree.get("running") and tree["rois"] and tree.get("fullSVD") and len(tree["Ly"]) == 1
    )
    found = imported_outcomes(facemap_dict(seed))
    assert "running" not in found.datasets
    assert any(flag.code == "N302" for flag in found.flags["motion"])


def test_regions_become_ellipses_and_rectangles_of_the_same_pixels() -> None:
    for seed in range(20):
        tree = facemap_dict(seed)
        for found, entry in zip(facemap_rois(tree), tree["rois"] or [], strict=True):
            mask = found.roi.mask((tree["Ly"][entry["ivid"]], tree["Lx"][entry["ivid"]]))
            inside = mask[np.ix_(entry["yrange"], entry["xrange"])]
            assert isinstance(found.roi.shape, Ellipse if entry["rind"] in (0, 2) else Rectangle)
            assert mask.sum() == inside.sum()
            assert np.array_equal(inside, entry["ellipse"])


def test_cameras_are_named_face_or_numbered() -> None:
    assert camera_names({"Ly": [480]}) == ["face"]
    assert camera_names({"Ly": [480, 200]}) == ["camera1", "camera2"]


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}, 7], ids=["list", "other dict", "number"])
def test_other_content_is_no_facemap_file(tmp_path: Path, content: object) -> None:
    np.save(tmp_path / "x.npy", content, allow_pickle=True)  # type: ignore[arg-type] # any object
    with pytest.raises(FormatError, match="F804"):
        read_facemap(tmp_path / "x.npy")


def test_file_that_is_not_there_is_p403(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="P403"):
        read_facemap(tmp_path / "nowhere_proc.npy")


def test_text_renamed_to_mat_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.mat").write_text(
        "hello, this is no MATLAB file at all, but long enough to have a header" * 4
    )
    with pytest.raises(FormatError, match="F804"):
        read_facemap(tmp_path / "x.mat")


def test_variable_of_two_gigabytes_is_refused_for_matlab(tmp_path: Path) -> None:
    huge = np.broadcast_to(np.zeros(1, np.float64), (1 << 28,))
    with pytest.raises(FormatError, match="F804"):
        write_facemap(tmp_path / "x.mat", {"motSVD": [huge]})
    assert list(tmp_path.iterdir()) == []


KEYS = (
    *(
        "filenames",
        "save_path",
        "Ly",
        "Lx",
        "sbin",
        "fullSVD",
        "save_mat",
        "Lybin",
        "Lxbin",
        "sybin",
        "sxbin",
    ),
    *(
        "LYbin",
        "LXbin",
        "sy",
        "sx",
        "avgframe",
        "avgmotion",
        "avgframe_reshape",
        "avgmotion_reshape",
        "motion",
    ),
    *("motSv", "movSv", "motMask", "movMask", "motMask_reshape", "movMask_reshape", "motSVD", "movSVD"),
    *("pupil", "blink", "running", "rois"),
)


def exported(seed: int, flavour: str = "facemap") -> tuple[dict[str, Any], dict[str, Any]]:
    tree = facemap_dict(seed)
    found = imported_outcomes(tree)
    outcomes = {}
    for name, datasets in found.datasets.items():
        for camera, dataset in datasets.items():
            index = camera_names(tree).index(camera) if camera else 0
            dataset.attrs.update(
                frame_width=tree["Lx"][index], frame_height=tree["Ly"][index], bin=tree["sbin"]
            )
            outcomes[f"{name}/{camera}" if camera else name] = dataset
    kind: Any = flavour
    return tree, facemap_tree(outcomes, files=[["a.mp4"]], flavour=kind)


def test_exported_tree_has_every_key_of_facemap() -> None:
    (seed,) = seeds_with(lambda tree: tree.get("fullSVD") and len(tree["Ly"]) == 1 and tree["rois"])
    _, made = exported(seed)
    assert [key for key in KEYS if key not in made] == []


def test_exported_motion_is_the_sum_with_the_second_row_first() -> None:
    (seed,) = seeds_with(lambda tree: tree.get("fullSVD") and len(tree["Ly"]) == 1)
    tree, made = exported(seed)
    assert made["motion"][0][0] == made["motion"][0][1]
    assert np.allclose(made["motion"][0][1:], tree["motion"][0][1:], rtol=1e-5)


def test_exported_pupil_is_what_was_imported() -> None:
    (seed,) = seeds_with(lambda tree: tree.get("pupil") and tree["rois"] and len(tree["Ly"]) == 1)
    tree, made = exported(seed)
    assert np.allclose(made["pupil"][0]["com"], tree["pupil"][0]["com"], atol=1e-4)
    assert np.allclose(made["pupil"][0]["axlen"], np.sort(tree["pupil"][0]["axlen"], 1), rtol=1e-4)
    assert np.allclose(made["pupil"][0]["area"], tree["pupil"][0]["area"], rtol=1e-5)


def test_exported_blink_is_the_sum_over_the_region() -> None:
    (seed,) = seeds_with(lambda tree: tree.get("blink") and tree["rois"] and len(tree["Ly"]) == 1)
    tree, made = exported(seed)
    assert np.allclose(made["blink"][0], tree["blink"][0], rtol=1e-5)


def test_export_of_nothing_is_refused() -> None:
    with pytest.raises(RecipeError, match="nothing that Facemap's files hold"):
        facemap_tree({}, files=[])


# files that are not what they should be ------------------------------------------------------------------

LEAF = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**12),
    st.floats(),
    st.text(max_size=4),
    st.just([]),
    st.just({}),
    st.just(np.zeros(0)),
    st.just(np.zeros((2, 3))),
    st.just(np.arange(12.0)),
    st.just(np.full(12, np.nan)),
    st.just(np.array(["a", None], object)),
    st.just([np.zeros(3), np.zeros(4)]),
    st.just([{}]),
)


def places_in(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the places of all values of a tree."""
    found = [path] if path else []
    items: Any = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        found += places_in(value, (*path, key))
    return found


@pytest.mark.parametrize("sides", [{"Ly": [0]}, {"Ly": [42], "Lx": [0]}, {"Ly": False}, {"Ly": [2**31]}])
def test_a_picture_that_cannot_be_is_refused(sides: dict[str, Any]) -> None:
    _, refusal = attempt(lambda: imported_outcomes({**facemap_dict(2), **sides}))
    assert refusal is not None
    assert refusal.code == "F804"


@settings(deadline=None, max_examples=150)
@given(seed=st.integers(0, 40), data=st.data())
def test_a_file_with_any_value_anywhere_is_imported_or_refused(seed: int, data: st.DataObject) -> None:
    tree = facemap_dict(seed)
    for _ in range(data.draw(st.integers(1, 2))):
        *path, last = data.draw(st.sampled_from(places_in(tree)))
        holder: Any = tree
        for key in path:
            holder = holder[key]
        holder[last] = data.draw(LEAF)
    found, refusal = attempt(lambda: imported_outcomes(tree))
    if refusal is not None:
        assert refusal.code == "F804"
    else:
        assert found is not None
        for name, datasets in found.datasets.items():
            for dataset in datasets.values():
                check_outcome(dataset, get_analysis(name).outputs)


@pytest.mark.parametrize("dtype", ["f2", "f4", ">f8", "i1", ">u4", "bool", "S3", "U2", ">U2"])
def test_every_type_of_array_is_kept_exactly(dtype: str) -> None:
    values = (np.arange(6) % 2).astype(dtype)
    tree = {"Ly": [4], "rois": None, "x": values, "y": [values.reshape(2, 3), values[:0]], "z": values[1]}
    back = tree_from_verbatim(verbatim(tree))
    assert same({key: back[key] for key in ("x", "y")}, {key: tree[key] for key in ("x", "y")})
    assert back["z"] == tree["z"]
    assert back["z"].dtype == tree["z"].dtype


@pytest.mark.parametrize("dtype", ["c16", "M8[s]", "V4"])
def test_arrays_that_netcdf_cannot_hold_are_refused(dtype: str) -> None:
    with pytest.raises(FormatError, match="cannot be kept"):
        verbatim({"x": np.zeros(3, dtype)})


def test_leaves_of_equal_names_are_kept_apart() -> None:
    tree = {"a b": np.arange(3), "a_b": np.arange(4), "a/b": np.arange(5), "": np.arange(2)}
    kept = verbatim(tree)
    assert len(kept.variables) == 4
    assert same(tree_from_verbatim(kept), tree)


def roi_entry(**changed: Any) -> dict[str, Any]:
    """Return a region as Facemap writes it."""
    ranges = {"yrange": np.arange(4, 12), "xrange": np.arange(8, 20)}
    return {"rind": 0, "ivid": 0, "ellipse": np.ones((8, 12), bool), **ranges, **changed}


@pytest.mark.parametrize(
    "changed",
    [{"rind": 7}, {"ivid": 3}, {"yrange": np.arange(0)}, {"xrange": []}],
    ids=["unknown kind", "unknown camera", "no rows", "no columns"],
)
def test_regions_that_mean_nothing_are_left_out(changed: dict[str, Any]) -> None:
    tree = {"Ly": [40], "Lx": [60], "rois": [roi_entry(), roi_entry(**changed)]}
    assert [item.roi.name for item in facemap_rois(tree)] in (["pupil"], ["pupil1"])


def test_a_mask_of_another_size_is_the_whole_box() -> None:
    (found,) = facemap_rois({"Ly": [40], "Lx": [60], "rois": [roi_entry(ellipse=np.ones((3, 3), bool))]})
    assert found.n_pixels == 8 * 12
    assert found.roi.shape == Ellipse(13.5, 7.5, 6.0, 4.0)


def test_reflections_lie_inside_of_the_region() -> None:
    reflector = {"yrange": np.arange(2, 4), "xrange": np.arange(3, 6), "ellipse": np.ones((2, 3), bool)}
    (found,) = facemap_rois({"Ly": [40], "Lx": [60], "rois": [roi_entry(reflector=[reflector])]})
    assert found.roi.reflections == (Ellipse(8 + 3 + 1.0, 4 + 2 + 0.5, 1.5, 1.0),)
