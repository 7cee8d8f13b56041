"""Recordings with known truth: consecutive files, several cameras of one event, clock files."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

from mystax.core.typing import Float64
from mystax.errors import RecipeError, nearest
from mystax.synth.faulty_clocks import CLOCK_KINDS, PULSE_KINDS, write_events, write_times_csv
from mystax.synth.faulty_plan import Plan, write_plan
from mystax.synth.truth import Truth

__all__ = ["RecordingTruth", "faulty_recording", "recording_kinds"]

_RATE = Fraction(30)
_SIZE = (96, 96)
_SESSION_START = 12.5  # the cameras start so long after the session's clock [s]


@dataclass(eq=False)
class RecordingTruth:
    """The truth about one synthetic recording.

    Attributes
    ----------
    folder : Path
        Where its files are.
    kind : str
        What was made.
    files : mapping of str to tuple of Path
        Files of each camera in their order.
    truths : mapping of str to tuple of Truth
        The truth about each file.
    barcodes : mapping of str to tuple of int
        Moment of the event that each frame of a camera shows.
    times : mapping of str to array (time,)
        True time of each frame of a camera [s], session clock.
    clocks : mapping of str to str
        Clock spec of each camera.
    variants : tuple of str
        Further specs that hold the same times for the (only) camera.
    policy : str or None
        Clock policy that gives the right times where counts differ.
    codes : frozenset of str
        Codes of flags that must stand.
    refusal : str or None
        Code of the refusal: of the kinds with clock files, with them (for `policy`: without the policy); of
        rigs, without them.
    """

    folder: Path
    kind: str
    files: dict[str, tuple[Path, ...]] = field(default_factory=dict)
    truths: dict[str, tuple[Truth, ...]] = field(default_factory=dict)
    barcodes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    times: dict[str, Float64[np.ndarray, " time"]] = field(default_factory=dict)
    clocks: dict[str, str] = field(default_factory=dict)
    variants: tuple[str, ...] = ()
    policy: str | None = None
    codes: frozenset[str] = frozenset()
    refusal: str | None = None


def _clip(
    path: Path,
    numbers: tuple[int, ...],
    *,
    seed: int,
    event_seed: int,
    container: str = "mp4",
    size: tuple[int, int] = _SIZE,
    rate: Fraction = _RATE,
    time_base: Fraction | None = None,
    stamps: tuple[int, ...] | None = None,
) -> Truth:
    """Write one camera's file that shows some moments of an event."""
    plan = Plan(
        path=path,
        kind="clean",
        container=container,
        codec="h264",
        n_frames=len(numbers),
        size=size,
        rate=rate,
        seed=seed,
        key_interval=60,
        b_frames=0,
        scene="texture",
        event_seed=event_seed,
        numbers=numbers,
        time_base=time_base,
        stamps=stamps,
    )
    plan.use("h264")
    return write_plan(plan)


def _add(truth: RecordingTruth, camera: str, clip: Truth, numbers: tuple[int, ...]) -> None:
    """Put a file at the end of a camera."""
    truth.files[camera] = (*truth.files.get(camera, ()), clip.path)
    truth.truths[camera] = (*truth.truths.get(camera, ()), clip)
    truth.barcodes[camera] = (*truth.barcodes.get(camera, ()), *numbers)


def _parts(
    truth: RecordingTruth, seed: int, *, is_contiguous: bool = False, is_mismatch: bool = False
) -> None:
    """Write three consecutive files of 100 frames each."""
    for part in range(3):
        numbers = tuple(range(100 * part, 100 * (part + 1)))
        clip = _clip(
            truth.folder / f"face_part{part + 1}.{'mkv' if is_contiguous else 'mp4'}",
            numbers,
            seed=seed,
            event_seed=seed,
            container="mkv" if is_contiguous else "mp4",
            size=(64, 96) if is_mismatch and part == 1 else _SIZE,
            time_base=1 / _RATE,
            stamps=numbers if is_contiguous else None,
        )
        _add(truth, "face", clip, numbers)
    truth.times["face"] = np.arange(300) / float(_RATE)
    if is_mismatch:
        truth.refusal = "V120"
    elif not is_contiguous:
        truth.codes = frozenset({"V121"})


def _part_twice(truth: RecordingTruth, seed: int) -> None:
    """Write one file under two names."""
    numbers = tuple(range(100))
    clip = _clip(truth.folder / "face_part1.mp4", numbers, seed=seed, event_seed=seed)
    _add(truth, "face", clip, numbers)
    twin = truth.folder / "face_part2.mp4"
    shutil.copyfile(clip.path, twin)
    _add(truth, "face", clip, numbers)
    truth.files["face"] = (clip.path, twin)
    truth.refusal = "P403"


def _camera(
    truth: RecordingTruth,
    name: str,
    numbers: tuple[int, ...],
    seed: int,
    *,
    rate: Fraction = _RATE,
    size: tuple[int, int] = _SIZE,
) -> None:
    """Write one camera of a rig: its own texture, the movement of the event."""
    place = ("left", "right", "top").index(name)
    clip = _clip(
        truth.folder / f"{name}.mp4",
        numbers,
        seed=seed + 100 * (place + 1),
        event_seed=seed,
        rate=rate,
        size=size,
    )
    _add(truth, name, clip, numbers)


def _with_times(truth: RecordingTruth, name: str, times: Float64[np.ndarray, " time"]) -> None:
    truth.times[name] = times
    path = truth.folder / f"{name}_times.csv"
    write_times_csv(path, times)
    truth.clocks[name] = f"csv:{path}:time:s"


def _rig(truth: RecordingTruth, seed: int, *, late: int = 0, missing: int = 0) -> None:
    """Film 300 moments with three cameras; `right` starts late, `top` ends early."""
    n = 300
    shown = {"left": range(n), "right": range(late, n), "top": range(n - missing)}
    for name, moments in shown.items():
        _camera(truth, name, tuple(moments), seed)
        _with_times(truth, name, _SESSION_START + np.array(moments) / float(_RATE))
    if late or missing:
        truth.refusal = "C201"


def _rig_drift(truth: RecordingTruth, seed: int) -> None:
    """Film 20 min at 5 frames/s; the clock of `right` runs 100 ppm fast, pulses are seen in both times."""
    rate, n = Fraction(5), 6000
    for name, drift in (("left", 0.0), ("right", 1e-4), ("top", 0.0)):
        own = np.arange(n) / float(rate)
        session = _SESSION_START + own / (1.0 + drift)
        moments = np.rint((session - _SESSION_START) * float(rate)).astype(int)
        _camera(truth, name, tuple(int(one) for one in moments), seed, rate=rate, size=(48, 48))
        truth.times[name] = session
        truth.clocks[name] = write_events(
            truth.folder, name, seed, length=n / float(rate), drift=drift, start=_SESSION_START
        )


def _rig_unequal(truth: RecordingTruth, seed: int) -> None:
    """Film with three cameras of which one has twice the rate, and one half the length."""
    for name, rate, n in (("left", 30, 300), ("right", 60, 600), ("top", 30, 150)):
        _camera(truth, name, tuple(range(n)), seed, rate=Fraction(rate))
        _with_times(truth, name, _SESSION_START + np.arange(n) / rate)
    truth.refusal = "C201"


def _one_camera(truth: RecordingTruth, seed: int, kind: str) -> None:
    """Write one camera with clock files of a kind."""
    made = CLOCK_KINDS[kind](truth.folder, seed)
    clip = _clip(
        truth.folder / "face.mp4", tuple(range(made.n_frames)), seed=seed, event_seed=seed, rate=made.rate
    )
    _add(truth, "face", clip, tuple(range(made.n_frames)))
    truth.times["face"] = made.times
    truth.clocks["face"], truth.variants = made.specs[0], made.specs[1:]
    truth.refusal = made.refusal


def _pulsed(truth: RecordingTruth, seed: int, kind: str) -> None:
    """Write one triggered camera whose count of pulses is not its count of frames."""
    made = PULSE_KINDS[kind](truth.folder, seed)
    clip = _clip(
        truth.folder / "face.mp4",
        made.moments,
        seed=seed,
        event_seed=seed,
        time_base=Fraction(1, 90000),
        stamps=made.stamps,
    )
    _add(truth, "face", clip, made.moments)
    truth.times["face"] = made.times
    truth.clocks["face"] = made.spec
    truth.policy, truth.refusal, truth.codes = made.policy, "C202", frozenset({"C202"})


_KINDS: Mapping[str, Callable[[RecordingTruth, int], None]] = {
    "parts": _parts,
    "parts_contiguous": partial(_parts, is_contiguous=True),
    "parts_mismatch": partial(_parts, is_mismatch=True),
    "part_twice": _part_twice,
    "rig": _rig,
    "rig_shifted": partial(_rig, late=7),
    "rig_drift": _rig_drift,
    "rig_unequal": _rig_unequal,
    **{kind: partial(_one_camera, kind=kind) for kind in CLOCK_KINDS},
    **{kind: partial(_pulsed, kind=kind) for kind in PULSE_KINDS},
}


def recording_kinds() -> tuple[str, ...]:
    """List the kinds that `faulty_recording` can make."""
    return tuple(_KINDS)


def faulty_recording(folder: str | Path, kind: str, *, seed: int = 0) -> RecordingTruth:
    """Write a recording (several files, cameras, clock files), and say the truth about it.

    Parameters
    ----------
    folder : str or Path
        Folder for the files; it is made if it does not exist.
    kind : str
        One of `recording_kinds()`.
    seed : int, optional
        Of pictures, movement, pulses and losses.

    Returns
    -------
    RecordingTruth
        Files, moments, times, clock specs, and the codes that a right reader gives.

    Raises
    ------
    RecipeError
        P403, if there is no such kind.

    Examples
    --------
    >>> truth = faulty_recording("rig", "rig_shifted")  # doctest: +SKIP
    >>> truth.barcodes["right"][0]  # doctest: +SKIP
    7
    """
    if kind not in _KINDS:
        raise RecipeError("P403", "faulty recording", f"no kind {kind!r}{nearest(kind, _KINDS)}")
    place = Path(folder).absolute()
    place.mkdir(parents=True, exist_ok=True)
    truth = RecordingTruth(place, kind)
    _KINDS[kind](truth, seed)
    return truth
