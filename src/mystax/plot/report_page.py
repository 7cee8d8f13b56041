"""The page of a report: one HTML file without scripts; every text from outside is escaped."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from mystax.errors import CODES
from mystax.io.outcome_writer import camera_group
from mystax.io.provenance import texts_of
from mystax.plot.chapters import CHAPTERS
from mystax.plot.report_css import page_css
from mystax.plot.report_parts import JOINT, Chapter, Report, Section
from mystax.plot.style import MAX_SVG, NamedFigure

__all__ = ["page", "ranges"]

SCALE = 120.0
"""Pixels of the page per inch of a figure: 180 mm fill the column, 8 pt read like 13 px."""
N_OPEN = 6
"""Warnings that are shown at once; more are folded."""

CITE = (
    "Name mystax with its version and the method of each analysis as given above; "
    "the keys of the outcomes let others make the same numbers again."
)


def page(report: Report, vectors: Mapping[str, bytes]) -> str:
    """Write the page.

    Parameters
    ----------
    report : Report
        What it shows.
    vectors : mapping of str to bytes
        Name of a figure to its vector file.

    Returns
    -------
    str
        One HTML document without scripts, that asks nothing of the network.
    """
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{_text(report.title)}: mystax report</title>",
        f"<style>{page_css()}</style></head>",
        "<body><main>",
        f"<header><h1>{_text(report.title)}</h1>",
        f'<p class="verdict">{_text(report.verdict)}</p>',
        *_contents(report),
        "</header>",
        *_warnings(report),
        *(_figure(item, vectors) for item in report.figures),
    ]
    for chapter in report.chapters:
        parts += _chapter(chapter, vectors)
    parts += [
        '<section id="clocks"><h2>Frames and times</h2>',
        _figure(report.timeline, vectors) if report.timeline is not None else "",
        _table(report.clocks.head, report.clocks.rows)
        if report.clocks.rows
        else "<p>No frames were read.</p>",
        "</section>",
        *_parameters(report.sections),
        *_provenance(report.sections),
        *_loading(report),
        f'<section id="cite"><h2>How to cite</h2><p>{CITE}</p></section>',
        "</main></body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _text(value: object) -> str:
    """Return a text from outside as text of the page: no markup, no signs that a page may not hold."""
    plain = "".join(
        sign if sign.isprintable() or sign in "\n\t" else "\N{REPLACEMENT CHARACTER}" for sign in str(value)
    )
    return escape(plain, quote=True)


def _contents(report: Report) -> list[str]:
    links = [(chapter.analysis, CHAPTERS[chapter.analysis].title) for chapter in report.chapters]
    links += [("clocks", "Frames and times"), ("parameters", "Parameters"), ("provenance", "Provenance")]
    items = "".join(f'<li><a href="#{name}">{_text(words)}</a></li>' for name, words in links)
    return [f'<nav aria-label="Contents"><ul>{items}</ul></nav>']


def _warnings(report: Report) -> list[str]:
    found = []
    for flag in report.flags:
        meaning = CODES[flag.code].meaning if flag.code in CODES else ""
        word = "Frame" if flag.n_frames == 1 else "Frames"
        frames = f" {word} {ranges(flag.frames, flag.n_frames)}." if flag.n_frames else ""
        found.append(
            f'<div class="warning" role="note"><p><strong>{_text(flag.code)}</strong> '
            f"{_text(flag.text.rstrip('.'))}.{_text(frames)}</p>"
            + (f'<p class="meaning">{_text(meaning)}</p>' if meaning else "")
            + "</div>"
        )
    if len(found) > N_OPEN:
        more = len(found) - N_OPEN
        folded = f"<details><summary>{more} more warning{'s' if more > 1 else ''}</summary>"
        found = [*found[:N_OPEN], folded, *found[N_OPEN:], "</details>"]
    return ['<section id="warnings" aria-label="Warnings">', *found, "</section>"] if found else []


def ranges(frames: Sequence[int], n_frames: int, most: int = 12) -> str:
    """Write frame numbers as ranges, such as ``3 to 7, 12``; the first of them where they are many.

    Parameters
    ----------
    frames : sequence of int
        Rising frame numbers; the first ones where there are more.
    n_frames : int
        How many there are in all.
    most : int, optional
        Ranges to write.

    Returns
    -------
    str
        The text.
    """
    runs: list[list[int]] = []
    for frame in frames:
        if runs and frame == runs[-1][1] + 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    words = [f"{first}" if first == last else f"{first} to {last}" for first, last in runs[:most]]
    written = sum(last - first + 1 for first, last in runs[:most])
    return ", ".join(words) + (f" and {n_frames - written} more" if n_frames > written else "")


def _figure(item: NamedFigure, vectors: Mapping[str, bytes]) -> str:
    vector = vectors[item.name]
    if len(vector) < MAX_SVG:
        kind, content = "svg+xml", vector
    else:
        kind, content = "png", item.png()
    data = base64.b64encode(content).decode("ascii")
    width, height = (round(SCALE * side) for side in item.figure.get_size_inches())
    drawn = (
        f'<figure><img src="data:image/{kind};base64,{data}" width="{width}" height="{height}" '
        f'alt="{_text(item.alternative)}">'
        f"<figcaption><strong>{_text(item.title)}.</strong> {_text(item.text)}</figcaption></figure>"
    )
    return f"<details><summary>{_text(item.title)}</summary>{drawn}</details>" if item.detail else drawn


def _chapter(chapter: Chapter, vectors: Mapping[str, bytes]) -> list[str]:
    analysis = chapter.analysis
    covered = ""
    if chapter.coverage < 1:
        covered = f" {100 * chapter.coverage:.2f} % of the frames could be used."
    kind = CHAPTERS[analysis]
    is_empty = not (chapter.figures or chapter.tables or chapter.notes)
    notes = [kind.empty] if is_empty else chapter.notes
    method = kind.method
    if any(_imported(section) for section in chapter.sections):
        method = "These values were imported: the program that wrote the file computed them, not mystax."
    return [
        f'<section id="{_text(analysis)}"><h2>{_text(kind.title)}</h2>',
        *(f"<p>{_text(note)}</p>" for note in notes),
        *(_figure(item, vectors) for item in chapter.figures),
        *(_table(table.head, table.rows) for table in chapter.tables),
        f'<p class="method">{_text(method)}{_text(covered)}</p></section>',
    ]


def _imported(section: Section) -> bool:
    """Tell whether an outcome comes from a file of another program, and not from frames."""
    inputs = json.loads(str(section.attributes.get("inputs", "[]")))
    return any(entry.get("role") == "facemap" for entry in inputs)


def _table(head: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f'<th scope="col">{_text(cell)}</th>' for cell in head)
    body = "".join(f"<tr>{_row(row)}</tr>" for row in rows)
    return f'<div class="table"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _row(row: Sequence[str]) -> str:
    first, *others = row
    cells = "".join(f"<td{_class(cell)}>{_text(cell)}</td>" for cell in others)
    return f'<th scope="row">{_text(first)}</th>{cells}'


def _class(cell: str) -> str:
    """Return the class of numbers, which stand below each other by their digits."""
    return ' class="number"' if cell[:1].isdigit() or cell[:2].strip("-").isdigit() else ""


def _parameters(sections: Iterable[Section]) -> list[str]:
    parts = ['<section id="parameters"><h2>Parameters</h2>']
    changed: dict[tuple[str, str], str] = {}
    everything: dict[tuple[str, str], str] = {}
    for section in sections:  # the same for all cameras of an analysis
        analysis = section.name.partition("/")[0]
        changed |= {(analysis, key): json.dumps(value) for key, value in section.changed.items()}
        everything |= {(analysis, key): json.dumps(value) for key, value in section.parameters.items()}
    head = ("analysis", "parameter", "value")
    if changed:
        rows = [(*key, value) for key, value in changed.items()]
        parts += ["<p>Different from the defaults:</p>", _table(head, rows)]
    else:
        parts.append("<p>All parameters have their defaults.</p>")
    if everything:
        table = _table(head, [(*key, value) for key, value in everything.items()])
        parts.append(f"<details><summary>All parameters</summary>{table}</details>")
    return [*parts, "</section>"]


def _provenance(sections: Sequence[Section]) -> list[str]:
    rows: dict[tuple[str, ...], None] = {}
    software: dict[str, str] = {}
    for section in sections:
        attributes, analysis = section.attributes, section.name.partition("/")[0]
        for name in ("key", "content_sha256"):
            if attributes.get(name):
                rows[(analysis, name, str(attributes[name]))] = None
        software |= json.loads(str(attributes.get("software", "{}")))
    for section in sections:
        for entry in json.loads(str(section.attributes.get("inputs", "[]"))):
            place = " ".join(str(entry.get(name, "")) for name in ("role", "camera", "position"))
            rows[("input", " ".join(place.split()), str(entry.get("id", "")))] = None
        for name in ("run_files", "run_host", "run_finished"):
            for value in texts_of(section.attributes.get(name)):
                rows[("run", name.removeprefix("run_").removesuffix("s"), value)] = None
    for name, version in software.items():
        rows[("software", name, str(version))] = None
    table = _table(("of", "what", "value"), list(rows))
    return [
        '<section id="provenance" class="hash"><h2>Provenance</h2>',
        f"<details><summary>Inputs, versions and digests</summary>{table}</details></section>",
    ]


def _loading(report: Report) -> list[str]:
    shown = ((item, CHAPTERS[item.name.partition("/")[0]].variable) for item in report.sections)
    section, variable = next(((item, name) for item, name in shown if name), (None, ""))
    if section is None:
        return []
    analysis, _, camera = section.name.partition("/")
    place = "" if camera in ("", JOINT) else camera_group(camera.replace("\0", "_"))
    group = f', group="{place}"' if place else ""
    path = f"{place}/{variable}" if place else variable
    python = f'import mystax\n\noutcome = mystax.load("{analysis}.nc")'
    python += f"[{json.dumps(section.name, ensure_ascii=False)}]" if camera else ""
    python += f'\nvalues = outcome["{variable}"]'
    plain = f'import xarray\n\noutcome = xarray.open_dataset("{analysis}.nc", engine="h5netcdf"{group})'
    matlab = f"values = ncread('{analysis}.nc', '/{path}');\ntime = ncread('{analysis}.nc', '/"
    matlab += f"{place}/time');" if place else "time');"
    r = f"library(ncdf4)\noutcome <- nc_open('{analysis}.nc')\nvalues <- ncvar_get(outcome, '{path}')"
    parts = ['<section id="loading"><h2>How to load it</h2>']
    for language, code in (
        ("Python", python),
        ("Python without mystax", plain),
        ("MATLAB", matlab),
        ("R", r),
    ):
        parts.append(f"<h3>{language}</h3><pre><code>{_text(code)}</code></pre>")
    return [*parts, "</section>"]
