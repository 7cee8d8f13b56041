"""What is asked of a reconstruction besides the parameters of the analysis: clocks, crops, sides, sizes."""

from collections.abc import Mapping
from dataclasses import replace

from mystax.core.rig_model import RigModel
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
    rig_unit : float, optional
        Length of the unit in which the rig tells where its cameras are [mm]; by default 1, or unknown.
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
        rig_unit: float | None = None,
    ) -> None:
        if rig_unit is not None and not 0 < rig_unit < 1e6:
            raise ParameterError(
                "P401", "parameter 'rig_unit' of 'pose3d'", expected="0 < rig_unit < 1e6", got=str(rig_unit)
            )
        if rate is not None and not 0 < rate < 1e6:
            raise ParameterError(
                "P401", "parameter 'rate' of 'pose3d'", expected="0 < rate < 1e6", got=str(rate)
            )
        self.rate, self.reference, self.scale_rig = rate, reference, scale_rig
        self.rig_unit = rig_unit
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
            **({} if self.rig_unit is None else {"rig_unit": float(self.rig_unit)}),
        }

    def in_millimetres(self, rig: RigModel) -> RigModel:
        """Return the rig with its lengths in millimetres, where their unit is told."""
        if self.rig_unit is None:
            return rig
        scaled = [replace(camera, translation=camera.translation * self.rig_unit) for camera in rig.cameras]
        return RigModel(tuple(scaled), {**rig.metadata, "unit": "mm"})

    def check_unit(self, rig: RigModel) -> None:
        """Refuse a rig whose lengths are in a unit that nobody has told (P401)."""
        unit = str(rig.metadata.get("unit", "mm"))
        if unit != "mm":
            raise ParameterError(
                "P401",
                "--rig-unit",
                f"the rig does not say how long its unit is, a {unit} of the board",
                expected="its length in mm, above 0",
                got="none",
                hint="--rig-unit 20 where a square of 20 mm was called 1",
            )

    def check_names(self, names: tuple[str, ...]) -> None:
        """Refuse options for cameras that are not there (P403)."""
        for given in (self.offsets, self.crops, self.sides, [self.reference] if self.reference else []):
            for name in given:
                if name not in names:
                    raise RecipeError("P403", f"camera {name!r}", f"there is none{nearest(name, names)}")
