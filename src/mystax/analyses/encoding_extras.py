"""What goes beyond explained variance: parts of the face, lags, chance, ceilings, an order for display."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from mystax.analyses.encoding_data import EncodingData
from mystax.analyses.encoding_fold import Extra, FoldDesign, FoldOutcome, Units, units_of
from mystax.compute.ceilings import SvcaFold, halves_of, svca_fold, svca_shares
from mystax.compute.explained import block_draws, explained_variance, gain_interval
from mystax.compute.filterbank import Filterbank
from mystax.compute.folds import FoldPlan
from mystax.compute.lag_curve import LAGS, lag_designs, lag_peaks
from mystax.compute.linear_fit import Decompositions, fit_linear, fit_quickly, predict_rows, sum_inner
from mystax.compute.lowrank import leading_components, n_components_for
from mystax.compute.nulls import NullDesign, null_design, p_values, shift_null, shift_positions
from mystax.compute.population import Population
from mystax.compute.scoring import score_blocks
from mystax.compute.seriation import sort_neurons
from mystax.core.analysis import Tiles
from mystax.core.quality import Flag
from mystax.core.typing import Bool, Float32, Float64

__all__ = [
    "Found",
    "display_found",
    "lags_found",
    "lags_of_fold",
    "null_found",
    "order_found",
    "part_labels",
    "parts_found",
    "parts_of_fold",
    "peer_ceiling",
    "svca_found",
]

Found = dict[str, tuple[tuple[str, ...], np.ndarray]]
"""Variables: name to dimensions and values."""

WEAK = 900.0
"""A recording shorter than this has few independent shifts [s]."""
SVCA_DIMENSIONS, SVCA_SPLITS, SVCA_NEURONS = 256, 4, 3000
PEER_LEAST = 0.01


# ---------------------------------------------------------------- parts


def part_labels(parts: Sequence[tuple[str, str]]) -> list[tuple[str, list[int]]]:
    """Name parts, and groups with several parts where there are several groups.

    Parameters
    ----------
    parts : sequence of (group, part)
        Parts of the behaviour.

    Returns
    -------
    list of (name, places)
        Which parts belong to each name.
    """
    found = [(f"{group}/{part}", [k]) for k, (group, part) in enumerate(parts)]
    groups = list(dict.fromkeys(group for group, _ in parts))
    if len(groups) > 1:
        for group in groups:
            inside = [k for k, (name, _) in enumerate(parts) if name == group]
            if len(inside) > 1:
                found.append((group, inside))
    return found if len(parts) > 1 else []


def parts_of_fold(data: EncodingData, plan: FoldPlan) -> Extra:
    """Return the work of a fold: errors of the filterbank without each part, and of each part alone."""

    def extra(design: FoldDesign, units: Units, fold: int) -> Mapping[str, np.ndarray]:
        owner = np.array([f"{f.group}/{f.part}" for f in design.bank.features_])
        every = np.arange(len(owner))
        test = plan.test(fold)
        scores = []

        def said(features: np.ndarray) -> None:
            weights, intercept = fit_quickly(design.sums, features, design.scale)
            scores.append(predict_rows(design.x[test][:, features], weights, intercept))

        names = [(part.group, part.part) for part in data.grid.parts]
        said(every)
        for _, places in part_labels(names):
            mine = np.isin(owner, ["/".join(names[k]) for k in places])
            said(every[~mine])
            said(every[mine])
        errors = _errors(data, plan, fold, units, scores)
        return {"parts_full": errors[0], "parts_without": errors[1::2], "parts_alone": errors[2::2]}

    return extra


def _errors(
    data: EncodingData,
    plan: FoldPlan,
    fold: int,
    units: Units,
    scores: Sequence[Float32[np.ndarray, "test component"]],
) -> Float32[np.ndarray, "model block neuron"]:
    """Return the errors of predicted components per block and neuron."""
    loadings = units.loadings.astype(np.float32)

    def single(some: np.ndarray) -> Callable[[slice], np.ndarray]:
        return lambda slab: some @ loadings[slab].T

    models = [single(some) for some in scores]
    return score_blocks(data.population, units.pair, plan, fold, models, with_products=False).sse


def _in_order(folds: Sequence[FoldOutcome], name: str, n_blocks: int) -> Float32[np.ndarray, "..."]:
    """Put what the folds kept in the order of the blocks (the axis before the last)."""
    first = folds[0].extra[name]
    found = np.zeros((*first.shape[:-2], n_blocks, first.shape[-1]), np.float32)
    for fold in folds:
        found[..., fold.scores.blocks, :] = fold.extra[name]
    return found


def parts_found(
    data: EncodingData,
    plan: FoldPlan,
    folds: Sequence[FoldOutcome],
    sst: Float32[np.ndarray, "block neuron"],
    seed: int,
) -> tuple[Found, Found]:
    """Return unique and alone of every part, with the coordinate `part`."""
    labels = part_labels([(part.group, part.part) for part in data.grid.parts])
    if not labels:
        return {}, {}
    draws = block_draws(plan.n_blocks, seed=seed)
    full = _in_order(folds, "parts_full", plan.n_blocks)
    without = _in_order(folds, "parts_without", plan.n_blocks)
    alone = _in_order(folds, "parts_alone", plan.n_blocks)
    made = {
        name: np.empty((len(labels), sst.shape[1]), np.float32)
        for name in ("unique", "unique_low", "unique_high", "alone")
    }
    whole = explained_variance(full, sst)
    for k in range(len(labels)):
        made["unique"][k] = whole - explained_variance(without[k], sst)
        made["unique_low"][k], made["unique_high"][k] = gain_interval(full, without[k], sst, draws)
        made["alone"][k] = explained_variance(alone[k], sst)
    names = np.array([name for name, _ in labels], object)
    return {name: (("part", "neuron"), values) for name, values in made.items()}, {"part": (("part",), names)}


# ---------------------------------------------------------------- lags


def lags_of_fold(data: EncodingData, plan: FoldPlan) -> Extra:
    """Return the work of a fold: errors at one lag at a time."""

    def extra(design: FoldDesign, units: Units, fold: int) -> Mapping[str, np.ndarray]:
        train, test = plan.train(fold), plan.test(fold)
        inner = plan.inner(train)
        scores = []
        for x in lag_designs(design.bank, data.grid, data.bins, train, data.width):
            sums = sum_inner(x, units.scores, train, inner)
            weights, intercept = fit_quickly(sums, np.arange(x.shape[1]), np.ones(x.shape[1]))
            scores.append(predict_rows(x[test], weights, intercept))
        return {"lag_sse": _errors(data, plan, fold, units, scores)}

    return extra


def lags_found(
    plan: FoldPlan,
    folds: Sequence[FoldOutcome],
    sst: Float32[np.ndarray, "block neuron"],
    significant: Bool[np.ndarray, " neuron"] | None,
    seed: int,
) -> tuple[Found, Found]:
    """Return the curves and their peaks, with the coordinate `lag`; peaks of significant neurons only."""
    sse = _in_order(folds, "lag_sse", plan.n_blocks)
    curve, peak = lag_peaks(sse, sst, block_draws(plan.n_blocks, n_draws=200, seed=seed))
    if significant is not None:
        peak[:, ~significant] = np.nan
    names = ("peak_lag", "peak_lag_low", "peak_lag_high")
    found: Found = {"lag_curve": (("lag", "neuron"), curve.astype(np.float32))}
    found |= {name: (("neuron",), peak[k].astype(np.float32)) for k, name in enumerate(names)}
    return found, {"lag": (("lag",), np.asarray(LAGS))}


# ---------------------------------------------------------------- chance


def null_found(
    data: EncodingData,
    *,
    kind: str,
    n_shifts: int,
    gap: float,
    seed: int,
    tiles: Tiles,
    watch: Callable[[int], None] = lambda _done: None,
) -> tuple[Found, dict[str, object], list[Flag]]:
    """Judge every neuron by chance.

    Parameters
    ----------
    data : EncodingData
        Behaviour and activity.
    kind : str
        ``linear-shift`` or ``circular-shift``.
    n_shifts : int
        Number of shifts.
    gap : float
        Time left out around test blocks [s].
    seed : int
        Start of the random numbers.
    tiles : Tiles
        Threads over shifts.
    watch : callable, optional
        Told the number of shifts done.

    Returns
    -------
    found, facts, flags
        `p_value` and `significant`; what was done; remarks.
    """
    from scipy.stats import false_discovery_control

    circular = kind == "circular-shift"
    n_times = len(data.times)
    n = n_times if circular else n_times // 2
    start = 0 if circular else (n_times - n) // 2
    design = _null_design(data, slice(start, start + n), gap)
    units = units_of(data, data.usable, seed)
    held = np.square(units.scores[data.usable].astype(np.float64)).mean(0)
    rest = np.maximum(1 - (units.loadings**2) @ held, 0)
    if circular:
        shifts = shift_positions(0, n_times - int(np.ceil(30 / data.width)), n_shifts, data.width)
    else:
        shifts = shift_positions(start, n_times - n - start, n_shifts, data.width)
    null = shift_null(
        design,
        units.scores,
        units.loadings,
        rest,
        start,
        shifts.tolist(),
        tiles,
        is_circular=circular,
        watch=watch,
    )
    p = p_values(null.true, null.shifted)
    kept = false_discovery_control(p) <= 0.05
    means = null.shifted.mean(1, dtype=np.float64)
    facts: dict[str, object] = {
        "null": kind,
        "null_shifts": len(shifts),
        "null_excluded": 30.0,
        "null_population_p": float((1 + (means >= null.true.mean()).sum()) / (1 + len(means))),
    }
    flags = []
    if data.times[-1] - data.times[0] < WEAK and not circular:
        flags.append(
            Flag("N310", "weak null: the recording is shorter than 15 min, so few shifts are independent.")
        )
    if circular:
        flags.append(
            Flag("N310", "circular shifts find too many neurons where signals drift; use linear-shift.")
        )
    found: Found = {
        "p_value": (("neuron",), p.astype(np.float32)),
        "significant": (("neuron",), kept.astype(np.int8)),
        "null_true": (("neuron",), null.true.astype(np.float32)),
        "null_high": (("neuron",), np.quantile(null.shifted, 0.95, axis=0).astype(np.float32)),
    }
    return found, facts, flags


def _null_design(data: EncodingData, rows: slice, gap: float) -> NullDesign:
    inside = np.zeros(len(data.times), bool)
    inside[rows] = True
    usable = inside & data.usable
    x = Filterbank().fit_transform(data.grid, data.bins, usable)[rows]
    return null_design(x, data.times[rows], usable[rows], gap)


# ---------------------------------------------------------------- ceilings


def peer_ceiling(
    data: EncodingData, plan: FoldPlan, seed: int
) -> tuple[Found, dict[str, object], list[Flag]]:
    """Predict each half of the population from the other one, in the same bins and folds."""
    neural, keep = data.neural, data.population.neurons
    x, y, z = (np.asarray(neural[f"neuron_{axis}"].values, np.float64)[keep] for axis in "xyz")
    halves = halves_of(x, y, z, seed=seed)
    sse = np.zeros((plan.n_blocks, data.population.n), np.float32)
    sst = np.zeros_like(sse)
    for fold in range(plan.n_folds):
        train = plan.train(fold)
        inner = plan.inner(train)
        for side in (0, 1):
            givers = np.flatnonzero((halves.half == side) & halves.predicts)
            takers = np.flatnonzero(halves.half != side)
            one = _units_of_some(data, givers, train, seed)
            other = _units_of_some(data, takers, train, seed)
            spread = one.scores[train].std(0, dtype=np.float64)
            design = (one.scores / np.where(spread > 0, spread, np.inf)).astype(np.float32)
            fit = fit_linear(
                design, Decompositions(sum_inner(design, other.scores, train, inner)), train, inner
            )
            said = fit.predict(design[plan.test(fold)])
            population = Population(data.population.activity, keep[takers])
            loadings = other.loadings.astype(np.float32)

            def predict(slab: slice, said: np.ndarray = said, loadings: np.ndarray = loadings) -> np.ndarray:
                return np.asarray(said @ loadings[slab].T)

            scored = score_blocks(population, other.pair, plan, fold, [predict], with_products=False)
            rows = np.ix_(scored.blocks, takers)
            sse[rows], sst[rows] = scored.sse[0], scored.sst
    flags = []
    if halves.kind == "random":
        flags.append(
            Flag("N310", "random halves: neurons have no places, so peers may share tissue or electrodes.")
        )
    peer = explained_variance(sse, sst).astype(np.float32)
    return {"ceiling_peer": (("neuron",), peer)}, {"peer_halves": halves.kind}, flags


def _units_of_some(
    data: EncodingData, some: np.ndarray, train: Bool[np.ndarray, " time"], seed: int
) -> Units:
    population = Population(data.population.activity, data.population.neurons[some])
    mean, sd = population.moments(train)
    n = int(train.sum())
    r = n_components_for(population.n, n)
    loadings = leading_components(population.readers(mean, sd, train), n, population.n, r, seed)
    return Units(mean, sd, loadings, population.scores(mean, sd, loadings))


def svca_found(data: EncodingData, plan: FoldPlan, seed: int) -> Found:
    """Return the shared components of two halves, and how much of them behaviour explains."""
    some = np.arange(data.population.n)
    if len(some) > SVCA_NEURONS:
        some = np.sort(np.random.default_rng([seed, 0x5C]).permutation(len(some))[:SVCA_NEURONS])
    population = Population(data.population.activity, data.population.neurons[some])
    splits: list[list[SvcaFold]] = [[] for _ in range(SVCA_SPLITS)]
    for fold in range(plan.n_folds):
        train = plan.train(fold)
        units = population.moments(train)
        z = np.concatenate([population.standardised(slab, *units) for slab in population.slabs], axis=1)
        x = Filterbank().fit_transform(data.grid, data.bins, train)
        for split, folds in enumerate(splits):
            half = np.zeros(len(some), bool)
            half[np.random.default_rng([seed, split]).permutation(len(half))[: len(half) // 2]] = True
            folds.append(svca_fold(z[:, half], z[:, ~half], train, plan.test(fold), x, 1.0, SVCA_DIMENSIONS))
    reliable, behaviour = svca_shares(splits)
    return {
        "svca_reliable": (("shared",), reliable.astype(np.float32)),
        "svca_behaviour": (("shared",), behaviour.astype(np.float32)),
    }


# ---------------------------------------------------------------- order


def order_found(data: EncodingData, seed: int) -> Found:
    """Return an order of the neurons for display; running or motion rises towards its end."""
    units = units_of(data, data.usable, seed)
    spread = units.scores[data.usable].std(0, dtype=np.float64)
    order = sort_neurons((units.loadings * spread)[:, :64], seed=seed)
    guide = next(
        (
            part.values[:, 0]
            for group in ("running", "motion")
            for part in data.grid.parts
            if part.group == group
        ),
        None,
    )
    if guide is not None:
        pace = data.bins.mean(np.nan_to_num(guide.astype(np.float64)))[data.usable]
        ends = units.scores[data.usable] @ np.stack(
            [units.loadings[part].mean(0) for part in np.array_split(order, 2)], axis=1
        ).astype(np.float32)
        ties = [np.corrcoef(pace, ends[:, k])[0, 1] if pace.std() > 0 else 0.0 for k in (0, 1)]
        if ties[0] > ties[1]:
            order = order[::-1].copy()
    return {"order": (("neuron",), order)}


PANELS = ("measured", "stacked", "lagged-ridge")
N_ROWS, N_COLUMNS = 60, 900


def display_found(
    data: EncodingData,
    plan: FoldPlan,
    folds: Sequence[FoldOutcome],
    order: np.ndarray,
    explained: Float64[np.ndarray, " neuron"],
) -> tuple[Found, Found]:
    """Return what figures show: a sorted raster, and traces of the best, a middle and the worst neuron.

    Parameters
    ----------
    data, plan, folds
        As for the outcome.
    order : array (neuron,)
        Order of the rows.
    explained : array (neuron,)
        Explained variance of the stack.

    Returns
    -------
    variables, coordinates
        `raster`, `trace` and what they stand on.
    """
    n_times, n = len(data.times), data.population.n
    n_rows = min(N_ROWS, n)
    row = np.empty(n, np.int64)
    for k, some in enumerate(np.array_split(order, n_rows)):
        row[some] = k
    ranks = np.argsort(np.where(np.isfinite(explained), explained, -np.inf), kind="stable")
    examples = ranks[[-1, n // 2, 0]]
    raster = np.full((len(PANELS), n_times, n_rows), np.nan, np.float32)
    trace = np.full((len(PANELS), 3, n_times), np.nan, np.float32)
    counts = np.bincount(row, minlength=n_rows)
    for f in folds:
        test = plan.test(f.fold)
        sums = np.zeros((len(PANELS), int(test.sum()), n_rows), np.float32)
        for slab in data.population.slabs:
            loadings = f.loadings[slab].T.astype(np.float32)
            member = np.zeros((slab.stop - slab.start, n_rows), np.float32)
            member[np.arange(len(member)), row[slab]] = 1
            single = [scores @ loadings for scores in f.predictions]
            stacked = np.sum(
                [p * w for p, w in zip(single, f.weights[:, slab].astype(np.float32), strict=True)], axis=0
            )
            shown = (data.population.standardised(slab, f.mean, f.sd, test), stacked, single[0])
            for k, values in enumerate(shown):
                sums[k] += values @ member
                for e, neuron in enumerate(examples):
                    if slab.start <= neuron < slab.stop:
                        trace[k, e, test] = values[:, neuron - slab.start]
        raster[:, test] = sums / counts
    edges = np.linspace(0, n_times, min(N_COLUMNS, n_times) + 1).astype(np.int64)[:-1]
    known = np.isfinite(raster)
    total = np.add.reduceat(np.where(known, raster, 0), edges, axis=1)
    seen = np.add.reduceat(known.astype(np.float32), edges, axis=1)
    thin = np.where(seen > 0, total / np.maximum(seen, 1), np.nan).transpose(0, 2, 1)
    names = np.asarray(data.neural["neuron"].values)[data.population.neurons]
    return (
        {
            "raster": (("panel", "row", "column"), np.ascontiguousarray(thin, np.float32)),
            "trace": (("panel", "example", "time"), trace),
        },
        {
            "panel": (("panel",), np.array(PANELS, object)),
            "column_start": (("column",), data.times[edges]),
            "example_neuron": (("example",), names[examples].astype(np.int64)),
        },
    )
