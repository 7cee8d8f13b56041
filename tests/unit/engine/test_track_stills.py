"""Keypoints of single pictures: the places of the same frames in a video, and refusals."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason='pip install "mystax[train]"')  # the small network is made with it

import mystax
from mystax.core.events import Event
from mystax.core.point_flags import FLAG_MASKS
from mystax.engine.calls import analysis_function
from mystax.errors import FormatError, ParameterError, RecipeError, RoiError
from tests.fixtures.networks import tiny_weights

pytestmark = pytest.mark.extra("train")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_weights(tmp_path_factory.mktemp("weights")))


def _pictures(n: int = 5, shape: tuple[int, int] = (80, 90)) -> np.ndarray:
    return np.random.default_rng(n).integers(0, 255, (n, *shape)).astype(np.uint8)


def test_pictures_have_the_places_of_the_same_frames_in_a_video(weights: str) -> None:
    pictures = _pictures()
    video = analysis_function("pose")(pictures, smooth="none", weights=weights, box="5,4,72")
    found = mystax.pose(pictures, weights=weights, box="5,4,72")
    assert found.sizes["image"] == 5
    for name in ("position_raw", "confidence", "visibility", "measurement_covariance"):
        np.testing.assert_allclose(found[name].values, video[name].values, atol=1e-3, err_msg=name)
    np.testing.assert_array_equal(found["position"], found["position_raw"])


def test_pictures_of_a_folder_may_differ_in_size(weights: str, tmp_path: Path) -> None:
    wide, high = _pictures(1, (60, 120))[0], _pictures(1, (120, 60))[0]
    Image.fromarray(wide).save(tmp_path / "a.png")
    Image.fromarray(high).save(tmp_path / "b.png")
    found = mystax.pose(tmp_path, weights=weights)
    assert [str(name) for name in found["image"].values] == ["a.png", "b.png"]
    for name, picture in (("a.png", wide), ("b.png", high)):
        alone = mystax.pose(picture[None], weights=weights)
        np.testing.assert_array_equal(found["position"].sel(image=name), alone["position"][0])


def test_a_picture_without_contrast_has_no_place_and_a_remark(weights: str) -> None:
    pictures = _pictures(3)
    pictures[1] = 7
    found = mystax.pose(pictures, weights=weights)
    assert np.isnan(found["position"][1]).all()
    assert np.isfinite(found["position"][[0, 2]]).all()
    assert "N301" in found.attrs["quality"]


def test_pictures_that_are_too_small_or_no_pictures_are_refused(weights: str) -> None:
    with pytest.raises(RoiError, match="P402"):
        mystax.pose(_pictures(1, (20, 90)), weights=weights)
    with pytest.raises(ParameterError, match="P401"):
        mystax.pose(np.zeros((3, 3)), weights=weights)


def test_pictures_that_cannot_be_read_hinder_no_other(weights: str, tmp_path: Path) -> None:
    good, small = _pictures(2), _pictures(1, (20, 20))[0]
    for name, picture in (("a.png", good[0]), ("c.png", small), ("d.png", good[1])):
        Image.fromarray(picture).save(tmp_path / name)
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:500])
    found = mystax.pose(tmp_path, weights=weights, out=tmp_path / "out")
    assert [str(name) for name in found["image"].values] == ["a.png", "b.png", "c.png", "d.png"]
    assert np.isnan(found["position"][[1, 2]]).all()
    assert np.isnan(found["confidence"][[1, 2]]).all()
    assert (found["flag"][[1, 2]] == FLAG_MASKS["missing_frame"]).all()
    alone = mystax.pose(good, weights=weights)
    np.testing.assert_array_equal(found["position"][[0, 3]], alone["position"])
    assert found.attrs["coverage"] == 0.5
    (flag,) = [flag for flag in json.loads(found.attrs["quality"]) if flag["code"] == "N302"]
    assert "b.png: F804" in flag["text"]
    assert "c.png: P402" in flag["text"]
    assert "20 x 20 px" in flag["text"]


def test_folders_of_damaged_pictures_are_refused(weights: str, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.png").write_bytes(b"no picture")
    with pytest.raises(FormatError, match=r"F804.*a\.png"):
        mystax.pose(tmp_path, weights=weights)


def test_a_list_that_names_an_absent_picture_is_refused_before_the_first(
    weights: str, tmp_path: Path
) -> None:
    Image.fromarray(_pictures(1)[0]).save(tmp_path / "a.png")
    seen: list[Event] = []
    with pytest.raises(RecipeError, match="P403"):
        mystax.pose([tmp_path / "a.png", tmp_path / "b.png"], weights=weights, progress=seen.append)
    assert seen == []
