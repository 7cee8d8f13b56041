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
from mystax.engine.train import TrainReport, train  # noqa: E402
from mystax.errors import Cancelled, MystaxError, ParameterError, RecipeError  # noqa: E402
from mystax.io.weights import read_tensors, write_weights  # noqa: E402
from mystax.nets.confidence import Calibration  # noqa: E402
from mystax.nets.export import pack_weights  # noqa: E402
from mystax.nets.runtime import load_network  # noqa: E402
from mystax.nets.tracker import build_tracker  # noqa: E402
from tests.fixtures.commands import call  # noqa: E402
from tests.fixtures.dot_labels import DOTS, write_dot_labels  # noqa: E402

pytestmark = pytest.mark.extra("train")
SET = 'name = "dots"\n' + "".join(f'[[point]]\nid = "{name}"\n' for name in DOTS)


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
def trained(labels: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainReport, Path]:
    out = tmp_path_factory.mktemp("trained")
    return _train(labels, out, name="mine", members=2), out


def test_training_leaves_weights_a_page_and_nothing_else(trained: tuple[TrainReport, Path]) -> None:
    report, out = trained
    assert report.is_accepted
    assert report.held_out_error < report.base_error
    found = {path.name for path in out.iterdir()}
    assert found == {"mine.onnx", "mine.safetensors", "mine.report", "base"}
    assert {path.name for path in report.page.parent.iterdir()} == {
        *("report.html", "evaluation.json", "frames.csv")
    }


def test_members_are_in_one_file_and_their_disagreement_is_seen(
    trained: tuple[TrainReport, Path], labels: Path
) -> None:
    report, _ = trained
    network = load_network(report.path)
    assert network.info.members == report.members == 2
    tensors, _ = read_tensors(report.path)
    assert {name.split(".")[0] for name in tensors} == {"0", "1"}
    pose = mystax.pose(labels.parent, weights=str(report.path), smooth="none", out=None)
    assert pose.sizes["keypoint"] == len(DOTS)
    crops = np.random.default_rng(0).random((2, 128, 128), dtype=np.float32)
    assert (network.decode(crops).spread > 0).all()


def test_page_shows_before_and_after_and_the_worst_frames(trained: tuple[TrainReport, Path]) -> None:
    report, _ = trained
    page = report.page.read_text("utf-8")
    for words in ("before", "Errors of every point", "The way there", "Confidence and truth", "Worst frames"):
        assert words in page
    assert "<script" not in page
    figures = json.loads((report.page.parent / "evaluation.json").read_text("utf-8"))
    assert list(figures["models"]) == ["new weights", str(_old(report))]
    assert figures["models"]["new weights"]["all"]["mean"] == pytest.approx(report.held_out_error, rel=1e-4)
    assert figures["models"][str(_old(report))]["all"]["mean"] == pytest.approx(report.base_error, rel=1e-4)
    assert figures["n_frames"] == 12


def _old(report: TrainReport) -> Path:
    return report.path.parent / "base" / "begin.onnx"


def test_a_stopped_training_goes_on_and_ends_with_the_same_weights(labels: Path, tmp_path: Path) -> None:
    def stop(event: Event) -> None:
        if event.kind == "progress" and event.stage == "train" and event.done == 60:
            raise Cancelled("train")

    with pytest.raises(Cancelled):
        _train(labels, tmp_path / "a", progress=stop)
    assert list((tmp_path / "a").glob(".*.unfinished.safetensors"))
    notes: list[str] = []
    again = _train(labels, tmp_path / "a", progress=lambda event: notes.append(event.text))
    assert any("goes on after 60 steps" in text for text in notes)
    whole = _train(labels, tmp_path / "b", base=str(tmp_path / "a" / "base" / "begin.onnx"))
    assert not list((tmp_path / "a").glob(".*"))
    one, other = (read_tensors(report.path)[0] for report in (again, whole))
    assert again.steps == whole.steps
    assert one.keys() == other.keys()
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_ensemble_can_be_refined_further(
    trained: tuple[TrainReport, Path], labels: Path, tmp_path: Path
) -> None:
    report = _train(labels, tmp_path, base=str(trained[0].path), name="further")
    assert report.base_error == pytest.approx(report.base_error)  # known: not NaN
    assert report.members == 1


def test_worse_weights_do_not_take_the_name(
    trained: tuple[TrainReport, Path], labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Labels whose names are dealt anew teach nonsense to weights that know better.
    lines = labels.read_text().splitlines()
    swapped = labels.parent / "swapped.csv"
    rng = np.random.default_rng(0)
    rows = []
    for line in lines[1:]:
        name, *values = line.split(",")
        pairs = np.array(values).reshape(-1, 2)[rng.permutation(len(DOTS))]
        rows.append(",".join([name, *pairs.ravel()]))
    swapped.write_text("\n".join([lines[0], *rows]) + "\n")
    words = ("--base", trained[0].path, "--out", tmp_path, "--name", "x", "--minutes", "0.2", "--size", "128")
    found = call(capsys, "train", swapped, *words, "--json")
    assert found.status == 0
    training: Mapping[str, Any] = found.json["training"]
    assert found.json["accepted"] is training["accepted"] is False
    assert Path(training["weights"]).name == "x.rejected.onnx"
    assert not (tmp_path / "x.onnx").exists()
    assert "The old weights stay" in Path(training["report"]).read_text("utf-8")


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
