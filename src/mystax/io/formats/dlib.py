"""dlib's XML of faces: pictures with boxes, each with numbered parts."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from mystax.core.keypoint_table import KeypointTable, make_table
from mystax.errors import FormatError
from mystax.io.formats.texts import read_text

__all__ = ["read_dlib"]

DECLARED = re.compile(rb"""(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]+)["']""", re.ASCII)
Parts = dict[str, tuple[float, float]]


class _Parser(HTMLParser):
    """Collects pictures and boxes; an HTML parser follows no entity of the file and reads no other file."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[tuple[dict[str, str], list[Parts]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "image":
            self.pictures.append((values, []))
        elif tag == "box" and self.pictures:
            self.pictures[-1][1].append({})
        elif tag == "part" and self.pictures and self.pictures[-1][1]:
            self.pictures[-1][1][-1][values["name"]] = (float(values["x"]), float(values["y"]))

    handle_startendtag = handle_starttag


def _encoding(path: Path | str) -> str:
    """Return the encoding that the file declares; UTF-8 without a word."""
    try:
        with Path(path).open("rb") as stream:
            head = stream.read(200)
    except OSError:
        head = b""  # the reader says why
    declared = DECLARED.match(head)
    name = "utf-8" if declared is None else declared[1].decode("ascii").lower()
    return "utf-8-sig" if name in ("utf-8", "utf8") else name


def read_dlib(path: Path | str) -> KeypointTable:
    """Read dlib's labels; several boxes of a picture are several individuals.

    Parameters
    ----------
    path : path
        The file, such as ``training_with_face_landmarks.xml``.

    Returns
    -------
    KeypointTable
        Points in the order of their names.

    Raises
    ------
    RecipeError
        P403, if there is no such file.
    FormatError
        F804, if it is no such file or holds no parts.
    """
    where = Path(path).name
    parser = _Parser()
    try:
        parser.feed(read_text(path, encoding=_encoding(path)))
        parser.close()
    except (KeyError, ValueError, AssertionError, LookupError) as error:
        raise FormatError("F804", where, f"a part is not understood ({error})") from error
    pictures = [(values, [box for box in boxes if box]) for values, boxes in parser.pictures]
    pictures = [(values, boxes) for values, boxes in pictures if boxes]
    names = sorted({name for _, boxes in pictures for box in boxes for name in box})
    if not names:
        raise FormatError("F804", where, expected="pictures with boxes and parts", got="none")
    most = max(len(boxes) for _, boxes in pictures)
    position = np.full((len(pictures), most, len(names), 2), np.nan)
    for i, (_, boxes) in enumerate(pictures):
        for a, box in enumerate(boxes):
            for name, place in box.items():
                position[i, a, names.index(name)] = place
    try:
        sizes = [[int(values.get(side, 0) or 0) for side in ("height", "width")] for values, _ in pictures]
    except ValueError as error:
        raise FormatError("F804", where, f"a size is no number ({error})") from error
    return make_table(
        names,
        position,
        where=where,
        files=[values.get("file", "") for values, _ in pictures],
        individuals=[f"face{a + 1}" for a in range(most)] if most > 1 else [""],
        shapes=np.array(sizes, np.int64),
    )
