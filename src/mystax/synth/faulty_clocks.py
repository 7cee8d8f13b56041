"""Clock files with known times: columns, arrays, stamps of cameras, pulses of triggers, event trains."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.io import savemat

from mystax.core.typing import Float64, Int64
from mystax.io.hdf5 import write_arrays

__all__ = [
    "CLOCK_KINDS",
    "PULSE_KINDS",
    "ClockFiles",
    "PulseFiles",
    "write_events",
    "write_times_csv",
]

_N = 300
_RATE = Fraction(30)
_START = 120.0  # FireWire stamps wrap round at 128 s: inside these files
_N_EXTRA = 5
_LINE_RATE = 5000


class ClockFiles(NamedTuple):
    """Clock files of one camera: specs (all of the same times), true times [s], expected refusal."""

    specs: tuple[str, ...]
    times: Float64[np.ndarray, " time"]
    refusal: str | None = None
    n_frames: int = _N
    rate: Fraction = _RATE


class PulseFiles(NamedTuple):
    """Pulses of a triggered camera.

    `moments` are the triggers that gave a frame, `stamps` the camera's own times (ticks of 1/90000 s),
    `times` the true times of the frames [s].
    """

    spec: str
    moments: tuple[int, ...]
    stamps: tuple[int, ...]
    times: Float64[np.ndarray, " time"]
    policy: str


def _frame_times(seed: int, n: int = _N) -> Float64[np.ndarray, " time"]:
    """Make times of a camera with 1 ms of jitter, whole microseconds [s]."""
    jitter = np.random.default_rng((seed, 21)).uniform(-1e-3, 1e-3, n)
    return np.asarray(np.round(_START + np.arange(n) / float(_RATE) + jitter, 6))


def write_times_csv(
    path: Path, times: Float64[np.ndarray, " time"], *, mark: str = ",", has_header: bool = True
) -> None:
    """Write frame numbers and times [s] as a table of text.

    Parameters
    ----------
    path : Path
        The file.
    times : array (time,)
        Times [s].
    mark : str, optional
        What stands between columns.
    has_header : bool, optional
        Whether the first line names the columns `frame` and `time`; without it, only times are written.
    """
    if has_header:
        lines = [f"frame{mark}time"] + [f"{row}{mark}{time:.6f}" for row, time in enumerate(times)]
    else:
        lines = [f"{time:.6f}" for time in times]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _clock_csv(folder: Path, seed: int) -> ClockFiles:
    times = _frame_times(seed)
    specs = []
    for name, mark in (("comma", ","), ("semicolon", ";"), ("tab", "\t")):
        path = folder / f"face_{name}.csv"
        write_times_csv(path, times, mark=mark)
        specs.append(f"csv:{path}:time")
    bare = folder / "face_bare.csv"
    write_times_csv(bare, times, has_header=False)
    specs += [f"csv:{bare}", f"csv:{bare}:0:s", specs[0].removesuffix(":time")]
    return ClockFiles(tuple(specs), times)


def _clock_npy(folder: Path, seed: int) -> ClockFiles:
    times = _frame_times(seed)
    np.save(folder / "face.npy", times)
    np.save(folder / "face_table.npy", np.stack([np.arange(len(times)), times], axis=1))
    np.savez(folder / "face.npz", times=times)
    return ClockFiles(
        (f"npy:{folder}/face.npy", f"npy:{folder}/face_table.npy:1", f"npz:{folder}/face.npz:times"), times
    )


def _clock_mat(folder: Path, seed: int) -> ClockFiles:
    times = _frame_times(seed)
    path = folder / "face.mat"
    savemat(path, {"times": times[None, :], "camera": {"times": times[:, None], "name": "face"}})
    return ClockFiles((f"mat:{path}:times", f"mat:{path}:camera.times"), times)


def _clock_mat73(folder: Path, seed: int) -> ClockFiles:
    times = _frame_times(seed)
    path, plain = folder / "face73.mat", folder / "face.h5"
    write_arrays(path, {"times": times}, is_matlab=True)
    write_arrays(plain, {"camera/times": times})
    return ClockFiles((f"mat:{path}:times", f"h5:{plain}:/camera/times"), times)


def pack_flir(times: Float64[np.ndarray, " time"]) -> Int64[np.ndarray, " time"]:
    """Pack times [s] as 32-bit FireWire cycle stamps: 7 bits s, 13 bits 1/8000 s, 12 bits 1/24576000 s."""
    parts = np.rint(times * 8000 * 3072).astype(np.int64)
    second, rest = parts // (8000 * 3072), parts % (8000 * 3072)
    return np.asarray((second % 128) << 25 | (rest // 3072) << 12 | rest % 3072)


def _clock_flir(folder: Path, seed: int) -> ClockFiles:
    times = _frame_times(seed)
    path = folder / "face_flir.csv"
    path.write_text("\n".join(["stamp", *map(str, pack_flir(times))]) + "\n", encoding="utf-8")
    return ClockFiles((f"csv:{path}:stamp:flir",), times)


def _clock_iso(folder: Path, seed: int) -> ClockFiles:
    times = _frame_times(seed)
    midnight = datetime(2024, 3, 1, tzinfo=UTC)
    texts = [
        (midnight + timedelta(microseconds=round(time * 1e6))).isoformat().replace("+00:00", "Z")
        for time in times
    ]
    path = folder / "face_iso.csv"
    path.write_text("\n".join(["time", *texts]) + "\n", encoding="utf-8")
    return ClockFiles((f"csv:{path}:time:iso",), times)


def _clock_wrong(folder: Path, seed: int, name: str) -> ClockFiles:
    """Write a column whose row 150 is no time, or goes back, or whose unit is none that is known."""
    times = _frame_times(seed)
    stored = times.copy()
    if name == "nan":
        stored[150] = np.nan
    elif name == "backward":
        stored[150] = stored[140]
    else:
        stored = stored * 7.3
    path = folder / "face.csv"
    write_times_csv(path, stored)
    return ClockFiles((f"csv:{path}:time",), times, "C206")


def write_events(
    folder: Path,
    camera: str,
    seed: int,
    *,
    length: float,
    drift: float,
    start: float,
    n_events: int = 60,
    n_lost: int = 3,
    is_regular: bool = False,
) -> str:
    """Write the same pulses in a camera's time and in the session's time, each with losses.

    Parameters
    ----------
    folder : Path
        Where the two files go.
    camera : str
        Name of the camera, for the file names.
    seed : int
        Of intervals, losses and 50 us of jitter.
    length : float
        Length of the recording [s].
    drift : float
        The camera's clock runs faster than the session's by this share.
    start : float
        Session time of the camera's zero [s].
    n_events, n_lost : int, optional
        Pulses in all, and how many are lost on each side.
    is_regular : bool, optional
        All intervals equal.

    Returns
    -------
    str
        The clock spec ``events:A:B``.
    """
    rng = np.random.default_rng((seed, 31))
    edge = 0.01 * length
    if is_regular:
        since = np.linspace(edge, length - edge, n_events)
    else:
        steps = 0.3 + rng.exponential(1.0, n_events)
        since = edge + (np.cumsum(steps) - steps[0]) / (steps.sum() - steps[0]) * (length - 2 * edge)
    files = []
    for name, times in (("camera", since * (1.0 + drift)), ("session", start + since)):
        lost = rng.choice(np.arange(1, n_events - 1), n_lost, replace=False)
        seen = np.delete(times + rng.normal(0.0, 5e-5, n_events), lost)
        path = folder / f"{camera}_events_{name}.csv"
        path.write_text("\n".join(["time", *(f"{time:.7f}" for time in seen)]) + "\n", encoding="utf-8")
        files.append(path)
    return f"events:{files[0]}:{files[1]}"


def _events(folder: Path, seed: int, *, is_regular: bool) -> ClockFiles:
    """Film 20 min at 1 frame/s with a clock that runs 50 ppm fast."""
    n, rate, drift, start = 1200, Fraction(1), 5e-5, 1000.0
    spec = write_events(
        folder, "face", seed, length=n / float(rate), drift=drift, start=start, is_regular=is_regular
    )
    times = start + np.arange(n) / float(rate) / (1.0 + drift)
    return ClockFiles((spec,), times, "C205" if is_regular else None, n, rate)


def _pulses(seed: int, n_pulses: int) -> Float64[np.ndarray, " pulse"]:
    """Make times of triggers whose intervals differ by up to 15 % [s]."""
    rng = np.random.default_rng((seed, 41))
    steps = rng.uniform(0.85, 1.15, n_pulses) / float(_RATE)
    return np.asarray(np.round(2.0 + np.cumsum(steps), 6))


def _camera_stamps(times: Float64[np.ndarray, " time"], seed: int) -> tuple[int, ...]:
    """Make the camera's own stamps of its frames: from zero, 0.1 ms of jitter, ticks of 1/90000 s."""
    jitter = np.random.default_rng((seed, 42)).normal(0.0, 1e-4, len(times))
    ticks = np.rint((times - times[0] + jitter) * 90000).astype(np.int64)
    return tuple(int(tick) for tick in np.maximum.accumulate(ticks - ticks[0]))


def _ttl(folder: Path, seed: int, *, where: str) -> PulseFiles:
    """Write edges of a line that has more pulses than the video has frames."""
    n_extra = 3 if where == "inside" else _N_EXTRA
    pulses = _pulses(seed, _N + n_extra)
    if where == "head":
        moments = np.arange(n_extra, _N + n_extra)
    elif where == "tail":
        moments = np.arange(_N)
    else:
        rng = np.random.default_rng((seed, 43))
        lost = rng.choice(np.arange(10, _N - 10), n_extra, replace=False)
        moments = np.delete(np.arange(_N + n_extra), lost)
    times = pulses[moments]
    if where == "head":
        # A sampled line of two channels: the trigger is the second one, 5 V for 2 ms.
        line = np.zeros((int((pulses[-1] + 0.1) * _LINE_RATE), 2))
        places = np.rint(pulses * _LINE_RATE).astype(np.int64)
        for after in range(10):
            line[places + after, 1] = 5.0
        np.save(folder / "line.npy", line)
        spec, times = f"ttl:{folder}/line.npy:1:rising:{_LINE_RATE}", places[moments] / _LINE_RATE
    elif where == "tail":
        np.savez(folder / "edges.npz", trigger=np.rint(pulses * 30000).astype(np.int64))
        spec, times = f"ttl:{folder}/edges.npz:trigger:30000", np.rint(times * 30000) / 30000
    else:
        path = folder / "edges.csv"
        write_times_csv(path, pulses)
        spec = f"ttl:{path}:time"
    policy = {"head": "drop_head", "tail": "drop_tail", "inside": "match"}[where]
    return PulseFiles(
        spec, tuple(int(one) for one in moments), _camera_stamps(times, seed), np.asarray(times), policy
    )


def _counter_drop(folder: Path, seed: int) -> PulseFiles:
    """Write all pulses, and beside them the camera's 8-bit counter of triggers, one row per frame."""
    n_lost = 4
    pulses = _pulses(seed, _N + n_lost)
    rng = np.random.default_rng((seed, 44))
    lost = rng.choice(np.arange(10, _N - 10), n_lost, replace=False)
    moments = np.delete(np.arange(_N + n_lost), lost)
    rows = ["pulse,counter"]
    for row, pulse in enumerate(pulses):
        counter = str((moments[row] + 200) % 256) if row < len(moments) else ""
        rows.append(f"{pulse:.6f},{counter}")
    path = folder / "face.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    times = pulses[moments]
    return PulseFiles(
        f"csv:{path}:pulse:s",
        tuple(int(one) for one in moments),
        _camera_stamps(times, seed),
        times,
        "counter:counter",
    )


CLOCK_KINDS: Mapping[str, Callable[[Path, int], ClockFiles]] = {
    "clock_csv": _clock_csv,
    "clock_npy": _clock_npy,
    "clock_mat": _clock_mat,
    "clock_mat73": _clock_mat73,
    "clock_flir": _clock_flir,
    "clock_iso": _clock_iso,
    "clock_nan": partial(_clock_wrong, name="nan"),
    "clock_backward": partial(_clock_wrong, name="backward"),
    "clock_unit": partial(_clock_wrong, name="unit"),
    "events_random": partial(_events, is_regular=False),
    "events_regular": partial(_events, is_regular=True),
}
"""Clock files with as many times as the video has frames, or event trains."""

PULSE_KINDS: Mapping[str, Callable[[Path, int], PulseFiles]] = {
    "ttl_extra_head": partial(_ttl, where="head"),
    "ttl_extra_tail": partial(_ttl, where="tail"),
    "ttl_lost_inside": partial(_ttl, where="inside"),
    "counter_drop": _counter_drop,
}
"""Trigger pulses, more than the video has frames."""
