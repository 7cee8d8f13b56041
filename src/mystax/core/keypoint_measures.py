"""Named measures and axes of a keypoint set, as they are declared (what they are worth: `compute`)."""

from dataclasses import dataclass

from mystax.errors import RecipeError, nearest

__all__ = ["KINDS", "Axes", "Measure"]

KINDS: dict[str, tuple[int, int | None, bool, bool]] = {
    "distance": (2, 2, False, False),
    "length": (2, None, False, False),
    "angle": (3, 3, False, False),
    "line_angle": (4, 4, False, False),
    "dihedral": (4, 4, False, False),
    "direction": (2, 2, False, False),
    "plane_angle": (2, 2, True, False),
    "height": (1, 1, True, False),
    "along": (4, 4, False, False),
    "area": (3, None, False, False),
    "ellipse": (4, 4, False, False),
    "volume": (4, None, False, False),
    "ratio": (2, 2, False, True),
    "difference": (2, 2, False, True),
    "mean": (2, None, False, True),
    "asymmetry": (2, 2, False, True),
    "speed": (1, None, False, False),
}
"""Kind of measure: fewest and most arguments, whether it needs a plane, whether it is made of measures.

``angle``: a, b, c, at b.  ``line_angle``: from the line a-b to the line c-d.  ``along``: the component of
b - a along the direction c to d.  ``ellipse``: front, back, top, bottom of an opening, its area.
``asymmetry``: (left - right) / (left + right).
"""


@dataclass(frozen=True, slots=True)
class Measure:
    """One declared measure.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    points : tuple of tuple of str
        Arguments; one of several points is their mean.
    of : tuple of str
        Names of measures that it is made of.
    plane : tuple of str
        Three points, for ``plane_angle`` and ``height``.
    """

    kind: str
    points: tuple[tuple[str, ...], ...] = ()
    of: tuple[str, ...] = ()
    plane: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise RecipeError(
                "P403", f"measure of kind {self.kind!r}", f"there is no such kind{nearest(self.kind, KINDS)}"
            )
        fewest, most, needs_plane, is_made = KINDS[self.kind]
        n = len(self.of) if is_made else len(self.points)
        if n < fewest or (most is not None and n > most) or (self.points if is_made else self.of):
            what = "measures (of)" if is_made else "points"
            wanted = str(fewest) if fewest == most else f"{fewest} or more"
            raise RecipeError(
                "P403", f"measure of kind {self.kind!r}", expected=f"{wanted} {what}", got=str(n)
            )
        if len(self.plane) != (3 if needs_plane else 0):
            raise RecipeError(
                "P403",
                f"measure of kind {self.kind!r}",
                expected="a plane of three points" if needs_plane else "no plane",
                got=f"{len(self.plane)} points",
            )

    def point_names(self) -> set[str]:
        """Return the points among the arguments."""
        return {name for group in self.points for name in group}

    def plane_names(self) -> set[str]:
        """Return the points of the plane."""
        return set(self.plane)


@dataclass(frozen=True, slots=True)
class Axes:
    """Directions of an animal: an axis points from the first to the second point.

    Attributes
    ----------
    x, y, z : pair of str, optional
        At least one; two make a frame.
    origin : str
        The point at zero; empty: not set.
    """

    x: tuple[str, str] | None = None
    y: tuple[str, str] | None = None
    z: tuple[str, str] | None = None
    origin: str = ""

    def __post_init__(self) -> None:
        given = [axis for axis in (self.x, self.y, self.z) if axis is not None]
        if not given or any(start == end for start, end in given):
            raise RecipeError("P403", "[axes]", expected="at least one axis between two points")

    def point_names(self) -> set[str]:
        """Return all points that it names."""
        axes = {name for axis in (self.x, self.y, self.z) if axis is not None for name in axis}
        return axes | ({self.origin} if self.origin else set())
