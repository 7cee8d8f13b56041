"""The chapter of `encoding`: how much of the neurons' variance behaviour explains."""

import json
from collections.abc import Sequence

from mystax.core.encoding_words import peer_share, ratio_sentence, verdict
from mystax.plot.chapter_kind import ChapterKind
from mystax.plot.encoding_neurons import (
    against_baseline,
    against_peers,
    area_boxes,
    histogram,
    place_map,
)
from mystax.plot.encoding_parts import components, lags, parts
from mystax.plot.encoding_time import latents, raster, traces
from mystax.plot.pictures import View
from mystax.plot.style import NamedFigure
from mystax.plot.tables import Table

__all__ = ["ENCODING", "encoding_figures", "encoding_tables"]


def encoding_figures(views: Sequence[View]) -> list[NamedFigure]:
    """Draw what an outcome holds; what it lacks has no figure."""
    found: list[NamedFigure] = []
    for view in views:
        dataset = view.dataset
        found += [raster(dataset)] if "raster" in dataset else []
        found += [histogram(dataset), against_baseline(dataset)]
        found += [against_peers(dataset)] if "ceiling_peer" in dataset else []
        found += [item for item in (place_map(dataset), area_boxes(dataset)) if item is not None]
        found += [parts(dataset)] if "unique" in dataset else []
        found += [lags(dataset)] if "lag_curve" in dataset else []
        found += [components(dataset)]
        found += [traces(dataset)] if "trace" in dataset else []
        found += [latents(dataset)] if "latent" in dataset else []
    return found


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
