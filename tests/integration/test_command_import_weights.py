"""`mystax import --facemap-weights` as a user runs it: weights that track takes, and what is refused."""

import pickle
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='pip install "mystax[train]"')

import mystax  # noqa: E402 - torch may be absent
from mystax.nets.fmnet import FACEMAP_POINTS  # noqa: E402
from tests.fixtures.commands import call  # noqa: E402
from tests.fixtures.facemap_net import decode_reference, random_reference  # noqa: E402
from tests.fixtures.readers import read_here  # noqa: E402

pytestmark = pytest.mark.extra("train")
WIDTHS = (4, 5, 6, 7, 8)
SET = 'name = "two"\n[[point]]\nid = "left"\n[[point]]\nid = "right"\n'


def _checkpoint(folder: Path, n_keypoints: int = 15) -> Path:
    path = folder / "facemap_model_state.pt"
    torch.save(random_reference(WIDTHS, n_keypoints, 3).state_dict(), path)
    return path


@pytest.fixture
def read_in_peace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let checkpoints of our own be read in this process: a child that loads torch costs three seconds."""
    monkeypatch.setattr("mystax.nets.fmnet.read_foreign", read_here)


def test_checkpoint_becomes_weights_that_track_finds_the_same_points_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--facemap-weights", "--name", "mine", "--out", tmp_path / "w", "--normalise", "frame", "--json")
    found = call(capsys, "import", _checkpoint(tmp_path), *words).json
    frames = np.random.default_rng(0).integers(0, 256, (6, 64, 64)).astype(np.uint8)
    pose = mystax.pose(frames, weights=found["outcomes"][0]["path"], smooth="none", box="frame")
    low, high = (np.percentile(frames, q, axis=(1, 2), keepdims=True) for q in (1, 99))
    pixels = torch.from_numpy((frames - low) / (high - low))[:, None].float()
    with torch.no_grad():
        crops = torch.nn.functional.interpolate(pixels, size=(256, 256), mode="bilinear")
        maps = random_reference(WIDTHS, 15, 3)(crops)
    expected, likelihood = decode_reference(*(m.numpy() for m in maps))
    names = [str(name) for name in pose["keypoint"].to_numpy()]
    order = [names.index(name) for name in FACEMAP_POINTS]
    places = pose["position_raw"].isel(individual=0).transpose(..., "keypoint", "space").to_numpy()[:, order]
    away = np.abs(places - np.clip(expected / 4, -0.5, 63.5)).max(axis=-1)
    assert (away < 0.01).mean() > 0.97  # a tie between two cells may fall either way
    sure = pose["confidence"].isel(individual=0).to_numpy()[:, order]
    np.testing.assert_allclose(sure, likelihood, atol=1e-3)


@pytest.mark.usefixtures("read_in_peace")
def test_file_of_parameters_is_not_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _checkpoint(tmp_path)
    done = call(capsys, "import", path, tmp_path / "none.pth", "--facemap-weights", "--out", tmp_path / "w")
    assert done.status == 0
    assert "none.pth is not opened" in done.err
    assert (tmp_path / "w" / "facemap_model_state.onnx").is_file()


@pytest.mark.usefixtures("read_in_peace")
def test_other_points_are_named_by_a_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    points = tmp_path / "two.toml"
    points.write_text(SET)
    words = ("--facemap-weights", "--out", tmp_path / "w", "--keypoints", points, "--json")
    assert call(capsys, "import", _checkpoint(tmp_path, 2), *words).status == 0
    weights = tmp_path / "w" / "facemap_model_state.onnx"
    pose = mystax.pose(np.zeros((2, 64, 64), np.uint8), weights=str(weights), smooth="none", box="frame")
    assert [str(name) for name in pose["keypoint"].to_numpy()] == ["left", "right"]


@pytest.mark.usefixtures("read_in_peace")
def test_number_of_points_must_be_that_of_the_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--facemap-weights", "--out", tmp_path / "w", "--json")
    refused = call(capsys, "import", _checkpoint(tmp_path, 2), *words)
    assert (refused.status, refused.codes) == (1, ["M702"])
    assert not (tmp_path / "w").exists()


def test_hostile_checkpoint_is_refused_and_runs_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    witness = tmp_path / "witness"

    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (witness,)

    path = tmp_path / "evil.pt"
    path.write_bytes(pickle.dumps({"Conv.conv0": Evil()}))
    refused = call(capsys, "import", path, "--facemap-weights", "--out", tmp_path / "w", "--json")
    assert refused.status == 1
    assert refused.codes[0] in ("F801", "F804")
    assert not witness.exists()
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--facemap-weights", "--name", "../x"), "P401"),
        (("--facemap-weights", "--keypoints", "mouse-face-16"), "P403"),
        (("--facemap-weights", "--repair"), "P403"),
        (("--name", "x"), "P403"),
    ],
)
def test_requests_that_make_no_sense_are_refused_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: str
) -> None:
    out = tmp_path / "w"
    refused = call(capsys, "import", _checkpoint(tmp_path), *words, "--out", out, "--json")
    assert (refused.status, refused.codes) == (2, [code])
    assert not out.exists()


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused = call(capsys, "import", tmp_path / "no.pt", "--facemap-weights", "--json")
    assert (refused.status, refused.codes) == (2, ["P401"])
