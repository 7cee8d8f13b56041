"""Fitting and applying states: features, number, search, order, verdict."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mystax.analyses.states import StatesParams
from mystax.analyses.states_model import Decoded, StatesFit
from mystax.analyses.states_track import StatesSource
from mystax.analyses.states_verdict import verdict_of
from mystax.compute.features import FeatureModel, FeatureRules, Prepared, Track, fit_features, prepare
from mystax.compute.hmm import Fit, HmmModel, HmmPrior, best_states, expect
from mystax.compute.hmm_choice import Candidate, choose, score_candidates
from mystax.compute.hmm_frames import HmmFrames, make_frames
from mystax.compute.hmm_search import search_hmm
from mystax.compute.partial_shapes import PartialShapes
from mystax.compute.tiles import TilePool
from mystax.compute.timeline import ALIKE, source_rate, state_rate
from mystax.core.events import Event, Report, silent
from mystax.core.keypoints import KeypointSet
from mystax.core.quality import Flag
from mystax.core.typing import Int64
from mystax.errors import ParameterError

__all__ = ["apply_states", "feature_rules", "fit_states"]

GIVEN = (1, 2, 3, 4, 6, 9, 12)
"""Numbers of states that are scored beside a given one."""
GIVEN_FRAMES = 20_000


def feature_rules(sources: Sequence[StatesSource], params: StatesParams) -> tuple[FeatureRules, list[Flag]]:
    """Decide rate, alignment and rigid points.

    Parameters
    ----------
    sources : sequence of StatesSource
        Recordings with the same points.
    params : StatesParams
        Parameters.

    Returns
    -------
    tuple of FeatureRules and list of Flag
        Remarks where recordings differ in rate.
    """
    flags: list[Flag] = []
    rates = [state_rate(item.times) for item in sources]
    own = [found for item in sources if (found := source_rate(item.times)) > 0]
    rate = min(rates) if params.rate == "auto" else float(params.rate)
    if own and rate > (1 + ALIKE) * min(own):
        # frames that were never taken have no states; what is counted in frames must know how long they are
        flags.append(
            Flag(
                "N304", f"the frames come at {min(own):.4g} Hz: states are at that rate, not at {rate:.4g} Hz"
            )
        )
        rate = min(own)
    if params.rate == "auto" and max(rates) > 1.02 * rate:
        flags.append(
            Flag(
                "N304",
                f"the recordings have rates of {rate:.4g} to {max(rates):.4g} Hz; states are at "
                f"{rate:.4g} Hz",
            )
        )
    keypoints = sources[0].keypoints
    ids = sources[0].ids
    space = sources[0].points.shape[2]
    rigid_names = keypoints.rigid if keypoints is not None else ()
    # points of several cameras are named `camera.point`
    rigid = np.array(
        [k for k, name in enumerate(ids) if name.rpartition("__")[2] in rigid_names or name in rigid_names],
        np.int64,
    )
    align = params.align
    if align == "auto":
        align = "none"
        if keypoints is not None and space == 3:
            align = "rigid"
        elif keypoints is not None and (keypoints.species == "human" or keypoints.view == "two-sided"):
            align = "similarity"
    needed = {"rigid": 3 if space == 3 else 2, "similarity": 3 if space == 3 else 2, "translate": 1}.get(
        align, 0
    )
    if len(rigid) < needed:
        rigid = np.arange(len(ids))  # a set without rigid points: all of them, as shapes are compared
        if ids:
            flags.append(Flag("N304", "the keypoint set names no rigid points; all points align the faces"))
    cameras = [name.rpartition("__")[0] for name in ids]
    groups = tuple(
        np.array([k for k, own in enumerate(cameras) if own == camera]) for camera in dict.fromkeys(cameras)
    )
    wanted = [word.strip() for word in params.features.split(",")]
    use_shape = bool(ids) and (params.features == "auto" or "keypoints" in wanted)
    return (
        FeatureRules(
            rate,
            align,
            rigid,
            groups if len(groups) > 1 else (),
            params.max_gap,
            params.variance,
            params.max_components,
            params.centre,
            use_shape,
            _axes_of(keypoints) if space == 3 else (),
        ),
        flags,
    )


def _axes_of(keypoints: KeypointSet | None) -> tuple[tuple[int, int, int], ...]:
    """Return the axes of a set by the places of their points."""
    if keypoints is None or keypoints.axes is None:
        return ()
    pairs = (keypoints.axes.x, keypoints.axes.y, keypoints.axes.z)
    return tuple(
        (k, keypoints.index(pair[0]), keypoints.index(pair[1]))
        for k, pair in enumerate(pairs)
        if pair is not None
    )


def _track(source: StatesSource) -> Track:
    return Track(source.name, source.times, source.points, source.columns, source.individual)


def _joined(prepared: Sequence[Prepared]) -> tuple[HmmFrames, Int64[np.ndarray, " frame"]]:
    starts = []
    for item in prepared:
        own = item.clock.is_start.copy()
        if len(own):
            own[0] = True
        starts.append(own)
    frames = make_frames(np.concatenate([item.features for item in prepared]), np.concatenate(starts))
    recording = np.repeat(np.arange(len(prepared)), [len(item.features) for item in prepared])
    return frames, recording


def _told(frames: HmmFrames, prepared: Sequence[Prepared]) -> HmmFrames:
    """Return the frames with what those tell whose shape is seen in part: labels are of these."""
    parts = [item.partial for item in prepared]
    return frames.told_in_part(PartialShapes.joined(parts, [len(item.features) for item in prepared]))


def fit_states(
    sources: Sequence[StatesSource], params: StatesParams, *, progress: Report = silent
) -> StatesFit:
    """Find the states of recordings.

    Parameters
    ----------
    sources : sequence of StatesSource
        The recordings, with the same points.
    params : StatesParams
        Parameters.
    progress : callable, optional
        Takes events.

    Returns
    -------
    StatesFit
        Model, labels, what was tried, verdict.

    Raises
    ------
    NumbersError
        N303, if there is nothing to tell states apart by.
    ParameterError
        P401, if more states are asked for than the frames can hold.
    """
    rules, flags = feature_rules(sources, params)
    progress(Event("progress", "features", 0, 4, "features"))
    features, prepared = fit_features([_track(item) for item in sources], rules)
    frames, recording = _joined(prepared)
    rate = rules.rate
    usable = int(frames.has_value.sum())
    _check_size(params, usable, frames.n_features)
    prior = HmmPrior(1.0, params.dwell * rate, params.floor)
    with TilePool(params.cores) as pool:
        candidates, n_states = _choice(frames, recording, rate, params, prior, usable, pool, progress)
        progress(Event("progress", "search", 2, 4, f"search of {n_states} states"))
        search, is_complete = _stoppable_search(frames, n_states, params, prior, pool)
        progress(Event("progress", "decode", 3, 4, "decode"))
        told = _told(frames, prepared)
        model = _in_order(told, search.model)
        decoded = _decoded(sources, prepared, told, recording, model, params, pool)
    flags += [Flag("N304", remark) for remark in search.remarks]
    fit = StatesFit(
        features, model, rate, decoded, tuple(candidates), (), search.log_likelihood, flags, "", is_complete
    )
    more, verdict = verdict_of(fit, params, frames)
    progress(Event("progress", "states", 4, 4, "done"))
    return StatesFit(
        features,
        model,
        rate,
        decoded,
        tuple(candidates),
        (),
        search.log_likelihood,
        [*flags, *more],
        verdict,
        is_complete,
    )


def _check_size(params: StatesParams, usable: int, n_features: int) -> None:
    most = max(1, min(50, usable // 5))
    if params.n_states != "auto" and params.n_states > most:
        raise ParameterError(
            "P401",
            "parameter 'n_states' of 'states'",
            "there are more states than the frames can hold",
            expected=f"1 <= n_states <= {most} for {usable} usable frames",
            got=str(params.n_states),
        )
    if n_features > usable:
        raise ParameterError(
            "P401",
            "parameter 'max_components' of 'states'",
            "there are more features than frames",
            expected=f"at most {usable}",
            got=str(n_features),
        )


def _choice(
    frames: HmmFrames,
    recording: Int64[np.ndarray, " frame"],
    rate: float,
    params: StatesParams,
    prior: HmmPrior,
    usable: int,
    pool: TilePool,
    progress: Report,
) -> tuple[list[Candidate], int]:
    """Score numbers of states; choose one where none is given."""
    most = max(1, usable * 4 // 25)
    is_auto = params.n_states == "auto"
    given = 1 if params.n_states == "auto" else params.n_states
    most = min(most, max(params.max_states, given))
    wanted = range(1, most + 1) if is_auto else sorted({*GIVEN, given})
    numbers = [k for k in wanted if k <= most]
    progress(Event("progress", "number of states", 1, 4, "number of states"))
    found = score_candidates(
        frames,
        recording,
        rate,
        numbers,
        params.covariance,
        prior,
        most_frames=50_000 if is_auto else GIVEN_FRAMES,
        scan=is_auto,
        pool=pool,
    )
    return found, choose(found).n_states if is_auto else given


class _Best:
    """Keeps the best model of a search, for the case that it is stopped."""

    def __init__(self) -> None:
        self.fit: Fit | None = None

    def __call__(self, stage: str, fit: Fit) -> None:  # noqa: ARG002 - the signature is that of the search
        if (
            self.fit is None
            or fit.log_likelihood > self.fit.log_likelihood
            or fit.model.n_states != self.fit.model.n_states
        ):
            self.fit = fit


def _stoppable_search(
    frames: HmmFrames, n_states: int, params: StatesParams, prior: HmmPrior, pool: TilePool
) -> tuple[Fit, bool]:
    """Search; on Ctrl-C the best model so far is kept."""
    best = _Best()
    try:
        return search_hmm(frames, n_states, params.covariance, prior, pool=pool, watch=best).fit, True
    except KeyboardInterrupt:
        if best.fit is None:
            raise
        return best.fit, False


def _in_order(frames: HmmFrames, model: HmmModel) -> HmmModel:
    """Order states by occupancy, ties by first appearance."""
    path = np.where(frames.has_value, best_states(frames, model), -1)
    counts = np.bincount(path[path >= 0], minlength=model.n_states)
    first = np.full(model.n_states, len(path))
    for k in range(model.n_states):
        where = np.flatnonzero(path == k)
        first[k] = where[0] if len(where) else len(path)
    return model.ordered(np.lexsort((first, -counts)))


def _decoded(
    sources: Sequence[StatesSource],
    prepared: Sequence[Prepared],
    frames: HmmFrames,
    recording: Int64[np.ndarray, " frame"],
    model: HmmModel,
    params: Any,
    pool: TilePool | None = None,
) -> list[Decoded]:
    from mystax.compute.bouts import merge_short

    expectation = expect(frames, model, pool)
    path = best_states(frames, model, pool) if params.decode == "viterbi" else expectation.posterior.argmax(1)
    label = np.where(frames.has_value, path, -1)
    found = []
    for number, (source, item) in enumerate(zip(sources, prepared, strict=True)):
        rows = np.flatnonzero(recording == number)
        own = label[rows]
        if params.min_bout > 0:
            own = merge_short(
                own, expectation.posterior[rows], item.clock.times, item.clock.is_start, params.min_bout
            )
        found.append(
            Decoded(source, item, own, expectation.posterior[rows], expectation.log_likelihood[rows])
        )
    return found


def apply_states(
    sources: Sequence[StatesSource],
    features: FeatureModel,
    model: HmmModel,
    params: Any,
) -> StatesFit:
    """Find the states of recordings under a model that was fitted before: E-step only.

    Parameters
    ----------
    sources : sequence of StatesSource
        The recordings, with the points of the model.
    features : FeatureModel
        Of the fit.
    model : HmmModel
        Of the fit.
    params : StatesParams
        `decode` and `min_bout` are used.

    Returns
    -------
    StatesFit
        With a verdict on how well the recordings fit the model.
    """
    prepared = prepare(features, [_track(item) for item in sources])
    frames, recording = _joined(prepared)
    decoded = _decoded(sources, prepared, _told(frames, prepared), recording, model, params)
    total = float(np.concatenate([item.log_likelihood for item in decoded]).sum())
    strange = strange_share(_told(frames, prepared), model)
    n = int(frames.has_value.sum())
    verdict = (
        f"{model.n_states} states of a stored model. {100 * n / max(1, len(frames)):.0f} % of the "
        "frames could be used; "
        f"{100 * strange:.0f} % of them look like nothing the model has seen; "
        f"log-likelihood {total / max(1, n):.1f} per frame."
    )
    flags = (
        [Flag("N323", f"{100 * strange:.0f} % of the frames look like nothing the model has seen")]
        if strange > 0.1
        else []
    )
    rate = features.rules.rate
    for source, item in zip(sources, prepared, strict=True):
        if len(item.clock.times) > 1 and item.clock.step * rate > 1 + ALIKE:
            text = (
                f"{source.name} has frames at {1 / item.clock.step:.4g} Hz, the model is of {rate:.4g} Hz: "
            )
            flags.append(Flag("N323", text + "its transitions are those of shorter frames"))
    return StatesFit(features, model, features.rules.rate, decoded, (), (), total, flags, verdict)


def strange_share(frames: HmmFrames, model: HmmModel) -> float:
    """Return the share of frames beyond the 99.9 % Mahalanobis point of every state, by what they show."""
    from scipy.stats import chi2

    good = np.array(frames.has_value)
    if frames.partial is not None:
        good[frames.partial.rows] = False  # their features lean towards the mean
    strange = 0
    for pattern, part in frames.parts:
        rows, seen = part[good[part]], np.flatnonzero(frames.patterns[pattern])
        least = np.full(len(rows), np.inf)
        for mean, covariance in zip(model.means, model.covariances, strict=True):
            x = frames.values[np.ix_(rows, seen)] - mean[seen]
            gap = np.linalg.solve(np.linalg.cholesky(covariance[np.ix_(seen, seen)]), x.T)
            least = np.minimum(least, (gap**2).sum(0))
        strange += int((least > chi2.ppf(0.999, len(seen))).sum())
    return strange / max(1, int(good.sum()))
