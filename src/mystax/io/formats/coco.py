"""COCO keypoints: pictures, annotations with x, y, v per point, and categories that name the points."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from mystax.core.keypoint_table import KeypointTable, make_table
from mystax.errors import FormatError
from mystax.io.formats.texts import read_text

__all__ = ["read_coco", "write_coco"]

STATE = "mystax_state"
"""Key of the exact states in an annotation: COCO's 0 does not tell absent from not labelled."""
VIDEO, FRAME = "mystax_video", "mystax_frame"
"""Keys of the video and of the number of a frame in an image."""
INDIVIDUAL = "mystax_individual"
"""Key of the name of the individual in an annotation, where there are several."""


def _list(document: Any, key: str, where: str) -> list[dict[str, Any]]:
    found = document.get(key) if isinstance(document, dict) else None
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise FormatError("F804", where, expected=f"a list {key!r}", got=type(found).__name__)
    return found


def _pictures(document: Any, where: str) -> dict[Any, dict[str, Any]]:
    """Return the pictures by their identity; two of one are refused: whose the labels are is not known."""
    found: dict[Any, dict[str, Any]] = {}
    for item in _list(document, "images", where):
        own = item.get("id")
        if isinstance(own, list | dict):
            raise FormatError("F804", where, expected="images with a number or text as id", got=str(own)[:80])
        if found.setdefault(own, item) != item:
            files = " and ".join(str(one.get("file_name", "")) for one in (found[own], item))
            raise FormatError("F804", where, expected="images of different ids", got=f"{own!r} of {files}")
    return found


def read_coco(path: Path | str) -> KeypointTable:
    """Read a COCO file; several annotations of a picture are several individuals.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    KeypointTable
        Points of v = 2 are placed, of v = 1 invisible, of v = 0 not labelled.

    Raises
    ------
    RecipeError
        P403, if there is no such file.
    FormatError
        F804, if it is no COCO file with keypoints.
    """
    where = Path(path).name
    try:
        document = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise FormatError("F804", where, f"no JSON ({error})") from error
    pictures = _pictures(document, where)
    annotations = [item for item in _list(document, "annotations", where) if item.get("keypoints")]
    try:
        values = [np.array(item["keypoints"], np.float64) for item in annotations]
        width = {item.size for item in values}
        if not width or any(item.ndim != 1 or item.size % 3 for item in values):
            raise FormatError(
                "F804", where, expected="x, y, v of equally many points", got=str(sorted(width))
            )
        categories = _Categories(_list(document, "categories", where), where)
        of_each = [
            categories.names_of(item, len(v) // 3) for item, v in zip(annotations, values, strict=True)
        ]
        at = {name: k for k, name in enumerate(dict.fromkeys(name for some in of_each for name in some))}
        by_picture: dict[Any, list[int]] = {key: [] for key in pictures}
        for k, item in enumerate(annotations):
            by_picture[item["image_id"]].append(k)
        keys = [key for key, members in by_picture.items() if members]
        individuals, of_annotation = _individuals(annotations, by_picture)
        position = np.full((len(keys), len(individuals), len(at), 2), np.nan)
        state = np.full((len(keys), len(individuals), len(at)), -1, np.int8)
        for i, key in enumerate(keys):
            for k in by_picture[key]:
                a, columns = of_annotation[k], [at[name] for name in of_each[k]]
                triples = values[k].reshape(-1, 3)
                exact = annotations[k].get(STATE)
                codes = np.where(triples[:, 2] > 1, 2, np.where(triples[:, 2] > 0, 1, -1))
                state[i, a, columns] = codes if exact is None else _states(exact)
                position[i, a, columns] = triples[:, :2]
        sizes = [[int(pictures[key].get(side, 0) or 0) for side in ("height", "width")] for key in keys]
        shapes = np.array(sizes, np.int64).reshape(len(keys), 2)
        frames = np.array([int(pictures[key].get(FRAME, -1)) for key in keys], np.int64)
        files = [
            str(pictures[key].get("file_name" if frame < 0 else VIDEO, ""))
            for key, frame in zip(keys, frames, strict=True)
        ]
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise FormatError("F804", where, f"an entry is not understood ({error})") from error
    return make_table(
        list(at),
        np.where(state[..., None] > 0, position, np.nan),
        where=where,
        state=state,
        frame=frames,
        files=files,
        individuals=individuals,
        shapes=shapes,
        edges=categories.edges,
    )


def _states(exact: Any) -> np.ndarray:
    """Return the exact states of an annotation."""
    codes = np.array(exact, np.float64)
    if not np.isin(codes, (-1, 0, 1, 2)).all():
        raise ValueError(f"{STATE} {str(exact)[:80]}")
    return codes.astype(np.int8)


def _individuals(
    annotations: list[dict[str, Any]], by_picture: dict[Any, list[int]]
) -> tuple[list[str], list[int]]:
    """Return the individuals, and the place of each annotation among them: by name, else by order."""
    names = [str(item.get(INDIVIDUAL, "")) for item in annotations]
    if all(names) and all(len({names[k] for k in some}) == len(some) for some in by_picture.values()):
        known = list(dict.fromkeys(names))
        return known, [known.index(name) for name in names]
    places = [0] * len(annotations)
    for some in by_picture.values():
        for a, k in enumerate(some):
            places[k] = a
    most = max(places, default=0) + 1
    return [f"individual{a + 1}" for a in range(most)] if most > 1 else [""], places


class _Categories:
    """The categories of a file: which points the annotations of each have."""

    def __init__(self, categories: list[dict[str, Any]], where: str) -> None:
        self._where = where
        self._points = {
            item.get("id"): [str(name) for name in item["keypoints"]]
            for item in categories
            if item.get("keypoints")
        }
        self._pairs = {item.get("id"): item.get("skeleton") or () for item in categories}
        self._used: dict[Any, None] = {}

    def names_of(self, annotation: dict[str, Any], n: int) -> list[str]:
        """Return the points of an annotation of `n`; ``kp_0, kp_1, ...`` where the file names none."""
        if not self._points:
            return [f"kp_{k}" for k in range(n)]
        own = annotation.get("category_id")
        if own not in self._points:  # no category is named, or one without points: the first that fits
            own = next((key for key, names in self._points.items() if len(names) == n), own)
        names = self._points.get(own, [])
        if len(names) != n:
            got = str([len(some) for some in self._points.values()])
            raise FormatError("F804", self._where, expected=f"a category of {n} points", got=got)
        if len(set(names)) != n:
            raise FormatError("F804", self._where, expected="points of different names", got=str(names)[:80])
        self._used.setdefault(own)
        return names

    @property
    def edges(self) -> list[tuple[str, str]]:
        """The lines to draw of all categories that are used."""
        found: dict[tuple[str, str], None] = {}
        for key in self._used:
            names = self._points[key]
            for a, b in ((int(a) - 1, int(b) - 1) for a, b in self._pairs.get(key, ())):
                if 0 <= a < len(names) and 0 <= b < len(names) and a != b:
                    found.setdefault((names[a], names[b]))
        return list(found)


def write_coco(path: Path | str, table: KeypointTable) -> None:
    """Write a COCO file; absent and not labelled points are told apart by the key ``mystax_state``.

    Parameters
    ----------
    path : path
        The file.
    table : KeypointTable
        The table; rows that are frames of a video get the name ``<video>/frame<number>``, and the keys
        ``mystax_video`` and ``mystax_frame``.
    """
    at = {name: k + 1 for k, name in enumerate(table.names)}
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for i in range(len(table)):
        name, frame = table.files[i], int(table.frame[i])
        height, width = (0, 0) if table.shapes is None else map(int, table.shapes[i])
        size = {"height": height, "width": width}
        if frame < 0 and name:
            images.append({"id": i + 1, "file_name": name, **size})
        else:  # a video has many frames: each gets a name of its own
            title = "/".join(word for word in (name, f"frame{frame:06d}") if word)
            images.append({"id": i + 1, "file_name": title, **size, VIDEO: name, FRAME: frame})
        for a in range(len(table.individuals)):
            state, place = table.state[i, a], table.position[i, a]
            if not (state >= 0).any():
                continue
            seen = state > 0
            triples = np.column_stack([np.where(seen[:, None], place, 0.0), np.maximum(state, 0)])
            low, high = (place[seen].min(0), place[seen].max(0)) if seen.any() else (np.zeros(2), np.zeros(2))
            box = [*low.tolist(), *(high - low).tolist()]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": i + 1,
                    "category_id": 1,
                    "keypoints": [float(v) if k % 3 < 2 else int(v) for k, v in enumerate(triples.ravel())],
                    "num_keypoints": int(seen.sum()),
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": 0,
                    STATE: state.tolist(),
                    **({INDIVIDUAL: table.individuals[a]} if len(table.individuals) > 1 else {}),
                }
            )
    category = {
        "id": 1,
        "name": "face",
        "keypoints": list(table.names),
        "skeleton": [[at[a], at[b]] for a, b in table.edges],
    }
    document = {"images": images, "annotations": annotations, "categories": [category]}
    Path(path).write_text(json.dumps(document, ensure_ascii=False), "utf-8")
