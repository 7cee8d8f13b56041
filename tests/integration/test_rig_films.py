"""From films of a board to a rig, from films of a face to places in space, against the renderer's truth."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.analyses.calibrate import calibrate_sources
from mystax.compute.projection import project_rig
from mystax.compute.triangulation import triangulate
from mystax.core.board import board_from_text
from mystax.core.events import Event
from mystax.core.rotations import rigid_fit
from mystax.engine.demo.face import recovered_places
from mystax.io.corners import read_corners
from mystax.io.rig import read_rig, rig_from_toml
from mystax.synth.board_film import BoardFilm, wave_board, write_board_film
from mystax.synth.head_files import write_rig
from mystax.synth.head_rig import HeadRig, render_rig
from mystax.synth.head_script import HeadScript
from tests.fixtures.commands import call
from tests.fixtures.rigs import error_of, points_about

FACE = points_about(5, 300, (7.0, 0.0, -2.0))
"""Points that rigs are judged by [mm]."""

BOARD = "charuco:7x5:4:3"
N_VIEWS = 24
pytestmark = pytest.mark.extra("calib")


@pytest.fixture(scope="module")
def face() -> HeadRig:
    return render_rig(HeadScript(3), 3, fps=20, seconds=0.6, seed=2, size=(320, 240), quick=True, workers=2)


@pytest.fixture(scope="module")
def film(face: HeadRig) -> BoardFilm:
    from mystax.compute.cameras import draw_board

    pytest.importorskip("cv2", reason='pip install "mystax[calib]"')
    rig, board = rig_from_toml(face.calibration()), board_from_text(BOARD)
    return BoardFilm(rig, board, draw_board(board, 20), wave_board(rig, board, N_VIEWS, reach=0.2))


@pytest.fixture(scope="module")
def calibrated(film: BoardFilm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the board's films; `calibration.toml` is made by the first test that asks for it."""
    folder = tmp_path_factory.mktemp("board")
    write_board_film(film, folder, Fraction(2))
    mystax.Rig.calibrate(
        {name: folder / f"{name}.mkv" for name in film.rig.names},
        board=BOARD,
        out=folder / "calibration.toml",
    )
    return folder


def test_corners_of_the_films_are_those_of_the_truth(calibrated: Path, film: BoardFilm) -> None:
    corners = read_corners(calibrated / "calibration.corners.nc")
    assert corners.sizes["view"] == N_VIEWS
    np.testing.assert_allclose(corners["time"].values, np.arange(N_VIEWS) / 2, atol=1e-3)
    off = []
    for c, name in enumerate(film.rig.names):
        true = np.stack([film.corners(name, k) for k in range(N_VIEWS)])
        off += [np.linalg.norm(corners["corners"].values[c] - true, axis=2)]
    known = np.isfinite(off)
    assert known.mean() > 0.75
    assert np.median(np.array(off)[known]) < 0.1
    assert np.array(off)[known].max() < 1.5


def test_command_calibrates_films_of_a_board(
    calibrated: Path, film: BoardFilm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    films = [calibrated / f"{name}.mkv" for name in film.rig.names]
    run = call(
        capsys, "calibrate", *films, "--board", BOARD, "--out", tmp_path / "calibration.toml", "--json"
    )
    assert run.status == 0, run.err
    found = read_rig(tmp_path / "calibration.toml")
    assert found.names == film.rig.names
    assert error_of(found, film.rig, FACE) < 0.01  # 0.08 % of the face
    for ours, truth in zip(found.cameras, film.rig.cameras, strict=True):
        assert abs(ours.matrix[0, 0] - truth.matrix[0, 0]) < 4 * ours.sd["fx"]
        assert ours.rms < 0.1
        assert run.json["rig"]["cameras"][ours.name]["heldout"] < 0.2
    # equal inputs, equal bits
    assert found.fingerprint == read_rig(calibrated / "calibration.toml").fingerprint


def test_interrupted_search_of_films_goes_on(
    calibrated: Path, film: BoardFilm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every second corner is in the memo already: the rig is that of the whole search, bit for bit."""
    from mystax.compute.cameras import BoardFinder

    names, looks = film.rig.names[:2], list[int]()
    find = BoardFinder.find

    def counted(finder: BoardFinder, picture: np.ndarray) -> np.ndarray:
        looks.append(1)
        return find(finder, picture)

    monkeypatch.setattr(BoardFinder, "find", counted)
    films = {name: calibrated / f"{name}.mkv" for name in names}
    part = mystax.Rig.unfinished(tmp_path / "rig.toml")

    def stop(event: Event) -> None:
        if event.done == N_VIEWS // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        calibrate_sources(films, BOARD, keep=part, progress=stop)
    looks.clear()
    resumed, _, _ = calibrate_sources(films, BOARD, keep=part)
    n_resumed = len(looks)
    looks.clear()
    whole, _, _ = calibrate_sources(films, BOARD)
    assert resumed.fingerprint == whole.fingerprint
    assert len(looks) - n_resumed == 2 * (N_VIEWS // 2)


def test_short_films_are_looked_into_more_closely(film: BoardFilm, tmp_path: Path) -> None:
    """Twenty-four frames at 10 Hz: five looks at 2 Hz would not do."""
    names = film.rig.names[:2]
    files = write_board_film(film, tmp_path, Fraction(10), cameras=names)
    rig = mystax.Rig.calibrate(files, board=BOARD, out=tmp_path / "calibration.toml")
    corners = read_corners(tmp_path / "calibration.corners.nc")
    np.testing.assert_allclose(corners["time"].values, np.arange(N_VIEWS) / 10, atol=1e-3)
    assert rig.model.cameras[0].n_views > 20


@pytest.mark.slow
def test_face_filmed_by_calibrated_cameras_is_found_in_space(
    calibrated: Path, face: HeadRig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Board films -> rig, face films -> tracks, both -> places that agree with the renderer's."""
    write_rig(face, tmp_path)
    films = {name: str(tmp_path / f"{name}.mkv") for name in face.videos}
    mystax.run(mystax.open(films, name="face"), analyses=["pose"])
    outcomes = next(tmp_path.glob("*.mystax"))
    sides = [word for name in face.videos for word in ("--side", f"{name}=left")]
    rig = calibrated / "calibration.toml"
    run = call(capsys, "triangulate", outcomes, "--rig", rig, *sides, "--json")
    assert run.status == 0, run.err
    found: Any = mystax.load(outcomes / "pose3d.nc")
    # the calibrated rig has its first camera at the origin: bring it to the renderer's frame
    truth, ours = rig_from_toml(face.calibration()), read_rig(rig)
    points = np.random.default_rng(1).uniform(-5, 5, (50, 3)) + np.array([7.0, 0, -2])
    seen = project_rig(truth, points)
    place = triangulate(ours, seen, np.tile(np.array([1.0, 0, 1]), (3, 50, 1))).position
    turn, shift = rigid_fit(place, points)
    moved = found["position"].transpose("time", "keypoint", "individual", "space").values @ turn.T + shift
    found["position"] = (("time", "keypoint", "individual", "space"), moved)
    line = recovered_places(found, tmp_path)
    assert line.is_right, line.found
    assert found.sizes["time"] == 12
