"""`mystax train` as a user runs it: weights for track, a page to look at, and stops that lose nothing."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='pip install "mystax[train]"')

import mystax  # noqa: E402 - torch may be absent
from mystax.core.events import Event  # noqa: E402
from mystax.core.keypoints import KeypointSet  # noqa: E402
from mystax.engine.labels.frames import labelled_frames  # noqa: E402
from mystax.engine.training.judge import pose_function  # noqa: E402
from mystax.engine.training.train import TrainReport, train  # noqa: E402
from mystax.errors import Cancelled, MystaxError, ParameterError, RecipeError  # noqa: E402
from mystax.io.weights import read_tensors, write_weights  # noqa: E402
from mystax.nets.confidence import Calibration  # noqa: E402
from mystax.nets.crop import normalise_crops  # noqa: E402
from mystax.nets.export import pack_weights  # noqa: E402
from mystax.nets.runtime import load_network  # noqa: E402
from mystax.nets.tracker import build_tracker  # noqa: E402
from mystax.nets.training import refine  # noqa: E402
from mystax.nets.training_data import Labelled, Plan  # noqa: E402
from tests.fixtures.commands import call  # noqa: E402
from tests.fixtures.dot_labels import DOTS, write_dot_labels  # noqa: E402
from tests.fixtures.dots import random_dots  # noqa: E402

pytestmark = pytest.mark.extra("train")
SET = 'name = "dots"\n' + "".join(f'[[point]]\nid = "{name}"\n' for name in DOTS)

STEP_SECONDS = 0.05
"""What a step is said to take: the least number of them is done on every machine."""


def _base(folder: Path, members: int = 1) -> Path:
    """Write untrained weights that are a sixteenth of the usual size: quick to refine."""
    nets = [build_tracker(len(DOTS), width=0.25, seed=seed) for seed in range(members)]
    keypoints = KeypointSet.from_toml(SET).to_toml()
    packed = pack_weights(
        nets, size=128, points=DOTS, keypoints=keypoints, calibration=Calibration.uncalibrated(len(DOTS))
    )
    return write_weights(folder, "begin", *packed)


def _train(labels: Path, out: Path, **options: Any) -> TrainReport:
    wishes: dict[str, Any] = {"minutes": 0.2, "size": 128, "base": str(_base(out / "base"))} | options
    return train(labels, out=out, **wishes)


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dot_labels(tmp_path_factory.mktemp("dots"), 12)


@pytest.fixture(scope="module")
def trained(labels: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainReport, Path, list[str]]:
    """Train two members, with a stop on the way: report, folder, and what was said after the stop.

    What a step takes is given: how many there are does not depend on the machine of the day.
    """
    out = tmp_path_factory.mktemp("trained")
    notes: list[str] = []

    def stop(event: Event) -> None:
        if event.kind == "progress" and event.stage == "train" and event.done == 60:
            raise Cancelled("train")

    def listen(event: Event) -> None:
        notes.append(event.text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mystax.nets.estimate.measure_step", lambda *_, **__: STEP_SECONDS)
        with pytest.raises(Cancelled):
            _train(labels, out, name="mine", members=2, progress=stop)
    assert list(out.glob(".*.unfinished.safetensors"))
    assert not list(out.glob("*.onnx"))
    return _train(labels, out, name="mine", members=2, progress=listen), out, notes


def test_training_leaves_weights_a_page_and_nothing_else(
    trained: tuple[TrainReport, Path, list[str]],
) -> None:
    report, out, _ = trained
    assert report.is_accepted
    assert report.held_out_error < report.base_error
    found = {path.name for path in out.iterdir()}
    assert found == {"mine.onnx", "mine.safetensors", "mine.report", "base"}
    assert {path.name for path in report.page.parent.iterdir()} == {
        *("report.html", "evaluation.json", "frames.csv")
    }


def test_members_are_in_one_file_and_their_disagreement_is_seen(
    trained: tuple[TrainReport, Path, list[str]], labels: Path
) -> None:
    report = trained[0]
    network = load_network(report.path)
    assert network.info.members == report.members == 2
    tensors, _ = read_tensors(report.path)
    assert {name.split(".")[0] for name in tensors} == {"0", "1"}
    pose = mystax.pose(labels.parent, weights=str(report.path), smooth="none", out=None)
    assert pose.sizes["keypoint"] == len(DOTS)
    crops = np.random.default_rng(0).random((2, 128, 128), dtype=np.float32)
    assert (network.decode(crops).spread > 0).all()


def test_page_shows_before_and_after_and_the_worst_frames(
    trained: tuple[TrainReport, Path, list[str]],
) -> None:
    report = trained[0]
    page = report.page.read_text("utf-8")
    for words in ("before", "Errors of every point", "The way there", "Confidence and truth", "Worst frames"):
        assert words in page
    assert "<script" not in page
    figures = json.loads((report.page.parent / "evaluation.json").read_text("utf-8"))
    assert list(figures["models"]) == ["new weights", "begin"]
    assert figures["models"]["new weights"]["all"]["mean"] == pytest.approx(report.held_out_error, rel=1e-4)
    assert figures["models"]["begin"]["all"]["mean"] == pytest.approx(report.base_error, rel=1e-4)
    assert figures["n_frames"] == 12


def test_a_stopped_training_goes_on(trained: tuple[TrainReport, Path, list[str]]) -> None:
    assert any("goes on after 60 steps" in text for text in trained[2])


@pytest.mark.slow
def test_weights_that_are_no_better_do_not_take_the_name(
    trained: tuple[TrainReport, Path, list[str]],
    labels: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # What the ensemble says itself is taken for the labels: nothing can be nearer to them.
    said = pose_function(trained[0].path)(labelled_frames(labels)).position
    head, *lines = labels.read_text().splitlines()
    own = labels.parent / "own.csv"
    rows = [
        ",".join([line.split(",")[0], *(f"{value:.4f}" for value in places.ravel())])
        for line, places in zip(lines, said, strict=True)
    ]
    own.write_text("\n".join([head, *rows]) + "\n")
    words = ("--base", trained[0].path, "--out", tmp_path, "--name", "x", "--minutes", "0.2", "--size", "128")
    found = call(capsys, "train", own, *words, "--json")
    assert found.status == 0
    training: Mapping[str, Any] = found.json["training"]
    assert found.json["accepted"] is training["accepted"] is False
    assert training["base_error"] < 0.5  # rounding of pixels to grey levels; the new ones are far off
    assert Path(training["weights"]).name == "x.rejected.onnx"
    assert not (tmp_path / "x.onnx").exists()
    assert "The old weights stay" in Path(training["report"]).read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("n_points", [1, 200])
def test_a_set_of_any_size_is_trained_and_predicted(tmp_path: Path, n_points: int) -> None:
    names = tuple(f"p{k}" for k in range(n_points))
    crops, xy, state = random_dots(np.random.default_rng(1), 12, 64, max(n_points, 3))
    labelled = Labelled(crops, xy[:, :n_points], state[:, :n_points])
    result = refine(labelled, names, plan=Plan(steps=20, size=64, width=0.25))
    assert result.steps > 0
    toml = 'name = "many"\n' + "".join(f'[[point]]\nid = "{name}"\n' for name in names)
    keypoints = KeypointSet.from_toml(toml).to_toml()
    packed = pack_weights(
        result.nets,
        size=64,
        points=names,
        keypoints=keypoints,
        box="frame",
        calibration=result.calibration,
        prior=result.prior,
    )
    path = write_weights(tmp_path, "many", *packed)
    pose = mystax.pose(crops, weights=str(path), smooth="none")
    assert pose.keypoint.values.tolist() == list(names)
    places = pose["position_raw"].values
    assert ((places >= -0.5) & (places <= 63.5)).all()
    again = load_network(path).decode(normalise_crops(crops)).xy
    np.testing.assert_allclose(np.moveaxis(places[..., 0], 1, 2), again, atol=1e-3)


def test_nine_frames_are_too_few(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused = call(capsys, "train", write_dot_labels(tmp_path, 9), "--base", "none", "--json")
    assert (refused.status, refused.codes) == (2, ["P403"])


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"members": 0}, ParameterError),
        ({"members": 6}, ParameterError),
        ({"minutes": 0.1}, ParameterError),
        ({"replay": 0.95}, ParameterError),
        ({"size": 130}, ParameterError),
        ({"hold_out": "frame"}, ParameterError),
        ({"name": "../up"}, ParameterError),
        ({"base": "mouse-fase"}, ParameterError),
    ],
)
def test_values_outside_their_ranges_are_refused_before_the_work(
    labels: Path, tmp_path: Path, options: Mapping[str, Any], error: type[MystaxError]
) -> None:
    with pytest.raises(error, match="P401"):
        train(labels, out=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
    assert issubclass(error, ParameterError | RecipeError)
