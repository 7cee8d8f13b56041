"""What the figures of states share: colours, titles, faces and their panels."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from mystax.core.outcome_faces import FaceView
from mystax.core.typing import Float64
from mystax.plot.style import palette, shown

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = [
    "draw_face",
    "state_colour",
    "state_hatch",
    "state_title",
]


def state_colour(number: int) -> str:
    """Return the colour of a state (from 1)."""
    colours = palette()["states"]["colours"]
    return str(colours[(number - 1) % len(colours)])


def state_title(dataset: Dataset, number: int) -> str:
    """Return the number of a state (from 1), with the name that a person gave it."""
    names = dataset.attrs.get("state_name", [])
    name = str(names[number - 1]) if len(names) >= number else ""
    return f"{number} {shown(name, 24)}" if name else str(number)


def state_hatch(number: int) -> str:
    """Return the hatch of a state: none for the first twelve, whose colours differ."""
    return ("", "///", "...", "xxx", "\\\\\\")[min(4, (number - 1) // len(palette()["states"]["colours"]))]


def draw_face(
    axes: Axes,
    face: Float64[np.ndarray, "keypoint space"],
    edges: list[tuple[int, int]],
    pane: FaceView,
    colour: str,
    *,
    width: float = 1.0,
    size: float = 2.5,
) -> None:
    """Draw points and lines of one face."""
    x, y, _ = pane
    for a, b in edges:
        axes.plot(face[[a, b], x], face[[a, b], y], color=colour, lw=width, solid_capstyle="round")
    axes.plot(face[:, x], face[:, y], "o", color=colour, ms=size, mew=0)


def frame_axes(
    axes: Axes, shape: Float64[np.ndarray, "keypoint space"], pane: FaceView, margin: float = 0.18
) -> None:
    """Give a panel the place of a face: equal scales, no ticks, down where pictures point down."""
    x, y, down = pane
    known = shape[np.isfinite(shape).all(1)]
    if len(known):
        low, high = known.min(0), known.max(0)
        reach = max(float(high[x] - low[x]), float(high[y] - low[y]), 1e-9)
        pad = margin * reach
        axes.set_xlim(low[x] - pad, high[x] + pad)
        bottom, top = low[y] - pad, high[y] + pad
        axes.set_ylim((top, bottom) if down else (bottom, top))
    axes.set_aspect("equal")
    axes.set_axis_off()


def scale_bar(axes: Axes, unit: str) -> None:
    """Draw a bar of a round length at the lower left corner."""
    low, high = axes.get_xlim()
    bottom, top = axes.get_ylim()
    wanted = 0.3 * abs(high - low)
    power = 10 ** np.floor(np.log10(wanted))
    length = float(power * max(k for k in (1, 2, 5) if k * power <= wanted))
    y = bottom + 0.04 * (top - bottom)
    axes.plot([low, low + length], [y, y], color="black", lw=1.5, solid_capstyle="butt")
    axes.text(low, y + 0.02 * (top - bottom), f"{length:g} {unit}", fontsize=6, va="bottom")
