"""What a refine works on: labelled crops, rendered crops, the base, the user's wishes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from mystax.core.typing import Bool, Float32, Float64, Int64, UInt8
from mystax.errors import WeightsError
from mystax.nets.augment import UNLABELLED, Augmentation, augment
from mystax.nets.confidence import Calibration
from mystax.nets.fitting import Batch
from mystax.nets.tracker import Dense

__all__ = [
    "BATCH",
    "Base",
    "Batches",
    "Labelled",
    "Plan",
    "Replay",
    "forget_points",
    "load_base",
    "match_rows",
    "project_replay",
    "split_replay",
]

BATCH = 8
"""Crops of a step."""

MILD = Augmentation(rotation=0.2, scale=(0.85, 1.18), shift=0.08, occluder=0.06, degrade=0.6)


@dataclass(frozen=True)
class Labelled:
    """Labelled crops.

    Attributes
    ----------
    crops : array (n, y, x)
        Square grey crops of the face box, uint8.
    xy : array (n, keypoint, space)
        Points [crop px]; NaN where there is none.
    state : array (n, keypoint)
        0 absent, 1 invisible, 2 placed, 255 not labelled.
    valid : array (n, y, x), optional
        Pixels that lie in the frame; by default all.
    recording : array (n,), optional
        Number of each frame's recording; by default one recording.
    time : array (n,), optional
        Seconds in the recording; by default unknown, the order counts.
    """

    crops: UInt8[np.ndarray, "n y x"]
    xy: Float32[np.ndarray, "n keypoint space"]
    state: UInt8[np.ndarray, "n keypoint"]
    valid: Bool[np.ndarray, "n y x"] | None = None
    recording: Int64[np.ndarray, " n"] | None = None
    time: Float64[np.ndarray, " n"] | None = None


@dataclass(frozen=True)
class Replay:
    """Rendered crops that keep a refined network good on other animals.

    Attributes
    ----------
    crops, xy, state : array
        As of `Labelled`, for all points of `points`.
    points : tuple of str
        Ids of the points.
    """

    crops: UInt8[np.ndarray, "n y x"]
    xy: Float32[np.ndarray, "n keypoint space"]
    state: UInt8[np.ndarray, "n keypoint"]
    points: tuple[str, ...]


@dataclass(frozen=True)
class Base:
    """The network that a refine starts from.

    Attributes
    ----------
    tensors : mapping of str to array
        Its weights (`mystax.io.weights.read_tensors`).
    points : tuple of str
        Ids of its points.
    width : float
        Factor on its channel counts.
    calibration : Calibration, optional
        Its calibration.
    others : tuple of mapping
        Weights of the further members of an ensemble.
    """

    tensors: Mapping[str, np.ndarray]
    points: tuple[str, ...]
    width: float = 1.0
    calibration: Calibration | None = None
    others: tuple[Mapping[str, np.ndarray], ...] = ()

    @property
    def n_members(self) -> int:
        """Number of networks."""
        return 1 + len(self.others)

    def member(self, number: int) -> Mapping[str, np.ndarray]:
        """Return the weights that a member of a new ensemble starts from: they are dealt in turn."""
        return (self.tensors, *self.others)[number % self.n_members]


@dataclass(frozen=True)
class Plan:
    """Wishes of the user.

    Attributes
    ----------
    steps : int
        Steps of the final fit; 0 (default) chooses by the number of labels (`estimate_steps`).
    seed : int
        Same labels, seed and lanes: same weights.
    size : int
        Side of the crops [px], 128-512.
    replay : float
        Share of rendered crops in a batch, 0-0.9.
    hold_out : str
        ``recording`` or ``block``.
    lanes : int
        Threads.
    width : float
        Factor on the channel counts of a network made from nothing.
    members : int
        Networks to train, 1-5: several become an ensemble, each with a seed of its own.
    rate : float
        Highest rate of the trunk of a base; its heads learn three times as fast.
    ranges : Augmentation
        How far to augment labelled crops: mildly, since they are of the cameras that matter.
    replay_ranges : Augmentation
        How far to augment rendered crops.
    """

    steps: int = 0
    seed: int = 0
    size: int = 256
    replay: float = 0.125
    hold_out: str = "recording"
    lanes: int = 1
    width: float = 1.0
    members: int = 1
    rate: float = 3e-3
    ranges: Augmentation = MILD
    replay_ranges: Augmentation = field(default_factory=Augmentation)


class Batches:
    """Draws batches: labelled crops, and rendered ones beside them."""

    def __init__(
        self, labelled: Labelled, replay: Replay | None, plan: Plan, order: Int64[np.ndarray, " keypoint"]
    ) -> None:
        self._labelled, self._replay, self._plan, self._order = labelled, replay, plan, order

    def make(self, rows: Int64[np.ndarray, " row"], key: tuple[int, ...], step: int, lane: int) -> Batch:
        """Return the batch of a lane: depends on seed, key, step and lane only."""
        plan = self._plan
        rng = np.random.default_rng([plan.seed, *key, step, lane])
        n = BATCH // plan.lanes
        n_replay = 0 if self._replay is None else _share_of_lane(plan.replay * n, lane)
        pick = rng.choice(rows, n - n_replay, replace=len(rows) < n - n_replay)
        old = rng.integers(0, len(self._replay.crops), n_replay) if self._replay is not None else pick[:0]
        sources: list[tuple[Labelled | Replay | None, np.ndarray, Augmentation]] = [
            (self._labelled, pick, plan.ranges),
            (self._replay, old, plan.replay_ranges),
        ]
        parts = [
            augment(
                source.crops[chosen],
                source.xy[chosen],
                source.state[chosen],
                rng,
                size=plan.size,
                ranges=ranges,
                order=self._order,
                valid=source.valid[chosen]
                if isinstance(source, Labelled) and source.valid is not None
                else None,
            )
            for source, chosen, ranges in sources
            if source is not None and len(chosen)
        ]
        crops, xy, state = (np.concatenate(values) for values in zip(*parts, strict=True))
        return crops, xy, state


def _share_of_lane(share: float, lane: int) -> int:
    """Deal whole crops to lanes so that all lanes together have their share, whatever their number."""
    return int((lane + 1) * share + 0.5) - int(lane * share + 0.5)


def match_rows(points: Sequence[str], base: Base | None, given: Sequence[int] | None = None) -> list[int]:
    """Say which of the base's points each point is.

    Parameters
    ----------
    points : sequence of str
        Ids of the points.
    base : Base or None
        The base.
    given : sequence of int, optional
        The answer, where the caller knows better (aliases); by default points are matched by id.

    Returns
    -------
    list of int
        Place among the base's points, -1 for a new point.
    """
    if base is None:
        return [-1] * len(points)
    if given is not None:
        return list(given)
    return [base.points.index(name) if name in base.points else -1 for name in points]


def project_replay(replay: Replay | None, points: Sequence[str]) -> Replay | None:
    """Return rendered crops with the points of another set.

    Parameters
    ----------
    replay : Replay or None
        Rendered crops.
    points : sequence of str
        Ids of the points wanted; those without a rendered twin are unlabelled.

    Returns
    -------
    Replay or None
        None if nothing is rendered, or no point is known.
    """
    if replay is None or not any(name in replay.points for name in points):
        return None
    n = len(replay.crops)
    xy = np.zeros((n, len(points), 2), np.float32)
    state = np.full((n, len(points)), UNLABELLED, np.uint8)
    for k, name in enumerate(points):
        if name in replay.points:
            source = replay.points.index(name)
            xy[:, k], state[:, k] = replay.xy[:, source], replay.state[:, source]
    return Replay(replay.crops, xy, state, tuple(points))


def forget_points(replay: Replay, points: Bool[np.ndarray, " keypoint"]) -> Replay:
    """Return rendered crops on which some points count as not labelled.

    Parameters
    ----------
    replay : Replay
        Rendered crops.
    points : array (keypoint,)
        Points to leave out.

    Returns
    -------
    Replay
        The same crops.
    """
    return replace(replay, state=np.where(points, UNLABELLED, replay.state).astype(np.uint8))


def split_replay(replay: Replay, count: int) -> tuple[Replay, Replay]:
    """Return all but the last crops, for training, and the last ones, to measure forgetting.

    Parameters
    ----------
    replay : Replay
        Rendered crops.
    count : int
        Crops to keep back.

    Returns
    -------
    training, test : Replay
        Both parts.
    """
    return (
        replace(replay, crops=replay.crops[:-count], xy=replay.xy[:-count], state=replay.state[:-count]),
        replace(replay, crops=replay.crops[-count:], xy=replay.xy[-count:], state=replay.state[-count:]),
    )


def load_base(net: Dense, base: Base, rows: list[int], member: int = 0) -> Dense:
    """Copy the base's trunk, and the heads of the points that it knows, into a network.

    Parameters
    ----------
    net : Dense
        A new network; changed.
    base : Base
        Where to copy from.
    rows : list of int
        Which of the base's points each point is; -1 keeps its random head.
    member : int, optional
        Which member of an ensemble the network will be (0).

    Returns
    -------
    Dense
        The network.

    Raises
    ------
    WeightsError
        M702, if a tensor is missing or has another shape.
    """
    state, tensors = net.state_dict(), base.member(member)
    for name, value in state.items():
        if name not in tensors:
            raise WeightsError("M702", "base", expected=f"the tensor {name!r}", got="none")
        given = torch.from_numpy(np.asarray(tensors[name]).astype(np.float32))
        if name.split(".")[0] in ("head", "null"):
            if len(given) != len(base.points) or given.shape[1:] != value.shape[1:]:
                raise WeightsError(
                    "M702",
                    "base",
                    expected=f"{name} of {len(base.points)} points",
                    got=str(list(given.shape)),
                )
            for k, row in enumerate(rows):
                if row >= 0:
                    value[k] = given[row]
        elif given.shape != value.shape:
            raise WeightsError(
                "M702", "base", expected=f"{name} {list(value.shape)}", got=str(list(given.shape))
            )
        else:
            value.copy_(given)
    net.load_state_dict(state)
    return net
