"""Networks of other tools as weights of mystax: what `mystax import --facemap-weights` does."""

from pathlib import Path

from mystax.core.events import Event, Report, silent
from mystax.core.extras import require
from mystax.core.safe_names import is_there
from mystax.errors import ParameterError

__all__ = ["import_facemap_weights"]


def import_facemap_weights(
    path: Path | str,
    *,
    name: str | None = None,
    out: Path | str | None = None,
    keypoints: str | None = None,
    normalise: str = "crop",
    progress: Report = silent,
) -> Path:
    """Turn a checkpoint of Facemap's keypoint network into weights that `mystax track` takes.

    Parameters
    ----------
    path : path
        The user's own file: Facemap's model state, or one fine-tuned in Facemap.  Nothing in it is run.
    name : str, optional
        Name of the new weights; by default that of the file.
    out : path, optional
        Folder of the weights; by default the user's own, where they are found by name.
    keypoints : str, optional
        For other points than Facemap's 15: a shipped set or a TOML file with the points in the order of the
        checkpoint's maps.
    normalise : {"crop", "frame"}, optional
        ``crop`` (default) takes grey levels from the face box; ``frame`` prepares frames exactly as Facemap,
        for comparisons with it.
    progress : callable, optional
        Takes events.

    Returns
    -------
    Path
        The ``.onnx`` file.

    Raises
    ------
    ExtraMissing
        X001, if the extra ``train`` is not installed.
    ParameterError
        P401, if the file does not exist, or the name or a choice is not usable.
    FormatError
        F801-F804, if the file wants to run code or is no checkpoint.
    WeightsError
        M702, if it is no checkpoint of this network, or the number of points differs.
    """
    require("torch", "train")
    require("onnx", "train")
    from mystax.core.keypoints import KeypointSet
    from mystax.io.weights import check_weights_name, own_folder
    from mystax.io.weights_notes import NORMALISE
    from mystax.nets.fmnet import import_facemap

    place = Path(path)
    if not is_there(place):
        raise ParameterError("P401", "checkpoint", expected="a file", got=f"{place} does not exist")
    if normalise not in NORMALISE:
        raise ParameterError("P401", "normalise", expected=" or ".join(NORMALISE), got=normalise)
    chosen = check_weights_name(name or place.stem)
    ids: tuple[str, ...] = ()
    text = ""
    if keypoints is not None:
        every = KeypointSet.load(keypoints)
        ids, text = every.ids, every.to_toml()
    made = import_facemap(
        place,
        Path(out) if out is not None else own_folder(),
        chosen,
        points=ids,
        keypoints=text,
        normalise=normalise,
    )
    progress(Event("note", "import", text=f"{place.name}: weights {made.stem!r} in {made.parent}"))
    return made
