"""Figure of what two groups of recordings differ in: effects per state, and moves that changed."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from mystax.core.typing import Float64
from mystax.plot.states_draw import state_colour
from mystax.plot.style import NamedFigure, figure, shown

__all__ = ["GroupDifference", "difference_figure", "stars"]

KINDS = (("occupancy", "o"), ("bouts per minute", "s"), ("median dwell", "^"))
ARROW_FROM = 0.05
MORE, LESS = "#D55E00", "#0072B2"
CLEAR = 0.05


@dataclass(frozen=True, eq=False)
class GroupDifference:
    """Two groups side by side: the second minus the first.

    Attributes
    ----------
    groups : pair of str
        Names of the groups.
    n_units : pair of int
        Individuals or recordings of each.
    difference, effect, low, high, p_family : array (kind, state)
        Occupancy, bouts per minute and median dwell [s]: difference of means, Hedges g with its 95 %
        interval, p corrected for the family.
    moves, moves_p : array (state, next state)
        Difference of the share of a move among those out of a state, and its corrected p; NaN where it was
        not compared.
    reason : str
        Why there is no p; else empty.
    """

    groups: tuple[str, str]
    n_units: tuple[int, int]
    difference: Float64[np.ndarray, "kind state"]
    effect: Float64[np.ndarray, "kind state"]
    low: Float64[np.ndarray, "kind state"]
    high: Float64[np.ndarray, "kind state"]
    p_family: Float64[np.ndarray, "kind state"]
    moves: Float64[np.ndarray, "state next"]
    moves_p: Float64[np.ndarray, "state next"]
    reason: str = ""


def stars(p: float) -> str:
    """Return one star for p <= 0.05, two for 0.01, three for 0.001; none for NaN.

    Examples
    --------
    >>> stars(0.02), stars(0.001), stars(0.2)
    ('*', '***', '')
    """
    return "*" * sum(p <= level for level in (0.05, 0.01, 0.001))


def difference_figure(found: GroupDifference) -> NamedFigure:
    """Draw what two groups differ in.

    Parameters
    ----------
    found : GroupDifference
        The comparison.

    Returns
    -------
    NamedFigure
        Effects with intervals, and the graph of differences.
    """
    n = found.difference.shape[1]
    made = figure(max(78.0, 9.0 * n + 26))
    left, right = made.subplots(1, 2)
    first, second = (shown(name, 24) for name in found.groups)
    _effects(left, found)
    left.set_xlabel(f"effect: {second} minus {first} [Hedges g]")
    _graph(right, found)
    clear = int((found.p_family <= CLEAR).sum() + (found.moves_p <= CLEAR).sum())
    text = (
        f"{second} (n = {found.n_units[1]}) against {first} (n = {found.n_units[0]}). Left: effects with "
        "95 % intervals; stars: p corrected for all quantities together (0.05, 0.01, 0.001). Right: nodes "
        f"are the difference of occupancy in points (filled: more in {second}), arrows moves whose share "
        f"differs by {100 * ARROW_FROM:g} points or more (orange more, blue less; whole lines: corrected "
        f"p <= {CLEAR:g})."
    )
    told = found.reason or f"{clear} quantities differ after the correction"
    return NamedFigure(
        "group_differences", made, "Groups", text, f"{told[0].upper()}{told[1:]}.", _numbers(found)
    )


def _effects(axes: Axes, found: GroupDifference) -> None:
    """Draw the effects of each state, occupancy above bouts and dwell."""
    n = found.effect.shape[1]
    axes.axvline(0, color="#5b5b5b", lw=0.8)
    shown_effects = found.effect[np.isfinite(found.effect)]
    reach = 1 + 1.8 * float(np.abs(shown_effects).max(initial=0))  # of few units intervals have no end
    axes.set_xlim(-reach, 1.1 * reach)
    for kind, (label, marker) in enumerate(KINDS):
        y = np.arange(1, n + 1) + 0.22 * (kind - 1)
        known = np.isfinite(found.effect[kind])
        low, high = found.low[kind], found.high[kind]
        for k in np.flatnonzero(known):
            colour = state_colour(int(k) + 1)
            if np.isfinite(low[k]) and np.isfinite(high[k]):
                axes.plot([low[k], high[k]], [y[k], y[k]], color=colour, lw=0.8)
            axes.plot(found.effect[kind, k], y[k], marker, color=colour, ms=3.5, mec="black", mew=0.3)
            end = min(high[k], reach) if np.isfinite(high[k]) else found.effect[kind, k]
            axes.text(end, y[k], f" {stars(found.p_family[kind, k])}", va="center", ha="left", fontsize=7)
        axes.plot([], [], marker, color="#5b5b5b", ms=3.5, label=label)
    if not np.isfinite(found.effect).any():
        axes.text(
            0.5, 0.5, f"no p: {found.reason}", transform=axes.transAxes, ha="center", fontsize=7, wrap=True
        )
    axes.set_ylim(n + 0.6, 0.4)
    axes.set_yticks(range(1, n + 1))
    axes.set_ylabel("state")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False, handletextpad=0.1)


def _graph(axes: Axes, found: GroupDifference) -> None:
    """Draw the graph of differences, states around a circle as in the figure of transitions."""
    n = len(found.moves)
    angle = np.pi / 2 - 2 * np.pi * np.arange(n) / n
    x, y = np.cos(angle), np.sin(angle)
    for a in range(n):
        for b in range(n):
            change = found.moves[a, b]
            if not np.isfinite(change) or abs(change) < ARROW_FROM:
                continue
            axes.annotate(
                "",
                (x[b], y[b]),
                (x[a], y[a]),
                arrowprops={
                    "arrowstyle": "-|>",
                    "lw": 0.5 + 6 * min(abs(change), 0.5),
                    "ls": "-" if found.moves_p[a, b] <= CLEAR else (0, (3, 2)),
                    "color": MORE if change > 0 else LESS,
                    "connectionstyle": "arc3,rad=0.15",
                    "shrinkA": 11,
                    "shrinkB": 11,
                },
            )
    change = found.difference[0]
    for k in range(n):
        points = 100 * change[k]
        axes.scatter(
            x[k],
            y[k],
            s=130 + 40 * min(abs(points), 30),
            c=state_colour(k + 1) if points > 0 else "white",
            edgecolors=state_colour(k + 1),
            linewidths=1.2,
            zorder=3,
        )
        axes.text(x[k], y[k], str(k + 1), ha="center", va="center", fontsize=7, zorder=4)
        label = f"{points:+.1f}{stars(found.p_family[0, k])}"
        axes.text(1.45 * x[k], 1.36 * y[k], label, ha="center", va="center", fontsize=7, zorder=4)
    axes.set_xlim(-1.75, 1.75)
    axes.set_ylim(-1.6, 1.6)
    axes.set_aspect("equal")
    axes.set_axis_off()


def _numbers(found: GroupDifference) -> dict[str, list[object]]:
    rows: list[tuple[object, ...]] = [
        (
            label,
            k + 1,
            "",
            *(
                float(item[kind, k])
                for item in (found.difference, found.effect, found.low, found.high, found.p_family)
            ),
        )
        for kind, (label, _) in enumerate(KINDS)
        for k in range(found.difference.shape[1])
    ]
    gap = float("nan")
    rows += [
        ("transition", a + 1, b + 1, float(found.moves[a, b]), gap, gap, gap, float(found.moves_p[a, b]))
        for a, b in zip(*np.nonzero(np.isfinite(found.moves)), strict=True)
    ]
    names = ("quantity", "state", "next_state", "difference", "hedges_g", "low", "high", "p_family")
    return {name: [row[k] for row in rows] for k, name in enumerate(names)}
