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


def _list(document: Any, key: str, where: str) -> list[dict[str, Any]]:
    found = document.get(key) if isinstance(document, dict) else None
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise FormatError("F804", where, expected=f"a list {key!r}", got=type(found).__name__)
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
    pictures = {item.get("id"): item for item in _list(document, "images", where)}
    annotations = [item for item in _list(document, "annotations", where) if item.get("keypoints")]
    try:
        values = [np.array(item["keypoints"], np.float64) for item in annotations]
        width = {len(item) for item in values}
        if len(width) != 1 or next(iter(width)) % 3:
            raise FormatError(
                "F804", where, expected="x, y, v of equally many points", got=str(sorted(width))
            )
        n = next(iter(width)) // 3
        names, edges = _category(_list(document, "categories", where), n, where)
        by_picture: dict[Any, list[int]] = {key: [] for key in pictures}
        for k, item in enumerate(annotations):
            by_picture[item["image_id"]].append(k)
        keys = [key for key, members in by_picture.items() if members]
        most = max((len(members) for members in by_picture.values()), default=0)
        position = np.full((len(keys), most, n, 2), np.nan)
        state = np.full((len(keys), most, n), -1, np.int8)
        for i, key in enumerate(keys):
            for a, k in enumerate(by_picture[key]):
                triples = values[k].reshape(n, 3)
                exact = annotations[k].get(STATE)
                codes = np.where(triples[:, 2] > 1, 2, np.where(triples[:, 2] > 0, 1, -1))
                state[i, a] = np.array(exact, np.int8) if exact is not None else codes
                position[i, a] = triples[:, :2]
        shapes = [[int(pictures[key].get(side, 0) or 0) for side in ("height", "width")] for key in keys]
        files = [str(pictures[key].get("file_name", "")) for key in keys]
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise FormatError("F804", where, f"an entry is not understood ({error})") from error
    individuals = [f"individual{a + 1}" for a in range(most)] if most > 1 else [""]
    return make_table(
        names,
        np.where(state[..., None] > 0, position, np.nan),
        where=where,
        state=state,
        files=files,
        individuals=individuals,
        shapes=np.array(shapes, np.int64).reshape(len(keys), 2),
        edges=edges,
    )


def _category(
    categories: list[dict[str, Any]], n: int, where: str
) -> tuple[list[str], list[tuple[str, str]]]:
    """Return names and edges; names are ``kp_0, kp_1, ...`` where the file has none."""
    for item in categories:
        names = [str(name) for name in item.get("keypoints") or ()]
        if len(names) == n:
            pairs = item.get("skeleton") or ()
            edges = [(int(a) - 1, int(b) - 1) for a, b in pairs]
            inside = [(a, b) for a, b in edges if 0 <= a < n and 0 <= b < n and a != b]
            return names, [(names[a], names[b]) for a, b in inside]
    if any(item.get("keypoints") for item in categories):
        got = str([len(item.get("keypoints") or ()) for item in categories])
        raise FormatError("F804", where, expected=f"a category of {n} points", got=got)
    return [f"kp_{k}" for k in range(n)], []


def write_coco(path: Path | str, table: KeypointTable) -> None:
    """Write a COCO file; absent and not labelled points are told apart by the key ``mystax_state``.

    Parameters
    ----------
    path : path
        The file.
    table : KeypointTable
        The table; rows that are frames of a video get the name ``frame<number>``.
    """
    at = {name: k + 1 for k, name in enumerate(table.names)}
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for i in range(len(table)):
        name = table.files[i] or f"frame{int(table.frame[i]):06d}"
        height, width = (0, 0) if table.shapes is None else map(int, table.shapes[i])
        images.append({"id": i + 1, "file_name": name, "height": height, "width": width})
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
