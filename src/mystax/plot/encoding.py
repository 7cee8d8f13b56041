"""The chapter of `encoding`: how much of the neurons' variance behaviour explains."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.encoding_words import peer_share, ratio_sentence, verdict
from mystax.core.typing import Float
from mystax.plot.chapter_kind import ChapterKind
from mystax.plot.pictures import View
from mystax.plot.style import NamedFigure, figure, series_colour, shown
from mystax.plot.tables import Table

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["ENCODING", "encoding_figures", "encoding_tables"]

N_COLUMNS = 900
BASELINE, BEST = "lagged-ridge", "stacked"


def encoding_figures(views: Sequence[View]) -> list[NamedFigure]:
    """Draw what an outcome holds; what it lacks has no figure."""
    found: list[NamedFigure] = []
    for view in views:
        dataset = view.dataset
        found += [_raster(dataset)] if "raster" in dataset else []
        found += [_histogram(dataset), _against(dataset)]
        found += [_ceiling(dataset)] if "ceiling_peer" in dataset else []
        found += [item for item in (_map(dataset),) if item is not None]
        found += [_parts(dataset)] if "unique" in dataset else []
        found += [_lags(dataset)] if "lag_curve" in dataset else []
        found += [_components(dataset)]
        found += [_traces(dataset)] if "trace" in dataset else []
        found += [_latents(dataset)] if "latent" in dataset else []
    return found


def _of(dataset: Dataset, variable: str, model: str) -> np.ndarray:
    return np.asarray(dataset[variable].sel(model=model).values, np.float64)


def _thin(rows: Float[np.ndarray, "row time"], n: int = N_COLUMNS) -> np.ndarray:
    """Average neighbouring bins to what can be seen."""
    if rows.shape[1] <= n:
        return rows
    edges = np.linspace(0, rows.shape[1], n + 1).astype(np.int64)
    known = np.isfinite(rows)
    total = np.add.reduceat(np.where(known, rows, 0), edges[:-1], axis=1)
    count = np.add.reduceat(known.astype(np.int64), edges[:-1], axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _raster(dataset: Dataset) -> NamedFigure:
    """Draw measured and predicted activity of all test bins, neurons sorted by likeness."""
    rows = np.asarray(dataset["raster"].values, np.float64)
    panels = [str(name) for name in dataset["panel"].values]
    starts = np.asarray(dataset["column_start"].values) / 60
    n = dataset.sizes["neuron"]
    made = figure(38.0 * len(panels) + 14)
    places = made.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    limit = float(np.nanpercentile(np.abs(rows), 99)) if np.isfinite(rows).any() else 1.0
    numbers: dict[str, np.ndarray] = {"minute": starts}
    for k, (axes, name) in enumerate(zip(places, panels, strict=True)):
        axes.set_facecolor("#d9d9d9")
        extent = (float(starts[0]), float(dataset["time"].values[-1] / 60), n, 0)
        image = axes.imshow(rows[k], aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit, extent=extent)
        for start in np.asarray(dataset["block_start"].values)[1:] / 60:
            axes.axvline(start, color="black", lw=0.3, alpha=0.4)
        axes.set_title(name, loc="left")
        axes.set_ylabel("neurons, sorted")
        numbers |= {f"{name}_{j + 1}": row.astype(np.float32) for j, row in enumerate(rows[k])}
    places[-1].set_xlabel("time [min]")
    made.colorbar(image, ax=places.tolist(), fraction=0.03, pad=0.01).set_label("activity [sd]")
    return NamedFigure(
        "encoding_raster",
        made,
        "What behaviour predicts",
        "Every bin is predicted by the fold that did not see it; rows are means of neighbouring neurons, "
        "sorted by "
        "likeness of their measured activity; one colour scale. Thin lines are the borders of test "
        "blocks; grey: "
        "behaviour is missing.",
        f"Rasters of measured and predicted activity of {n} neurons.",
        numbers,
    )


def _histogram(dataset: Dataset) -> NamedFigure:
    """Draw explained variance over neurons, with the 95 % quantile of the null behind it."""
    values = _of(dataset, "explained_variance", BEST)
    made = figure(60, 120)
    axes = made.subplots()
    parts = [values] + (
        [np.asarray(dataset["null_high"].values, np.float64)] if "null_high" in dataset else []
    )
    low, high = (
        float(np.nanmin([np.nanmin(p) for p in parts])),
        float(np.nanmax([np.nanmax(p) for p in parts])),
    )
    edges = np.linspace(low, high if high > low else low + 1e-3, 41).tolist()
    if len(parts) > 1:
        axes.hist(parts[1], edges, color="#bdbdbd", label="null, 95 % quantile of each neuron")
    axes.hist(values, edges, histtype="step", color=series_colour(0), lw=1.2, label="stacked")
    base = _of(dataset, "explained_variance", BASELINE)
    axes.hist(base, edges, histtype="step", color=series_colour(1), lw=0.8, label="lagged-ridge")
    axes.axvline(0, color="black", lw=0.5)
    axes.set_xlabel("explained variance (held-out time)")
    axes.set_ylabel("neurons")
    axes.legend(frameon=False)
    numbers = {"neuron": dataset["neuron"].values, "stacked": values, "lagged_ridge": base}
    if len(parts) > 1:
        numbers["null_high"] = parts[1]
    return NamedFigure(
        "encoding_histogram",
        made,
        "Explained variance of each neuron",
        "Values below 0 are kept: the prediction was worse there than the mean of the test bins."
        + (" Grey: what the same statistic reaches in 5 % of the shifts." if len(parts) > 1 else ""),
        f"Histogram over {len(values)} neurons; mean {np.nanmean(values):.3f}.",
        numbers,
    )


def _scatter(
    dataset: Dataset, name: str, x: np.ndarray, y: np.ndarray, words: tuple[str, str, str, str]
) -> NamedFigure:
    """Draw one number of each neuron against another, with the line of equality."""
    made = figure(80, 95)
    axes = made.subplots()
    good = np.isfinite(x) & np.isfinite(y)
    kept = (
        np.asarray(dataset["significant"].values) > 0 if "significant" in dataset else np.ones(len(x), bool)
    )
    axes.plot(
        x[good & ~kept], y[good & ~kept], ".", color="#9a9a9a", ms=4, mew=0, rasterized=True, label="others"
    )
    axes.plot(
        x[good & kept],
        y[good & kept],
        ".",
        color=series_colour(0),
        ms=4,
        mew=0,
        rasterized=True,
        label="above the null",
    )
    if good.any():
        low, high = float(min(x[good].min(), y[good].min())), float(max(x[good].max(), y[good].max()))
        axes.plot([low, high], [low, high], color="black", lw=0.5)
    axes.set_xlabel(words[0])
    axes.set_ylabel(words[1])
    if "significant" in dataset:
        axes.legend(frameon=False, loc="lower right", markerscale=2)
    share = (
        f"{100 * float((y[good] > x[good]).mean()):.0f} % of {int(good.sum())} neurons lie above the line"
        if good.any()
        else "no neuron"
    )
    return NamedFigure(
        name,
        made,
        words[2],
        words[3],
        f"{words[2]}: {share}.",
        {"neuron": dataset["neuron"].values, "x": x, "y": y},
    )


def _against(dataset: Dataset) -> NamedFigure:
    return _scatter(
        dataset,
        "encoding_gain",
        _of(dataset, "explained_variance", BASELINE),
        _of(dataset, "explained_variance", BEST),
        (
            "explained variance, lagged-ridge",
            "explained variance, stacked",
            "The stack against the baseline",
            "Each dot is a neuron; both models were fitted and tested on the same bins and folds.",
        ),
    )


def _ceiling(dataset: Dataset) -> NamedFigure:
    n = dataset.sizes["neuron"]
    return _scatter(
        dataset,
        "encoding_ceiling",
        np.asarray(dataset["ceiling_peer"].values, np.float64),
        _of(dataset, "explained_variance", BEST),
        (
            "explained variance, predicted by peers",
            "explained variance, stacked",
            "Behaviour against other neurons",
            (
                f"Peers: the other half of the {n} neurons predicts each neuron in the same bins. It is a "
                f"ceiling on shared "
                "variance only: activity that neurons share for other reasons keeps behaviour below it, and "
                "few neurons "
                "make it too low."
            ),
        ),
    )


def _map(dataset: Dataset) -> NamedFigure | None:
    """Draw neurons at their places, or along their depth."""
    x, y, z = (np.asarray(dataset[f"neuron_{axis}"].values, np.float64) for axis in "xyz")
    values = _of(dataset, "explained_variance", BEST)
    unit = str(dataset.attrs.get("position_unit", "")) or "um"
    is_flat = np.isfinite(x).all() and np.isfinite(y).all() and np.ptp(x) > 0
    depth = z if np.isfinite(z).all() and np.ptp(z) > 0 else y
    if not is_flat and not np.isfinite(depth).all():
        return None
    limit = float(np.nanpercentile(np.abs(values), 98)) or 1e-3
    made = figure(80, 95)
    axes = made.subplots()
    across = x if is_flat else values
    up = y if is_flat else depth
    dots = axes.scatter(across, up, c=values, s=10, lw=0, cmap="viridis", vmin=0, vmax=limit, rasterized=True)
    made.colorbar(dots, ax=axes, fraction=0.04, pad=0.02).set_label("explained variance")
    axes.set_xlabel(f"x [{unit}]" if is_flat else "explained variance")
    axes.set_ylabel(f"y [{unit}]" if is_flat else f"depth [{unit}]")
    axes.invert_yaxis()
    return NamedFigure(
        "encoding_map",
        made,
        "Where the neurons are",
        "Places as the source gives them; colours are explained variance of the stack.",
        f"Map of {len(values)} neurons.",
        {"neuron": dataset["neuron"].values, "x": x, "y": y, "z": z, "explained_variance": values},
    )


def _parts(dataset: Dataset) -> NamedFigure:
    """Draw what each part explains alone and uniquely."""
    names = [str(name) for name in dataset["part"].values]
    alone = np.nanmean(dataset["alone"].values, axis=1)
    unique = np.nanmean(dataset["unique"].values, axis=1)
    made = figure(max(40.0, 8.0 * len(names) + 22), 120)
    axes = made.subplots()
    places = np.arange(len(names))
    axes.barh(places - 0.19, alone, 0.36, color="#bdbdbd", label="alone")
    axes.barh(places + 0.19, unique, 0.36, color=series_colour(0), label="unique (lost without it)")
    axes.set_yticks(places, [shown(name) for name in names])
    axes.invert_yaxis()
    axes.axvline(0, color="black", lw=0.5)
    axes.set_xlabel("explained variance, mean over neurons")
    axes.legend(frameon=False)
    return NamedFigure(
        "encoding_parts",
        made,
        "Parts of the face",
        "The filterbank fitted with one part alone, and without it. Correlated parts share variance: "
        "what is shared "
        "counts for both alone, and for neither uniquely.",
        "Bars of explained variance: "
        + ", ".join(
            f"{n} alone {a:.3f}, unique {u:.3f}" for n, a, u in zip(names, alone, unique, strict=True)
        )
        + ".",
        {"part": names, "alone": alone, "unique": unique},
    )


def _lags(dataset: Dataset) -> NamedFigure:
    """Draw the lag curve of each area."""
    lag = np.asarray(dataset["lag"].values, np.float64)
    curve = np.asarray(dataset["lag_curve"].values, np.float64)
    areas = np.asarray(dataset["area"].values, str)
    made = figure(60, 120)
    axes = made.subplots()
    numbers: dict[str, np.ndarray] = {"lag": lag}
    names = [name for name in dict.fromkeys(areas.tolist()) if name]
    for k, name in enumerate(names[:7] if len(names) > 1 else []):
        mean = np.nanmean(curve[:, areas == name], axis=1)
        axes.plot(lag, mean, color=series_colour(k + 1), label=shown(name))
        numbers[name] = mean
    numbers["all"] = np.nanmean(curve, axis=1)
    axes.plot(lag, numbers["all"], color="black", lw=1.2, label="all neurons")
    axes.axvline(0, color="black", lw=0.5)
    axes.set_xlabel("behaviour precedes the neurons by [s]")
    axes.set_ylabel("explained variance")
    axes.legend(frameon=False)
    best = float(lag[int(np.nanargmax(numbers["all"]))])
    return NamedFigure(
        "encoding_lags",
        made,
        "One lag at a time",
        "Filterbank features of a single window of behaviour around each lag. Calcium indicators are "
        "slow: they move "
        "peaks to later lags.",
        f"Explained variance over lags from {lag[0]:g} to {lag[-1]:g} s; the largest at {best:g} s.",
        numbers,
    )


def _components(dataset: Dataset) -> NamedFigure:
    """Draw explained variance of the population's components."""
    made = figure(60, 120)
    axes = made.subplots()
    n = dataset.sizes["component"]
    numbers: dict[str, np.ndarray] = {"component": np.arange(1, n + 1)}
    for k, model in enumerate(name for name in map(str, dataset["model"].values) if name != "mean-only"):
        values = _of(dataset, "component_variance", model)
        axes.plot(numbers["component"], values, color=series_colour(k), label=model)
        numbers[model] = values
    if "svca_behaviour" in dataset:
        values = np.asarray(dataset["svca_behaviour"].values, np.float64) * np.asarray(
            dataset["svca_reliable"].values
        )
        axes.plot(
            np.arange(1, len(values) + 1), values, color="#9a9a9a", label="SVCA: reliable and behaviour"
        )
        numbers["svca"] = values
    axes.set_xscale("log")
    ticks = [2**k for k in range(9) if 2**k <= n]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_ylim(max(-0.1, axes.get_ylim()[0]), None)
    axes.axhline(0, color="black", lw=0.5)
    axes.set_xlabel("component of the population")
    axes.set_ylabel("explained variance")
    axes.legend(frameon=False)
    return NamedFigure(
        "encoding_components",
        made,
        "Components of the population",
        "Components are found on the training bins of each fold, strongest first, and judged on its test "
        "bins.",
        f"Explained variance of {n} components.",
        numbers,
        detail=True,
    )


def _traces(dataset: Dataset) -> NamedFigure:
    """Draw measured and predicted activity of the best, a middle and the worst neuron."""
    values = _of(dataset, "explained_variance", BEST)
    time = np.asarray(dataset["time"].values)
    starts = np.asarray(dataset["block_start"].values)
    stop = starts[2] if len(starts) > 2 else time[-1]
    rows = time <= max(stop, time[0] + 60)
    trace = np.asarray(dataset["trace"].values)[:, :, rows]
    neurons = np.asarray(dataset["neuron"].values).tolist()
    made = figure(75)
    axes = made.subplots(3, 1, sharex=True)
    numbers: dict[str, np.ndarray] = {"time": time[rows]}
    for k, (place, name) in enumerate(zip(axes, ("best", "median", "worst"), strict=True)):
        number = int(dataset["example_neuron"].values[k])
        place.plot(time[rows], trace[0, k], color="#9a9a9a", label="measured")
        place.plot(time[rows], trace[1, k], color=series_colour(0), lw=1.2, label="stacked")
        place.set_title(
            f"{name}: neuron {number}, explained variance {values[neurons.index(number)]:.3f}", loc="left"
        )
        place.set_ylabel("[sd]")
        numbers |= {f"{name}_measured": trace[0, k], f"{name}_stacked": trace[1, k]}
    axes[0].legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 0.97), ncols=2, borderaxespad=0)
    axes[-1].set_xlabel("time [s]")
    return NamedFigure(
        "encoding_traces",
        made,
        "Measured and predicted traces",
        "Three neurons over the first two test blocks, each bin predicted by the fold that did not see it.",
        "Traces of the best, a middle and the worst neuron.",
        numbers,
        detail=True,
    )


def _latents(dataset: Dataset) -> NamedFigure:
    """Draw the leading latents over time."""
    latent = np.asarray(dataset["latent"].values, np.float64)[:, :5]
    minutes = np.asarray(dataset["time"].values) / 60
    thin = _thin(latent.T).T
    at = np.linspace(minutes[0], minutes[-1], len(thin))
    made = figure(14.0 * thin.shape[1] + 12)
    axes = made.subplots(thin.shape[1], 1, sharex=True, squeeze=False)[:, 0]
    numbers: dict[str, np.ndarray] = {"minute": at}
    for k, place in enumerate(axes):
        place.plot(at, thin[:, k], color=series_colour(k))
        place.set_ylabel(f"{k + 1}")
        numbers[f"latent_{k + 1}"] = thin[:, k]
    axes[-1].set_xlabel("time [min]")
    return NamedFigure(
        "encoding_latents",
        made,
        "Directions of behaviour that the population follows",
        "Leading reduced-rank directions of the filterbank, standardised; input for `states`.",
        f"The first {thin.shape[1]} latents over time.",
        numbers,
        detail=True,
    )


def encoding_tables(views: Sequence[View]) -> list[Table]:
    """Tell the verdict, and explained variance of every model."""
    found = []
    for view in views:
        dataset = view.dataset
        lines = [verdict(dataset), ratio_sentence(dataset), str(dataset.attrs.get("model_reason", ""))]
        share = peer_share(dataset)
        if share is not None:
            lines.append(
                f"The peer ceiling comes from {dataset.sizes['neuron']} neurons; more neurons would raise it."
            )
        left = json.loads(str(dataset.attrs.get("neurons_left_out", "{}")))
        lines += [f"{len(ids)} neurons left out: {reason}." for reason, ids in left.items()]
        found.append(Table(("verdict",), [(line,) for line in lines if line]))
        head = ("model", "mean [%]", "95 % interval", "median [%]", "pooled [%]", "neurons below 0 [%]")
        rows: list[tuple[str, ...]] = []
        for model in map(str, dataset["model"].values):
            numbers = dict(
                zip(
                    map(str, dataset["statistic"].values),
                    dataset["population"].sel(model=model).values,
                    strict=True,
                )
            )
            rows.append(
                (
                    model,
                    f"{100 * numbers['mean']:.2f}",
                    f"{100 * numbers['low']:.2f} to {100 * numbers['high']:.2f}",
                    f"{100 * numbers['median']:.2f}",
                    f"{100 * numbers['pooled']:.2f}",
                    f"{100 * numbers['share_negative']:.1f}",
                )
            )
        found.append(Table(head, rows))
    return found


ENCODING = ChapterKind(
    "Neural encoding",
    "Neurons are standardised on training bins and reduced to components; behaviour is whitened per part "
    "of the face "
    "and passed through a bank of temporal filters; ridge regression (and a network, if there is one) "
    "predicts the "
    "components, and stacking weighs the models per neuron (Breiman 1996, doi:10.1007/BF00117832). "
    "Blocks of time are "
    "tested by models that never saw them, with a gap on both sides; intervals come from resampling "
    "whole blocks. The "
    "null shifts neural data against behaviour (Harris 2020, arXiv:2012.06862). Behavioural components "
    "and smoothed "
    "keypoints were made from the whole recording, without neural data.",
    variable="explained_variance",
    figures=encoding_figures,
    tables=encoding_tables,
)
