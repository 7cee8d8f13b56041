"""Behaviour of a simulated animal in the form of outcomes: pose, pupil, running, blink, svd."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.signal import lfilter

from mystax.core.keypoints import KeypointSet
from mystax.core.typing import Float64
from mystax.synth.brain_sources import MOVERS, Sources, standardised

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["N_COMPONENTS", "POINTS", "behaviour_outcomes"]

POINTS = {
    "eye": {"eye_front": (158, 92), "eye_back": (122, 88), "eye_top": (140, 76), "eye_bottom": (140, 104)},
    "whisker": {"whisker_I": (212, 132), "whisker_II": (204, 143), "whisker_III": (214, 150)},
    "nose": {
        "nose_top": (236, 112),
        "nose_tip": (254, 126),
        "nose_bottom": (244, 138),
        "nose_far": (258, 116),
    },
    "mouth": {"mouth": (228, 158)},
    "paw": {"paw": (186, 206)},
}
"""Keypoints of each part of the face, and where they are on average, x and y [px]."""
SPREAD = 5.0
"""Largest distance of an animal's points from there, along x or y [px]."""
N_COMPONENTS = 60


def behaviour_outcomes(sources: Sources, drift: float, random: np.random.Generator) -> Mapping[str, Dataset]:
    """Film the animal and measure it, without a video.

    Parameters
    ----------
    sources : Sources
        What it does.
    drift : float
        Size of a random walk on every column of keypoints, components and pupil.
    random : Generator
        Gives the random numbers.

    Returns
    -------
    mapping of str to Dataset
        `pose pupil running blink svd`.
    """
    movers = sources.stacked(*MOVERS)
    return {
        "pose": _pose(movers, sources, drift, random),
        "pupil": _pupil(sources, drift, random),
        "running": _running(sources, random),
        "blink": _blink(sources, random),
        "svd": _svd(movers, sources, drift, random),
    }


def _walks(
    n: int, width: int, drift: float, random: np.random.Generator
) -> Float64[np.ndarray, "time column"]:
    """Random walks that end about 1.5 times `drift` from where they began."""
    if not drift:
        return np.zeros((1, width))
    return np.asarray(1.5 * drift * np.cumsum(random.standard_normal((n, width)), axis=0) / np.sqrt(n))


def _slow_noise(
    n: int, width: int, rate: float, random: np.random.Generator
) -> Float64[np.ndarray, "time column"]:
    """Ornstein-Uhlenbeck noise of variance 1 and 60 s."""
    a = float(np.exp(-1 / (60 * rate)))
    noise = random.standard_normal((n, width))
    noise[1:] *= np.sqrt(1 - a * a)
    return np.asarray(lfilter([1.0], [1, -a], noise, axis=0))


def _mixing(random: np.random.Generator) -> Float64[np.ndarray, "source column"]:
    """How far each source moves each column [px]."""
    parts = [part for part, names in POINTS.items() for _ in names for _ in "xy"]
    mixing = np.zeros((len(MOVERS), len(parts)))
    at = {name: k for k, name in enumerate(MOVERS)}
    for column, part in enumerate(parts):
        one = random.standard_normal
        rules = {
            "eye": {
                "eye_x": 0.6 * abs(one()),
                "eye_y": 0.6 * abs(one()),
                "blink": 2 * one(),
                "pupil": 0.8 * one(),
            },
            "whisker": {"whisk": 4 + one(), "setpoint": 5 + one(), "sniff": 0.5 * one()},
            "nose": {"sniff": 1.5 + 0.3 * one(), "whisk": 0.4 * one(), "lick": 0.4 * one()},
            "mouth": {"lick": 4.0, "sniff": 0.5},
            "paw": {"groom": 8.0, "bob": 3.0},
        }[part]
        for source, weight in rules.items():
            mixing[at[source], column] += weight
        mixing[at["groom"], column] += one()
        mixing[at["bob"], column] += 0.5 * abs(one())
    return mixing


def _frame(n: int, rate: float) -> tuple[dict[str, Any], Any]:
    """Coordinates and the variable `missing` of an outcome with every frame."""
    coordinates = {
        "time": (("time",), np.arange(n) / rate, {"units": "s"}),
        "frame": (("time",), np.arange(n), {"units": "1"}),
    }
    return coordinates, (("time",), np.zeros(n, np.uint8), {"units": "1"})


def _of_regions(kind: str, name: str) -> dict[str, Any]:
    """Coordinates of one region."""
    return {
        "roi": [name],
        "roi_kind": (("roi",), [kind]),
        "roi_camera": (("roi",), ["face"]),
        "roi_shape": (("roi",), ['{"kind":"rectangle"}']),
    }


def _outcome(
    name: str,
    variables: Mapping[str, Any],
    coordinates: Mapping[str, Any],
    n: int,
    rate: float,
    **attributes: Any,
) -> Dataset:
    """Put an outcome together; a variable is (dims, values, unit)."""
    import xarray as xr

    more, missing = _frame(n, rate)
    given = {
        key: (dims, np.asarray(values), {"units": unit} if unit else {})
        for key, (dims, values, unit) in variables.items()
    }
    return xr.Dataset(
        {**given, "missing": missing},
        {**more, **coordinates},
        {"analysis": name, "analysis_version": 1, "camera": "face", "quality": "[]", **attributes},
    )


def _pose(
    movers: Float64[np.ndarray, "time source"], sources: Sources, drift: float, random: np.random.Generator
) -> Dataset:
    """Move 13 keypoints."""
    names = [name for group in POINTS.values() for name in group]
    n, width = len(movers), 2 * len(names)
    clean = movers @ _mixing(random)
    moved = (
        clean + 0.35 * random.standard_normal((n, width)) + 0.5 * _slow_noise(n, width, sources.rate, random)
    )
    moved = moved + moved.std(axis=0) * _walks(n, width, drift, random)
    mean = np.array([place for group in POINTS.values() for place in group.values()])
    home = mean + random.uniform(-SPREAD, SPREAD, mean.shape)
    position = (home + moved.reshape(n, len(names), 2)).transpose(0, 2, 1)[..., None].astype(np.float32)
    covariance = np.zeros((n, 3, len(names), 1), np.float32)
    covariance[:, [0, 2]] = 0.35**2
    sure = np.full((n, len(names), 1), 0.98, np.float32)
    place, point = ("time", "space", "keypoint", "individual"), ("time", "keypoint", "individual")
    around = ("time", "cov", "keypoint", "individual")
    chosen = KeypointSet.load("mouse-face-15").subset(names)
    return _outcome(
        "pose",
        {
            "position": (place, position, "px"),
            "position_raw": (place, position.copy(), "px"),
            "covariance": (around, covariance, "px2"),
            "measurement_covariance": (around, covariance.copy(), "px2"),
            "confidence": (point, sure, "1"),
            "visibility": (point, sure.copy(), "1"),
            "flag": (point, np.zeros(sure.shape, np.uint8), "1"),
        },
        {"space": ["x", "y"], "cov": ["xx", "xy", "yy"], "keypoint": names, "individual": ["face"]},
        n,
        sources.rate,
        keypoint_set=chosen.to_toml(),
    )


def _pupil(sources: Sources, drift: float, random: np.random.Generator) -> Dataset:
    """Open and turn the pupil."""
    n = len(sources.traces["pupil"])
    columns = np.stack(
        [
            np.log(400) + 0.25 * sources.traces["pupil"] + 0.02 * random.standard_normal(n),
            120 + 3 * sources.traces["eye_x"] + 0.1 * random.standard_normal(n),
            80 + 3 * sources.traces["eye_y"] + 0.1 * random.standard_normal(n),
        ],
        axis=1,
    )
    columns = columns + columns.std(axis=0) * _walks(n, 3, drift, random)
    area = np.exp(columns[:, :1]).astype(np.float32)
    diameter = np.sqrt(4 * area / np.pi).astype(np.float32)
    centre = columns[:, None, 1:].astype(np.float32)
    trace, ones, none = ("time", "roi"), np.ones((n, 1), np.float32), np.zeros((n, 1), np.float32)
    variables = {
        "area": (trace, area, "px2"),
        "centre": ((*trace, "space"), centre, "px"),
        "angle": (trace, none, "rad"),
        "reflection": (trace, none, "1"),
        "contrast": (trace, 50 * ones, "grey_level"),
        "area_smooth": (trace, area, "px2"),
        "centre_smooth": ((*trace, "space"), centre, "px"),
        "threshold": (("roi",), np.array([60], np.float32), "grey_level"),
        "reflection_level": (("roi",), np.array([256], np.float32), "grey_level"),
        "inverted": (("roi",), np.zeros(1, np.int8), "1"),
        **dict.fromkeys(("diameter", "major", "minor", "diameter_smooth"), (trace, diameter, "px")),
        **dict.fromkeys(("confidence", "rim_seen"), (trace, ones, "1")),
    }
    coordinates = {**_of_regions("pupil", "pupil"), "space": ["x", "y"]}
    return _outcome("pupil", variables, coordinates, n, sources.rate)


def _running(sources: Sources, random: np.random.Generator) -> Dataset:
    """Turn the wheel."""
    n = len(sources.traces["run"])
    speed = (100 * sources.traces["run"] + random.standard_normal(n))[:, None].astype(np.float32)
    velocity = np.stack([speed, np.zeros_like(speed)], axis=2)
    trace = ("time", "roi")
    variables = {
        "shift": ((*trace, "space"), velocity / np.float32(sources.rate), "px"),
        "peak": (trace, np.full((n, 1), 20, np.float32), "1"),
        "velocity": ((*trace, "space"), velocity, "px s-1"),
        "speed": (trace, speed, "px s-1"),
    }
    coordinates = {**_of_regions("running", "running"), "space": ["x", "y"]}
    return _outcome("running", variables, coordinates, n, sources.rate)


def _blink(sources: Sources, random: np.random.Generator) -> Dataset:
    """Close the lids."""
    n = len(sources.traces["blink"])
    openness = np.clip(1 - sources.traces["blink"], 0, 1) + 0.01 * random.standard_normal(n)
    openness = np.clip(openness, 0, 1.5)[:, None].astype(np.float32)
    trace, event = ("time", "roi"), ("event",)
    edges = np.diff((openness[:, 0] < 0.4).astype(np.int8), prepend=0, append=0)
    start, stop = (np.flatnonzero(edges == sign) / sources.rate for sign in (1, -1))
    cells = np.rint(np.stack([start, stop]) * sources.rate).astype(int).T
    depth = np.array([1 - openness[a:b, 0].min() for a, b in cells], np.float32)
    variables = {
        "darkness": (trace, 40 * openness, "grey_level"),
        "openness": (trace, openness, "1"),
        "closed": (trace, (openness < 0.4).astype(np.int8), "1"),
        "level": (("roi",), np.array([90], np.float32), "grey_level"),
        "event_start": (event, start, "s"),
        "event_stop": (event, stop, "s"),
        "event_depth": (event, depth, "1"),
        "event_roi": (event, np.full(len(start), "blink", "<U5"), ""),
        "event_kind": (event, (stop - start > 0.5).astype(np.int8), "1"),
        "event_cut": (event, np.zeros(len(start), np.int8), "1"),
    }
    return _outcome("blink", variables, _of_regions("blink", "blink"), n, sources.rate)


def _svd(
    movers: Float64[np.ndarray, "time source"], sources: Sources, drift: float, random: np.random.Generator
) -> Dataset:
    """Take components of the pictures' motion: bent mixtures of movements, weaker and weaker."""
    n = len(movers)
    changes = np.abs(np.diff(movers, axis=0, prepend=movers[:1]))
    inputs = standardised(np.column_stack([movers, changes, sources.traces["run"]]))
    bent = np.tanh(0.25 * inputs @ random.standard_normal((inputs.shape[1], N_COMPONENTS)))
    seen = bent * np.geomspace(1, 0.1, N_COMPONENTS) + 0.06 * random.standard_normal((n, N_COMPONENTS))
    seen = seen + seen.std(axis=0) * _walks(n, N_COMPONENTS, drift, random)
    one = ("roi",)
    variables = {
        "motion_svd": (("time", "roi", "component"), seen[:, None].astype(np.float32), "grey_level"),
        "x_origin": (one, np.zeros(1, np.int32), "px"),
        "y_origin": (one, np.zeros(1, np.int32), "px"),
    }
    return _outcome("svd", variables, _of_regions("motion", "face"), n, sources.rate)
