"""Points in space: how well the cameras agree on them."""

from mystax.app.schemas.base import Exchanged

__all__ = ["Agreement", "CameraError"]


class CameraError(Exchanged):
    """How far a camera's points are from those in space, median [px]; `left_out`: without its own vote."""

    camera: str
    residual: float | None
    left_out: float | None


class Agreement(Exchanged):
    """How well cameras agree; `ray_angle` is the median of the largest angle of rays [degrees].

    `weak` is the share of the points whose rays are so nearly parallel that their depth is unsure.
    """

    cameras: list[CameraError]
    ray_angle: float | None
    weak: float | None
