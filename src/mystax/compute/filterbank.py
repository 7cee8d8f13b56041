"""Temporal features of behaviour, in seconds: what an encoder sees instead of frames.

Each part of the face is whitened, each of its components goes through a bank of filters (smooth lags,
memories, envelopes of rhythms, rectified changes), and every result is averaged inside the neural bins.
Missing frames count nothing: every filter is divided by its mass on valid frames.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from mystax.compute.estimator import Estimator
from mystax.compute.filters import Filters, Shape
from mystax.core.behaviour import BehaviourGrid, BehaviourPart
from mystax.core.typing import Bool, Float32, Float64, Int64
from mystax.errors import NumbersError, WeightsError

__all__ = [
    "BANKS",
    "LONGEST",
    "Bins",
    "Feature",
    "Filterbank",
    "FittedPart",
    "base_signals",
    "bins_of",
    "features_of",
    "features_of_one",
    "find_part",
    "usable_bins",
]

HELD = 0.9
"""Share of a part's variance that its components hold."""
MOST: dict[str, int] = {"motion": 30, "movie": 30}
MOST_ELSEWHERE = 12
LEAST_MASS = 0.8
LEAST_FRAMES = 0.5
MOST_FEATURES = 2000
CUT_FIRST = ("motion", "movie")

SIGNED = (
    *((-1.2, 0.8), (-0.5, 0.4), (-0.2, 0.2), (0.0, 0.15), (0.12, 0.15)),
    *((0.3, 0.25), (0.6, 0.4), (1.1, 0.7), (2.0, 1.3), (4.0, 2.5)),
)
SLOW = (5.0, 15.0)
RHYTHMS = (1.0, 2.5, 6.0, 11.0)
ENVELOPE, ENVELOPE_MEMORY = ((0.0, 0.3), (0.35, 0.4), (1.0, 0.8), (2.5, 1.6)), 8.0
CHANGES, FORGOTTEN, DEAD = (0.0, 0.1, 0.3), 1.5, 0.2
HALF_WAVE = ((0.0, 0.12), (0.2, 0.2), (0.5, 0.3))
STATES, STATES_MEMORY = ((0.0, 0.15), (0.6, 0.4), (2.0, 1.3)), 5.0
BANKS = ("full", "signed", "states")
LONGEST = 6.5
"""Reach of the longest finite filter [s]."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of the design.

    Attributes
    ----------
    group, part : str
        Where it comes from.
    component : int
        Component of the whitened part.
    family : str
        signed, slow, envelope, half-wave or states.
    centre, width : float
        How long behaviour precedes the neurons, and half-width of the window [s]; a memory has its time
        constant as width.
    frequency : float
        Of an envelope [Hz]; time constant of a half-wave [s]; else NaN.
    """

    group: str
    part: str
    component: int
    family: str
    centre: float
    width: float
    frequency: float


@dataclass(frozen=True, eq=False)
class Bins:
    """Neural bins on the grid of behaviour.

    Attributes
    ----------
    first, stop : array (time,)
        Samples of the grid inside each bin.
    """

    first: Int64[np.ndarray, " time"]
    stop: Int64[np.ndarray, " time"]

    def mean(self, values: Float64[np.ndarray, " sample"]) -> Float64[np.ndarray, " time"]:
        """Average samples inside each bin."""
        sums = np.concatenate([[0.0], np.cumsum(values)])
        return np.asarray((sums[self.stop] - sums[self.first]) / (self.stop - self.first))

    def samples(self, chosen: Bool[np.ndarray, " time"], n: int) -> Bool[np.ndarray, " sample"]:
        """Tell which samples lie in chosen bins."""
        edges = np.zeros(n + 1, np.int64)
        np.add.at(edges, self.first[chosen], 1)
        np.add.at(edges, self.stop[chosen], -1)
        return np.cumsum(edges[:n]) > 0


def bins_of(grid: BehaviourGrid, times: Float64[np.ndarray, " time"], width: float) -> Bins:
    """Find the samples of a grid inside neural bins.

    Parameters
    ----------
    grid : BehaviourGrid
        Behaviour.
    times : array (time,)
        Centres of the bins [s].
    width : float
        Width of a bin [s].

    Returns
    -------
    Bins
        At least one sample in each: the nearest where none lies inside.
    """
    rate = float(grid.rate)
    place = (times - grid.start) * rate
    half = width * rate / 2
    first = np.ceil(place - half - 1e-6).astype(np.int64)
    stop = np.ceil(place + half - 1e-6).astype(np.int64)
    nearest = np.clip(np.rint(place).astype(np.int64), 0, max(grid.n - 1, 0))
    first, stop = np.clip(first, 0, grid.n), np.clip(stop, 0, grid.n)
    empty = stop <= first
    return Bins(np.where(empty, nearest, first), np.where(empty, nearest + 1, stop))


def usable_bins(grid: BehaviourGrid, bins: Bins, *, chunk: int | None = None) -> Bool[np.ndarray, " time"]:
    """Tell which bins every finite filter sees well enough.

    Parameters
    ----------
    grid : BehaviourGrid
        Behaviour.
    bins : Bins
        Neural bins.
    chunk : int, optional
        Samples that are filtered at once; the result does not depend on it.

    Returns
    -------
    array (time,)
        True where each filter has at least 80 % of its mass on valid frames, and half the frames are valid.
    """
    good = np.ones(len(bins.first), bool)
    seen: list[tuple[Bool[np.ndarray, " sample"], str]] = []
    for part in grid.parts:
        valid = part.valid
        if any(bank == part.bank and np.array_equal(valid, other) for other, bank in seen):
            continue
        seen.append((valid, part.bank))
        good &= bins.mean(valid.astype(np.float64)) >= LEAST_FRAMES
        filters = Filters(valid, float(grid.rate), chunk)
        for shape in _finite(part.bank, float(grid.rate)):
            good &= bins.mean(filters.mass(shape)) >= LEAST_MASS - 1e-9
    return good


def _finite(bank: str, rate: float) -> list[Shape]:
    """List the filters of a bank that end."""
    windows = {"signed": SIGNED, "states": STATES}.get(bank, SIGNED + ENVELOPE + HALF_WAVE)
    found = [Shape.bump(c, w, rate) for c, w in windows]
    if bank == "full":
        found += [Shape.envelope(f) for f in RHYTHMS if f <= 0.4 * rate]
    return found


@dataclass(frozen=True, eq=False)
class FittedPart:
    """What whitening and scaling of one part have learned from training frames.

    Attributes
    ----------
    group, part, bank : str
        As in `BehaviourPart`.
    columns : tuple of str
        Columns that it needs.
    mean, sd : array (column,)
        Of the training frames.
    axes : array (column, component)
        Whitening: standardised columns times this are components of variance 1.
    levels : array (component, level)
        Median of each envelope, then sd of each half-wave, on training frames.
    """

    group: str
    part: str
    bank: str
    columns: tuple[str, ...]
    mean: Float64[np.ndarray, " column"]
    sd: Float64[np.ndarray, " column"]
    axes: Float64[np.ndarray, "column component"]
    levels: Float64[np.ndarray, "component level"]

    @property
    def n_components(self) -> int:
        """Number of components."""
        return int(self.axes.shape[1])


def _whiten(part: BehaviourPart, frames: Bool[np.ndarray, " sample"], most: int) -> FittedPart:
    """Learn the whitening of a part from training frames."""
    values = part.values[frames & part.valid].astype(np.float64)
    if len(values) < 2:
        raise NumbersError("N303", f"{part.group}/{part.part}", "no valid frames to train on")
    mean, sd = values.mean(0), values.std(0)
    sd = np.where(sd > 1e-9 * np.maximum(np.abs(mean), 1e-9), sd, np.inf)  # a constant column gives nothing
    scaled = (values - mean) / sd
    covariance = scaled.T @ scaled / len(scaled)
    variances, vectors = np.linalg.eigh(covariance)
    variances, vectors = np.maximum(variances[::-1], 0), vectors[:, ::-1]
    total = variances.sum()
    if total <= 0:
        return FittedPart(
            part.group,
            part.part,
            part.bank,
            part.columns,
            mean,
            sd,
            np.zeros((len(mean), 0)),
            np.zeros((0, 0)),
        )
    n = int(np.searchsorted(np.cumsum(variances) / total, HELD - 1e-12)) + 1
    n = max(1, min(n, most, int((variances > 1e-9 * variances[0]).sum())))
    signs = np.sign(vectors[np.abs(vectors[:, :n]).argmax(0), np.arange(n)])
    axes = vectors[:, :n] * signs / np.sqrt(variances[:n])
    return FittedPart(part.group, part.part, part.bank, part.columns, mean, sd, axes, np.zeros((n, 0)))


def _components(fitted: FittedPart, part: BehaviourPart) -> Float64[np.ndarray, "sample component"]:
    """Whiten a part; 0 where it is missing."""
    scaled = (np.where(part.valid[:, None], part.values, fitted.mean) - fitted.mean) / fitted.sd
    return np.asarray(scaled @ fitted.axes, np.float64)


@dataclass(eq=False)
class _Made:
    """Features of one component, while they are made."""

    columns: list[Float64[np.ndarray, " time"]] = field(default_factory=list)
    levels: list[float] = field(default_factory=list)


class Filterbank(Estimator):
    """Whitening and temporal features of behaviour, learned on training bins only.

    Parameters
    ----------
    most : int, optional
        Features at most; motion and movie components beyond are cut first.
    chunk : int, optional
        Samples that are filtered at once; the result does not depend on it.

    Attributes
    ----------
    parts_ : list of FittedPart
        What was learned.
    features_ : list of Feature
        The columns.
    mean_, sd_ : array (feature,)
        Of the training bins.
    cut_ : list of str
        Parts that lost components to `most`.
    dropped_ : list of float
        Rhythms too fast for the frame rate [Hz].
    """

    def __init__(self, most: int = MOST_FEATURES, *, chunk: int | None = None) -> None:
        self.most, self.chunk = most, chunk

    def fit(self, grid: BehaviourGrid, bins: Bins, train: Bool[np.ndarray, " time"]) -> "Filterbank":
        """Learn whitening and scales from training bins.

        Parameters
        ----------
        grid : BehaviourGrid
            Behaviour.
        bins : Bins
            Neural bins.
        train : array (time,)
            Training bins.

        Returns
        -------
        Filterbank
            The same object.

        Raises
        ------
        NumbersError
            N303, if a part has no valid frame in the training bins, or nothing varies.
        """
        self.fit_transform(grid, bins, train)
        return self

    def fit_transform(
        self, grid: BehaviourGrid, bins: Bins, train: Bool[np.ndarray, " time"]
    ) -> Float32[np.ndarray, "time feature"]:
        """Learn from training bins, and return the features of all bins, standardised on the training bins.

        Parameters
        ----------
        grid, bins, train
            As for `fit`.

        Returns
        -------
        array (time, feature)
            Features.
        """
        frames = bins.samples(train, grid.n)
        whitened = [_whiten(part, frames, MOST.get(part.group, MOST_ELSEWHERE)) for part in grid.parts]
        whitened = self._cut(whitened, float(grid.rate))
        self.dropped_ = [f for f in RHYTHMS if f > 0.4 * float(grid.rate)]
        self.parts_, raw = [], []
        for fitted, part in zip(whitened, grid.parts, strict=True):
            columns, levels = self._of_part(fitted, part, grid, bins, frames)
            self.parts_.append(
                FittedPart(
                    fitted.group,
                    fitted.part,
                    fitted.bank,
                    fitted.columns,
                    fitted.mean,
                    fitted.sd,
                    fitted.axes,
                    levels,
                )
            )
            raw += columns
        if not raw:
            raise NumbersError("N303", "behaviour", "no column varies in the training bins")
        self.rate_ = float(grid.rate)
        self.features_ = [f for fitted in self.parts_ for f in features_of(fitted, self.rate_)]
        trained = [column[train] for column in raw]
        self.mean_ = np.array([column.mean() for column in trained])
        sd = np.array([column.std() for column in trained])
        self.sd_ = np.where(sd > 1e-9, sd, np.inf)
        return self._standardised(raw)

    def transform(self, grid: BehaviourGrid, bins: Bins) -> Float32[np.ndarray, "time feature"]:
        """Return the features of other behaviour, with the whitening and scales that were learned.

        Parameters
        ----------
        grid : BehaviourGrid
            Behaviour with the same groups and columns; more are not used.
        bins : Bins
            Where the features are wanted.

        Returns
        -------
        array (time, feature)
            Features.

        Raises
        ------
        WeightsError
            M702, naming the part or column that is missing.
        """
        if any(
            len(features_of_one(b, float(grid.rate))) != len(features_of_one(b, self.rate_)) for b in BANKS
        ):
            raise WeightsError(
                "M702",
                "encoder",
                "the rate of this behaviour cannot show the rhythms that the encoder needs, or shows more",
                expected=f"about {self.rate_:g} samples per second",
                got=f"{float(grid.rate):g}",
            )
        raw: list[Float64[np.ndarray, " time"]] = []
        for fitted in self.parts_:
            part = find_part(grid, fitted)
            raw += self._of_part(fitted, part, grid, bins, None)[0]
        return self._standardised(raw)

    def _standardised(
        self, raw: Sequence[Float64[np.ndarray, " time"]]
    ) -> Float32[np.ndarray, "time feature"]:
        found = np.empty((len(raw[0]), len(raw)), np.float32)
        for place, column in enumerate(raw):
            found[:, place] = (column - self.mean_[place]) / self.sd_[place]
        return found

    def _cut(self, whitened: list[FittedPart], rate: float) -> list[FittedPart]:
        """Take components away where there would be too many features: motion first, the last ones first."""
        self.cut_: list[str] = []
        sizes = [len(features_of_one(item.bank, rate)) for item in whitened]
        counts = [item.n_components for item in whitened]
        order = sorted(
            range(len(whitened)),
            key=lambda k: (whitened[k].group not in CUT_FIRST, whitened[k].group == "keypoints"),
        )
        for k in order:
            while counts[k] > 1 and sum(a * b for a, b in zip(sizes, counts, strict=True)) > self.most:
                counts[k] -= 1
        found = []
        for item, n in zip(whitened, counts, strict=True):
            if n < item.n_components:
                self.cut_.append(f"{item.group}/{item.part}")
            found.append(
                FittedPart(
                    item.group,
                    item.part,
                    item.bank,
                    item.columns,
                    item.mean,
                    item.sd,
                    item.axes[:, :n],
                    item.levels[:n],
                )
            )
        return found

    def _of_part(
        self,
        fitted: FittedPart,
        part: BehaviourPart,
        grid: BehaviourGrid,
        bins: Bins,
        frames: Bool[np.ndarray, " sample"] | None,
    ) -> tuple[list[Float64[np.ndarray, " time"]], Float64[np.ndarray, "component level"]]:
        """Make the features of a part; levels are learned from `frames`, or taken from what was learned."""
        filters = Filters(part.valid, float(grid.rate), self.chunk)
        training = None if frames is None else frames & part.valid
        columns: list[Float64[np.ndarray, " time"]] = []
        levels: list[list[float]] = []
        components = _components(fitted, part)
        for number in range(fitted.n_components):
            known = None if training is not None else fitted.levels[number].tolist()
            made = _Component(components[:, number], filters, bins, training, known).features(fitted.bank)
            columns += made.columns
            levels.append(made.levels)
        return columns, np.array(levels, np.float64).reshape(len(levels), len(levels[0]) if levels else 0)


class _Component:
    """One component on its way through the bank."""

    def __init__(
        self,
        values: Float64[np.ndarray, " sample"],
        filters: Filters,
        bins: Bins | None,
        training: Bool[np.ndarray, " sample"] | None,
        known: list[float] | None,
    ) -> None:
        self.values, self.filters, self.bins = values, filters, bins
        self.training, self.known = training, list(known or [])
        self.made = _Made()

    @cached_property
    def rate(self) -> float:
        return self.filters.rate

    def features(self, bank: str) -> _Made:
        """Make all features, in the order of `features_of_one`."""
        if bank == "states":
            self._windows(self.values, STATES)
            self._memory(self.values, STATES_MEMORY)
            return self.made
        self._windows(self.values, SIGNED)
        for tau in SLOW:
            self._memory(self.values, tau)
        if bank == "full":
            for size in self.envelopes():
                self._windows(size, ENVELOPE)
                self._memory(size, ENVELOPE_MEMORY)
            for change in self.half_waves():
                self._windows(change, HALF_WAVE)
        return self.made

    def _windows(
        self, values: Float64[np.ndarray, " sample"], windows: Sequence[tuple[float, float]]
    ) -> None:
        shapes = [Shape.bump(c, w, self.rate) for c, w in windows]
        self._take(self.filters.apply(values, shapes))

    def _memory(self, values: Float64[np.ndarray, " sample"], tau: float) -> None:
        self._take([self.filters.memory(values, tau)])

    def _take(self, found: Sequence[Float64[np.ndarray, " sample"]]) -> None:
        if self.bins is not None:
            self.made.columns += [self.bins.mean(values) for values in found]

    def _level(self, find: Float64[np.ndarray, " sample"], kind: str) -> float:
        """Return a level of the training frames, or the one that was learned before."""
        if self.training is None:
            level = self.known[len(self.made.levels)]
        else:
            inside = find[self.training]
            level = float(np.median(inside)) if kind == "median" else float(inside.std())
        self.made.levels.append(level)
        return level

    def envelopes(self) -> Iterator[Float64[np.ndarray, " sample"]]:
        """Give the size of each rhythm, on a logarithmic scale."""
        for frequency in RHYTHMS:
            if frequency > 0.4 * self.rate:
                continue
            size = self.filters.envelope(self.values, Shape.envelope(frequency))
            yield np.log1p(size / (self._level(size, "median") + 1e-6))

    def half_waves(self) -> Iterator[Float64[np.ndarray, " sample"]]:
        """Give changes over the last seconds, up and down apart."""
        slow = self.filters.memory(self.values, FORGOTTEN)
        for tau in CHANGES:
            change = (self.filters.memory(self.values, tau) if tau else self.values) - slow
            change = change / max(self._level(change, "sd"), 1e-9)
            for sign in (1, -1):
                yield np.maximum(sign * change - DEAD, 0)


def base_signals(
    fitted: FittedPart, part: BehaviourPart, number: int, filters: Filters
) -> list[Float64[np.ndarray, " sample"]]:
    """Return signals without a delay of their own: a component, the size of its rhythms, its two sides.

    Parameters
    ----------
    fitted : FittedPart
        A whitened part with its levels.
    part : BehaviourPart
        The same part of a grid.
    number : int
        Component.
    filters : Filters
        On the valid samples of the part.

    Returns
    -------
    list of arrays (sample,)
        The component alone for a signed bank or states.
    """
    one = _Component(
        _components(fitted, part)[:, number], filters, None, None, fitted.levels[number].tolist()
    )
    found = [one.values]
    if fitted.bank == "full":
        found += [*one.envelopes(), *(np.maximum(sign * one.values - DEAD, 0) for sign in (1, -1))]
    return found


def features_of_one(bank: str, rate: float) -> list[tuple[str, float, float, float]]:
    """List the features of one component: family, centre, width, frequency.

    Parameters
    ----------
    bank : str
        One of `BANKS`.
    rate : float
        Samples per second.

    Returns
    -------
    list of tuples
        In the order in which they are made.
    """
    nan = float("nan")
    if bank == "states":
        return [("states", c, w, nan) for c, w in STATES] + [("states", 0.0, STATES_MEMORY, nan)]
    found = [("signed", c, w, nan) for c, w in SIGNED] + [("slow", 0.0, tau, nan) for tau in SLOW]
    if bank == "signed":
        return found
    for frequency in RHYTHMS:
        if frequency <= 0.4 * rate:
            found += [("envelope", c, w, frequency) for c, w in ENVELOPE]
            found.append(("envelope", 0.0, ENVELOPE_MEMORY, frequency))
    for tau in CHANGES:
        for _ in (1, -1):
            found += [("half-wave", c, w, tau) for c, w in HALF_WAVE]
    return found


def features_of(fitted: FittedPart, rate: float) -> list[Feature]:
    """List the features of a part.

    Parameters
    ----------
    fitted : FittedPart
        A whitened part.
    rate : float
        Samples per second.

    Returns
    -------
    list of Feature
        Component by component.
    """
    return [
        Feature(fitted.group, fitted.part, number, *one)
        for number in range(fitted.n_components)
        for one in features_of_one(fitted.bank, rate)
    ]


def find_part(grid: BehaviourGrid, fitted: FittedPart) -> BehaviourPart:
    """Find the part of a grid that a fitted part needs, with its columns in order.

    Parameters
    ----------
    grid : BehaviourGrid
        Behaviour.
    fitted : FittedPart
        What is needed.

    Returns
    -------
    BehaviourPart
        With exactly the columns of `fitted`.

    Raises
    ------
    WeightsError
        M702, naming the part or column that is missing.
    """
    for part in grid.parts:
        if (part.group, part.part) == (fitted.group, fitted.part):
            missing = [name for name in fitted.columns if name not in part.columns]
            if missing:
                raise WeightsError(
                    "M702",
                    f"{fitted.group}/{fitted.part}",
                    "the encoder needs columns that this behaviour lacks",
                    expected=", ".join(fitted.columns),
                    got=f"no {', '.join(missing)}",
                )
            order = [part.columns.index(name) for name in fitted.columns]
            return BehaviourPart(part.group, part.part, part.bank, fitted.columns, part.values[:, order])
    raise WeightsError(
        "M702",
        "encoder",
        "the encoder needs a part that this behaviour lacks",
        expected=f"{fitted.group}/{fitted.part}",
        got=", ".join(f"{part.group}/{part.part}" for part in grid.parts) or "nothing",
    )
