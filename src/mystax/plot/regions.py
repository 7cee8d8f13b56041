"""Pictures with outlines: regions of interest on a frame, where it moves, and fitted pupils."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from mystax.core.geometry import Ellipse, Polygon, Rectangle, Roi, Shape, roi_from_dict
from mystax.core.recording import FrameSource
from mystax.errors import MystaxError
from mystax.plot.labels import Labels
from mystax.plot.pictures import Picture, View, mean_picture, picture_axes, show_picture
from mystax.plot.style import (
    NamedFigure,
    figure,
    file_name,
    palette,
    series_colour,
    shown,
    style,
)

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["draw_shape", "movement_figure", "pupil_examples", "regions_figure", "rois_of"]

N_EXAMPLES = 8
WHOLE = "frame"
"""Name of the region that is the whole frame."""


def rois_of(dataset: Dataset) -> list[Roi]:
    """Return the regions that an outcome was measured in; one without a shape is left out."""
    found = []
    keys = ("roi", "roi_kind", "roi_camera", "roi_shape")
    if not all(key in dataset for key in keys):
        return []
    sure = np.full(dataset.sizes["roi"], np.nan)  # of proposals; a pupil has a confidence per frame
    if "confidence" in dataset and dataset["confidence"].dims == ("roi",):
        sure = np.asarray(dataset["confidence"].values, np.float64)
    for k, (name, kind, camera, text) in enumerate(zip(*(dataset[key].values for key in keys), strict=True)):
        try:
            entry = {"name": str(name), "kind": str(kind), "camera": str(camera), **json.loads(str(text))}
            if math.isfinite(sure[k]):
                entry |= {"confidence": float(sure[k]), "source": "proposed"}
            found.append(roi_from_dict(entry))
        except (MystaxError, TypeError, ValueError):
            continue  # imported regions may have a form that is not drawn; their numbers stand in the table
    return found


def outline_of(shape: Shape) -> np.ndarray:
    """Return the closed outline of a shape, one point (x, y) per row, in source pixels."""
    if isinstance(shape, Rectangle):
        x, y = shape.x - 0.5, shape.y - 0.5
        points = [(x, y), (x + shape.width, y), (x + shape.width, y + shape.height), (x, y + shape.height)]
    elif isinstance(shape, Polygon):
        points = list(shape.points)
    else:
        points = _ellipse_points(shape)
    return np.array([*points, points[0]], np.float64)


def draw_shape(axes: Axes, shape: Shape, colour: str, width: float = 1.2, *, dashed: bool = False) -> None:
    """Draw the outline of a shape in source pixels, on a dark line so that it shows on any ground."""
    closed = outline_of(shape)
    axes.plot(closed[:, 0], closed[:, 1], color="black", lw=width + 1.2, alpha=0.55)
    axes.plot(closed[:, 0], closed[:, 1], color=colour, lw=width, ls=(0, (4, 2)) if dashed else "-")


def _ellipse_points(shape: Ellipse) -> list[tuple[float, float]]:
    t = np.linspace(0, 2 * np.pi, 73)[:-1]
    c, s = np.cos(shape.angle), np.sin(shape.angle)
    x = shape.cx + shape.rx * np.cos(t) * c - shape.ry * np.sin(t) * s
    y = shape.cy + shape.rx * np.cos(t) * s + shape.ry * np.sin(t) * c
    return list(zip(x.tolist(), y.tolist(), strict=True))


@dataclass(eq=False)
class Scene:
    """What is drawn of one camera: its picture and its regions.

    Attributes
    ----------
    camera : str
        Camera; ``""`` for the only one.
    picture : Picture
        What it saw.
    rois : list of Roi
        Regions, each once.
    """

    camera: str
    picture: Picture
    rois: list[Roi] = field(default_factory=list)

    @property
    def drawn(self) -> list[Roi]:
        """Regions other than the whole frame."""
        return [roi for roi in self.rois if roi.name != WHOLE]


def regions_figure(scenes: Sequence[Scene]) -> NamedFigure:
    """Draw the regions of all cameras, each on a picture of its camera.

    Parameters
    ----------
    scenes : sequence of Scene
        One per camera.

    Returns
    -------
    NamedFigure
        The figure; outlines of proposed regions are dashed.
    """
    colours = palette()["regions"]
    with style():
        made, places = picture_axes(len(scenes), max(scene.picture.aspect for scene in scenes))
        for axes, scene in zip(places, scenes, strict=True):
            show_picture(axes, scene.picture)
            title = f"{scene.camera}, {scene.picture.words}" if scene.camera else scene.picture.words
            axes.set_title(shown(title), loc="left")
            labels = Labels(made, axes, scene.picture.extent)
            for roi in scene.drawn:
                colour = str(colours[roi.kind])
                draw_shape(axes, roi.shape, colour, dashed=roi.confidence is not None)
                for spot in roi.reflections:
                    draw_shape(axes, spot, "white", 0.8)
            for roi in scene.drawn:
                sure = f" {roi.confidence:.2f}" if roi.confidence is not None else ""
                labels.add(shown(roi.name, 24) + sure, outline_of(roi.shape), str(colours[roi.kind]))
    every = [roi for scene in scenes for roi in scene.rois]
    proposed = any(roi.confidence is not None for roi in every)
    text = "The regions that were measured. They stand in rois.toml."
    if proposed:
        text = (
            "Dashed regions were proposed by mystax, with their confidence (0 to 1). Look at them: edit "
            "rois.toml and run again if one is off. Pupil and blink are measured only where a proposal "
            "reaches 0.5."
        )
    if not any(scene.drawn for scene in scenes):
        text = "No region was given or proposed: the whole frame was measured."
    kinds = ", ".join(dict.fromkeys(roi.kind for scene in scenes for roi in scene.drawn))
    names = ", ".join(f"{roi.name} ({roi.kind})" for scene in scenes for roi in scene.drawn)
    return NamedFigure(
        "regions",
        made,
        f"Regions ({kinds})" if kinds else "The picture",
        text,
        f"Picture of each camera with the regions {names}." if names else "Picture of each camera.",
        {
            "camera": [scene.camera for scene in scenes for _ in scene.rois],
            "name": [roi.name for roi in every],
            "kind": [roi.kind for roi in every],
            "confidence": ["" if roi.confidence is None else roi.confidence for roi in every],
            "shape": [roi.shape_json() for roi in every],
        },
    )


def movement_figure(views: Sequence[View]) -> NamedFigure | None:
    """Draw where the picture moves: the mean difference of neighbouring frames per bin, on the picture.

    Parameters
    ----------
    views : sequence of View
        Outcomes of `motion`.

    Returns
    -------
    NamedFigure or None
        None where no outcome has such a picture.
    """
    usable = [view for view in views if _has_motion(view.dataset)]
    if not usable:
        return None
    numbers: dict[str, np.ndarray] = {}
    means = [mean_picture(view.dataset) for view in usable]
    found = [(view, mean) for view, mean in zip(usable, means, strict=True) if mean is not None]
    if not found:
        return None
    with style():
        grounds = [view.picture or mean for view, mean in found]
        made, places = picture_axes(len(found), max(ground.aspect for ground in grounds), beside=16.0)
        for axes, (view, mean), ground in zip(places, found, grounds, strict=True):
            show_picture(axes, ground)
            motion = np.asarray(view.dataset["mean_motion"].values)
            top = float(np.nanpercentile(motion, 99.5)) or 1.0
            image = axes.imshow(motion, cmap="inferno", extent=mean.extent, vmin=0, vmax=top)
            axes.set_xlim(*ground.extent[:2])
            axes.set_ylim(*ground.extent[2:])
            bar = made.colorbar(image, ax=axes, fraction=0.05, pad=0.02, aspect=25)
            bar.set_label("[grey levels]")
            bar.outline.set_visible(False)
            axes.set_title(shown(view.camera) if view.camera else "mean motion", loc="left")
            numbers["_".join(filter(None, ("mean_motion", view.camera)))] = motion.ravel()
    n_valid = [int((view.dataset["missing"].values == 0).sum()) for view, _ in found]
    counted = " and ".join(map(str, n_valid))
    return NamedFigure(
        "motion_picture",
        made,
        "Where the picture moves",
        f"Mean absolute difference of neighbouring frames in each bin, over all {counted} valid frames, for "
        "the bins that were measured; the rest of the picture is grey. Bright places move.",
        f"Map of the mean motion over {counted} frames.",
        numbers,
    )


def _has_motion(dataset: Dataset) -> bool:
    return "mean_motion" in dataset and bool(np.isfinite(dataset["mean_motion"].values).any())


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
    drawn = {roi.name: roi for roi in rois_of(dataset)}
    for k, name in enumerate(dataset["roi"].values):
        roi = drawn.get(str(name))
        if roi is None or not {"confidence", "angle", "major", "minor", "centre"} <= set(dataset.variables):
            continue
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
    columns = min(4, len(frames))
    rows = -(-len(frames) // columns)
    width = 44.0 * columns + 2
    with style():
        made = figure((42.0 * min(1.4, box.height / max(1, box.width)) + 6) * rows, max(60.0, width))
        panels = made.subplots(rows, columns, squeeze=False).ravel().tolist()
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
                draw_shape(axes, outline, series_colour(5), 0.9)
            axes.set_xlim(extent[:2])
            axes.set_ylim(extent[2:])
            sure = float(dataset["confidence"].values[frame, k])
            axes.set_title(f"frame {frame}, {sure:.2f}", loc="left", fontsize=7, pad=2)
    where = f"{camera}: {roi.name}" if camera else roi.name
    return NamedFigure(
        file_name("pupil_examples", camera, roi.name),
        made,
        f"Fitted pupils: {where}",
        f"{len(frames)} frames with the fitted ellipse and its confidence: the two best, some at random, and "
        "the two worst that were kept.",
        f"Fitted ellipses of {where} in frames {', '.join(map(str, frames))}.",
        {
            "frame": list(frames),
            **{name: dataset[name].values[list(frames), k] for name in ("confidence", "diameter")},
        },
    )
