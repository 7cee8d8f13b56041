"""Corners of a board: searches that were interrupted, times that are given, frames that are lost."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import mystax
from mystax.analyses.calibrate import calibrate_sources, find_corners
from mystax.compute import cameras
from mystax.core.board import Board, board_from_text
from mystax.core.events import Event
from mystax.errors import ClockError, RecipeError
from mystax.io.rig import read_rig
from mystax.io.video import VideoWriter
from tests.fixtures.rigs import board_views

BOARD = "checkerboard:10x7:6"
N_VIEWS = 12


class KnownFinder:
    """Finds in a picture what its grey level says: 20 camera + view; counts the looks."""

    uv: np.ndarray = np.empty(0)
    looks: int = 0

    def __init__(self, board: Board) -> None:
        self.board, self.legacy = board, False

    def settle(self, pictures: list[np.ndarray]) -> str:
        """Leave all as it is."""
        return "" if pictures else "no picture"

    def find(self, picture: np.ndarray) -> np.ndarray:
        """Return the corners of a picture."""
        type(self).looks += 1
        camera, view = divmod(int(picture[0, 0]), 20)
        return np.asarray(self.uv[camera, view])


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Path]]:
    """Pictures of two cameras, and a finder that knows their corners without OpenCV."""
    _, _, uv = board_views(2, N_VIEWS)
    monkeypatch.setattr(KnownFinder, "uv", uv)
    monkeypatch.setattr(KnownFinder, "looks", 0)
    monkeypatch.setattr(cameras, "BoardFinder", KnownFinder)
    found: dict[str, list[Path]] = {"left": [], "right": []}
    for c, name in enumerate(found):
        for v in range(N_VIEWS):
            path = tmp_path / f"{name}{v:02d}.png"
            Image.fromarray(np.full((1024, 1280), 20 * c + v, np.uint8)).save(path, compress_level=1)
            found[name].append(path)
    return found


def stop_after(n: int) -> Any:
    def report(event: Event) -> None:
        if event.kind == "progress" and event.done >= n:
            raise KeyboardInterrupt

    return report


def test_interrupted_search_goes_on(sources: dict[str, list[Path]], tmp_path: Path) -> None:
    whole = mystax.Rig.calibrate(sources, BOARD)
    assert KnownFinder.looks == 2 * N_VIEWS
    place = tmp_path / "rig.toml"
    part = mystax.Rig.unfinished(place)
    with pytest.raises(KeyboardInterrupt):
        calibrate_sources(sources, BOARD, keep=part, progress=stop_after(15))
    assert part.is_file()
    KnownFinder.looks = 0
    rig = mystax.Rig.calibrate(sources, BOARD, out=place)
    assert KnownFinder.looks == 2 * N_VIEWS - 15
    assert rig.model.fingerprint == whole.model.fingerprint
    assert read_rig(place).names == ("left", "right")
    assert not part.exists()  # all is in rig.corners.nc now


def test_pictures_that_changed_are_looked_at_again(sources: dict[str, list[Path]], tmp_path: Path) -> None:
    part = tmp_path / "rig.corners.nc.part"
    calibrate_sources(sources, BOARD, keep=part)
    other = np.full((1024, 1280), 99, np.uint8)
    other[0, 0] = 3  # as in view 3
    Image.fromarray(other).save(sources["left"][5])
    KnownFinder.looks = 0
    told: list[str] = []
    _, corners, _ = calibrate_sources(
        sources, BOARD, keep=part, progress=lambda event: told.append(event.text)
    )
    assert KnownFinder.looks == 1
    assert told[0] == f"going on with {2 * N_VIEWS} pictures that were looked at before"
    np.testing.assert_array_equal(corners["corners"].values[0, 5], KnownFinder.uv[0, 3])


def film_of(path: Path, levels: list[int]) -> Path:
    """Write a film whose grey levels tell the finder which view of which camera a frame is."""
    with VideoWriter(path, size=(1280, 1024), rate=Fraction(2), codec="ffv1", pixel_format="gray") as out:
        for level in levels:
            out.write(np.full((1024, 1280), level, np.uint8))
    return path


def test_times_that_are_given_tell_which_frames_belong_together(
    sources: dict[str, list[Path]], tmp_path: Path
) -> None:
    """The second camera starts one view later; the stamps of its film do not know that."""
    films = {
        "left": film_of(tmp_path / "left.mkv", list(range(N_VIEWS))),
        "right": film_of(tmp_path / "right.mkv", list(range(21, 20 + N_VIEWS))),
    }
    clocks = {"left": np.arange(N_VIEWS) / 2, "right": np.arange(1, N_VIEWS) / 2}
    found, _ = find_corners(films, board_from_text(BOARD), clocks=clocks)
    view = np.rint(2 * found["time"].values).astype(int)
    assert set(view) == set(range(1, N_VIEWS))
    for c in range(2):
        np.testing.assert_array_equal(found["corners"].values[c], KnownFinder.uv[c, view])


def test_lost_frames_of_a_board_are_not_made_up(sources: dict[str, list[Path]], tmp_path: Path) -> None:
    kept = [0, 1, 2, 3, 8, 9, 10, 11]
    films = {
        "left": film_of(tmp_path / "left.mkv", list(range(N_VIEWS))),
        "right": film_of(tmp_path / "right.mkv", [20 + k for k in kept]),
    }
    found, _ = find_corners(films, board_from_text(BOARD), clocks={"right": np.array(kept) / 2})
    view = np.rint(2 * found["time"].values).astype(int)
    there = np.isin(view, kept)
    assert not there.all()
    assert np.isnan(found["corners"].values[1, ~there]).all()
    np.testing.assert_array_equal(found["corners"].values[1, there], KnownFinder.uv[1, view[there]])


def test_times_for_pictures_are_refused(sources: dict[str, list[Path]]) -> None:
    with pytest.raises(RecipeError, match="P403") as caught:
        mystax.Rig.calibrate(sources, BOARD, clocks={"left": np.arange(N_VIEWS) / 2})
    assert "left" in str(caught.value)


def test_times_of_an_unknown_camera_are_refused(sources: dict[str, list[Path]]) -> None:
    with pytest.raises(RecipeError, match="P403"):
        mystax.Rig.calibrate(sources, BOARD, clocks={"lefty": np.arange(N_VIEWS) / 2})


def test_times_must_be_as_many_as_frames(sources: dict[str, list[Path]], tmp_path: Path) -> None:
    films = {name: film_of(tmp_path / f"{name}.mkv", [0, 1, 2]) for name in ("left", "right")}
    with pytest.raises(ClockError, match="C202"):
        find_corners(films, board_from_text(BOARD), clocks={"left": np.arange(4) / 2})
