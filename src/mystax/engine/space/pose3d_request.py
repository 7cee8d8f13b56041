"""What is asked of a reconstruction besides the parameters of the analysis: clocks, crops, sides, sizes."""

from collections.abc import Mapping

from mystax.errors import ParameterError, RecipeError, nearest

__all__ = ["Request3d"]


class Request3d:
    """What is asked for besides the parameters of the analysis.

    Parameters
    ----------
    rate : float, optional
        Frames per second of tracks that hold no times.
    reference : str, optional
        Camera whose times are those of the outcome; by default the first of the rig that has a track.
    offsets : mapping, optional
        Camera to seconds that are added to its times.
    crops : mapping, optional
        Camera to the place of its pictures in the calibrated ones [px].
    sides : mapping, optional
        Camera to ``left`` or ``right``: one-sided points get anatomical names.
    scale_rig : bool, optional
        Scale a rig that was calibrated with pictures of another size and equal shape.
    """

    def __init__(
        self,
        *,
        rate: float | None = None,
        reference: str = "",
        offsets: Mapping[str, float] | None = None,
        crops: Mapping[str, tuple[float, float]] | None = None,
        sides: Mapping[str, str] | None = None,
        scale_rig: bool = False,
    ) -> None:
        if rate is not None and not 0 < rate < 1e6:
            raise ParameterError(
                "P401", "parameter 'rate' of 'pose3d'", expected="0 < rate < 1e6", got=str(rate)
            )
        self.rate, self.reference, self.scale_rig = rate, reference, scale_rig
        self.offsets, self.crops, self.sides = dict(offsets or {}), dict(crops or {}), dict(sides or {})
        for side in self.sides.values():
            if side not in ("left", "right"):
                raise ParameterError(
                    "P401", "parameter 'sides' of 'pose3d'", expected="left or right", got=side
                )

    def as_dict(self) -> dict[str, object]:
        """Return plain values, for the key of the outcome."""
        return {
            "rate": self.rate,
            "reference": self.reference,
            "offsets": {name: float(value) for name, value in sorted(self.offsets.items())},
            "crops": {name: list(map(float, value)) for name, value in sorted(self.crops.items())},
            "sides": dict(sorted(self.sides.items())),
            "scale_rig": self.scale_rig,
        }

    def check_names(self, names: tuple[str, ...]) -> None:
        """Refuse options for cameras that are not there (P403)."""
        for given in (self.offsets, self.crops, self.sides, [self.reference] if self.reference else []):
            for name in given:
                if name not in names:
                    raise RecipeError("P403", f"camera {name!r}", f"there is none{nearest(name, names)}")
