"""What `mystax encode` answers to bad input: every row of the design's table, by the command."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.core.analysis import get_analysis
from mystax.io.provenance import Provenance
from mystax.io.store import Store
from mystax.synth.brain import BrainTruth, simulate, write
from mystax.synth.brain_faults import FILE_FAULTS, damage
from tests.fixtures.commands import Finished, call

QUICK = (
    "--model", "linear", "--folds", "2", "--scales", "one", "--null", "none", "--ceiling", "none",
    "--no-parts", "--no-lags",
)  # fmt: skip

Command = Callable[..., Finished]


@pytest.fixture(scope="module")
def brain() -> BrainTruth:
    return simulate("A", minutes=12, n_neurons=12, rate=3, camera_rate=25)


@pytest.fixture
def encode(
    brain: BrainTruth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Write a recording with a fault, and encode it in this process."""
    monkeypatch.chdir(tmp_path)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "1")  # as the command sets them: they are taken back after the test

    def run(fault: str, *words: str) -> Finished:
        truth = copied(brain) if fault == "copied-neuron" else damage(brain, fault) if fault else brain
        store = Store(Path("face.mystax"))
        for number, name in enumerate(("pose", "pupil", "running")):
            about = Provenance(name, get_analysis(name).version, str(number) * 64)
            store.publish(truth.behaviour[name], about)
        written = write(truth, "neural", "npy", fault=fault if fault in FILE_FAULTS else None)
        clock = () if fault == "no-clock" else ("--neural-clock", f"npy:{written.neural_times}")
        return call(
            capsys, "encode", "face.mystax", "--neural", written.path, *clock, *QUICK, *words, "--json"
        )

    return run


def copied(brain: BrainTruth) -> BrainTruth:
    """Let the wheel turn as a neuron fires."""
    running = brain.behaviour["running"].copy(deep=True)
    times = running["time"].values
    bins = np.clip((times * brain.rate).astype(int), 0, brain.neural.sizes["time"] - 1)
    values = brain.neural["activity"].values[bins, 3]
    running["speed"].values[:] = values.reshape(-1, *[1] * (running["speed"].ndim - 1))
    return replace(brain, behaviour={**brain.behaviour, "running": running})


REFUSED = {
    "no-clock": "C207",
    "count": "C202",
    "falling-times": "C206",
    "repeated-times": "C206",
    "nan-times": "C206",
    "milliseconds": "C206",
    "days": "C206",
    "no-overlap": "C204",
    "too-short": "C204",
    "mostly-nan": "N303",
    "lost-group": "N303",
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", REFUSED)
def test_what_cannot_be_encoded_is_refused_with_its_code(encode: Command, fault: str) -> None:
    done = encode(fault)
    assert (done.status, done.codes) == (1, [REFUSED[fault]])
    assert done.json["errors"][0]["hint"]
    assert "Traceback" not in done.out + done.err
    assert not Path("face.mystax/encoding.nc").exists()


@pytest.mark.slow
def test_as_many_bins_as_neurons_need_a_word_for_the_axes(encode: Command) -> None:
    done = encode("square")
    assert (done.status, done.codes) == (1, ["N306"])
    assert "--axes" in done.json["errors"][0]["hint"]


@pytest.mark.slow
@pytest.mark.parametrize("words", [("--gap", "3"), ("--folds", "20")], ids="=".join)
def test_folds_that_do_not_fit_are_refused_with_what_works(encode: Command, words: tuple[str, str]) -> None:
    done = encode("", *words)
    assert done.status in (1, 2)
    assert done.codes == ["N305"]
    assert any(sign.isdigit() for sign in done.json["errors"][0]["hint"])


FLAGGED = {
    "short": "N310",
    "nan-activity": "N308",
    "silent": "N308",
    "lost-point": "N309",
    "copied-neuron": "N307",
    "camera-hole": "",
    "early": "",
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FLAGGED)
def test_what_can_be_encoded_ends_with_a_flag_and_without_a_nan(encode: Command, fault: str) -> None:
    done = encode(fault)
    assert done.status == 0, done.err
    codes = {warning["code"] for warning in done.json["warnings"]}
    assert FLAGGED[fault] in codes or not FLAGGED[fault]
    found: Any = mystax.load("face.mystax/encoding.nc")
    assert np.isfinite(found["explained_variance"].values).all()
    usable = np.asarray(found["usable"].values) > 0
    assert 0.5 < usable.mean() < 1


@pytest.mark.slow
def test_a_network_without_torch_is_refused(encode: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "torch" else real(name, *rest)
    )
    for model in ("deep", "facemap"):
        done = encode("", "--model", model)
        assert (done.status, done.codes) == (1, ["X001"])


@pytest.mark.slow
def test_an_encoder_of_other_points_or_of_the_future_is_refused(
    encode: Command, brain: BrainTruth, capsys: pytest.CaptureFixture[str]
) -> None:
    assert encode("").status == 0
    bare = Store(Path("bare.mystax"))
    pose = brain.behaviour["pose"].isel(keypoint=slice(0, 4))
    bare.publish(pose, Provenance("pose", get_analysis("pose").version, "4" * 64))
    old = "face.mystax/encoding.encoder.nc"
    done = call(capsys, "encode", "bare.mystax", "--encoder", old, "--json")
    assert (done.status, done.codes) == (1, ["M702"])
    newer = Path("newer.nc")
    newer.write_bytes(Path(old).read_bytes())
    import h5py

    with h5py.File(newer, "r+") as file:
        file.attrs["encoder_version"] = 99
    done = call(capsys, "encode", "face.mystax", "--encoder", newer, "--json")
    assert done.status == 1
    assert set(done.codes) <= {"S505", "S502"}
    assert json.dumps(done.json["errors"]).count("encoder") >= 1
