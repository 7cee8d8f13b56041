"""The rig of a recording: of its points in space, else the calibration that lies beside its videos."""

from mystax.app.collection import Item
from mystax.app.shelf import outcomes_in
from mystax.core.rig_model import RigModel
from mystax.errors import MystaxError
from mystax.io.rig import read_rig, rig_from_toml

__all__ = ["CALIBRATION", "rig_of"]

CALIBRATION = "calibration.toml"


def rig_of(item: Item) -> RigModel | None:
    """Return the calibrated cameras of a recording.

    Parameters
    ----------
    item : Item
        The recording.

    Returns
    -------
    RigModel, optional
        That of its newest points in space; else of a ``calibration.toml`` beside its outcomes or videos
        that names one of its cameras; None if there is none that can be read.
    """
    for outcome in item.outcomes():
        if outcome.analysis == "pose3d" and (
            text := outcomes_in(outcome.folder)[outcome.name].attrs.get("rig")
        ):
            return rig_from_toml(str(text))
    videos = [path for paths in item.cameras.values() for path in paths]
    places = dict.fromkeys([*(folder.parent for folder in item.folders), *(path.parent for path in videos)])
    for place in places:
        try:
            found = read_rig(place / CALIBRATION)
        except MystaxError:
            continue
        if set(found.names) & set(item.cameras):
            return found
    return None
