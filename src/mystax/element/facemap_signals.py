"""Rows of `FacialSignal` from a file of Facemap: nothing is computed, values are copied by the right axes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mystax.element.signals import FRAME, Signals, region_row
from mystax.errors import FormatError
from mystax.io.formats.facemap import understood
from mystax.io.formats.facemap_rois import FacemapRoi, facemap_rois

__all__ = ["camera_of_video", "signals_of_facemap"]


def camera_of_video(tree: Mapping[str, Any], files: Sequence[str], where: str) -> int:
    """Return the position of a video's camera in a Facemap file.

    Parameters
    ----------
    tree : mapping
        Facemap's layout.
    files : sequence of str
        The files of the video.
    where : str
        Name of the Facemap file.

    Raises
    ------
    FormatError
        F804, if the file is about several cameras and does not tell which of them has these files.
    """
    if len(np.atleast_1d(np.asarray(tree.get("Ly", [0])))) == 1:
        return 0
    shared: dict[int, int] = {}
    for group in tree.get("filenames") or []:
        for position, name in enumerate(group):
            most = max((_common_end(str(name), file) for file in files), default=0)
            shared[position] = max(most, shared.get(position, 0))
    best = [position for position, n in shared.items() if n == max(shared.values()) > 0]
    if len(best) == 1:
        return best[0]
    raise FormatError(
        "F804",
        where,
        "it is about several cameras" + (", whose videos have one name" if best else ""),
        expected=f"one whose video is {min(map(str, files))}",
    )


def _common_end(one: str, other: str) -> int:
    """Return how many last parts two paths share: folders tell videos of one name apart."""
    parts = [path.replace("\\", "/").split("/")[::-1] for path in (one, other)]
    same = [a == b for a, b in zip(*parts, strict=False)]
    return [*same, False].index(False)


def signals_of_facemap(
    tree: Mapping[str, Any],
    *,
    camera: int = 0,
    n_frames: int | None = None,
    do_mot_svd: bool = True,
    do_mov_svd: bool = True,
    where: str = "Facemap file",
) -> Signals:
    """Return the rows of one camera of a Facemap file.

    What Facemap calls running is no measurement, and its blink has no openness: neither is taken.

    Parameters
    ----------
    tree : mapping
        Facemap's layout, as `mystax.io.formats.facemap.read_facemap` gives it.
    camera : int, optional
        Position of the camera.
    n_frames : int, optional
        Frames of the video: a file about another number is refused.
    do_mot_svd, do_mov_svd : bool, optional
        Which components are taken.
    where : str, optional
        What error messages name.

    Returns
    -------
    Signals
        Rows.

    Raises
    ------
    FormatError
        F804, if values are not laid out as Facemap writes them, or are about other videos.
    """
    with understood(where):
        return _File(tree, camera, where).signals(n_frames, do_mot_svd=do_mot_svd, do_mov_svd=do_mov_svd)


class _File:
    """One camera of a file."""

    def __init__(self, tree: Mapping[str, Any], camera: int, where: str) -> None:
        self.tree, self.camera, self.where = tree, camera, where
        self.rois = [item for item in facemap_rois(tree) if item.camera_index == camera]
        one = len(np.atleast_1d(np.asarray(tree.get("Ly", [0])))) == 1
        self.full = one and self._trace("motion", 0) is not None

    def signals(self, n_frames: int | None, *, do_mot_svd: bool, do_mov_svd: bool) -> Signals:
        found = Signals()
        places: list[tuple[int, int]] = []  # number of the region, place in Facemap's lists
        if self.full:
            found.regions.append(self._frame_row())
            places.append((0, 0))
        for item in self.rois:
            number = len(found.regions)
            found.regions.append(self._region_row(number, item))
            if item.roi.kind == "motion":
                places.append((number, item.place + 1))
            if item.roi.kind == "pupil" and (row := self._pupil_row(number, item)) is not None:
                found.pupil.append(row)
        self._check_length(found, n_frames)
        if do_mot_svd:
            found.motion_svd = self._components(places, "mot", "motmask")
        if do_mov_svd:
            found.movie_svd = self._components(places, "mov", "movmask")
        found.summary = self._summary()
        return found

    def _check_length(self, found: Signals, n_frames: int | None) -> None:
        """Refuse a file about another number of frames."""
        traces = [row["motion"] for row in found.regions if row.get("motion") is not None]
        traces += [row["area"] for row in found.pupil]
        odd = [len(trace) for trace in traces if n_frames is not None and len(trace) != n_frames]
        if odd:
            raise FormatError(
                "F804", self.where, "it is about other videos", expected=f"{n_frames} frames", got=str(odd[0])
            )

    def _trace(self, key: str, place: int) -> np.ndarray | None:
        values = self.tree.get(key)
        if not isinstance(values, list | np.ndarray) or place >= len(values):
            return None
        found = np.asarray(values[place])
        return found if found.ndim and found.size else None

    def _frame_row(self) -> dict[str, Any]:
        height, width = int(np.ravel(self.tree["Ly"])[0]), int(np.ravel(self.tree["Lx"])[0])
        sbin = self._sbin()
        return {
            **region_row(0, FRAME, FRAME),
            "xrange": np.arange(width),
            "yrange": np.arange(height),
            "xrange_bin": np.arange(width // sbin),
            "yrange_bin": np.arange(height // sbin),
            "motion": self._trace("motion", 0),
        }

    def _sbin(self) -> int:
        return max(1, int(np.ravel(self.tree.get("sbin", 1))[0]))

    def _region_row(self, number: int, item: FacemapRoi) -> dict[str, Any]:
        entry = self._entry(item)
        row = {
            **region_row(number, item.roi.name, item.roi.kind),
            "xrange": np.ravel(entry["xrange"]),
            "yrange": np.ravel(entry["yrange"]),
        }
        for name in ("xrange_bin", "yrange_bin"):
            if name in entry:
                row[name] = np.ravel(entry[name])
        if item.roi.kind == "motion":
            row["motion"] = self._trace("motion", item.place + 1)
        return row

    def _entry(self, item: FacemapRoi) -> Mapping[str, Any]:
        """Return the file's own entry of a region: the `place`-th of its kind."""
        kinds = {"pupil": 0, "motion": 1, "blink": 2, "running": 3}
        same = [entry for entry in self.tree["rois"] if int(entry.get("rind", -1)) == kinds[item.roi.kind]]
        found: Mapping[str, Any] = same[item.place]
        return found

    def _pupil_row(self, number: int, item: FacemapRoi) -> dict[str, Any] | None:
        entries = self.tree.get("pupil")
        if not isinstance(entries, list) or item.place >= len(entries) or "area" not in entries[item.place]:
            return None
        entry = entries[item.place]
        area = np.ravel(entry["area"])
        centre = np.full((len(area), 2), np.nan)
        if entry.get("com") is not None:
            inside = np.asarray(entry["com"], np.float64)  # (y, x) in the region's box
            centre = np.stack([inside[:, 1] + item.box[0], inside[:, 0] + item.box[1]], 1)
        return {"roi_no": number, "area": area, "centre": centre, "confidence": np.full(len(area), np.nan)}

    def _components(
        self, places: Sequence[tuple[int, int]], short: str, name: str
    ) -> Iterator[dict[str, Any]]:
        """Give one row per component: column k of the traces with picture k of the masks."""
        with understood(self.where):
            there = [
                (number, place, masks, traces)
                for number, place in places
                if (masks := self._trace(f"{short}Mask_reshape", place)) is not None
                and (traces := self._trace(f"{short}SVD", place)) is not None
            ]
            values = self._singular_values(short, [place for _, place, *_ in there])
            for _, _, masks, traces in there:
                if masks.ndim != 3 or traces.ndim != 2 or traces.shape[1] > masks.shape[2]:
                    raise ValueError(f"masks {masks.shape} beside traces {traces.shape}")
        for number, place, masks, traces in there:
            own = values.get(place)
            for k in range(traces.shape[1]):
                yield {
                    "roi_no": number,
                    "component_id": k,
                    "singular_value": float(own[k]) if own is not None and k < len(own) else None,
                    name: np.ascontiguousarray(masks[:, :, k]),
                    "projection": np.ascontiguousarray(traces[:, k]),
                }

    def _singular_values(self, short: str, places: Sequence[int]) -> dict[int, np.ndarray]:
        """Return singular values by place: per region, or only those of the last one (Facemap #107)."""
        values = self.tree.get(f"{short}Sv")
        if isinstance(values, list):
            filled = [np.ravel(item) for item in values]
            if len(filled) == len(places):
                return dict(zip(places, filled, strict=True))
            return {place: filled[place] for place in places if place < len(filled)}
        plain = np.ravel(values) if values is not None else np.empty(0)
        return {places[-1]: plain} if places and np.any(plain) else {}

    def _summary(self) -> dict[str, Any] | None:
        pictures = {}
        for ours, key in (("avgframe", "avgframe"), ("avgmotion", "avgmotion")):
            flat = self._trace(key, self.camera)
            if flat is None:
                return None
            shape = [int(np.ravel(self.tree[size])[self.camera]) for size in ("Lybin", "Lxbin")]
            pictures[ours] = np.asarray(flat).reshape(shape)
        return {"sbin": self._sbin(), **pictures}
