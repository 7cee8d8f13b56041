"""Keypoints of single pictures: the places of the same frames in a video, and refusals."""

import contextlib
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason='pip install "mystax[train]"')  # the small network is made with it

import mystax
from mystax.core.events import Event
from mystax.core.point_flags import FLAG_MASKS
from mystax.engine.calls import analysis_function
from mystax.errors import FormatError, ParameterError, RecipeError, RoiError
from mystax.io.video import VideoWriter
from tests.fixtures.commands import call
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


def test_other_pictures_of_one_folder_are_another_outcome(weights: str, tmp_path: Path) -> None:
    pictures = _pictures(4)
    files = [tmp_path / "in" / f"{number}.png" for number in range(4)]
    files[0].parent.mkdir()
    for file, picture in zip(files, pictures, strict=True):
        Image.fromarray(picture).save(file)
    for first in (0, 2):
        found = mystax.pose(files[first : first + 2], weights=weights, out=tmp_path / "out")
        assert [str(name) for name in found["image"].values] == [f"{first}.png", f"{first + 1}.png"]
        alone = mystax.pose(pictures[first : first + 2], weights=weights)
        np.testing.assert_array_equal(found["position"], alone["position"])


def test_files_beside_the_pictures_change_nothing(weights: str, tmp_path: Path) -> None:
    Image.fromarray(_pictures(1)[0]).save(tmp_path / "a.png")
    keys = []
    for text in ("one", "two"):
        (tmp_path / "notes.txt").write_text(text)
        keys.append(mystax.pose([tmp_path / "a.png"], weights=weights, out=tmp_path / "out").attrs["key"])
    assert keys[0] == keys[1]


def test_an_array_has_no_name_to_be_kept_by(weights: str, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"P401.*'out' of 'pose'"):
        mystax.pose(_pictures(1), weights=weights, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def _two_cameras(folder: Path) -> mystax.Recording:
    for name, shift in (("left", 0), ("right", 100)):
        path, rate = folder / f"{name}.mkv", Fraction(30)
        with VideoWriter(path, size=(90, 80), rate=rate, codec="ffv1", pixel_format="gray") as out:
            for picture in np.roll(_pictures(3), shift, axis=1):
                out.write(picture)
    return mystax.open({name: folder / f"{name}.mkv" for name in ("left", "right")}, reference="right")


def test_a_kept_pose_is_that_of_the_camera_that_is_asked_for(weights: str, tmp_path: Path) -> None:
    with contextlib.closing(_two_cameras(tmp_path)) as recording:
        wishes: dict[str, Any] = {"weights": weights, "box": "5,4,72", "smooth": "none"}
        for camera in ("left", "right", ""):
            alone = mystax.pose(recording, camera=camera, **wishes)
            kept = mystax.pose(recording, camera=camera, out=tmp_path / "out", **wishes)
            np.testing.assert_array_equal(kept["position_raw"], alone["position_raw"], err_msg=camera)


def test_an_unknown_camera_is_refused_before_the_work(weights: str, tmp_path: Path) -> None:
    with (
        contextlib.closing(_two_cameras(tmp_path)) as recording,
        pytest.raises(RecipeError, match=r"P403.*did you mean 'right'"),
    ):
        mystax.pose(recording, camera="rihgt", weights=weights, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_renamed_pictures_are_tracked_under_their_new_names(weights: str, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, picture in zip(("a.png", "b.png"), _pictures(2), strict=True):
        Image.fromarray(picture).save(folder / name)
    mystax.pose(folder, weights=weights, out=tmp_path / "out")
    (folder / "b.png").rename(folder / "c.png")
    found = mystax.pose(folder, weights=weights, out=tmp_path / "out")
    assert [str(name) for name in found["image"].values] == ["a.png", "c.png"]


def test_force_and_cores_are_meant_for_pictures_too(
    weights: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mystax.nets import predictor

    threads = []

    def opened(*args: Any, cores: int, **options: Any) -> predictor.Predictor:
        threads.append(cores)
        return original(*args, cores=cores, **options)

    original = predictor.open_predictor
    monkeypatch.setattr(predictor, "open_predictor", opened)
    monkeypatch.setattr("mystax.engine.track_stills.available_cores", lambda limit: limit or 7)
    Image.fromarray(_pictures(1)[0]).save(tmp_path / "a.png")
    words = ("track", tmp_path / "a.png", "--weights", weights, "--out", tmp_path / "out", "--json")
    states = []
    for more in ((), (), ("--force", "--cores", "2")):
        found = call(capsys, *words, *more)
        assert found.status == 0, found.err
        states.append(found.json["outcomes"][0]["state"])
    assert states == ["made", "current", "made"]
    assert threads == [7, 2]


def test_a_file_of_several_pages_is_told_as_unreadable(weights: str, tmp_path: Path) -> None:
    pictures = _pictures(3)
    Image.fromarray(pictures[0]).save(tmp_path / "a.png")
    first, second = (Image.fromarray(picture) for picture in pictures[1:])
    first.save(tmp_path / "b.tif", save_all=True, append_images=[second])
    found = mystax.pose(tmp_path, weights=weights)
    assert np.isfinite(found["position"][0]).all()
    assert np.isnan(found["position"][1]).all()
    (flag,) = [flag for flag in json.loads(found.attrs["quality"]) if flag["code"] == "N302"]
    assert "b.tif: F804 the file holds several pictures, 2 pages" in flag["text"]


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_pictures_of_wider_numbers_have_the_places_of_those_of_eight_bits(
    weights: str, tmp_path: Path, kind: type
) -> None:
    picture = _pictures(1)[0]
    Image.fromarray(picture.astype(kind)).save(tmp_path / "a.tif")
    found = mystax.pose(tmp_path / "a.tif", weights=weights)
    np.testing.assert_array_equal(found["position"], mystax.pose(picture[None], weights=weights)["position"])


def test_no_pictures_have_no_rows_and_a_remark(weights: str) -> None:
    found = mystax.pose(np.zeros((0, 100, 100), np.uint8), weights=weights)
    assert found.sizes["image"] == 0
    assert found["position"].shape == mystax.pose(_pictures(2), weights=weights)["position"][:0].shape
    assert [flag["code"] for flag in json.loads(found.attrs["quality"])] == ["N301"]
