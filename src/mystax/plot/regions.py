"""Pictures with outlines: regions of interest on the mean picture, and fitted pupils on single frames."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from mystax.core.geometry import Ellipse, Polygon, Rectangle, Roi, Shape, roi_from_dict
from mystax.core.recording import FrameSource
from mystax.plot.style import NamedFigure, figure, palette, series_colour, style

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["draw_shape", "pupil_examples", "regions_figure", "rois_of"]

N_EXAMPLES = 8


def rois_of(dataset: Dataset) -> list[Roi]:
    """Return the regions that an outcome was measured in."""
    found = []
    for name, kind, camera, text in zip(
        *(dataset[key].values for key in ("roi", "roi_kind", "roi_camera", "roi_shape")), strict=True
    ):
        entry = {"name": str(name), "kind": str(kind), "camera": str(camera), **json.loads(str(text))}
        found.append(roi_from_dict(entry))
    return found


def draw_shape(axes: Axes, shape: Shape, colour: str, label: str = "", width: float = 1.2) -> None:
    """Draw the outline of a shape in source pixels, with its name above it."""
    if isinstance(shape, Rectangle):
        x, y = shape.x - 0.5, shape.y - 0.5
        points = [(x, y), (x + shape.width, y), (x + shape.width, y + shape.height), (x, y + shape.height)]
    elif isinstance(shape, Polygon):
        points = list(shape.points)
    else:
        points = _ellipse_points(shape)
    closed = np.array([*points, points[0]])
    axes.plot(closed[:, 0], closed[:, 1], color="black", lw=width + 1.2, alpha=0.5)
    axes.plot(closed[:, 0], closed[:, 1], color=colour, lw=width)
    if label:
        top = closed[np.argmin(closed[:, 1])]
        box = {"facecolor": "black", "alpha": 0.55, "pad": 1.0, "linewidth": 0}
        axes.annotate(
            label,
            top,
            (0, 2),
            textcoords="offset points",
            ha="center",
            va="bottom",
            color=colour,
            fontsize=7,
            bbox=box,
        )


def _ellipse_points(shape: Ellipse) -> list[tuple[float, float]]:
    t = np.linspace(0, 2 * np.pi, 73)[:-1]
    c, s = np.cos(shape.angle), np.sin(shape.angle)
    x = shape.cx + shape.rx * np.cos(t) * c - shape.ry * np.sin(t) * s
    y = shape.cy + shape.rx * np.cos(t) * s + shape.ry * np.sin(t) * c
    return list(zip(x.tolist(), y.tolist(), strict=True))


def regions_figure(
    picture: np.ndarray, bin_size: int, rois: Sequence[Roi], camera: str = "", proposed: bool = False
) -> NamedFigure:
    """Draw regions on the mean picture of a camera.

    Parameters
    ----------
    picture : array (y, x)
        Mean picture, per bin [grey levels].
    bin_size : int
        Side of a bin [px].
    rois : sequence of Roi
        The regions.
    camera : str, optional
        Camera, for the name of the file.
    proposed : bool, optional
        Whether the regions were proposed and wait for a look.

    Returns
    -------
    NamedFigure
        The figure.
    """
    with style():
        rows, columns = picture.shape
        made = figure(min(130.0, 120.0 * rows / max(1, columns) + 12), 125.0)
        axes = made.subplots()
        extent = (-0.5, columns * bin_size - 0.5, rows * bin_size - 0.5, -0.5)
        axes.imshow(picture, cmap="gray", extent=extent)
        colours = palette()["regions"]
        for roi in rois:
            if roi.name == "frame":
                continue
            sure = f" ({roi.confidence:.2f})" if roi.confidence is not None else ""
            draw_shape(axes, roi.shape, str(colours[roi.kind]), roi.name + sure)
            for spot in roi.reflections:
                draw_shape(axes, spot, "white", width=0.8)
        axes.set_xlim(extent[0], extent[1])
        axes.set_ylim(extent[2], extent[3])
        axes.set_xlabel("x [px]")
        axes.set_ylabel("y [px]")
    drawn = [roi for roi in rois if roi.name != "frame"]
    names = (
        ", ".join(f"{roi.name} ({roi.kind})" for roi in drawn) or "no region; the whole frame was measured"
    )
    text = (
        "These regions were proposed by mystax. Look at them; edit rois.toml and run again if one is off."
        if proposed
        else "The regions that were measured, on the mean picture. They stand in rois.toml."
    )
    title = f"Regions, camera {camera}" if camera else "Regions"
    return NamedFigure(
        f"regions_{camera}" if camera else "regions",
        made,
        title,
        text,
        f"Mean picture with {names}.",
        {
            "name": [roi.name for roi in rois],
            "kind": [roi.kind for roi in rois],
            "shape": [roi.shape_json() for roi in rois],
        },
    )


def pupil_examples(dataset: Dataset, source: FrameSource, camera: str = "") -> list[NamedFigure]:
    """Draw eight fitted pupils: the two best, four at random, the two worst that were kept.

    Parameters
    ----------
    dataset : Dataset
        Outcome of `pupil`.
    source : FrameSource
        The frames.
    camera : str, optional
        Camera, for the name of the file.

    Returns
    -------
    list of NamedFigure
        One per region in which a pupil was found.
    """
    found = []
    for k, roi in enumerate(rois_of(dataset)):
        confidence = dataset["confidence"].values[:, k]
        kept = np.flatnonzero(np.isfinite(dataset["area"].values[:, k]))
        if not len(kept):
            continue
        order = kept[np.argsort(confidence[kept], kind="stable")]
        middle = order[2:-2]
        some = np.random.default_rng(0).permutation(middle)[:4]
        best, worst = order[::-1][:2], order[:2]
        chosen = list(dict.fromkeys([*best.tolist(), *some.tolist(), *worst.tolist()]))[:N_EXAMPLES]
        found.append(_examples(dataset, source, roi, k, chosen, camera))
    return found


def _examples(
    dataset: Dataset, source: FrameSource, roi: Roi, k: int, frames: Sequence[int], camera: str
) -> NamedFigure:
    box = roi.box(source.shape).grow(6).clip(source.shape)
    with style():
        made = figure(28.0 * -(-len(frames) // 4) + 8, 125.0)
        panels = np.atleast_1d(made.subplots(-(-len(frames) // 4), 4)).ravel()
        for axes in panels:
            axes.set_axis_off()
        for axes, frame in zip(panels, frames, strict=False):
            picture = source.frame_at(frame).data[0, box.y0 : box.y1, box.x0 : box.x1]
            extent = (box.x0 - 0.5, box.x1 - 0.5, box.y1 - 0.5, box.y0 - 0.5)
            axes.imshow(picture, cmap=mpl.colormaps["gray"], extent=extent)
            centre, angle = dataset["centre"].values[frame, k], float(dataset["angle"].values[frame, k])
            major, minor = (float(dataset[name].values[frame, k]) / 2 for name in ("major", "minor"))
            if np.isfinite(major + minor + angle):
                outline = Ellipse(float(centre[0]), float(centre[1]), major, minor, angle)
                draw_shape(axes, outline, series_colour(1), width=0.9)
            sure = float(dataset["confidence"].values[frame, k])
            axes.set_title(f"frame {frame}, {sure:.2f}", loc="left", fontsize=6.5, pad=2)
    name = f"pupil_examples_{roi.name}" + (f"_{camera}" if camera else "")
    return NamedFigure(
        name,
        made,
        f"Fitted pupils: {roi.name}" + (f", camera {camera}" if camera else ""),
        "Eight frames with the fitted ellipse and its confidence: the two best, four at random, and the two "
        "worst that were kept.",
        f"Fitted ellipses in frames {', '.join(map(str, frames))}.",
        {"frame": list(frames), "confidence": dataset["confidence"].values[list(frames), k]},
    )
