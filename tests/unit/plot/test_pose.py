"""Tests of `mystax.plot.pose`: where points are drawn, with and without a picture."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray

from mystax.core.quality import Flag, flags_to_json
from mystax.plot.pictures import View
from mystax.plot.pose import pose_figures, pose_tables, why_nothing


def tracks(**attrs: object) -> xarray.Dataset:
    rng = np.random.default_rng(0)
    middle = np.array([[100.0, 300.0], [50.0, 80.0]])  # space, keypoint
    position = middle + rng.normal(0, 2, (40, 2, 2))
    dims = ("time", "space", "keypoint", "individual")
    return xarray.Dataset(
        {
            "position": (dims, position[..., None]),
            "confidence": (("time", "keypoint", "individual"), np.full((40, 2, 1), 0.9)),
            "missing": ("time", np.zeros(40, np.int8)),
        },
        {
            "time": np.arange(40) / 30,
            "space": ["x", "y"],
            "keypoint": ["nose_tip", "mouth"],
            "individual": ["one"],
        },
        attrs,
    )


def limits(dataset: xarray.Dataset) -> tuple[tuple[float, float], tuple[float, float]]:
    figure = pose_figures([View("", dataset)])[0].figure
    axes = figure.axes[0]
    plt.close(figure)
    return axes.get_xlim(), axes.get_ylim()


def test_axes_have_the_size_of_the_frame() -> None:
    assert limits(tracks(frame_width=640, frame_height=480)) == ((-0.5, 639.5), (479.5, -0.5))


def test_axes_without_a_frame_hold_all_places() -> None:
    dataset = tracks()
    position = dataset["position"].to_numpy()
    (left, right), (bottom, top) = limits(dataset)
    assert (left, right) == pytest.approx((position[:, 0].min(), position[:, 0].max()))
    assert (top, bottom) == pytest.approx((position[:, 1].min(), position[:, 1].max()))
    assert right - left > 190


def test_numbers_are_the_medians_of_sure_frames() -> None:
    dataset = tracks(frame_width=640, frame_height=480)
    dataset["position"][:5] = 1e4
    dataset["confidence"][:5] = 0.1
    found = pose_figures([View("", dataset)])[0]
    plt.close(found.figure)
    truth = np.median(dataset["position"].to_numpy()[5:, :, :, 0], axis=0)
    assert found.numbers["x"] == pytest.approx(truth[0].tolist())
    assert found.numbers["y"] == pytest.approx(truth[1].tolist())
    assert list(found.numbers["keypoint"]) == ["nose_tip", "mouth"]


def test_nothing_is_drawn_of_no_frames() -> None:
    assert pose_figures([View("", tracks().isel(time=slice(0, 0)))]) == []


NO_FACE = "no face was found (best score 0.31): nothing was tracked; draw it"


def lost(*flags: Flag) -> xarray.Dataset:
    """Return an outcome without any place."""
    dataset = tracks(frame_width=640, frame_height=480, quality=flags_to_json(flags))
    return dataset.assign(position=dataset["position"] * np.nan)


def test_nothing_is_drawn_or_listed_of_no_places_and_the_remark_stands_for_it() -> None:
    views = [View("", lost(Flag("V101", "cut short"), Flag("N302", NO_FACE)))]
    assert pose_figures(views) == []
    assert pose_tables(views) == []
    assert why_nothing(views[0]) == f"N{NO_FACE[1:]}."
    assert why_nothing(View("", lost())) == "No point was found in any frame."
    assert why_nothing(View("", tracks())) == ""


def test_a_camera_without_places_leaves_the_figures_of_the_others() -> None:
    views = [View("left", tracks()), View("right", lost(Flag("N302", NO_FACE)))]
    found = pose_figures(views)
    for item in found:
        plt.close(item.figure)
    assert set(found[0].numbers["camera"]) == {"left"}
    assert len(found) == 3
    (table,) = pose_tables(views)
    assert {row[0] for row in table.rows} == {"left"}
    assert why_nothing(views[1]) == f"right: {NO_FACE}."


def test_the_face_box_is_spoken_of_where_it_is_drawn() -> None:
    for attrs, is_told in (({"box": "10.00,20.00,90.00"}, True), ({}, False)):
        found = pose_figures([View("", tracks(frame_width=640, frame_height=480, **attrs))])
        for item in found:
            plt.close(item.figure)
        assert ("dashed square" in found[0].text) == is_told
