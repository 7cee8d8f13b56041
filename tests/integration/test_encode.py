"""From outcomes and neural data to the outcome `encoding`, the kept encoder, and the command."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.core.analysis import get_analysis
from mystax.core.encoding_words import ratio_sentence, verdict
from mystax.core.events import Event
from mystax.errors import (
    Cancelled,
    ClockError,
    ExtraMissing,
    FormatError,
    NumbersError,
    ParameterError,
    RecipeError,
    StoreError,
    WeightsError,
)
from mystax.io.provenance import Provenance
from mystax.io.store import Store
from mystax.synth.brain_truth import BrainTruth
from tests.fixtures.brains import follower, two_parts
from tests.fixtures.commands import call

BARE = (
    "import importlib.machinery as m; f = m.PathFinder.find_spec;"
    "m.PathFinder.find_spec = lambda name, *a: None if name in ('torch', 'onnx') else f(name, *a);"
)
"""Begins a program that finds neither torch nor onnx."""

QUICK: dict[str, Any] = {"model": "linear", "folds": 2, "shifts": 19, "scales": "one"}


def explained(dataset: Any, model: str = "stacked") -> np.ndarray:
    return np.asarray(dataset["explained_variance"].sel(model=model).values)


def opened(folder: Path, name: str = "encoding") -> Any:
    return mystax.load(folder / f"{name}.nc")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    mystax.encoding(two_parts(), follower(shift=0.5), out=folder, **QUICK)
    return folder


def test_the_outcome_is_kept_in_the_form_of_its_schema(kept: Path) -> None:
    found = opened(kept)
    for name in (
        "explained_variance",
        "gain",
        "population",
        "p_value",
        "unique",
        "lag_curve",
        "ceiling_peer",
    ):
        assert name in found
    assert found["explained_variance"].dims == ("model", "neuron")
    assert [str(name) for name in found["model"].values] == [
        "mean-only",
        "lagged-ridge",
        "filterbank",
        "stacked",
    ]
    assert [str(name) for name in found["member"].values] == ["lagged-ridge", "filterbank"]
    assert np.isfinite(explained(found)).all()
    assert found.attrs["model_reason"] == "asked for: stack of the two linear models"
    assert get_analysis("encoding").schema_of(found) is get_analysis("encoding").outputs


def test_neurons_half_of_which_is_behaviour_are_explained_and_found(kept: Path) -> None:
    found = opened(kept)
    assert explained(found).mean() == pytest.approx(
        0.45, abs=0.06
    )  # 0.5 less what two minutes of training cost
    assert explained(found).mean() >= explained(found, "lagged-ridge").mean() - 0.02
    assert (np.asarray(found["p_value"].values) <= 0.1).all()


def test_lags_peak_where_the_neurons_follow(kept: Path) -> None:
    found = opened(kept)
    curve = np.asarray(found["lag_curve"].values).mean(1)
    assert float(found["lag"].values[curve.argmax()]) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("shift", [-1.0, 0.0, 0.5, 1.5])
def test_peak_lag_is_the_true_lag(shift: float) -> None:
    found = mystax.encoding(two_parts(), follower(shift=shift), **{**QUICK, "null": "none", "parts": False})
    assert np.abs(np.asarray(found["peak_lag"].values) - shift).max() <= 0.1


def peaks(said: np.ndarray, y: np.ndarray) -> list[int]:
    """Return the shift in bins at which each neuron's prediction fits best."""
    shifts = range(-4, 5)
    ties = [[np.corrcoef(np.roll(a, s), b)[0, 1] for s in shifts] for a, b in zip(said.T, y.T, strict=True)]
    return [shifts[k] for k in np.argmax(ties, axis=1)]


def test_predictions_are_not_shifted_in_time(kept: Path) -> None:
    found = opened(kept)
    said = np.asarray(found["prediction"].values)
    y = np.asarray(follower(shift=0.5)["activity"].values)
    rows = np.isfinite(said).all(1)
    assert (explained(found) > 0.1).all()
    assert peaks(said[rows], y[rows]) == [0] * 12


def test_a_kept_encoder_predicts_the_same_recording_without_a_shift(kept: Path) -> None:
    neural = follower(shift=0.5)
    found = mystax.predict(kept / "encoding.encoder.nc", two_parts(), neural=neural)
    rows = np.asarray(found["usable"].values) > 0
    said, y = np.asarray(found["prediction"].values)[rows], np.asarray(neural["activity"].values)[rows]
    assert np.asarray(found["explained_variance"].values).mean() > 0.45
    assert peaks(said, y) == [0] * 12


def test_a_kept_encoder_predicts_another_recording_of_the_same_brain(kept: Path) -> None:
    found = mystax.predict(
        kept / "encoding.encoder.nc", two_parts(seed=5), neural=follower(shift=0.5, seed=5)
    )
    assert np.asarray(found["explained_variance"].values).mean() == pytest.approx(0.45, abs=0.06)


def test_another_zoom_is_undone_by_new_scaling(kept: Path) -> None:
    from dataclasses import replace

    grid = two_parts(seed=5)
    zoomed = replace(
        grid,
        parts=tuple(replace(part, values=(3 * part.values + 50).astype(np.float32)) for part in grid.parts),
    )
    plain = mystax.predict(kept / "encoding.encoder.nc", zoomed)
    assert "outside the training range" in str(plain.attrs["quality"])
    scaled = mystax.predict(
        kept / "encoding.encoder.nc", zoomed, neural=follower(shift=0.5, seed=5), scaling="new"
    )
    assert np.asarray(scaled["explained_variance"].values).mean() > 0.38


def test_predictions_can_be_had_at_any_times(kept: Path) -> None:
    times = np.array([30.0, 60.05, 100.2])
    found = mystax.predict(kept / "encoding.encoder.nc", two_parts(), times=times)
    assert np.asarray(found["time"].values).tolist() == times.tolist()
    assert found["prediction"].shape == (3, 12)


def test_behaviour_without_a_part_is_refused(kept: Path) -> None:
    from dataclasses import replace

    grid = two_parts()
    with pytest.raises(WeightsError, match=r"M702.*keypoints/paw"):
        mystax.predict(kept / "encoding.encoder.nc", replace(grid, parts=grid.parts[:1]))
    with pytest.raises(ParameterError, match=r"P401.*scaling"):
        mystax.predict(kept / "encoding.encoder.nc", grid, scaling="old")


def test_encoders_of_the_future_and_other_files_are_refused(kept: Path) -> None:
    encoder = opened(kept, "encoding.encoder")
    with pytest.raises(StoreError, match=r"S505.*newer mystax"):
        mystax.predict(encoder.assign_attrs(encoder_version=99), two_parts())
    with pytest.raises(FormatError, match=r"F804.*no encoder"):
        mystax.predict(kept / "encoding.nc", two_parts())


def digest(folder: Path) -> str:
    return str(opened(folder).attrs["content_sha256"])


def test_two_runs_and_two_threads_give_equal_digests(kept: Path, tmp_path: Path) -> None:
    mystax.encoding(two_parts(), follower(shift=0.5), out=tmp_path, cores=2, **QUICK)
    assert digest(tmp_path) == digest(kept)


def test_a_current_outcome_is_not_made_again(kept: Path) -> None:
    events: list[Event] = []
    mystax.encoding(two_parts(), follower(shift=0.5), out=kept, progress=events.append, **QUICK)
    assert events == []


@pytest.mark.slow
def test_a_stopped_run_goes_on_from_its_last_fold(kept: Path, tmp_path: Path) -> None:
    def stop(event: Event) -> None:
        if event.kind == "checkpoint":
            raise Cancelled("encode")

    with pytest.raises(Cancelled):
        mystax.encoding(two_parts(), follower(shift=0.5), out=tmp_path, progress=stop, **QUICK)
    events: list[Event] = []
    mystax.encoding(two_parts(), follower(shift=0.5), out=tmp_path, progress=events.append, **QUICK)
    assert {event.data["fold"] for event in events if event.stage == "folds" and event.data} == {1}
    assert digest(tmp_path) == digest(kept)


KILLED = """
import os, signal, sys
sys.path.insert(0, ".")
import mystax
from tests.fixtures.brains import follower, two_parts
def kill(event):
    if event.kind == "checkpoint":
        os.kill(os.getpid(), signal.SIGKILL)
mystax.encoding(two_parts(), follower(shift=0.5), out=sys.argv[1], progress=kill, model="linear", folds=2,
                shifts=19, scales="one")
"""


@pytest.mark.slow
def test_a_killed_run_goes_on_from_its_last_fold(kept: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], check=False, env={**os.environ, "PYTHONPATH": "src"}
    )
    assert done.returncode == -signal.SIGKILL
    events: list[Event] = []
    mystax.encoding(two_parts(), follower(shift=0.5), out=tmp_path, progress=events.append, **QUICK)
    assert {event.data["fold"] for event in events if event.stage == "folds" and event.data} == {1}
    assert digest(tmp_path) == digest(kept)


def test_order_of_the_neurons_does_not_matter(kept: Path) -> None:
    turned = follower(shift=0.5).isel(neuron=slice(None, None, -1))
    found = mystax.encoding(two_parts(), turned, **{**QUICK, "null": "none", "parts": False, "lags": False})
    assert np.abs(explained(found)[::-1] - explained(opened(kept))).max() <= 1e-4


def test_chance_is_judged_apart_from_the_models(kept: Path) -> None:
    from mystax.analyses.encoding_data import encoding_data
    from mystax.analyses.encoding_members import units_of
    from mystax.analyses.encoding_null import null_found
    from mystax.compute.tiles import TilePool

    data = encoding_data(two_parts(), follower(shift=0.5))
    with TilePool(1) as tiles:
        units = units_of(data, data.usable, 0)
        made, _, _ = null_found(data, units, kind="linear-shift", n_shifts=19, gap=7.0, tiles=tiles)
    assert np.array_equal(made["p_value"][1], opened(kept)["p_value"].values)


def test_features_made_in_pieces_explain_the_same(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from functools import partial

    from mystax.compute.filterbank import Filterbank, usable_bins

    monkeypatch.setattr("mystax.analyses.encoding_members.Filterbank", partial(Filterbank, chunk=500))
    monkeypatch.setattr(
        "mystax.analyses.encoding_data.usable_bins",
        lambda grid, bins, **_: usable_bins(grid, bins, chunk=500),
    )
    found = mystax.encoding(
        two_parts(), follower(shift=0.5), **{**QUICK, "null": "none", "parts": False, "lags": False}
    )
    assert np.abs(explained(found) - explained(opened(kept))).max() <= 1e-4


def test_words_of_the_outcome(kept: Path) -> None:
    found = opened(kept)
    assert verdict(found).startswith("stacked explains ")
    assert "of 12 neurons' variance, lagged-ridge " in verdict(found)
    assert "above the linear-shift null (FDR 5 %)" in verdict(found)
    sentence = ratio_sentence(found)
    assert all(word in sentence for word in (" x lagged-ridge", "95 % interval", "12 neurons", "2 folds"))


def test_no_ratio_is_written_where_nothing_is_explained() -> None:
    noise = follower(share=0.0)
    found = mystax.encoding(two_parts(), noise, **{**QUICK, "parts": False, "lags": False, "ceiling": None})
    assert "ceiling_peer" not in found
    assert "ratio" not in found.attrs
    assert ratio_sentence(found) == ""
    gap = explained(found).mean() - explained(found, "mean-only").mean()
    assert -0.01 <= gap <= 0.005
    assert int(found["significant"].sum()) <= 1


def test_counts_have_deviance_and_bits() -> None:
    neural = follower(share=0.5)
    counts = np.random.default_rng(0).poisson(np.exp(0.7 * neural["activity"].values))
    neural["activity"] = (("time", "neuron"), counts.astype(np.float32), {"units": "1"})
    neural.attrs["signal"] = "counts"
    found = mystax.encoding(two_parts(), neural, **{**QUICK, "null": "none", "parts": False, "lags": False})
    assert float(found["deviance_explained"].sel(model="stacked").mean()) > 0.05
    assert float(found["bits_per_spike"].sel(model="stacked").mean()) > 0.02
    assert np.allclose(found["bits_per_spike"].sel(model="mean-only").values, 0, atol=1e-6)


def test_too_little_in_common_and_bad_folds_are_refused() -> None:
    with pytest.raises(ClockError, match="C204"):
        mystax.encoding(two_parts(), follower().assign_coords(time=follower()["time"] + 1000), **QUICK)
    with pytest.raises(NumbersError, match=r"N305.*longest filter"):
        mystax.encoding(two_parts(), follower(), gap=3, **QUICK)
    with pytest.raises(NumbersError, match=r"N305.*fewer than two blocks"):
        mystax.encoding(two_parts(), follower(), **{**QUICK, "folds": 20})
    with pytest.raises(ParameterError, match=r"P401.*folds"):
        mystax.encoding(two_parts(), follower(), **{**QUICK, "folds": 1})


@pytest.mark.slow
@pytest.mark.extra("train")
def test_a_network_joins_the_stack_and_is_run_without_torch(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason='pip install "mystax[train]"')
    few = {**QUICK, "model": "deep", "epochs": 3, "members": 2, "null": "none", "parts": False, "lags": False}
    found = mystax.encoding(two_parts(), follower(), out=tmp_path, **few)
    assert [str(name) for name in found["member"].values] == ["lagged-ridge", "filterbank", "deep"]
    y, rows = np.asarray(follower()["activity"].values), np.asarray(found["usable"].values) > 0
    assert peaks(np.asarray(found["prediction"].values)[rows], y[rows]) == [0] * 12
    said = mystax.predict(tmp_path / "encoding.encoder.nc", two_parts())["prediction"].values
    assert peaks(said[rows], y[rows]) == [0] * 12
    script = (
        f"{BARE}import sys; sys.path.insert(0, '.');"
        "import numpy as np, mystax; from tests.fixtures.brains import two_parts;"
        f"p = mystax.predict({str(tmp_path / 'encoding.encoder.nc')!r}, two_parts());"
        f"np.save({str(tmp_path / 'said.npy')!r}, p['prediction'].values)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env={**os.environ, "PYTHONPATH": "src"})
    assert np.allclose(np.load(tmp_path / "said.npy"), said, atol=1e-5)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of outcomes beside neural data in a file."""
    from mystax.synth.brain import simulate

    place = tmp_path_factory.mktemp("recorded")
    put(place, simulate("A", minutes=3.2, n_neurons=12, rate=3, camera_rate=25))
    return place


def put(place: Path, truth: BrainTruth) -> None:
    """Write the face and the neurons of a simulated recording."""
    from mystax.synth.brain_files import write_neural

    store = Store(place / "face.mystax")
    for number, name in enumerate(("pose", "pupil")):
        version = get_analysis(name).version
        store.publish(truth.behaviour[name], Provenance(name, version, str(number) * 64))
    write_neural(truth, place / "neural", "npy")


def command(
    folder: Path, *words: str, sources: tuple[str, ...] = ("face.mystax",), before: str = ""
) -> subprocess.CompletedProcess[str]:
    source = Path(__file__).resolve().parents[2] / "src"
    return subprocess.run(
        [sys.executable, "-c", f"{before}from mystax.cli import main; main()", "encode", *sources, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
    )


ENCODE = ("encode", "face.mystax")
NEURAL = ("--neural", "neural/activity.npy", "--neural-clock", "npy:neural/neural_times.npy")


def test_dry_run_says_what_would_be_done_and_writes_nothing(
    recorded: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(recorded)
    done = call(capsys, *ENCODE, *NEURAL, "--folds", "2", "--dry-run")
    assert done.status == 0, done.err
    for word in (
        "overlap: 3.2 min",
        "12 kept",
        "keypoints/eye",
        "folds: 2",
        "expected: about",
    ):
        assert word in done.out
    assert not (recorded / "face.mystax" / "encoding.nc").exists()


def test_command_writes_outcome_report_and_verdict_and_predicts(
    recorded: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(recorded)
    options = (
        "--model",
        "linear",
        "--folds",
        "2",
        "--shifts",
        "19",
        "--scales",
        "one",
        "--groups",
        "keypoints",
    )
    done = call(capsys, *ENCODE, *NEURAL, *options)
    assert done.status == 0, done.err
    assert done.out.strip().splitlines()[-1].startswith("stacked explains ")
    assert bare_ratios(done.out) == []
    assert (done.out + done.err).count("asked for: stack of the two linear models") == 1
    assert "frames" not in done.err
    page = (recorded / "face.mystax" / "report.html").read_text("utf-8")
    assert "Neural encoding" in page
    assert bare_ratios(page) == []
    assert (recorded / "face.mystax" / "figures" / "encoding_raster.svg").is_file()
    again = call(capsys, *ENCODE, *NEURAL, *options, "--json").json
    assert again["outcomes"][0]["state"] == "current"
    said = call(capsys, *ENCODE, "--encoder", "face.mystax/encoding.encoder.nc", *NEURAL, "--out", "new")
    assert said.status == 0, said.err
    assert "12 neurons" in said.out
    assert opened(recorded / "new", "prediction")["prediction"].shape[1] == 12
    wanted = 10 + 0.7 * np.arange(50)
    np.save(recorded / "wanted.npy", wanted)
    np.save(recorded / "face.mystax" / "beside.npy", wanted)
    for file in ("wanted.npy", "beside.npy"):
        words = ("--encoder", "face.mystax/encoding.encoder.nc", "--times", f"npy:{file}", "--out", "timed")
        said = call(capsys, *ENCODE, *words)
        assert said.status == 0, said.err
        found = np.asarray(opened(recorded / "timed", "prediction")["time"].values)
        assert np.allclose(found, wanted, rtol=0, atol=1e-8)


RATIO = re.compile(r"\d x [a-z]|\btwice\b|\bdoubled\b|\d times\b")


def bare_ratios(text: str) -> list[str]:
    """Return the sentences with a ratio that lack the baseline, the interval or the number of neurons."""
    seen = re.sub(r"<(script|style|svg)\b.*?</\1>|<[^>]+>", " ", text, flags=re.DOTALL)
    return [
        sentence
        for sentence in re.split(r"(?<=[.!?])\s|\n{2,}", seen)
        if RATIO.search(sentence)
        and not all(word in sentence for word in ("lagged-ridge", "95 % interval", "neurons"))
    ]


def test_a_ratio_without_its_baseline_is_seen() -> None:
    assert bare_ratios("<p>It explains 2.1 x lagged-ridge.</p>")
    assert bare_ratios("Our network explains twice as much.")
    assert not bare_ratios("2.1 x lagged-ridge (95 % interval 1.9 to 2.3; 500 neurons). Seen at all times.")


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.5, 0.3, 0.0])
def test_no_page_holds_a_ratio_without_its_baseline(share: float, tmp_path: Path) -> None:
    from mystax.engine.report import make_report

    found = mystax.encoding(two_parts(), follower(share=share, shift=0.5), out=tmp_path, **QUICK)
    make_report(Store(tmp_path))
    page = (tmp_path / "report.html").read_text("utf-8")
    assert bare_ratios(page) == []
    sentence = ratio_sentence(found)
    assert (sentence != "") == (share > 0)
    assert sentence in page
    if share == 0:
        assert not re.search(r"\d x lagged-ridge", page)


@pytest.mark.slow
@pytest.mark.parametrize(("world", "independent"), [("A", False), ("B", False), ("A", True)])
def test_the_command_says_no_ratio_without_its_baseline(
    world: str, independent: bool, tmp_path: Path
) -> None:
    from mystax.synth.brain import simulate

    truth = simulate(world, minutes=8, n_neurons=40, rate=3, camera_rate=25, seed=2, independent=independent)
    put(tmp_path, truth)
    words = ("--model", "linear", "--folds", "3", "--shifts", "19", "--scales", "one")
    done = command(tmp_path, *NEURAL, *words)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "face.mystax" / "report.html").read_text("utf-8")
    assert [bare_ratios(text) for text in (page, done.stdout, done.stderr)] == [[], [], []]
    base = opened(tmp_path / "face.mystax")["population"].sel(model="lagged-ridge")
    may = float(base.sel(statistic="mean")) >= 0.005 and float(base.sel(statistic="low")) > 0
    assert not (may and independent)
    assert [re.search(r"\d x lagged-ridge", text) is not None for text in (page, done.stdout)] == [may, may]


@pytest.mark.slow
def test_command_goes_on_where_torch_is_absent(recorded: Path) -> None:
    options = ("--folds", "2", "--scales", "one", "--null", "none", "--no-parts", "--no-lags", "--json")
    done = command(recorded, *NEURAL, *options, "--out", "bare", before=BARE)
    assert done.returncode == 0, done.stderr
    assert "torch is not installed" in json.loads(done.stdout)["outcomes"][0]["model_reason"]
    assert opened(recorded / "bare").sizes["member"] == 2


def test_command_without_neural_data_or_clock_says_what_is_missing(
    recorded: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(recorded)
    assert call(capsys, *ENCODE).status == 2
    done = call(capsys, *ENCODE, "--neural", "neural/activity.npy", "--json")
    assert (done.status, done.codes) == (1, ["C207"])


def test_a_pattern_of_other_recordings_that_names_none_is_wrong_usage(
    recorded: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(recorded)
    for pattern in ("otherz/*.mystax", "*.mystax"):  # nothing, and this recording alone
        done = call(capsys, *ENCODE, *NEURAL, "--folds", "2", "--dry-run", "--null-with", pattern)
        assert done.status == 2
        assert pattern in done.err
        assert "overlap" not in done.out


def test_a_clock_may_be_named_by_the_recording(
    recorded: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(recorded)
    (recorded / "face").mkdir()
    (recorded / "face" / "times.npy").write_bytes((recorded / "neural" / "neural_times.npy").read_bytes())
    words = ("--neural", "neural/activity.npy", "--neural-clock", "npy:{recording}/times.npy", "--dry-run")
    done = call(capsys, *ENCODE, *words, "--folds", "2")
    assert done.status == 0, done.err
    assert "overlap: 3.2 min" in done.out


SHORT: dict[str, Any] = {**QUICK, "parts": False, "lags": False, "ceiling": "none"}


def test_chance_can_be_judged_by_the_behaviour_of_other_recordings() -> None:
    others = [two_parts(seed=50 + k) for k in range(19)]
    found = mystax.encoding(two_parts(), follower(shift=0.5), null_with=[two_parts(), *others], **SHORT)
    assert found.attrs["null"] == "recordings"
    assert int(found.attrs["null_recordings"]) == 19
    assert (np.asarray(found["p_value"].values) == np.float32(1 / 20)).all()
    assert "above the other-recordings null" in verdict(found)


@pytest.mark.slow
def test_shorter_other_recordings_shorten_the_window_and_too_short_ones_are_refused() -> None:
    others = [two_parts(seconds=200, seed=50 + k) for k in range(19)]
    found = mystax.encoding(two_parts(), follower(shift=0.5), null_with=others, **SHORT)
    assert float(found.attrs["null_seconds"]) == pytest.approx(200, abs=0.5)
    short = [*others[1:], two_parts(seconds=100, seed=99)]
    with pytest.raises(NumbersError, match=r"N303 null recordings.*too short"):
        mystax.encoding(two_parts(), follower(shift=0.5), null_with=short, **SHORT)


def test_too_few_or_other_kinds_of_recordings_are_refused() -> None:
    from dataclasses import replace

    others = [two_parts(seed=50 + k) for k in range(19)]
    said: list[Event] = []
    with pytest.raises(ParameterError, match=r"P401.*at least 19.*got 18"):
        mystax.encoding(
            two_parts(), follower(), null_with=[two_parts(), *others[1:]], progress=said.append, **SHORT
        )
    assert said == [], "nothing is fitted before"
    with pytest.raises(ParameterError, match=r"P401.*go together"):
        mystax.encoding(two_parts(), follower(), null="recordings", **SHORT)
    with pytest.raises(ParameterError, match=r"P401.*go together"):
        mystax.encoding(two_parts(), follower(), null_with=others, null="linear-shift", **SHORT)
    lacking = [replace(item, parts=item.parts[:1]) for item in others]
    with pytest.raises(ParameterError, match=r"P401.*keypoints/paw"):
        mystax.encoding(two_parts(), follower(), null_with=lacking, **SHORT)


def test_other_recordings_are_part_of_the_key() -> None:
    from mystax.engine.encoding.prepared import prepare_encoding

    others = [two_parts(seed=50 + k) for k in range(20)]
    keys = {prepare_encoding(two_parts(), follower(), SHORT, some).key for some in (others, others[1:], ())}
    assert len(keys) == 3


def test_the_published_split_is_judged_on_its_test_part_alone() -> None:
    found = mystax.encoding(
        two_parts(), follower(shift=0.5), **{**SHORT, "split": "published", "null": "none"}
    )
    assert int(found.attrs["n_folds"]) == 1
    tested = np.isfinite(np.asarray(found["prediction"].values)).all(1)
    assert tested.mean() == pytest.approx(0.25 - 30 / 1200, abs=0.02)
    assert ((np.asarray(found["fold"].values) == 0) >= tested).all()
    assert explained(found).mean() == pytest.approx(0.45, abs=0.08)
    assert "published split" in str(found.attrs["quality"])
    assert np.isfinite(found["explained_variance_low"].values).all()


def test_coarse_bins_correlate_better_where_noise_is_white(kept: Path) -> None:
    found = opened(kept)
    fine, coarse = (found[name].sel(model="stacked").values for name in ("correlation", "correlation_coarse"))
    assert (coarse > fine + 0.05).all()


@pytest.mark.slow
def test_command_writes_features_that_explain_what_the_models_see(recorded: Path) -> None:
    words = ("--folds", "2", "--groups", "keypoints", "--export-features", "made/features.nc")
    done = command(recorded, *NEURAL, *words)
    assert done.returncode == 0, done.stderr
    found = opened(recorded / "made", "features")
    x, usable = np.asarray(found["features"].values), np.asarray(found["usable"].values) > 0
    assert x.shape[1] == found.sizes["feature"] == len(found["family"])
    assert np.allclose(x[usable].mean(0, dtype=np.float64), 0, atol=1e-3)
    assert set(np.asarray(found["fold"].values)) == {0, 1}
    assert command(recorded, *NEURAL, *words).returncode == 0  # what it wrote itself it may replace
    assert command(recorded, *NEURAL, "--export-features", "made/features.csv").returncode == 2


@pytest.mark.slow
def test_command_crops_rows_without_a_time_only_when_told_to(recorded: Path) -> None:
    times = np.load(recorded / "neural" / "neural_times.npy")
    np.save(recorded / "longer.npy", np.append(times, times[-1] + 1 / 3))
    words = ("--neural", "neural/activity.npy", "--neural-clock", "npy:longer.npy", "--axes", "time,neuron")
    done = command(recorded, *words, "--folds", "2", "--dry-run", "--json")
    assert json.loads(done.stdout)["errors"][0]["code"] == "C202"
    done = command(recorded, *words, "--folds", "2", "--dry-run", "--clock-policy", "drop_tail")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_command_puts_several_recordings_in_one_summary(recorded: Path) -> None:
    place = recorded / "several"
    for name in ("day1", "day2"):
        (place / f"{name}.mystax").mkdir(parents=True)
        for file in ("pose.nc", "pupil.nc"):
            (place / f"{name}.mystax" / file).write_bytes((recorded / "face.mystax" / file).read_bytes())
        (place / name).mkdir()
        (place / name / "activity.npy").write_bytes((recorded / "neural" / "activity.npy").read_bytes())
    (place / "individuals.csv").write_text("recording,individual\nday1,m1\nday2,m2\n", "utf-8")
    words = [
        *("--neural-clock", f"npy:{recorded / 'neural' / 'neural_times.npy'}", "--model", "linear"),
        *("--folds", "2", "--scales", "one", "--groups", "keypoints", "--null", "none", "--ceiling", "none"),
        *("--no-parts", "--no-lags", "--individuals", "individuals.csv", "--out", "all"),
    ]
    days = ("day1.mystax", "day2.mystax")
    done = command(place, "--neural", "day1/activity.npy", *words, sources=days)
    assert done.returncode == 2, "one file of neurons for two recordings"
    done = command(place, "--neural", "{recording}/activity.npy", *words, sources=days)
    assert done.returncode == 0, done.stderr
    last = done.stdout.strip().splitlines()[-1]
    assert last.startswith("2 recordings of 2 individuals, 24 neurons: stacked explains ")
    found = opened(place / "all", "encoding_summary")
    assert [str(name) for name in found["recording"].values] == ["day1", "day2"]


def test_no_recipe_runs_it() -> None:
    with pytest.raises(RecipeError, match=r"P403 analysis 'encoding'.*mystax\.encoding is its call"):
        mystax.run(np.zeros((5, 64, 64), np.uint8), analyses=["encoding"])


def test_without_torch_auto_goes_on_and_says_so_and_deep_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    from mystax.engine.encoding.prepared import prepare_encoding

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "torch" else real(name, *rest)
    )
    found = prepare_encoding(two_parts(), follower(), {**QUICK, "model": "auto"})
    assert found.settings.deep is None
    assert found.reason == "torch is not installed: stack of the two linear models"
    with pytest.raises(ExtraMissing, match=r"X001.*mystax\[train\]"):
        prepare_encoding(two_parts(), follower(), {**QUICK, "model": "deep"})
