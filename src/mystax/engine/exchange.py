"""Files of other tools in and out: what `mystax import` and `mystax export` do."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.analysis import get_analysis
from mystax.core.canonical import outcome_key
from mystax.core.events import Event, Report, silent
from mystax.core.geometry import Roi
from mystax.core.quality import Flag
from mystax.core.safe_names import check_folder, is_there
from mystax.errors import MystaxError, RecipeError

if TYPE_CHECKING:
    from mystax.io.formats.facemap_export import Flavour
    from mystax.io.outcomes import Outcomes
else:
    Outcomes = Any
    Flavour = str

__all__ = ["export_facemap", "import_facemap", "read_regions"]

VERBATIM = "facemap"
"""Name of the outcome that keeps a foreign file leaf by leaf, and of its group."""
READING = 2
"""Version of what values of Facemap's files mean to us; a step makes imported outcomes anew."""


def read_regions(path: Path | str) -> list[Roi]:
    """Read regions of interest from ``rois.toml`` or from a Facemap file.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    list of Roi
        Its regions.

    Raises
    ------
    RoiError
        P402, if a region is not understood.
    FormatError
        F801-F804, if a Facemap file is refused.
    """
    from mystax.io.formats.facemap import read_facemap
    from mystax.io.formats.facemap_rois import facemap_rois
    from mystax.io.rois import read_rois

    if Path(path).suffix.lower() in (".npy", ".mat"):
        return [item.roi for item in facemap_rois(read_facemap(path))]
    return list(read_rois(path))


def import_facemap(
    path: Path | str, out: Path | str | None = None, *, repair: bool = False, report: Report = silent
) -> Outcomes:
    """Read a Facemap file as outcomes.

    Parameters
    ----------
    path : path
        ``<video>_proc.npy`` or ``<video>_proc.mat``.
    out : path, optional
        Folder of the outcomes; by default ``<video>_proc.mystax`` beside the file.
    repair : bool, optional
        Mend what can be mended exactly (early motion energy, masks without norm).
    report : callable, optional
        Takes events.

    Returns
    -------
    Outcomes
        ``facemap`` (every leaf as it was) and motion, svd, pupil and blink as far as the file has them.

    Raises
    ------
    FormatError
        F801-F804, if the file is refused.
    """
    from mystax.engine.folders import replace_regions
    from mystax.io.fingerprint import quick_id
    from mystax.io.formats.facemap import read_facemap, understood, verbatim, verbatim_schema
    from mystax.io.formats.facemap_outcomes import imported_outcomes
    from mystax.io.formats.facemap_rois import camera_names
    from mystax.io.outcomes import load
    from mystax.io.provenance import Provenance
    from mystax.io.store import Store

    place = Path(path)
    tree = read_facemap(place)  # first: what is no file has no name to call the outcomes' folder by
    target = Path(out) if out is not None else place.with_name(f"{place.stem}.mystax")
    check_folder(target, str(target))
    inputs = [{"role": "facemap", "camera": "", "position": 0, "id": quick_id(place)}]
    store = Store(target)

    def publish(name: str, version: int, dataset: Any, flags: Sequence[Flag], schema: Any) -> None:
        parameters = {"imported": "facemap", "repair": repair, "reading": READING}
        used = inputs if name == VERBATIM else [*inputs, *_clocks_of(times)]
        key = outcome_key(name, version, parameters, used)
        if store.current_key(name) != key:
            about = Provenance(name, version, key, parameters, used, 1.0, flags, run={"file": place.name})
            store.publish(dataset, about, schema=schema)
            report(Event("outcome", name, text=name, data={"analysis": name}))

    kept = verbatim(tree)
    with understood(place.name):
        times = _times(tree, place.parent, camera_names(tree))
    found = imported_outcomes(tree, times, repair=repair)  # what is refused leaves nothing behind
    publish(VERBATIM, 1, {VERBATIM: kept}, (), verbatim_schema(kept))
    for name, datasets in found.datasets.items():
        flags = found.flags.get(name, [])
        publish(name, get_analysis(name).version, datasets, flags, None)
    if found.rois:
        replace_regions(store, found.rois, report)
    loaded = load(store.folder)
    return loaded if not hasattr(loaded, "data_vars") else {}  # type: ignore[return-value] # a folder gives Outcomes


def _clocks_of(times: Mapping[str, np.ndarray]) -> list[dict[str, object]]:
    """Return the times that outcomes rest on as inputs: found later, they make other outcomes."""
    return [
        {
            "role": "times",
            "camera": camera,
            "position": 0,
            "id": hashlib.blake2b(np.asarray(stamps, "<f8").tobytes(), digest_size=16).hexdigest(),
        }
        for camera, stamps in times.items()
    ]


def _plain_list(value: Any) -> list[Any]:
    """Return a list whatever a file kept it as: MATLAB makes arrays of lists, and texts of lists of one."""
    if value is None:
        return []
    if isinstance(value, np.ndarray):
        return list(np.atleast_1d(value))
    return list(value) if isinstance(value, list | tuple) else [value]


def _times(tree: Mapping[str, Any], folder: Path, cameras: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the times of the cameras whose videos are found: as named, or beside the file."""
    from mystax.io.video import Video

    groups = [_plain_list(group) for group in _plain_list(tree.get("filenames"))]
    found: dict[str, np.ndarray] = {}
    for k, camera in enumerate(cameras):
        names = [str(group[k]) for group in groups if k < len(group) and str(group[k])]
        paths = [
            next((p for p in (Path(name), folder / Path(name).name) if is_there(p)), None) for name in names
        ]
        if not paths or None in paths:
            continue
        try:
            video = Video([path for path in paths if path is not None])
        except MystaxError:
            continue  # the trace then says that its times are not known
        found[camera] = video.times
        video.close()
    return found


def export_facemap(
    source: Path | str,
    folder: Path | str,
    *,
    flavour: Flavour = "facemap",
    matlab: bool = False,
    overwrite: bool = False,
) -> Path:
    """Write outcomes as a Facemap file.

    Parameters
    ----------
    source : path
        Folder of outcomes; one that was imported from Facemap is written back as it was.
    folder : path
        Where the file goes.
    flavour : {"facemap", "element"}, optional
        ``motSv`` of the last region only, or a list per region.
    matlab : bool, optional
        Write ``_proc.mat`` instead of ``_proc.npy``.
    overwrite : bool, optional
        Replace a file of the same name.

    Returns
    -------
    Path
        The written file.

    Raises
    ------
    RecipeError
        P403, if there is nothing to write, the file exists, or the folder cannot be made.
    FormatError
        F804, if a MATLAB variable would be too large.
    SpaceError, StoreError
        S501, S503, if the disk does not take the file.
    """
    from mystax.io.formats.facemap import tree_from_verbatim, write_facemap
    from mystax.io.formats.facemap_export import facemap_tree
    from mystax.io.outcomes import Outcomes as Found
    from mystax.io.outcomes import load
    from mystax.io.rois import read_rois
    from mystax.io.store_fs import refusals
    from mystax.io.whole_files import refuse_existing

    place = Path(source)
    if not (is_there(place) or is_there(place, folder=True)):
        raise RecipeError(
            "P403", str(source), "there is no such folder", hint="mystax run VIDEO makes outcomes"
        )
    check_folder(Path(folder), str(folder))
    outcomes = load(place if place.is_dir() else place.parent)
    if not isinstance(outcomes, Found):
        raise RecipeError("P403", str(source), expected="a folder of outcomes", got="one outcome")
    folder_of = place.resolve() if place.is_dir() else place.resolve().parent
    names = _video_names(outcomes)
    first = next((file for group in names for file in group if file), "")
    stem = Path(first).stem if first else folder_of.stem
    name = f"{VERBATIM}/{VERBATIM}"
    suffix = ".mat" if matlab else ".npy"
    target = Path(folder) / f"{stem.removesuffix('_proc')}_proc{suffix}"
    refuse_existing([target], overwrite)
    if name in outcomes:
        tree = tree_from_verbatim(outcomes[name])
    else:
        drawn = folder_of / "rois.toml"
        rois = read_rois(drawn) if drawn.is_file() else ()
        tree = facemap_tree(outcomes, files=names, flavour=flavour, save_path=str(Path(folder)), rois=rois)
    with refusals(target):
        Path(folder).mkdir(parents=True, exist_ok=True)
        write_facemap(target, tree)
    return target


def _video_names(outcomes: Mapping[str, Any]) -> list[list[str]]:
    """Return the video files of outcomes in Facemap's order: outer consecutive, inner simultaneous.

    A camera with fewer files than another has "" in the places of those that it lacks.
    """
    from mystax.io.provenance import files_of_cameras

    found: dict[str, list[str]] = {}
    for name, outcome in outcomes.items():
        camera = name.partition("/")[2]
        files = files_of_cameras(outcome.attrs)
        mine = files.get(camera) or (next(iter(files.values()), []) if not camera else [])
        if camera != "all_cameras" and not found.get(camera):
            found[camera] = mine
    longest = max(map(len, found.values()), default=0)
    return [[files[k] if k < len(files) else "" for files in found.values()] for k in range(longest)]
