"""`mystax.Rig`: calibrated cameras as one object: load, calibrate, project, triangulate, judge."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.compute.projection import project_rig
from mystax.compute.triangulation import pixel_noise, triangulate
from mystax.core.quality import Flag, flags_to_json
from mystax.core.rig_model import CameraModel, RigModel, make_rig
from mystax.core.rotations import rotation_of
from mystax.core.typing import Float, Float64, Num
from mystax.errors import ParameterError

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["Rig"]


class Rig:
    """Calibrated cameras in one frame, in millimetres.

    Parameters
    ----------
    model : RigModel
        The cameras as plain values; `Rig.load`, `Rig.calibrate` and `Rig.from_arrays` make them.
    corners : Dataset, optional
        Corners of the board that it was calibrated from.
    details : mapping, optional
        What the calibration says about itself, for `quality`.

    Examples
    --------
    >>> rig = Rig.load("calibration.toml")  # doctest: +SKIP
    >>> rig.project(np.zeros((1, 3))).shape  # doctest: +SKIP
    (2, 1, 2)
    """

    def __init__(
        self, model: RigModel, *, corners: Dataset | None = None, details: Mapping[str, Any] | None = None
    ) -> None:
        self.model = model
        self.corners = corners
        self.details = dict(details or {})

    # making ------------------------------------------------------------------------------------------

    @classmethod
    def load(cls, path: str | Path) -> "Rig":
        """Read a rig from a file, by its content.

        Parameters
        ----------
        path : path
            ``calibration.toml`` (ours or Anipose's), OpenCV YAML or XML, DeepLabCut's stereo parameters, or
            ``Calib_Results*.mat`` of Bouguet's toolbox.

        Returns
        -------
        Rig
            The cameras.

        Raises
        ------
        RecipeError
            P403, if there is no such file.
        FormatError
            F801-F804, if it is refused.
        """
        from mystax.io.formats.rig_files import read_rig_file

        return cls(read_rig_file(path))

    @classmethod
    def from_arrays(
        cls,
        names: Sequence[str],
        sizes: Sequence[Sequence[int]],
        matrices: Num[np.ndarray, "camera 3 3"] | Sequence[Any],
        distortions: Num[np.ndarray, "camera k"] | Sequence[Any],
        rotations: Num[np.ndarray, "camera ..."] | Sequence[Any],
        translations: Num[np.ndarray, "camera 3"] | Sequence[Any],
        *,
        model: str = "pinhole",
    ) -> "Rig":
        """Make a rig from arrays.

        Parameters
        ----------
        names : sequence of str
            Names of the cameras.
        sizes : sequence of pairs of int
            Width and height of the pictures [px].
        matrices : array (camera, 3, 3)
            Focal lengths and principal points [px].
        distortions : array (camera, k)
            k1, k2, p1, p2, k3 (fewer: zeros); k1 to k4 of a fisheye.
        rotations : array (camera, 3, 3) or (camera, 3)
            World to camera, as matrices or as rotation vectors [rad].
        translations : array (camera, 3)
            [mm].
        model : {"pinhole", "fisheye"}, optional
            Kind of lens.

        Returns
        -------
        Rig
            The cameras.

        Raises
        ------
        ParameterError
            P401, for another kind of lens or arrays of unequal length.
        FormatError
            F804, if the numbers are none of cameras.
        """
        if model not in ("pinhole", "fisheye"):
            raise ParameterError(
                "P401", "parameter 'model' of 'Rig'", expected="pinhole or fisheye", got=model
            )
        lengths = {len(item) for item in (names, sizes, matrices, distortions, rotations, translations)}
        if len(lengths) != 1:
            raise ParameterError(
                "P401", "Rig.from_arrays", expected="as many of each as cameras", got=str(lengths)
            )
        n = 4 if model == "fisheye" else 5
        cameras = []
        for k, name in enumerate(names):
            given = np.asarray(distortions[k], np.float64).ravel()
            turn = np.asarray(rotations[k], np.float64)
            cameras.append(
                CameraModel(
                    str(name),
                    (int(sizes[k][0]), int(sizes[k][1])),
                    np.asarray(matrices[k], np.float64),
                    np.concatenate([given, np.zeros(max(0, n - len(given)))]),
                    rotation_of(turn.ravel()) if turn.size == 3 else turn,
                    np.asarray(translations[k], np.float64).ravel(),
                    model == "fisheye",
                )
            )
        return cls(make_rig(cameras))

    @classmethod
    def calibrate(
        cls,
        sources: Mapping[str, Any] | str | Path,
        board: str,
        *,
        model: str = "auto",
        k3: bool = False,
        board_error: float = 0.0,
        clocks: Mapping[str, Any] | None = None,
        out: str | Path | None = None,
    ) -> "Rig":
        """Calibrate cameras from pictures of a board.

        Parameters
        ----------
        sources : mapping, or path of a ``corners.nc``
            Camera to a video, a folder of pictures, or pictures; or corners that were found before.
        board : str
            ``charuco:10x7:17:13``, ``checkerboard:10x7:20``: kind, squares, side [mm], side of a marker [mm].
        model : {"auto", "pinhole", "pinhole-k1", "fisheye"}, optional
            Which numbers of the lens are free; auto fixes those that the pictures cannot tell.  ``fisheye``
            is for lenses of 100 degrees and more (focal lengths, centre, k1, k2 of the angle).
        k3 : bool, optional
            Free the third radial number too, for wide lenses (of a fisheye the third and the fourth); 0
            otherwise, and where the pictures cannot tell it.
        board_error : float, optional
            How far the corners may lie from their places on the board (SD), such as 0.1 for paper [mm].
        clocks : mapping, optional
            Camera to the times of the frames of its video [s]; by default those of the video.
        out : path, optional
            Write ``calibration.toml`` here, and ``corners.nc`` beside it.  What is found on the way is kept
            beside it too: after an interruption, a calibration of the same pictures goes on from there.

        Returns
        -------
        Rig
            The calibrated cameras; `quality` tells how well.

        Raises
        ------
        ParameterError
            P401, if the board, the model or the error of the board cannot be.
        RecipeError
            P403, if pictures cannot be matched, a clock belongs to no video, or `out` is something else.
        ClockError
            C202, C206, if a clock is not one rising time for each frame.
        NumbersError
            N311, if the rig cannot be solved.
        ExtraMissing
            X001, if pictures are given and OpenCV is not installed.
        """
        from mystax.analyses.calibrate import calibrate_sources
        from mystax.io.rig import check_rig_place

        if out is not None:
            check_rig_place(out)
        model_found, corners, details = calibrate_sources(
            sources,
            board,
            model=model,
            k3=k3,
            board_error=board_error,
            clocks=clocks,
            keep=None if out is None else cls.unfinished(out),
        )
        rig = cls(model_found, corners=corners, details=details)
        if out is not None:
            rig.save(out)
        return rig

    @staticmethod
    def unfinished(path: str | Path) -> Path:
        """Return the file of corners that an unfinished calibration keeps beside the rig's file."""
        place = Path(path)
        return place.with_name(f"{place.stem}.corners.nc.part")

    # writing -----------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write ``calibration.toml``; corners, where there are any, go to ``corners.nc`` beside it.

        Returns
        -------
        Path
            The written file.

        Raises
        ------
        RecipeError
            P403, if something that is no rig lies there.
        SpaceError, StoreError
            S501, S503, as the disk refuses.
        """
        from mystax.io.rig import check_rig_place, rig_to_toml
        from mystax.io.store import Store

        place = Path(path)
        check_rig_place(place)
        store = Store(place.parent)
        store.write_text(place.name, rig_to_toml(self.model))
        if self.corners is not None:
            from mystax.io.corners import corners_to_bytes

            store.write_bytes(f"{place.stem}.corners.nc", corners_to_bytes(self.corners))
            self.unfinished(place).unlink(missing_ok=True)
        return place

    # using -------------------------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the cameras."""
        return self.model.names

    def project(self, points: Num[np.ndarray, "n 3"]) -> Float64[np.ndarray, "camera n 2"]:
        """Project places [mm] to distorted pixels of all cameras; NaN behind a camera."""
        return project_rig(self.model, np.asarray(points, np.float64).reshape(-1, 3))

    def triangulate(
        self,
        points: Float[np.ndarray, "camera n 2"],
        covariance: Float[np.ndarray, "camera n 3"] | None = None,
        confidence: Float[np.ndarray, "camera n"] | None = None,
        *,
        robust: bool = True,
    ) -> Dataset:
        """Find the places of points from their pixels.

        Parameters
        ----------
        points : array (camera, n, 2)
            Pixels; NaN where a camera does not see the point.
        covariance : array (camera, n, 3), optional
            xx, xy, yy of the pixels [px2]; by default equal noise that is found from the points.
        confidence : array (camera, n), optional
            0..1: a pixel of confidence c counts as if its covariance were divided by c.
        robust : bool, optional
            Reject cameras that contradict the others.

        Returns
        -------
        Dataset
            position, covariance, used, residual, residual_left_out and ray_angle over `point` [mm, px, rad];
            of a rig of DeepLabCut lengths are in squares of its board.

        Raises
        ------
        ParameterError
            P401, if there are other cameras in the array than in the rig.
        """
        import xarray as xr

        if len(points) != len(self.names):
            raise ParameterError(
                "P401",
                "Rig.triangulate",
                expected=f"points of {len(self.names)} cameras",
                got=str(len(points)),
            )
        pixels = np.asarray(points, np.float64)
        n = pixels.shape[1]
        given = covariance is not None
        cov = (
            np.tile(np.array([1.0, 0.0, 1.0]), (len(self.names), n, 1))
            if covariance is None
            else (np.asarray(covariance, np.float64))
        )
        if confidence is not None:
            cov = cov / np.clip(np.asarray(confidence, np.float64), 0.05, 1.0)[..., None]
        det = cov[..., 0] * cov[..., 2] - cov[..., 1] ** 2
        precision = np.stack([cov[..., 2], -cov[..., 1], cov[..., 0]], axis=2) / det[..., None]
        found = triangulate(self.model, pixels, precision, robust=robust)
        if not given:
            for _ in range(2):
                sd = pixel_noise(found, np.zeros(n, np.int64), 1)[:, 0]
                sd = np.where(np.isfinite(sd), sd, 1.0)
                found = triangulate(self.model, pixels, precision / sd[:, None, None] ** 2, robust=robust)
        unit = str(self.model.metadata.get("unit", "mm"))
        return xr.Dataset(
            {
                "position": (("point", "space"), found.position, {"units": unit}),
                "covariance": (("point", "cov"), found.covariance, {"units": f"{unit}2"}),
                "used": (("point", "camera"), found.used),
                "residual": (("point", "camera"), found.residual, {"units": "px"}),
                "residual_left_out": (("point", "camera"), found.left_out, {"units": "px"}),
                "ray_angle": (("point",), found.ray_angle, {"units": "rad"}),
                "views_disagree": (("point",), found.disagree),
            },
            coords={
                "space": ["x", "y", "z"],
                "cov": ["xx", "xy", "xz", "yy", "yz", "zz"],
                "camera": list(self.names),
            },
        )

    @property
    def flags(self) -> list[Flag]:
        """What is not plausible about the rig (N312, N313), and what its calibration said."""
        from mystax.analyses.pose3d_quality import rig_flags
        from mystax.core.quality import merge_flags

        return merge_flags(self.details.get("flags", ()), rig_flags(self.model))

    @property
    def quality(self) -> Dataset:
        """Numbers of the calibration per camera: rms, views, SDs, held-out error; angles of pairs of rays."""
        from mystax.analyses.rig_quality import quality_dataset

        dataset = quality_dataset(self.model, self.details)
        dataset.attrs["quality"] = flags_to_json(self.flags)
        dataset.attrs["metadata"] = json.dumps(dict(self.model.metadata), default=str)
        return dataset

    def subset(self, names: Sequence[str]) -> "Rig":
        """Return the rig of some cameras; P403 for an unknown name."""
        return Rig(self.model.subset(names))

    def aligned(self, rotation: Num[np.ndarray, "3 3"], origin: Num[np.ndarray, " 3"]) -> "Rig":
        """Return the rig in the frame ``X' = R (X - o)``.

        Raises
        ------
        ParameterError
            P401, if the matrix is no rotation.
        """
        turn = np.asarray(rotation, np.float64)
        if np.abs(turn @ turn.T - np.eye(3)).max() > 1e-6 or np.linalg.det(turn) < 0:
            raise ParameterError(
                "P401", "Rig.aligned", expected="a rotation with determinant +1", got=str(turn)
            )
        return Rig(self.model.aligned(turn, np.asarray(origin, np.float64)))

    def __repr__(self) -> str:
        return f"<Rig: {', '.join(self.names)}>"
