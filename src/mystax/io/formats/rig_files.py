"""One door to all files of rigs: what a file is, is seen in its content, never in its name."""

from pathlib import Path

from mystax.core.rig_model import RigModel
from mystax.core.safe_names import as_path
from mystax.errors import FormatError, RecipeError

__all__ = ["read_rig_file"]


def read_rig_file(path: Path | str) -> RigModel:
    """Read a rig.

    Parameters
    ----------
    path : path
        ``calibration.toml`` (ours or Anipose's), OpenCV YAML or XML, DeepLabCut's ``stereo_params.pickle``,
        ``Calib_Results*.mat`` of Bouguet's toolbox.

    Returns
    -------
    RigModel
        The cameras.

    Raises
    ------
    RecipeError
        P403, if there is no such file.
    FormatError
        F801-F804, if it is refused.
    """
    place = as_path(path, "path")
    if not place.is_file():
        raise RecipeError("P403", str(path), "there is no such file of a rig")
    with place.open("rb") as stream:
        head = stream.read(256)
    if head.startswith((b"%YAML", b"<?xml", b"<opencv")):
        from mystax.io.formats.opencv import read_opencv_rig

        return read_opencv_rig(place)
    if head.startswith(b"\x80"):
        from mystax.io.formats.dlc3d import read_stereo_params

        return read_stereo_params(place)
    if head.startswith(b"MATLAB 5.0 MAT-file"):
        from mystax.io.formats.bouguet import read_bouguet_rig

        return read_bouguet_rig(place)
    if b"\0" in head:
        raise FormatError("F804", place.name, "no known file of a rig")
    from mystax.io.rig import read_rig

    return read_rig(place)
