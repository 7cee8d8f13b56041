"""Projects of Anipose in space: the truth comes back, with the project's own axes, limbs and angles."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.core.events import Event
from mystax.core.safe_names import safe_name
from mystax.engine.space.anipose import ProjectWishes, place_of, project_set, triangulate_trial
from mystax.engine.space.pose3d_request import Request3d
from mystax.errors import FormatError, ParameterError, RecipeError
from mystax.io.formats.anipose_project import AniposeProject, read_anipose_project
from mystax.io.formats.anipose_trials import anipose_trials
from tests.fixtures.anipose_project import CONFIG, POINTS, write_config, write_project
from tests.fixtures.commands import call
from tests.fixtures.readers import read_here
from tests.fixtures.videos import Shelf


def project_of(folder: Path, text: str = CONFIG) -> AniposeProject:
    return read_anipose_project(write_config(folder, text))


def test_points_angles_and_lines_get_plain_names(tmp_path: Path) -> None:
    keypoints, plain, remarks = project_set(project_of(tmp_path), POINTS)
    assert plain["nose tip"] == "nose_tip"
    assert keypoints.limbs == (("nose_tip", "p1"), ("p1", "p2"))
    assert keypoints.axes is not None
    assert keypoints.axes.x == ("nose_tip", "p1")
    assert keypoints.measures["jaw"].points == (("nose_tip",), ("p1",), ("p2",))
    assert len(remarks) == 1  # the angle about an axis


def test_names_that_become_alike_stay_apart(tmp_path: Path) -> None:
    text = CONFIG.partition("[labeling]")[0] + "[triangulation]\ncam_regex = '_cam([A-Z])$'\n"
    keypoints, plain, _ = project_set(project_of(tmp_path, text), ["ear tip", "ear-tip", "Ear_tip"])
    assert len(set(plain.values())) == 3
    assert keypoints.find("ear-tip") is not None


def test_what_is_not_tracked_is_told_and_left_out(tmp_path: Path) -> None:
    keypoints, _, remarks = project_set(project_of(tmp_path), [*POINTS[:4]])
    assert list(keypoints.measures) == ["jaw"]
    assert any("angle 'turn'" in text and "'p4'" in text for text in remarks)
    with pytest.raises(FormatError, match="'p2' is not tracked"):
        project_set(project_of(tmp_path), POINTS[:2])


def test_outcomes_go_into_the_session_or_below_the_folder_asked_for(tmp_path: Path) -> None:
    project = project_of(tmp_path)
    for name in ("t1_camA", "t2_camA"):
        (tmp_path / "day1" / "pose-2d").mkdir(parents=True, exist_ok=True)
        (tmp_path / "day1" / "pose-2d" / f"{name}.h5").write_bytes(b"")
    trial = anipose_trials(project)[0]
    assert place_of(project, trial, None, is_only=False) == tmp_path / "day1" / "t1.mystax"
    out = tmp_path / "out"
    assert place_of(project, trial, out, is_only=False) == out / "day1" / "t1.mystax"
    assert place_of(project, trial, out, is_only=True) == out


@pytest.fixture(scope="module", autouse=True)
def _readers() -> Iterator[None]:
    """Read tables in this process: a child costs a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mystax.io.formats.dlc_h5.read_foreign", read_here)
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray, Any, list[Event]]:
    folder = tmp_path_factory.mktemp("project")
    truth = write_project(folder)
    project = read_anipose_project(folder)
    events: list[Event] = []
    wishes = ProjectWishes(Request3d(rate=100), {"smooth": "none"}, report=False)
    outcomes = triangulate_trial(
        project, anipose_trials(project)[0], wishes, folder / "out", progress=events.append
    )
    return folder, truth, outcomes["pose3d"], events


def test_places_are_those_of_the_truth_in_the_axes_of_the_project(made: Any) -> None:
    _, truth, found, _ = made
    first, second = (truth[:, k] - truth[:, 0] for k in (1, 2))
    middle = [np.median(item, axis=0) for item in (truth[:, 0], first, second)]
    x = middle[1] / np.linalg.norm(middle[1])
    z = middle[2] - (middle[2] @ x) * x
    z /= np.linalg.norm(z)
    wanted = (truth - middle[0]) @ np.stack([x, np.cross(z, x), z]).T
    error = np.linalg.norm(found["position"].values[..., 0].transpose(0, 2, 1) - wanted, axis=2)
    assert np.nanmedian(error) < 0.4
    assert [str(name) for name in found["keypoint"].values] == ["nose_tip", *POINTS[1:]]


def test_score_of_the_project_leaves_points_out(made: Any) -> None:
    _, _, found, _ = made
    assert np.isnan(found["position_raw"].values[0, :, 3, 0]).all()
    assert (found["used"].values[0, :, 3, 0] == -1).all()
    assert np.isfinite(found["position_raw"].values[1:, :, 3, 0]).all()


def test_angles_of_the_project_are_measures(made: Any) -> None:
    _, truth, found, events = made
    a, b = truth[:, 0] - truth[:, 1], truth[:, 2] - truth[:, 1]
    wanted = np.arccos((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1))
    jaw = found["measures"].sel(measure="jaw").values
    assert np.median(np.abs(jaw - wanted)) < 0.05
    assert any("roll" in event.text for event in events)


def test_session_without_rig_says_how_to_get_one(tmp_path: Path) -> None:
    project = project_of(tmp_path)
    for name in (
        "pose-2d/t_camA.h5",
        "pose-2d/t_camB.h5",
        "calibration/b_camA.avi",
        "calibration/b_camB.avi",
    ):
        (tmp_path / "day1" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "day1" / name).write_bytes(b"")
    with pytest.raises(RecipeError) as refused:
        triangulate_trial(
            project, anipose_trials(project)[0], ProjectWishes(Request3d(rate=100)), tmp_path / "o"
        )
    assert "not calibrated" in str(refused.value)
    assert "--board charuco:10x7:5:3.75:4x4_50" in str(refused.value)
    assert f"--camera A={tmp_path / 'day1/calibration/b_camA.avi'}" in str(refused.value)


def test_one_command_makes_a_project_and_a_second_one_has_nothing_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_project(tmp_path, 30)
    (tmp_path / "day2" / "pose-2d").mkdir(parents=True)
    (tmp_path / "day2" / "pose-2d" / "lost_camA.h5").write_bytes(b"")
    words = ("triangulate", tmp_path, "--rate", "100", "--smooth", "none", "--no-report", "--json")
    run = call(capsys, *words)
    assert run.status == 3  # the second session has no rig
    assert run.json["errors"][0]["code"] == "P403"
    place = tmp_path / "day1" / f"{safe_name('trial 2')}.mystax" / "pose3d.nc"
    assert Path(run.json["outcomes"][0]["path"]) == place
    found: Any = mystax.load(place)
    assert found.sizes["camera"] == 3
    again = call(capsys, *words)
    assert again.json["outcomes"][0]["state"] == "current"


def test_times_are_those_of_a_film_and_frames_of_equal_number_belong_together(
    tmp_path: Path, shelf: Shelf
) -> None:
    write_project(tmp_path, 60)
    film = shelf.take(n_frames=40)
    (tmp_path / "day1" / "videos-raw").mkdir()
    shutil.copy(film, tmp_path / "day1" / "videos-raw" / "trial 2_camB.mp4")
    project = read_anipose_project(tmp_path)
    wishes = ProjectWishes(Request3d(), {"smooth": "none"}, report=False)
    found = triangulate_trial(project, anipose_trials(project)[0], wishes, tmp_path / "out")["pose3d"]
    recording = mystax.open(film)
    np.testing.assert_allclose(found["time"].values, recording.video().times)
    recording.close()
    assert found["frame"].values.tolist() == list(range(40))  # the tracks go on, the film does not
    assert (found["used"].values[1:] == 1).mean() > 0.95


def test_neither_film_nor_rate_asks_for_the_rate(tmp_path: Path) -> None:
    write_project(tmp_path, 5)
    project = read_anipose_project(tmp_path)
    with pytest.raises(ParameterError, match="frames per second"):
        triangulate_trial(project, anipose_trials(project)[0], ProjectWishes(Request3d()), tmp_path / "out")


def test_rig_is_needed_where_there_is_no_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = call(capsys, "triangulate", tmp_path)
    assert run.status == 2
    assert "--rig" in run.err
