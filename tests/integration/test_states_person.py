"""A person films a face: labels, a tracker of their own, points, states, clips, as the how-to says."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import mystax
from mystax.compute.statistics import adjusted_rand
from tests.fixtures.commands import call
from tests.fixtures.human_film import film_of, person, write_labels

pytest.importorskip("torch", reason='pip install "mystax[train]"')
pytestmark = [pytest.mark.slow, pytest.mark.extra("train")]


def test_from_a_film_and_fifty_labels_to_expressions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth, points = person(1, 900)
    film = film_of(tmp_path / "face.mp4", points)
    table = write_labels(tmp_path / "labels.csv", points, list(range(0, 900, 18)))
    labels, own, folder = tmp_path / "face.labels", tmp_path / "own", tmp_path / "face.mystax"
    for words in (
        ["labels", "init", labels, "--keypoints", "human-face-68"],
        ["labels", "import", table, "--out", labels, "--video", film],
        ["train", labels, "--base", "none", "--minutes", "1.5", "--size", "128", "--out", own],
        ["track", film, "--weights", own / "face.onnx"],
        ["states", folder, "--k", "3", "--clips", "4", "--video", film],
    ):
        done = call(capsys, *map(str, words))
        assert done.status == 0, done.err
        assert "nan" not in done.out
    pose, states = mystax.load(folder / "pose.nc"), mystax.load(folder / "states.nc")
    assert isinstance(pose, xr.Dataset)
    assert isinstance(states, xr.Dataset)
    gap = np.swapaxes(pose["position"].values[..., 0], 1, 2) - points
    assert np.median(np.linalg.norm(gap, axis=2)) < 3
    frames = np.round(states["time"].values * 30).astype(int)
    assert adjusted_rand(truth[frames], states["label"].values.astype(np.int64)) >= 0.85
    assert len(list((folder / "clips").glob("*.mp4"))) == 3
    assert len(list((folder / "tables").glob("*.csv"))) == 9
