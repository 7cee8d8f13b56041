"""Videos with clock files of known truth: the kinds of `faulty_recording` with one camera and a clock."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mystax.core.clock import Clock
from mystax.engine.recordings import open_recording
from mystax.errors import ClockError
from mystax.io.clock_specs import parse_clock_spec
from mystax.io.clocks import time_frames
from mystax.synth import faulty_recording
from mystax.synth.faulty_clocks import CLOCK_KINDS, PULSE_KINDS

MIDNIGHT = 1_709_251_200  # 2024-03-01, from which the ISO clock files count


@pytest.mark.parametrize(
    ("kind", "tolerance"),
    [
        ("clock_csv", 1e-6),
        ("clock_npy", 1e-6),
        ("clock_mat", 1e-6),
        ("clock_mat73", 1e-6),
        ("clock_flir", 50e-6),
        ("clock_iso", 1e-6),
        ("events_random", 1e-3),
    ],
)
def test_clock_file_gives_the_true_times(tmp_path: Path, kind: str, tolerance: float) -> None:
    truth = faulty_recording(tmp_path, kind, seed=1)
    zero = MIDNIGHT if kind == "clock_iso" else 0
    for spec in (truth.clocks["face"], *truth.variants):
        recording = open_recording(truth.files, {"face": spec})
        assert np.abs(recording.video().times - zero - truth.times["face"]).max() <= tolerance
        recording.close()


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("clock_nan", "C206", "row 150"),
        ("clock_backward", "C206", "row 150"),
        ("clock_unit", "C206", "median step"),
        ("events_regular", "C205", "regular"),
    ],
)
def test_wrong_clock_file_is_refused_with_the_place(tmp_path: Path, kind: str, code: str, said: str) -> None:
    truth = faulty_recording(tmp_path, kind, seed=2)
    with pytest.raises(ClockError, match=code) as caught:
        open_recording(truth.files, truth.clocks)
    assert said in str(caught.value)


@pytest.mark.parametrize("kind", sorted(PULSE_KINDS))
def test_other_count_needs_the_right_policy(tmp_path: Path, kind: str) -> None:
    truth = faulty_recording(tmp_path, kind, seed=3)
    with pytest.raises(ClockError, match=r"C202.*300"):
        open_recording(truth.files, truth.clocks)
    recording = open_recording(truth.files, truth.clocks, clock_policy=truth.policy)
    assert np.abs(recording.video().times - truth.times["face"]).max() <= 1e-3
    assert [flag.code for flag in recording.flags] == ["C202"]
    recording.close()


@pytest.mark.parametrize("n", [20, pytest.param(100, marks=pytest.mark.slow)])
def test_pulses_lost_inside_are_matched_in_95_of_100_cases_and_never_wrong(tmp_path: Path, n: int) -> None:
    n_solved = 0
    for seed in range(n):
        folder = tmp_path / str(seed)
        folder.mkdir()
        made = PULSE_KINDS["ttl_lost_inside"](folder, seed)
        video = Clock(np.array(made.stamps, np.int64), Fraction(1, 90_000))
        try:
            paired, _ = time_frames(parse_clock_spec(made.spec), [folder], video.n, video, "match")
        except ClockError:
            continue
        n_solved += 1
        errors = np.abs(paired.clock.seconds - made.times)[~paired.no_time]
        assert errors.max() < 1e-3, seed
    assert n_solved >= 0.95 * n


@pytest.mark.parametrize("kind", ["events_random", "events_regular"])
def test_events_of_20_cases_are_fitted_or_refused(tmp_path: Path, kind: str) -> None:
    for seed in range(20):
        folder = tmp_path / str(seed)
        folder.mkdir()
        made = CLOCK_KINDS[kind](folder, seed)
        video = Clock.from_rate(made.rate, made.n_frames)
        spec = parse_clock_spec(made.specs[0])
        if made.refusal:
            with pytest.raises(ClockError, match=made.refusal):
                time_frames(spec, [folder], video.n, video)
            continue
        paired, _ = time_frames(spec, [folder], video.n, video)
        assert np.abs(paired.clock.seconds - made.times).max() <= 1e-3, seed
