"""`mystax run` and `mystax probe` on damaged videos: what is read is right, what is missing is told."""

import shutil
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.core.analysis import get_analysis
from mystax.io.video import Video
from mystax.synth import faulty_video
from tests.fixtures.commands import Finished, call, called, measure_here
from tests.fixtures.reading import decodable_stamps

N = 300
ROIS = (
    *("--roi", "motion:rectangle:6,30,70,50=pad"),
    *("--roi", "pupil:ellipse:48,60,20,18=eye"),
    *("--roi", "blink:rectangle:24,40,50,44=lids"),
    *("--roi", "running:rectangle:10,30,64,60=wheel"),
)
# Thresholds are given: those that are decided from samples may see a damaged one.
SETTINGS = ("--pupil-threshold", "90", "--pupil-reflection-level", "256", "--blink-level", "110")
REAL = {
    "lp_mirror_mouse/videos/test_vid.mp4": (994, Fraction(250)),
    "dlc_openfield/videos/m3v1mp4.mp4": (2330, Fraction(1_000_000, 33_333)),
}
FRAME_ALONE = {"brightness", "saturated", "darkness"}


@dataclass(frozen=True)
class Damaged:
    """One command over a clean and a damaged video, and what it made."""

    folder: Path
    command: Finished
    clean: Any
    damaged: Any


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Damaged:
    """Four analyses on a clean video and on the same with 40 flipped bytes."""
    folder = tmp_path_factory.mktemp("damage")
    faulty_video(folder / "clean.mp4", "clean", n_frames=N, key_interval=10)
    faulty_video(folder / "damaged.mp4", "flipped", n_frames=N, key_interval=10)
    words = ("--analyses", "motion,pupil,blink,running", *ROIS, *SETTINGS, "--no-report", "--json")
    with pytest.MonkeyPatch.context() as patch:
        measure_here(patch)
        patch.chdir(folder)
        command = called("run", "clean.mp4", "damaged.mp4", *words)
    assert command.status == 0, command.err
    made = [mystax.load(folder / f"{name}.mystax") for name in ("clean", "damaged")]
    return Damaged(folder, command, *made)


def _frames(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the codes and what is valid of all frames."""
    video = Video(path)
    chunks = list(video.chunks())
    video.close()
    return np.concatenate([c.codes for c in chunks]), np.concatenate([c.valid for c in chunks])


def test_every_frame_keeps_its_row_and_the_damage_is_told(damaged: Damaged) -> None:
    assert damaged.damaged["motion"].sizes["time"] == N
    assert '"V105"' in str(damaged.damaged["motion"].attrs["quality"]).replace(" ", "")
    assert "V105" in {warning["code"] for warning in damaged.command.json["warnings"]}
    coverage = {item["recording"]: item["coverage"] for item in damaged.command.json["outcomes"]}
    assert coverage["clean"] == 1
    assert 0.2 < coverage["damaged"] < 1


@pytest.mark.parametrize("analysis", ["motion", "pupil", "blink", "running"])
def test_nothing_is_computed_on_or_across_missing_frames(damaged: Damaged, analysis: str) -> None:
    outcome = damaged.damaged[analysis]
    missing = outcome["missing"].values > 0
    assert missing.any()
    pairs = np.r_[True, missing[1:] | missing[:-1]]
    for name, declared in get_analysis(analysis).outputs.variables.items():
        if name not in outcome or "time" not in declared.dims or not declared.raw:
            continue
        values = outcome[name].values
        known = values >= 0 if values.dtype == np.int8 else np.isfinite(values)
        is_alone = analysis in ("pupil", "blink") or name in FRAME_ALONE
        assert not known[missing if is_alone else pairs].any(), name


@pytest.mark.parametrize("analysis", ["motion", "pupil", "blink", "running"])
def test_rows_of_equal_pixels_equal_the_clean_run(damaged: Damaged, analysis: str) -> None:
    clean, _ = _frames(damaged.folder / "clean.mp4")
    codes, valid = _frames(damaged.folder / "damaged.mp4")
    same = valid & (codes == clean).all(axis=(1, 2))
    pairs = np.r_[False, same[1:] & same[:-1]]
    assert pairs.sum() > 0.2 * N
    for name, declared in get_analysis(analysis).outputs.variables.items():
        if not declared.raw or name not in damaged.clean[analysis]:
            continue
        is_alone = analysis in ("pupil", "blink") or name in FRAME_ALONE
        rows = same if is_alone else pairs
        one, other = (item[analysis][name].values[rows] for item in (damaged.clean, damaged.damaged))
        assert one.tobytes() == other.tobytes(), name


def _decodable(path: Path) -> int:
    """Count the pictures that ffmpeg gets: by itself where it is installed, else by its own packet loop."""
    if shutil.which("ffmpeg") is None:
        return len(decodable_stamps(path))
    options = ("-v", "quiet", "-i", str(path), "-fps_mode", "passthrough", "-pix_fmt", "gray")
    command = ["ffmpeg", *options, "-f", "rawvideo", "-"]
    return len(subprocess.run(command, capture_output=True, check=False).stdout) // (96 * 96)


@pytest.fixture
def folder(damaged: Damaged, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the damaged video, where commands measure in this process."""
    measure_here(monkeypatch)
    monkeypatch.chdir(damaged.folder)
    return damaged.folder


def test_keep_keeps_what_ffmpeg_keeps(
    damaged: Damaged, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--analyses", "motion", "--damage", "keep", "--out", tmp_path, "--no-report", "--json")
    found = call(capsys, "run", "damaged.mp4", *words)
    assert found.status == 0, found.err
    outcomes: Any = mystax.load(next(tmp_path.glob("damaged/*")))
    n_finite = int(np.isfinite(outcomes["motion"]["brightness"].values[:, 0]).sum())
    n_marked = int(np.isfinite(damaged.damaged["motion"]["brightness"].values[:, 0]).sum())
    assert n_finite >= n_marked
    assert "V105" in {warning["code"] for warning in found.json["warnings"]}
    assert n_finite >= 0.99 * _decodable(folder / "damaged.mp4")


@pytest.mark.usefixtures("folder")
def test_refuse_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--analyses", "motion", "--damage", "refuse", "--out", tmp_path, "--json")
    found = call(capsys, "run", "damaged.mp4", *words)
    assert found.status == 1
    assert found.codes == ["V105"]
    assert not list(tmp_path.rglob("*.nc"))


def test_probe_tells_the_true_count_of_cut_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = {}
    for container in ("mp4", "avi", "mkv"):
        for kind in ("cut_50", "cut_60", "cut_70"):
            name = f"{kind}.{container}"
            codec = "mpeg4" if container == "avi" else "h264"
            truth[name] = faulty_video(tmp_path / name, kind, container=container, codec=codec, n_frames=200)
    faulty_video(tmp_path / "open.mp4", "no_index", n_frames=60)
    monkeypatch.chdir(tmp_path)
    found = call(capsys, "probe", *truth, "open.mp4", "--json")
    assert found.status == 3
    assert found.codes == ["V102"]
    counts = {Path(probe["path"]).name: probe["n_frames"] for probe in found.json["probes"]}
    assert counts == {name: item.n_frames for name, item in truth.items()}
    for probe in found.json["probes"]:
        assert "V101" in {flag["code"] for flag in probe["flags"]}, probe["path"]
    alone = call(capsys, "probe", "open.mp4", "--json")
    assert (alone.status, alone.codes) == (1, ["V102"])


@pytest.mark.needs_data
def test_probe_tells_frames_and_rates_of_real_clips(
    real_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [real_data / name for name in REAL]
    found = call(capsys, "probe", *files, "--json")
    assert found.status == 0, found.err
    probes = {
        str(Path(item["path"])): (item["n_frames"], Fraction(item["rate"])) for item in found.json["probes"]
    }
    assert probes == {str(file): told for file, told in zip(files, REAL.values(), strict=True)}


def test_one_broken_input_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measure_here(monkeypatch)
    monkeypatch.chdir(tmp_path)
    truth = faulty_video(tmp_path / "cut.mp4", "cut_50", n_frames=120)
    faulty_video(tmp_path / "open.mp4", "no_index", n_frames=60)
    (tmp_path / "text.mp4").write_text("not a video")
    faulty_video(tmp_path / "face.mp4", "clean", n_frames=60)
    files = ("cut.mp4", "open.mp4", "text.mp4", "face.mp4")
    found = call(capsys, "run", *files, "--analyses", "motion", "--no-report", "--json")
    assert found.status == 3, found.err
    assert found.codes == ["V102", "V104"]
    assert {item["recording"]: item["state"] for item in found.json["outcomes"]} == {
        "cut": "made",
        "face": "made",
    }
    cut: Any = mystax.load(tmp_path / "cut.mystax")
    assert cut["motion"].sizes["time"] == truth.n_frames
    assert cut["motion"].attrs["coverage"] == pytest.approx(truth.n_frames / 120)
    assert {path.name for path in tmp_path.iterdir()} == {*files, "cut.mystax", "face.mystax"}
