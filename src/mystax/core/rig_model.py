"""Calibrated cameras as plain values: names, sizes, matrices; no maths beyond shapes (`compute` has that)."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from mystax.core.typing import Float64
from mystax.errors import FormatError, RecipeError, nearest

__all__ = ["FISHEYE_NAMES", "INTRINSIC_NAMES", "CameraModel", "RigModel", "checked_camera", "make_rig"]

INTRINSIC_NAMES = ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3")
"""Intrinsic numbers of a pinhole camera in the order of the adjustment."""
FISHEYE_NAMES = ("fx", "fy", "cx", "cy", "k1", "k2", "k3", "k4")
"""Those of a fisheye camera."""
MAX_TILT = 1e-3
"""How far from orthonormal a rotation of a file may be."""
MAX_SKEW = 1e-6
"""Largest entry of a camera's matrix, over the focal length, where a camera without skew has a zero."""


@dataclass(frozen=True, eq=False, slots=True)
class CameraModel:
    """One calibrated camera; world to camera is ``Xc = R X + t`` in millimetres.

    Attributes
    ----------
    name : str
        Name of the camera.
    size : tuple of two ints
        Width and height of its pictures [px].
    matrix : array (3, 3)
        Focal lengths and principal point [px].
    distortion : array (5,) or (4,)
        k1, k2, p1, p2, k3; k1 to k4 of a fisheye camera.
    rotation : array (3, 3)
        Proper rotation, world to camera.
    translation : array (3,)
        World's origin in the frame of the camera [mm].
    is_fisheye : bool
        Whether the distortion is that of a fisheye lens.
    sd : mapping
        Standard deviations of intrinsic numbers by name; empty where unknown.
    n_views : int
        Board views that it was calibrated from; 0 where unknown.
    rms : float
        Residual per axis [px]; NaN where unknown.
    crop : tuple of two floats
        Place of the pictures' first pixel in the calibrated pictures [px].
    """

    name: str
    size: tuple[int, int]
    matrix: Float64[np.ndarray, "3 3"]
    distortion: Float64[np.ndarray, " k"]
    rotation: Float64[np.ndarray, "3 3"]
    translation: Float64[np.ndarray, " 3"]
    is_fisheye: bool = False
    sd: Mapping[str, float] = field(default_factory=dict)
    n_views: int = 0
    rms: float = math.nan
    crop: tuple[float, float] = (0.0, 0.0)

    @property
    def intrinsic_names(self) -> tuple[str, ...]:
        """Names of its intrinsic numbers, in the order of the adjustment."""
        return FISHEYE_NAMES if self.is_fisheye else INTRINSIC_NAMES

    @property
    def centre(self) -> Float64[np.ndarray, " 3"]:
        """Place of the camera in the rig's frame [mm]."""
        return np.asarray(-self.rotation.T @ self.translation)

    def row(self) -> Float64[np.ndarray, " 21"]:
        """Return all numbers in one row: R (9), t (3), fx, fy, cx, cy, distortion (5)."""
        found = np.zeros(21)
        found[:9], found[9:12] = self.rotation.ravel(), self.translation
        found[12:16] = self.matrix[0, 0], self.matrix[1, 1], self.matrix[0, 2], self.matrix[1, 2]
        found[16 : 16 + len(self.distortion)] = self.distortion
        return found


def checked_camera(camera: CameraModel, where: str) -> CameraModel:
    """Return a camera whose numbers are those of a camera; a rotation that is nearly one is made one.

    Raises
    ------
    FormatError
        F804, if a number is missing, the focal length is not positive, the matrix holds more than focal
        lengths and principal point, or the rotation is none.
    """
    place = f"{where}: camera {camera.name!r}"
    shapes = ((camera.matrix, (3, 3)), (camera.rotation, (3, 3)), (camera.translation, (3,)))
    lengths = (4,) if camera.is_fisheye else (5,)
    if any(item.shape != shape for item, shape in shapes) or len(camera.distortion) not in lengths:
        raise FormatError(
            "F804", place, expected="matrix 3x3, rotation, translation, 5 distortions (fisheye: 4)"
        )
    numbers = np.concatenate([camera.row(), camera.matrix.ravel()])
    if not np.isfinite(numbers).all() or camera.matrix[0, 0] <= 0 or camera.matrix[1, 1] <= 0:
        raise FormatError("F804", place, expected="finite numbers and focal lengths above 0")
    usual = np.array([[1.0, 0, 1], [0, 1, 1], [0, 0, 0]])
    rest = np.where(usual > 0, 0.0, camera.matrix) - np.diag([0.0, 0.0, 1.0])
    if float(np.abs(rest).max()) > MAX_SKEW * float(camera.matrix[0, 0]):
        raise FormatError(
            "F804",
            place,
            "the matrix is not that of a camera whose pixels have right angles",
            expected="[fx 0 cx; 0 fy cy; 0 0 1]",
            got=np.array2string(camera.matrix, precision=6, suppress_small=True).replace("\n", ""),
            hint="MATLAB gives the transposed matrix; skew is not supported: calibrate without it",
        )
    if camera.size[0] < 1 or camera.size[1] < 1:
        raise FormatError("F804", place, expected="width and height of the pictures", got=str(camera.size))
    determinant = float(np.linalg.det(camera.rotation))
    off = float(np.abs(camera.rotation @ camera.rotation.T - np.eye(3)).max())
    if determinant <= 0 or off > MAX_TILT:
        raise FormatError(
            "F804",
            place,
            "the matrix is no rotation",
            expected="determinant +1 and orthonormal rows",
            got=f"determinant {determinant:.4f}, off by {off:.2g}",
        )
    if off <= 1e-12:
        return camera
    u, _, vt = np.linalg.svd(camera.rotation)
    return replace(camera, rotation=np.asarray(u @ vt))


@dataclass(frozen=True, eq=False, slots=True)
class RigModel:
    """Calibrated cameras in one frame.

    Attributes
    ----------
    cameras : tuple of CameraModel
        In the order of the file.
    metadata : mapping
        Plain values: ``unit``, ``board``, ``error``, ``heldout``, ``adjusted``, ...
    """

    cameras: tuple[CameraModel, ...]
    metadata: Mapping[str, object] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the cameras."""
        return tuple(camera.name for camera in self.cameras)

    def camera(self, name: str) -> CameraModel:
        """Return a camera by name.

        Raises
        ------
        RecipeError
            P403, if there is none (with the nearest name).
        """
        if name not in self.names:
            raise RecipeError("P403", f"camera {name!r}", f"the rig has none{nearest(name, self.names)}")
        return self.cameras[self.names.index(name)]

    def subset(self, names: Sequence[str]) -> "RigModel":
        """Return the rig of some cameras, in the order asked for."""
        return RigModel(tuple(self.camera(name) for name in names), self.metadata)

    def aligned(self, rotation: Float64[np.ndarray, "3 3"], origin: Float64[np.ndarray, " 3"]) -> "RigModel":
        """Return the rig in the frame ``X' = R (X - o)``."""
        return RigModel(
            tuple(
                replace(
                    camera,
                    rotation=np.asarray(camera.rotation @ rotation.T),
                    translation=np.asarray(camera.translation + camera.rotation @ origin),
                )
                for camera in self.cameras
            ),
            self.metadata,
        )

    def rows(self) -> Float64[np.ndarray, "camera number"]:
        """Return the numbers of all cameras (`CameraModel.row`)."""
        return np.stack([camera.row() for camera in self.cameras])

    def fisheye(self) -> np.ndarray:
        """Tell which cameras have a fisheye lens."""
        return np.array([camera.is_fisheye for camera in self.cameras], np.bool_)

    @property
    def fingerprint(self) -> str:
        """Digest of names, sizes and numbers: equal for rigs that project equally."""
        digest = hashlib.sha256()
        for camera in self.cameras:
            digest.update(f"{camera.name}\0{camera.size}\0{camera.is_fisheye}\0{camera.crop}\0".encode())
            digest.update(camera.row().astype("<f8").tobytes())
        return f"sha256:{digest.hexdigest()}"


def make_rig(
    cameras: Sequence[CameraModel], metadata: Mapping[str, object] | None = None, where: str = "rig"
) -> RigModel:
    """Return a checked rig.

    Raises
    ------
    FormatError
        F804, as `checked_camera`, or if there is no camera or two of one name.
    """
    names = [camera.name for camera in cameras]
    if not names or len(set(names)) != len(names) or "" in names:
        raise FormatError("F804", where, expected="cameras with different names", got=str(names))
    return RigModel(tuple(checked_camera(camera, where) for camera in cameras), dict(metadata or {}))
