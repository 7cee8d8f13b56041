"""The video with its keypoints: discs lie where the points are, in the colour of their part."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mystax.core.keypoints import KeypointSet
from mystax.engine.overlay import check_overlay, colours_of, draw_points, write_overlay
from mystax.engine.run import run
from mystax.errors import RecipeError
from mystax.io.outcomes import Outcomes
from mystax.io.video import Video, VideoWriter
from tests.fixtures.networks import tiny_weights

RED = (255, 0, 0)


def _drawn(position: list[list[float]], sure: float, radius: float = 5.0) -> np.ndarray:
    picture = np.zeros((60, 80, 3), np.uint8)
    n = len(position)
    places = np.array(position, np.float32)
    draw_points(picture, places, np.full(n, sure, np.float32), [RED] * n, radius)
    return picture


def test_a_disc_has_its_area_and_its_middle() -> None:
    weight = _drawn([[40.25, 30.5]], 0.9)[..., 0] / 255
    assert weight.sum() == pytest.approx(np.pi * 25, rel=0.02)
    y, x = np.mgrid[:60, :80]
    assert (weight * x).sum() / weight.sum() == pytest.approx(40.25, abs=0.05)
    assert (weight * y).sum() / weight.sum() == pytest.approx(30.5, abs=0.05)


def test_an_unsure_point_is_a_ring() -> None:
    disc, ring = (_drawn([[40.0, 30.0]], sure)[..., 0] for sure in (0.9, 0.2))
    assert disc[30, 40] == 255
    assert ring[30, 40] == 0
    assert ring[30, 45] > 0
    assert ring.sum() < disc.sum()


def test_points_outside_and_unknown_ones_draw_nothing() -> None:
    assert not _drawn([[np.nan, 3.0], [-40.0, 10.0], [200.0, 30.0]], 0.9).any()


def test_parts_have_colours_of_their_own() -> None:
    keypoints = KeypointSet.load("mouse-face-13")
    colours = dict(zip(keypoints.ids, colours_of(keypoints), strict=True))
    assert colours["eye_front"] == colours["eye_top"]
    assert len({colours[name] for name in ("eye_front", "nose_tip", "whisker_I", "mouth")}) == 4


@pytest.fixture
def tracked(tmp_path: Path) -> Outcomes:
    """A short grey film with a spot, tracked by a small network."""
    y, x = np.mgrid[:96, :128]
    with VideoWriter(
        tmp_path / "face.mkv", size=(128, 96), rate=Fraction(30), codec="ffv1", pixel_format="gray"
    ) as out:
        for k in range(6):
            spot = 90 + 60 * np.exp(-((x - 60 - k) ** 2 + (y - 48) ** 2) / 200)
            out.write(spot.astype(np.uint8))
    weights = str(tiny_weights(tmp_path))
    found = run(
        str(tmp_path / "face.mkv"),
        analyses=["pose"],
        parameters={"pose": {"weights": weights, "box": "16,0,96", "smooth": "none"}},
        report=False,
        isolated=False,
    )
    assert isinstance(found, Outcomes)
    return found


def test_the_overlay_has_every_frame_and_its_points(tracked: Outcomes, tmp_path: Path) -> None:
    path = write_overlay(tracked, tmp_path / "points.mkv")
    with Video(path) as video:
        frames = np.concatenate([chunk.data for chunk in video.chunks()])
    with Video(tmp_path / "face.mkv") as video:
        plain = np.concatenate([chunk.data for chunk in video.chunks()])
    assert len(frames) == 6
    position = tracked["pose"]["position"].isel(individual=0).transpose("time", "keypoint", "space").values
    changed = np.abs(frames.astype(int) - plain.astype(int)) > 25
    for k in range(6):
        far = np.ones((96, 128), bool)
        for x, y in position[k]:
            v, u = np.mgrid[:96, :128]
            far &= np.hypot(u - x, v - y) > 6
        assert changed[k].any()
        assert not (changed[k] & far).any()
    assert not list(tmp_path.glob("*.part*"))


def test_an_overlay_never_replaces_a_video_of_the_recording(tracked: Outcomes, tmp_path: Path) -> None:
    raw = tmp_path / "face.mkv"
    before = raw.read_bytes()
    (tmp_path / "link.mkv").symlink_to(raw)
    (tmp_path / "hard.mkv").hardlink_to(raw)
    for name in ("face.mkv", "link.mkv", "hard.mkv", "../" + tmp_path.name + "/face.mkv"):
        for overwrite in (False, True):
            with pytest.raises(RecipeError, match=r"P403.*never replaced"):
                write_overlay(tracked, tmp_path / name, overwrite=overwrite)
    assert raw.read_bytes() == before


def test_another_file_is_replaced_only_where_that_is_asked_for(tracked: Outcomes, tmp_path: Path) -> None:
    other = tmp_path / "other.mkv"
    other.write_bytes(b"a recording of somebody")
    with pytest.raises(RecipeError, match=r"P403.*the file exists.*--overwrite"):
        write_overlay(tracked, other)
    assert other.read_bytes() == b"a recording of somebody"
    write_overlay(tracked, other, overwrite=True)
    with Video(other) as video:
        assert video.n_frames == 6


@pytest.mark.parametrize("name", ["points.xyz", "points", "points.gif", "folder.mp4", "face.mkv/points.mp4"])
def test_names_that_no_overlay_can_have_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "face.mkv").write_bytes(b"")
    with pytest.raises(RecipeError, match="P403"):
        check_overlay(tmp_path / name, [tmp_path / "face.mkv"], overwrite=True)


def test_without_a_pose_there_is_nothing_to_draw(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="there is no pose"):
        write_overlay({}, tmp_path / "points.mkv")
