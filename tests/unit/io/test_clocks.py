"""Clock files: stamps, edges, counters, events."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from mystax.core.clock import Clock
from mystax.core.clock_pairing import PairedClock
from mystax.errors import ClockError, FormatError
from mystax.io.clock_specs import parse_clock_spec
from mystax.io.clocks import find_file, read_counter, read_stamps, time_frames
from mystax.io.hdf5 import write_arrays

N = 120
RATE = Fraction(30)
VIDEO = Clock.from_rate(RATE, N)
TIMES = np.round(120 + np.arange(N) / 30 + np.random.default_rng(5).uniform(-1e-3, 1e-3, N), 6)


def _time(text: str, folder: Path, policy: str | None = None, *, video: Clock | None = VIDEO) -> PairedClock:
    return time_frames(parse_clock_spec(text), [folder], N, video, policy)[0]


def _write_text(mark: str, header: bool) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        lines = [f"frame{mark}time"] if header else []
        lines += [f"{row}{mark}{time:.6f}" for row, time in enumerate(TIMES)]
        (folder / "t.csv").write_text("\n".join(lines), "utf-8")
        return "csv:t.csv:1"

    return write


def _write_npy(folder: Path) -> str:
    np.save(folder / "t.npy", TIMES)
    return "npy:t.npy"


def _write_npz(folder: Path) -> str:
    np.savez(folder / "t.npz", times=TIMES)
    return "npz:t.npz:times"


def _write_mat(folder: Path) -> str:
    savemat(folder / "t.mat", {"camera": {"times": TIMES}})
    return "mat:t.mat:camera.times"


def _write_mat73(folder: Path) -> str:
    write_arrays(folder / "t.mat", {"times": TIMES}, is_matlab=True)
    return "mat:t.mat:times"


def _write_h5(folder: Path) -> str:
    write_arrays(folder / "t.h5", {"camera/times": TIMES})
    return "h5:t.h5:/camera/times"


def _write_iso(folder: Path) -> str:
    texts = [f"1970-01-01T00:{int(t // 60):02d}:{t % 60:09.6f}Z" for t in TIMES]
    (folder / "t.csv").write_text("\n".join(["time", *texts]), "utf-8")
    return "csv:t.csv:time:iso"


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(_write_text(",", True), id="comma"),
        pytest.param(_write_text(",", False), id="comma, no header"),
        pytest.param(_write_text(";", True), id="semicolon"),
        pytest.param(_write_text(";", False), id="semicolon, no header"),
        pytest.param(_write_text("\t", True), id="tab"),
        pytest.param(_write_text("\t", False), id="tab, no header"),
        _write_npy,
        _write_npz,
        _write_mat,
        _write_mat73,
        _write_h5,
        _write_iso,
    ],
)
def test_same_times_in_every_format_agree_within_a_microsecond(
    tmp_path: Path, write: Callable[[Path], str]
) -> None:
    paired = _time(write(tmp_path), tmp_path)
    assert np.abs(paired.clock.seconds - TIMES).max() <= 1e-6
    assert paired.flags == ()
    assert paired.report["n_stamps"] == N


def test_stamps_of_the_video_are_left_as_they_are(tmp_path: Path) -> None:
    assert _time("pts", tmp_path).clock is VIDEO


def test_rate_gives_a_constant_clock_without_any_stamps(tmp_path: Path) -> None:
    clock = _time("rate:30000/1001:2", tmp_path, video=None).clock
    assert clock.period == Fraction(1001, 30000)
    assert clock.seconds[0] == 2.0


def test_stamps_of_a_video_without_any_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ClockError, match="C206"):
        _time("pts", tmp_path, video=None)


def test_file_beside_the_video_is_found_by_pattern(tmp_path: Path) -> None:
    np.save(tmp_path / "cam_times.npy", TIMES)
    assert find_file("*_times.npy", [tmp_path]) == tmp_path / "cam_times.npy"
    assert find_file(str(tmp_path / "cam_*.npy"), [Path("elsewhere")]) == tmp_path / "cam_times.npy"


def test_pattern_with_two_files_or_none_is_refused_with_both(tmp_path: Path) -> None:
    for name in ("a.npy", "b.npy"):
        np.save(tmp_path / name, TIMES)
    with pytest.raises(ClockError, match=r"C206.*a\.npy.*b\.npy"):
        find_file("*.npy", [tmp_path])
    with pytest.raises(ClockError, match="C206"):
        find_file("none.npy", [tmp_path])


def test_same_name_in_two_folders_is_not_guessed(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "t.npy", TIMES)
    with pytest.raises(ClockError, match="not clear"):
        find_file("t.npy", [tmp_path / "here", tmp_path / "there"])
    assert find_file("t.npy", [tmp_path / "here", tmp_path / "here"]).name == "t.npy"


def test_edges_are_found_on_a_sampled_line(tmp_path: Path) -> None:
    line = np.zeros((1000, 2))
    for first in (100, 300, 500):
        line[first : first + 10, 1] = 4.8
    line[700, 1] = 5.0  # one sample is no pulse
    np.save(tmp_path / "line.npy", line)
    rising = read_stamps(parse_clock_spec("ttl:line.npy:1:rising:1000"), [tmp_path]).clock
    falling = read_stamps(parse_clock_spec("ttl:line.npy:1:falling:1000"), [tmp_path]).clock
    assert rising.seconds.tolist() == [0.1, 0.3, 0.5]
    assert falling.seconds.tolist() == [0.11, 0.31, 0.51]


def _edges(line: np.ndarray, folder: Path, edge: str = "rising") -> list[int]:
    np.save(folder / "line.npy", line)
    spec = parse_clock_spec(f"ttl:line.npy:0:{edge}:1000")
    return [int(tick) for tick in read_stamps(spec, [folder]).clock.ticks]


@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize("width", [2, 10, 500])
@pytest.mark.parametrize("glitch", [0.0, 50.0, -50.0])
def test_one_sample_far_out_does_not_hide_the_pulses(
    noise: float, width: int, glitch: float, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    firsts = [100, 5000, 40_000, 99_000]  # rare: 8 samples of 100,000 at the shortest
    line = rng.normal(0, noise, 100_000)
    for first in firsts:
        line[first : first + width] += 5
    line[[50, 70_000]] += glitch
    assert _edges(line, tmp_path) == firsts
    assert _edges(5 - line, tmp_path, "falling") == firsts


@pytest.mark.parametrize("period", [6, 8, 10, 16, 20, 26, 50, 333])
@pytest.mark.parametrize("cut", [0.25, 0.3, 0.4, 0.45])
def test_edges_that_a_filter_rounds_are_found(period: int, cut: float, tmp_path: Path) -> None:
    sharp = (np.arange(300 * period) % period >= period // 2).astype(float)
    spectrum = np.fft.rfft(sharp)
    spectrum[np.fft.rfftfreq(len(sharp)) > cut] = 0
    line = np.fft.irfft(spectrum, len(sharp)) + np.random.default_rng(0).normal(0, 0.002, len(sharp))
    truth = np.arange(period // 2, len(sharp), period)
    found = np.array(_edges(line, tmp_path))
    near = np.abs(truth[:, None] - found).min(1)
    assert len(found) in (len(truth) - 1, len(truth))  # the first lies at the border
    assert (near[1:] <= 1).all()


def test_square_wave_of_two_samples_is_no_noise(tmp_path: Path) -> None:
    assert _edges(np.tile([0, 0, 5, 5], 50), tmp_path) == list(range(2, 200, 4))


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.5])
def test_line_without_a_pulse_of_two_samples_says_so(noise: float, tmp_path: Path) -> None:
    line = np.random.default_rng(0).normal(0, noise, 10_000)
    line[100::250] += 5
    with pytest.raises(ClockError, match=r"C206 line.npy:?.*no pulse of at least 2 samples"):
        _edges(line, tmp_path)


def test_pulse_that_does_not_end_has_no_falling_edge(tmp_path: Path) -> None:
    line = np.where(np.arange(100) < 40, 0, 5)
    assert _edges(line, tmp_path) == [40]
    with pytest.raises(ClockError, match="C206"):
        _edges(line, tmp_path, "falling")


def test_pause_of_one_sample_does_not_split_a_pulse(tmp_path: Path) -> None:
    line = np.zeros(100, bool)
    line[10:20] = True
    line[15] = False
    line[60:70] = True
    np.save(tmp_path / "line.npy", line)
    clock = read_stamps(parse_clock_spec("ttl:line.npy:0:100"), [tmp_path]).clock
    assert clock.seconds.tolist() == [0.1, 0.6]


def test_edges_may_be_given_as_sample_numbers_or_seconds(tmp_path: Path) -> None:
    np.savez(tmp_path / "edges.npz", numbers=np.array([30, 60, 95]), seconds=np.array([0.001, 0.5, 0.75]))
    by_number = read_stamps(parse_clock_spec("ttl:edges.npz:numbers:30000"), [tmp_path]).clock
    by_second = read_stamps(parse_clock_spec("ttl:edges.npz:seconds"), [tmp_path]).clock
    assert by_number.seconds.tolist() == [0.001, 0.002, float(Fraction(95, 30000))]
    assert by_second.seconds.tolist() == [0.001, 0.5, 0.75]


def test_rate_beside_edges_in_seconds_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "edges.npy", TIMES)
    with pytest.raises(ClockError, match=r"C206.*sample numbers"):
        read_stamps(parse_clock_spec("ttl:edges.npy:0:30000"), [tmp_path], 1 / 30)


def test_whole_edges_without_a_rate_must_fit_the_video(tmp_path: Path) -> None:
    np.save(tmp_path / "edges.npy", np.arange(N) * 1000)
    with pytest.raises(ClockError, match=r"C206.*unit"):
        read_stamps(parse_clock_spec("ttl:edges.npy:0"), [tmp_path], 1 / 30)


def test_line_without_a_rate_without_change_or_with_nan_is_refused(tmp_path: Path) -> None:
    line = np.zeros(100)
    np.save(tmp_path / "flat.npy", line)
    line[40:60] = 5
    np.save(tmp_path / "line.npy", line)
    line[50] = np.nan
    np.save(tmp_path / "nan.npy", line)
    for spec, text in (
        ("ttl:line.npy:0", "needs its rate"),
        ("ttl:flat.npy:0:100", "never changes"),
        ("ttl:nan.npy:0:100", "not finite"),
    ):
        with pytest.raises(ClockError, match=text):
            read_stamps(parse_clock_spec(spec), [tmp_path])


def test_counter_is_read_beside_the_pulses_or_from_its_own_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("pulse,counter\n0.1,7\n0.2,9\n0.3,\n", "utf-8")
    np.save(tmp_path / "counter.npy", np.array([3.0, 4.0]))
    spec = parse_clock_spec("csv:t.csv:pulse:s")
    assert read_counter("counter", spec, [tmp_path]).tolist() == [7, 9]
    assert read_counter("counter.npy:0", spec, [tmp_path]).tolist() == [3, 4]
    with pytest.raises(ClockError, match=r"C206.*whole"):
        read_counter("pulse", spec, [tmp_path])


def test_counter_policy_gives_frames_the_pulses_they_were_taken_at(tmp_path: Path) -> None:
    pulses = 5 + np.arange(N + 3) / 30
    kept = np.delete(np.arange(N + 3), [10, 50, 51])
    rows = [f"{pulse:.6f},{kept[row] % 256 if row < N else ''}" for row, pulse in enumerate(pulses)]
    (tmp_path / "t.csv").write_text("\n".join(["pulse,counter", *rows]), "utf-8")
    paired = _time("csv:t.csv:pulse:s", tmp_path, "counter:counter")
    assert np.allclose(paired.clock.seconds, pulses[kept], atol=1e-6)
    assert [flag.code for flag in paired.flags] == ["C202"]


def _write_events(folder: Path, n_beyond: float = 0.0) -> np.ndarray:
    events = np.cumsum(np.random.default_rng(1).uniform(0.02, 0.12, 60))
    np.save(folder / "a.npy", events + n_beyond)
    np.savez(folder / "b.npz", pulses=1000 + (events + n_beyond) * (1 + 5e-5))
    return events


def test_events_bring_the_video_to_the_time_of_the_session(tmp_path: Path) -> None:
    _write_events(tmp_path)
    paired = _time("events:a.npy:b.npz#pulses", tmp_path)
    assert np.abs(paired.clock.seconds - 1000 - VIDEO.seconds * (1 + 5e-5)).max() <= 1e-6
    assert paired.report["drift_ppm"] == pytest.approx(50, abs=0.1)
    assert paired.flags == ()


def test_clock_far_beyond_its_events_is_flagged(tmp_path: Path) -> None:
    _write_events(tmp_path, 100.0)
    paired = _time("events:a.npy:b.npz#pulses", tmp_path)
    assert [flag.code for flag in paired.flags] == ["C208"]
    assert paired.report["extrapolated"] == pytest.approx(100, abs=0.2)


def test_file_with_pickled_objects_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(FormatError, match="F801"):
        _time("npy:t.npy", tmp_path)


def test_unit_and_dropped_repeats_stand_in_the_report(tmp_path: Path) -> None:
    times = np.insert(TIMES * 1000, 50, TIMES[49] * 1000 + 0.0)
    times[50] = times[49]
    np.save(tmp_path / "t.npy", times)
    report = _time("npy:t.npy", tmp_path).report
    assert report["unit"] == "ms"
    assert report["equal_stamps_dropped"] == 1
