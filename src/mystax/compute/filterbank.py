"""Temporal features of behaviour, in seconds: what an encoder sees instead of frames.

Each part of the face is whitened, each of its components goes through a bank of filters (smooth lags,
memories, envelopes of rhythms, rectified changes), and every result is averaged inside the neural bins.
Missing frames count nothing: every filter is divided by its mass on valid frames.
"""

from collections.abc import Sequence

import numpy as np

from mystax.compute.component_features import component_features
from mystax.compute.estimator import Estimator
from mystax.compute.feature_table import BANKS, RHYTHMS, features_of, features_of_one, finite_shapes
from mystax.compute.filters import Filters
from mystax.compute.grid_bins import Bins
from mystax.compute.whitening import FittedPart, components_of, find_part, whiten
from mystax.core.behaviour import BehaviourGrid, BehaviourPart
from mystax.core.typing import Bool, Float32, Float64
from mystax.errors import NumbersError, WeightsError

__all__ = ["Filterbank", "usable_bins"]

MOST: dict[str, int] = {"motion": 30, "movie": 30}
MOST_ELSEWHERE = 12
LEAST_MASS = 0.8
LEAST_FRAMES = 0.5
MOST_FEATURES = 2000
CUT_FIRST = ("motion", "movie")


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
        for shape in finite_shapes(part.bank, float(grid.rate)):
            good &= bins.mean(filters.mass(shape)) >= LEAST_MASS - 1e-9
    return good


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
        whitened = [whiten(part, frames, MOST.get(part.group, MOST_ELSEWHERE)) for part in grid.parts]
        whitened = self._cut(whitened, float(grid.rate))
        self.dropped_ = [f for f in RHYTHMS if f > 0.4 * float(grid.rate)]
        self.parts_, raw = [], []
        for fitted, part in zip(whitened, grid.parts, strict=True):
            block, levels = self._of_part(fitted, part, grid, bins, frames)
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
            raw.append(block)
        if not sum(map(len, raw)):
            raise NumbersError("N303", "behaviour", "no column varies in the training bins")
        self.rate_ = float(grid.rate)
        self.features_ = [f for fitted in self.parts_ for f in features_of(fitted, self.rate_)]
        trained = [block[:, train] for block in raw]
        self.mean_ = np.concatenate([block.mean(axis=1) for block in trained])
        sd = np.concatenate([block.std(axis=1) for block in trained])
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
        return self._standardised(
            [self._of_part(fitted, find_part(grid, fitted), grid, bins, None)[0] for fitted in self.parts_]
        )

    def _standardised(
        self, raw: Sequence[Float64[np.ndarray, "_some time"]]
    ) -> Float32[np.ndarray, "time feature"]:
        found = np.empty((raw[0].shape[1], len(self.mean_)), np.float32)
        first = 0
        for block in raw:
            some = slice(first, first + len(block))
            found[:, some] = ((block - self.mean_[some, None]) / self.sd_[some, None]).T
            first = some.stop
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
    ) -> tuple[Float64[np.ndarray, "feature time"], Float64[np.ndarray, "component level"]]:
        """Make the features of a part; levels are learned from `frames`, or taken from what was learned."""
        if not fitted.n_components:
            return np.empty((0, len(bins.first))), fitted.levels
        filters = Filters(part.valid, float(grid.rate), self.chunk)
        training = None if frames is None else frames & part.valid
        known = fitted.levels if training is None else None
        made = component_features(components_of(fitted, part), fitted.bank, filters, bins, training, known)
        return made.columns.reshape(-1, len(bins.first)), made.levels
