"""What figures of an encoding show: neurons in an order to look at, a raster, traces."""

from collections.abc import Sequence

import numpy as np

from mystax.analyses.encoding_data import EncodingData
from mystax.analyses.encoding_fold import FoldOutcome, Found
from mystax.analyses.encoding_members import Units
from mystax.compute.folds import FoldPlan
from mystax.compute.seriation import sort_neurons
from mystax.core.typing import Float64

__all__ = ["display_found", "order_found"]


def order_found(data: EncodingData, units: Units, seed: int) -> Found:
    """Return an order of the neurons for display; running or motion rises towards its end.

    Parameters
    ----------
    data : EncodingData
        Behaviour and activity.
    units : Units
        Of all usable bins.
    seed : int
        Start of the random numbers.

    Returns
    -------
    Found
        `order`.
    """
    spread = units.scores[data.usable].std(0, dtype=np.float64)
    order = sort_neurons((units.loadings * spread)[:, :64], seed=seed)
    guide = _guide(data)
    if guide is not None:
        pace = data.bins.mean(np.nan_to_num(guide[1]))[data.usable]
        ends = units.scores[data.usable] @ np.stack(
            [units.loadings[part].mean(0) for part in np.array_split(order, 2)], axis=1
        ).astype(np.float32)
        ties = [np.corrcoef(pace, ends[:, k])[0, 1] if pace.std() > 0 else 0.0 for k in (0, 1)]
        if ties[0] > ties[1]:
            order = order[::-1].copy()
    return {"order": (("neuron",), order)}


def _guide(data: EncodingData) -> tuple[str, Float64[np.ndarray, " time"]] | None:
    """Return the name and the samples of running, or else of motion; None without them."""
    for group in ("running", "motion"):
        for part in data.grid.parts:
            if part.group == group:
                return group, part.values[:, 0].astype(np.float64)
    return None


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
        `raster`, `trace` and what they stand on; `running` or else `motion` in the columns of the raster.
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
        loadings, weights = f.loadings, f.weights.astype(np.float32)
        measured = np.zeros((int(test.sum()), n_rows), np.float32)
        # a row is a mean of neurons, so that loadings are added up and not predictions
        mixed = np.zeros((1 + len(weights), loadings.shape[1], n_rows), np.float32)
        for slab in data.population.slabs:
            member = np.zeros((slab.stop - slab.start, n_rows), np.float32)
            member[np.arange(len(member)), row[slab]] = 1
            values = data.population.standardised(slab, f.mean, f.sd, test)
            measured += values @ member
            for k, weight in enumerate((np.ones(n, np.float32), *weights)):
                mixed[k] += (loadings[slab] * weight[slab, None]).T @ member
            for e, neuron in enumerate(examples):
                if slab.start <= neuron < slab.stop:
                    trace[0, e, test] = values[:, neuron - slab.start]
        stacked = np.sum([p @ some for p, some in zip(f.predictions, mixed[1:], strict=True)], axis=0)
        raster[:, test] = np.stack([measured, stacked, f.predictions[0] @ mixed[0]]) / counts
        single = f.predictions @ loadings[examples].T
        trace[1, :, test] = np.einsum("mte,me->te", single, weights[:, examples])
        trace[2, :, test] = single[0]
    edges = np.linspace(0, n_times, min(N_COLUMNS, n_times) + 1).astype(np.int64)[:-1]
    known = np.isfinite(raster)
    total = np.add.reduceat(np.where(known, raster, 0), edges, axis=1)
    seen = np.add.reduceat(known.astype(np.float32), edges, axis=1)
    thin = np.where(seen > 0, total / np.maximum(seen, 1), np.nan).transpose(0, 2, 1)
    names = np.asarray(data.neural["neuron"].values)[data.population.neurons]
    guide = _guide(data)
    above: Found = {}
    if guide is not None:
        known = np.add.reduceat(data.bins.mean(np.isfinite(guide[1]).astype(np.float64)), edges)
        pace = np.add.reduceat(data.bins.mean(np.nan_to_num(guide[1])), edges)
        column = np.where(known > 0, pace / np.where(known > 0, known, 1), np.nan)
        above = {guide[0]: (("column",), column.astype(np.float32))}
    return (
        {
            **above,
            "raster": (("panel", "row", "column"), np.ascontiguousarray(thin, np.float32)),
            "trace": (("panel", "example", "time"), trace),
        },
        {
            "panel": (("panel",), np.array(PANELS, object)),
            "column_start": (("column",), data.times[edges]),
            "example_neuron": (("example",), names[examples].astype(np.int64)),
        },
    )
