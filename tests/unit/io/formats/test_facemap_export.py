"""Our outcomes in Facemap's layout: cameras in a mosaic, components over all of them, what is missing."""

import itertools
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mystax
from mystax.core.geometry import Ellipse, Polygon, Rectangle, Roi
from mystax.core.recording import ArraySource, Camera, Recording
from mystax.errors import RecipeError
from mystax.io.formats.facemap_export import _mosaic, facemap_tree
from mystax.io.formats.facemap_outcomes import imported_outcomes
from tests.fixtures.measure import moving_movie

BIN = 4
SHAPES = {"left": (48, 64), "right": (40, 72)}
PARAMETERS: dict[str, dict[str, object]] = {
    "motion": {"bin": BIN},
    "svd": {"n_components": 5, "bin": BIN, "all_cameras": True, "with_movie": True},
}


def movies_of(shapes: Mapping[str, tuple[int, int]]) -> dict[str, np.ndarray]:
    """Make a moving movie of every camera, with a dark ellipse that stands still."""
    movies = {name: moving_movie(40, shape, seed) for seed, (name, shape) in enumerate(shapes.items())}
    for movie in movies.values():
        height, width = movie.shape[1:]
        movie[:, Roi("dark", "pupil", Ellipse(30, 20, 7, 4)).mask((height, width))] = 5
    return movies


def of_memory(
    shapes: Mapping[str, tuple[int, int]], analyses: list[str], rois: list[Roi] | None = None, **more: Any
) -> dict[str, Any]:
    cameras = {name: Camera(name, ArraySource(movie, 30)) for name, movie in movies_of(shapes).items()}
    return dict(mystax.run(Recording("mouse", cameras), analyses=analyses, rois=rois, **more))


@pytest.fixture(scope="module")
def both() -> dict[str, Any]:
    """Motion and components of two cameras of different sizes, in memory."""
    return of_memory(SHAPES, ["motion", "svd"], parameters=PARAMETERS)


@pytest.fixture(scope="module")
def tree(both: dict[str, Any]) -> dict[str, Any]:
    return facemap_tree(both, files=[["l.mp4", "r.mp4"]], save_path="here")


# several cameras ----------------------------------------------------------------------------------------


def test_sizes_are_those_of_the_cameras_in_order(tree: dict[str, Any]) -> None:
    assert (tree["Ly"], tree["Lx"], tree["sbin"]) == ([48, 40], [64, 72], BIN)
    assert tree["Lybin"].tolist() == [12, 10]
    assert tree["Lxbin"].tolist() == [16, 18]
    assert tree["filenames"] == [["l.mp4", "r.mp4"]]
    assert tree["save_path"] == "here"


def test_pictures_of_the_cameras_lie_side_by_side(both: dict[str, Any], tree: dict[str, Any]) -> None:
    assert (tree["LYbin"], tree["LXbin"]) == (12, 16 + 18)
    pasted = tree["avgframe_reshape"]
    np.testing.assert_array_equal(pasted[:, :16], both["motion/left"]["mean_frame"].values)
    np.testing.assert_array_equal(pasted[:10, 16:], both["motion/right"]["mean_frame"].values)
    assert not pasted[10:, 16:].any()
    np.testing.assert_array_equal(tree["avgmotion"][1], both["motion/right"]["mean_motion"].values.ravel())


def test_whole_frames_of_several_cameras_are_regions_of_their_cameras(tree: dict[str, Any]) -> None:
    """Facemap's place 0 belongs to the mosaic; each camera's whole frame is a motion region."""
    assert [(entry["ivid"], entry["rtype"]) for entry in tree["rois"]] == [
        (0, "motion SVD"),
        (1, "motion SVD"),
    ]
    assert len(tree["motion"]) == 3
    assert tree["motion"][0].size == 0
    assert [len(entry["yrange"]) for entry in tree["rois"]] == [48, 40]


@pytest.mark.parametrize(("ours", "short"), [("motion", "mot"), ("movie", "mov")])
def test_components_over_all_cameras_stand_at_place_0(
    ours: str, short: str, both: dict[str, Any], tree: dict[str, Any]
) -> None:
    joint = both["svd/all_cameras"]
    k = int(np.isfinite(joint[f"{ours}_singular_value"].values[0]).sum())
    mask = joint[f"{ours}_mask"].values[0, :k].T
    assert tree["fullSVD"] is True
    np.testing.assert_array_equal(tree[f"{short}Mask"][0], mask)
    trace = tree[f"{short}SVD"][0]
    np.testing.assert_array_equal(trace[1:], joint[f"{ours}_svd"].values[1:, 0, :k])
    np.testing.assert_array_equal(trace[0], trace[1])


def test_each_bin_of_the_joint_mask_is_pasted_where_its_camera_lies(
    both: dict[str, Any], tree: dict[str, Any]
) -> None:
    joint = both["svd/all_cameras"]
    picture = tree["motMask_reshape"][0]
    assert picture.shape == (12, 34, 5)
    seen = np.zeros((12, 34), bool)
    for number, (camera, y, x) in enumerate(
        zip(joint["camera"].values, joint["bin_y"].values, joint["bin_x"].values, strict=True)
    ):
        row, column = int(y) // BIN, int(x) // BIN + (16 if camera == "right" else 0)
        np.testing.assert_array_equal(picture[row, column], joint["motion_mask"].values[0, :, number])
        seen[row, column] = True
    assert not picture[~seen].any()
    np.testing.assert_allclose(np.linalg.norm(picture.reshape(-1, 5), axis=0), 1, atol=1e-4)


def test_projections_of_the_pasted_pictures_are_the_traces(
    both: dict[str, Any], tree: dict[str, Any]
) -> None:
    """What Facemap's own code does with such a file: multiply a mosaic of motion by the masks."""
    joint = both["svd/all_cameras"]
    mosaic = np.zeros((39, 12, 34))
    for movie, x in zip(movies_of(SHAPES).values(), (0, 16), strict=True):
        n, rows, columns = len(movie), movie.shape[1] // BIN, movie.shape[2] // BIN
        grey = movie.reshape(n, rows, BIN, columns, BIN).mean((2, 4))
        mosaic[:, :rows, x : x + columns] = np.abs(np.diff(grey, axis=0))
    found = mosaic.reshape(39, -1) @ tree["motMask_reshape"][0].reshape(-1, 5).astype(np.float64)
    ours = joint["motion_svd"].values[1:, 0]
    # Only the origin of the traces is a matter of convention.
    np.testing.assert_allclose(found - found.mean(0), ours - ours.mean(0), atol=2e-3 * np.abs(ours).max())


def test_element_lists_the_singular_values_of_the_mosaic_first(both: dict[str, Any]) -> None:
    tree = facemap_tree(both, files=[], flavour="element")
    assert [len(values) for values in tree["motSv"]] == [5, 5, 5]
    np.testing.assert_allclose(
        tree["motSv"][0], both["svd/all_cameras"]["motion_singular_value"][0], rtol=1e-6
    )


def test_facemap_keeps_the_singular_values_of_the_last_region_only(
    both: dict[str, Any], tree: dict[str, Any]
) -> None:
    np.testing.assert_allclose(tree["motSv"], both["svd/right"]["motion_singular_value"][0], rtol=1e-6)


@pytest.mark.parametrize("also", [[], ["motion/left"], ["svd/right"]])
def test_components_over_cameras_of_unknown_size_are_refused(also: list[str], both: dict[str, Any]) -> None:
    known = {name: both[name] for name in ("svd/all_cameras", *also)}
    missing = [name for name in ("left", "right") if not any(item.endswith(name) for item in also)]
    with pytest.raises(RecipeError, match=f"motion or svd of {', '.join(missing)}") as caught:
        facemap_tree(known, files=[])
    assert caught.value.code == "P403"


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=10))
def test_pictures_in_a_mosaic_never_overlap_and_fill_no_more_than_it(sizes: list[tuple[int, int]]) -> None:
    places, (height, width) = _mosaic(sizes)
    taken = np.zeros((height, width), int)
    for (y, x), (rows, columns) in zip(places, sizes, strict=True):
        assert y + rows <= height
        assert x + columns <= width
        taken[y : y + rows, x : x + columns] += 1
    assert taken.max() == 1
    assert taken.any(0).all()
    assert taken.any(1).all()


@pytest.mark.parametrize(
    ("n", "rows", "columns"), [(1, 1, 1), (2, 1, 2), (3, 2, 2), (4, 2, 2), (5, 2, 3), (9, 3, 3)]
)
def test_a_mosaic_is_about_as_high_as_wide(n: int, rows: int, columns: int) -> None:
    places, size = _mosaic([(10, 10)] * n)
    assert size == (rows * 10, columns * 10)
    assert places == [(k // columns * 10, k % columns * 10) for k in range(n)]


def test_bins_of_several_sizes_are_refused() -> None:
    sizes = {"motion/left": 4, "motion/right": 2}
    found = {
        name: of_memory({"face": (48, 64)}, ["motion"], parameters={"motion": {"bin": size}})["motion"]
        for name, size in sizes.items()
    }
    with pytest.raises(RecipeError, match=r"one size of bins.*left: 4, motion/right: 2") as caught:
        facemap_tree(found, files=[])
    assert caught.value.code == "P403"


# one camera ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def single() -> dict[str, Any]:
    rois = [
        Roi("eye", "pupil", Ellipse(30, 20, 11, 8)),
        Roi("lid", "blink", Ellipse(34, 26, 9.5, 6.5)),
        Roi("pad", "motion", Rectangle(8, 8, 24, 16)),
    ]
    return of_memory(
        {"face": (48, 64)}, ["motion", "pupil", "blink"], rois, parameters={"motion": {"bin": BIN}}
    )


def test_a_file_without_components_has_empty_lists_of_them(single: dict[str, Any]) -> None:
    tree = facemap_tree(single, files=[["a.mp4"]])
    for short in ("mot", "mov"):
        assert tree[f"{short}Mask"] == tree[f"{short}Mask_reshape"] == tree[f"{short}SVD"] == []
        assert tree[f"{short}Sv"].size == 0
    assert tree["fullSVD"] is False
    assert tree["running"] == []


@pytest.mark.parametrize("flavour", ["facemap", "element"])
def test_regions_in_which_nothing_moves_have_no_components(flavour: Literal["facemap", "element"]) -> None:
    still = Recording("still", {"face": Camera("face", ArraySource(np.full((9, 48, 64), 90, np.uint8), 30))})
    rois = [Roi("pad", "motion", Rectangle(8, 8, 24, 16))]
    found = dict(mystax.run(still, analyses=["motion", "svd"], rois=rois, parameters=PARAMETERS))
    tree = facemap_tree(found, files=[["a.mp4"]], flavour=flavour)
    for short in ("mot", "mov"):
        assert tree[f"{short}Mask"] == tree[f"{short}Mask_reshape"] == tree[f"{short}SVD"] == []
        assert len(tree[f"{short}Sv"]) == 0
    assert all((energy == 0).all() for energy in tree["motion"])


def test_regions_have_their_pixels_colour_and_threshold(single: dict[str, Any]) -> None:
    entries = {entry["rtype"]: entry for entry in facemap_tree(single, files=[])["rois"]}
    eye = entries["Pupil"]
    shape = Roi("eye", "pupil", Ellipse(30, 20, 11, 8)).mask((48, 64))
    assert eye["ellipse"].sum() == shape.sum()
    whole = np.zeros((48, 64), bool)
    whole[np.ix_(eye["yrange"], eye["xrange"])] = eye["ellipse"]
    np.testing.assert_array_equal(whole, shape)
    assert eye["saturation"] == pytest.approx(float(single["pupil"]["threshold"].values[0]))
    assert eye["pupil_sigma"] == 2.0
    assert entries["Blink"]["pupil_sigma"] is None
    assert entries["Blink"]["rind"] == 2
    colours = {entry["color"] for entry in entries.values()}
    assert len(colours) == 3
    assert all(0 <= value <= 1 for colour in colours for value in colour)


CUT = [Roi("eye", "pupil", Rectangle(-8, -4, 60, 50)), Roi("left", "pupil", Ellipse(30, 20, 34, 30))]


def test_centres_of_a_region_that_the_picture_cuts_count_from_the_box_inside_of_it() -> None:
    found = of_memory({"face": (48, 64)}, ["pupil"], CUT)
    tree = facemap_tree(found, files=[])
    for j, (entry, pupil) in enumerate(zip(tree["rois"], tree["pupil"], strict=True)):
        assert (entry["xrange"][0], entry["yrange"][0]) == (0, 0)
        np.testing.assert_allclose(pupil["com"][:, ::-1], found["pupil"]["centre"].values[:, j], atol=1e-4)
    again = imported_outcomes(tree).datasets["pupil"][""]
    np.testing.assert_allclose(again["centre"].values, found["pupil"]["centre"].values, atol=1e-4)


def test_a_region_that_is_called_frame_is_not_the_whole_picture() -> None:
    rois = [Roi("frame", "motion", Rectangle(8, 8, 24, 16))]
    found = of_memory({"face": (48, 64)}, ["motion"], rois, parameters={"motion": {"bin": BIN}})
    tree = facemap_tree(found, files=[])
    assert tree["fullSVD"] is False
    assert [entry["xrange"][0] for entry in tree["rois"]] == [8]
    again = imported_outcomes(tree).datasets["motion"][""]
    np.testing.assert_allclose(again["energy"].values[1:], found["motion"]["energy"].values[1:], rtol=1e-6)


SHAPES_OF_ALL = [
    Roi("turned", "motion", Ellipse(30, 22, 20, 9, 0.5)),
    Roi("corner", "motion", Polygon(((4.0, 4.0), (50.0, 8.0), (20.0, 44.0)))),
    Roi("eye", "pupil", Ellipse(30, 20, 16, 12, 0.6), reflections=(Ellipse(28, 18, 2.5, 2.0),)),
    Roi("box", "blink", Rectangle(10, 10, 30, 24)),
    Roi("lid", "blink", Polygon(((10.0, 10.0), (50.0, 14.0), (30.0, 40.0)))),
]


def test_regions_of_every_shape_come_back_as_they_were() -> None:
    parameters = {"motion": {"bin": BIN}, "svd": {"bin": BIN, "n_components": 3}, "pupil": {"sigma": 3.0}}
    names = ["motion", "svd", "pupil", "blink"]
    found = of_memory({"face": (48, 64)}, names, SHAPES_OF_ALL, parameters=parameters)
    tree = facemap_tree(found, files=[], rois=SHAPES_OF_ALL)
    for mask in tree["motMask"][1:]:
        np.testing.assert_allclose(np.linalg.norm(mask, axis=0), 1, atol=1e-5)
    assert [entry["pupil_sigma"] for entry in tree["rois"]] == [None, None, 3.0, None, None]
    again = imported_outcomes(tree)
    assert [(roi.shape, roi.reflections) for roi in again.rois] == [
        (roi.shape, roi.reflections) for roi in SHAPES_OF_ALL
    ]
    np.testing.assert_array_equal(again.datasets["motion"][""]["n_bins"], found["motion"]["n_bins"])
    for name, variable in (("motion", "energy"), ("blink", "darkness"), ("pupil", "area")):
        ours = found[name][variable].values[1:]
        np.testing.assert_allclose(again.datasets[name][""][variable].values[1:], ours, rtol=1e-5)
    for name in ("x_origin", "y_origin"):
        np.testing.assert_array_equal(again.datasets["svd"][""][name], found["svd"][name])


def test_facemap_sees_reflections_in_the_box_of_their_region() -> None:
    found = of_memory({"face": (48, 64)}, ["pupil"], SHAPES_OF_ALL[2:3])
    (entry,) = facemap_tree(found, files=[], rois=SHAPES_OF_ALL)["rois"]
    (reflector,) = entry["reflector"]
    whole = np.zeros((48, 64), bool)
    rows, columns = (entry[name][reflector[name]] for name in ("yrange", "xrange"))
    whole[np.ix_(rows, columns)] = reflector["ellipse"]
    truth = Roi("spot", "pupil", SHAPES_OF_ALL[2].reflections[0]).mask((48, 64))
    np.testing.assert_array_equal(whole, truth)


def test_a_box_that_was_moved_since_is_believed_before_the_outline() -> None:
    found = of_memory({"face": (48, 64)}, ["blink"], SHAPES_OF_ALL[4:])
    tree = facemap_tree(found, files=[])
    tree["rois"][0]["xrange"] = tree["rois"][0]["xrange"] + 3
    (roi,) = imported_outcomes(tree).rois
    assert isinstance(roi.shape, Ellipse)
    assert roi.shape.cx == pytest.approx(33)


@pytest.mark.parametrize("flavour", ["facemap", "element"])
def test_singular_values_come_back_to_their_regions(flavour: Literal["facemap", "element"]) -> None:
    rois = [Roi("one", "motion", Rectangle(0, 0, 24, 16)), Roi("two", "motion", Rectangle(24, 16, 40, 32))]
    parameters = {"svd": {"bin": BIN, "n_components": 3}}
    found = of_memory({"face": (48, 64)}, ["svd"], rois, parameters=parameters)
    values = imported_outcomes(facemap_tree(found, files=[], flavour=flavour)).datasets["svd"][""]
    ours = found["svd"]["motion_singular_value"].values.copy()
    if flavour == "facemap":
        ours[0] = np.nan
    np.testing.assert_allclose(values["motion_singular_value"].values, ours, rtol=1e-6)


def test_ranges_of_bins_are_those_that_lie_in_the_region(single: dict[str, Any]) -> None:
    (pad,) = (entry for entry in facemap_tree(single, files=[])["rois"] if entry["rtype"] == "motion SVD")
    assert pad["yrange_bin"].tolist() == [2, 3, 4, 5]
    assert pad["xrange_bin"].tolist() == [2, 3, 4, 5, 6, 7]


def test_blink_is_the_sum_of_darkness_over_the_region(single: dict[str, Any]) -> None:
    n_pixels = Roi("lid", "blink", Ellipse(34, 26, 9.5, 6.5)).mask((48, 64)).sum()
    exported = facemap_tree(single, files=[])["blink"][0]
    np.testing.assert_allclose(exported, single["blink"]["darkness"].values[:, 0] * n_pixels, rtol=1e-6)


def test_directions_of_the_pupil_are_perpendicular_unit_vectors(single: dict[str, Any]) -> None:
    axes = facemap_tree(single, files=[])["pupil"][0]["axdir"]
    known = np.isfinite(axes).all((1, 2))
    assert known.any()
    products = axes[known] @ np.swapaxes(axes[known], 1, 2)
    np.testing.assert_allclose(products, np.broadcast_to(np.eye(2), products.shape), atol=1e-6)
    long = axes[known, 1]
    angle = single["pupil"]["angle"].values[known, 0]
    turned = np.arctan2(long[:, 0], long[:, 1]) - angle
    np.testing.assert_allclose(np.sin(turned), 0, atol=1e-6)


def test_a_missing_picture_of_the_mean_is_nan_of_its_size(single: dict[str, Any]) -> None:
    tree = facemap_tree({"pupil": single["pupil"]}, files=[])
    assert tree["sbin"] == 1
    assert tree["avgframe"][0].shape == (48 * 64,)
    assert np.isnan(tree["avgframe"][0]).all()


def test_outcomes_that_facemap_has_no_place_for_are_left_out(single: dict[str, Any]) -> None:
    more = {**single, "rois": single["motion"], "toy": single["motion"]}
    one, other = (facemap_tree(item, files=[]) for item in (single, more))
    assert list(one) == list(other)
    np.testing.assert_equal(one["motion"], other["motion"])


def test_an_outcome_that_does_not_tell_the_size_of_the_picture_is_refused(single: dict[str, Any]) -> None:
    blind = single["pupil"].copy()
    blind.attrs = {key: value for key, value in blind.attrs.items() if key != "frame_height"}
    with pytest.raises(RecipeError, match="how large the picture is") as caught:
        facemap_tree({"pupil": blind}, files=[])
    assert (caught.value.code, caught.value.hint) == ("P403", "run it again")


def test_a_single_frame_has_no_second_row_to_repeat() -> None:
    short = {
        name: dataset.isel(time=slice(0, 1))
        for name, dataset in of_memory(
            {"face": (48, 64)}, ["motion"], parameters={"motion": {"bin": BIN}}
        ).items()
    }
    assert np.isnan(facemap_tree(short, files=[])["motion"][0]).all()


@pytest.mark.parametrize("names", list(itertools.permutations(["motion", "pupil", "blink"])))
def test_the_order_of_outcomes_does_not_matter_to_the_traces(
    names: tuple[str, ...], single: dict[str, Any]
) -> None:
    one = facemap_tree(single, files=[])
    other = facemap_tree({name: single[name] for name in names}, files=[])
    for key in ("motion", "pupil", "blink"):
        np.testing.assert_equal(other[key], one[key])
