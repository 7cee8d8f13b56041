"""The page of a report: one HTML file without scripts; every text from outside is escaped."""

import base64
import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING

from mystax.errors import CODES
from mystax.plot.style import MAX_SVG, NamedFigure, palette

if TYPE_CHECKING:
    from mystax.plot.report import Report, Section

__all__ = ["page"]

METHODS = {
    "rois": "Regions were proposed from samples: the face by motion above sensor noise, the eye by contrast.",
    "motion": "Energy is the mean absolute difference of block means; energy_norm takes off light and noise.",
    "svd": (
        "Components are the leading right singular vectors of all valid rows minus their mean "
        "(exact, or by subspace iteration; Halko et al. 2011, doi:10.1137/090771806)."
    ),
    "pupil": (
        "An ellipse is fitted to the rim found along rays (direct least squares, Fitzgibbon et al. 1999, "
        "doi:10.1109/34.765658) with robust weights."
    ),
    "blink": "Openness is the darkness of the region relative to its running 80th percentile.",
    "running": "Shifts come from phase correlation (Reddy & Chatterji 1996, doi:10.1109/83.506761).",
}

CITE = (
    "Name mystax with its version and the method of each analysis as given above; "
    "the keys of the outcomes let others make the same numbers again."
)

CSS = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  background: LIGHT_ground; color: LIGHT_text; }
h1 { font-size: 1.6rem; margin-bottom: 0.2rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
.verdict { font-size: 1.05rem; color: LIGHT_muted; margin-top: 0; }
.warning { border-left: 4px solid LIGHT_warning; padding: 0.2rem 0.8rem; margin: 0.5rem 0; }
figure { margin: 1.2rem 0; } figure img { max-width: 100%; background: #ffffff; border-radius: 4px; }
figcaption { color: LIGHT_muted; } table { border-collapse: collapse; margin: 0.6rem 0; }
td, th { text-align: left; vertical-align: top; padding: 0.2rem 0.9rem 0.2rem 0;
  border-bottom: 1px solid #8884; }
th { font-weight: 600; } code, pre { font-size: 0.87rem; } pre { overflow-x: auto; padding: 0.6rem;
  border: 1px solid #8884; border-radius: 4px; }
details { margin: 0.5rem 0; } .hash { overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) { body { background: DARK_ground; color: DARK_text; }
  .verdict, figcaption { color: DARK_muted; } .warning { border-color: DARK_warning; } }
@media print { body { background: #ffffff; color: #000000; max-width: none; } details { display: block; }
  figure { break-inside: avoid; } }
"""


def page(report: "Report", vectors: Mapping[str, bytes]) -> str:
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
        One HTML document.
    """
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(report.title)}: mystax report</title>",
        f"<style>{_css()}</style></head><body><main>",
        f"<h1>{escape(report.title)}</h1>",
        f'<p class="verdict">{escape(report.verdict)}</p>',
        *_warnings(report),
        *(_figure(item, vectors) for item in report.figures),
    ]
    for section in report.sections:
        parts += _section(section, vectors)
    parts += [
        '<h2 id="clocks">Frames and times</h2>',
        _table(("camera", "frames and times"), report.clocks),
        *_parameters(report.sections),
        *_provenance(report.sections),
        *_loading(report),
        f"<h2>How to cite</h2><p>{CITE}</p>",
        "</main></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _css() -> str:
    text = CSS
    for mode in ("light", "dark"):
        for name, colour in palette()[mode].items():
            text = text.replace(f"{mode.upper()}_{name}", str(colour))
    return text


def _warnings(report: "Report") -> list[str]:
    found = []
    for flag in report.flags:
        meaning = CODES[flag.code].meaning if flag.code in CODES else ""
        frames = ""
        if flag.n_frames:
            shown = ", ".join(map(str, flag.frames[:20]))
            frames = f" Frames: {shown}{' ...' if flag.n_frames > 20 else ''}."
        found.append(
            f'<div class="warning"><strong>{escape(flag.code)}</strong> {escape(meaning)}: '
            f"{escape(flag.text)}.{escape(frames)}</div>"
        )
    return found


def _figure(item: NamedFigure, vectors: Mapping[str, bytes]) -> str:
    vector = vectors[item.name]
    if len(vector) < MAX_SVG:
        kind, content = "svg+xml", vector
    else:
        kind, content = "png", item.png()
    data = base64.b64encode(content).decode("ascii")
    return (
        f'<figure><img src="data:image/{kind};base64,{data}" alt="{escape(item.alternative, quote=True)}">'
        f"<figcaption><strong>{escape(item.title)}.</strong> {escape(item.text)}</figcaption></figure>"
    )


def _section(section: "Section", vectors: Mapping[str, bytes]) -> list[str]:
    analysis = section.name.partition("/")[0]
    covered = "" if section.coverage >= 1 else f" Coverage {100 * section.coverage:.2f} % of the frames."
    return [
        f'<h2 id="{escape(section.name.replace("/", "-"), quote=True)}">{escape(section.name)}</h2>',
        *(_figure(item, vectors) for item in section.figures),
        _table(("measured", "value"), section.facts) if section.facts else "",
        f"<p>{escape(METHODS.get(analysis, ''))}{escape(covered)}</p>",
    ]


def _table(head: Iterable[str], rows: Iterable[tuple[str, str]]) -> str:
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _parameters(sections: "Iterable[Section]") -> list[str]:
    parts = ['<h2 id="parameters">Parameters</h2>']
    changed, everything = [], []
    for section in sections:
        changed += [(f"{section.name}: {key}", json.dumps(value)) for key, value in section.changed.items()]
        everything += [
            (f"{section.name}: {key}", json.dumps(value)) for key, value in section.parameters.items()
        ]
    if changed:
        parts += ["<p>Different from the defaults:</p>", _table(("parameter", "value"), changed)]
    else:
        parts.append("<p>All parameters have their defaults.</p>")
    parts.append(
        f"<details><summary>All parameters</summary>{_table(('parameter', 'value'), everything)}</details>"
    )
    return parts


def _provenance(sections: "Iterable[Section]") -> list[str]:
    rows: list[tuple[str, str]] = []
    software = ""
    for section in sections:
        attributes = section.attributes
        rows.append((f"{section.name}: key", str(attributes.get("key", ""))))
        rows.append((f"{section.name}: content_sha256", str(attributes.get("content_sha256", ""))))
        for entry in json.loads(str(attributes.get("inputs", "[]"))):
            place = " ".join(str(entry.get(name, "")) for name in ("role", "camera", "position")).strip()
            row = (f"input {place}", str(entry.get("id", "")))
            if row not in rows:
                rows.append(row)
        software = str(attributes.get("software", software))
        for name in ("run_host", "run_finished"):
            row = (name.removeprefix("run_"), str(attributes.get(name, "")))
            if row[1] and row not in rows:
                rows.append(row)
    versions = ", ".join(f"{name} {text}" for name, text in json.loads(software or "{}").items())
    rows.append(("software", versions))
    return [
        '<h2 id="provenance">Provenance</h2>',
        f'<div class="hash">{_table(("what", "value"), rows)}</div>',
    ]


def _loading(report: "Report") -> list[str]:
    name = next((section.name.partition("/")[0] for section in report.sections if section.figures), "motion")
    several = any("/" in section.name for section in report.sections)
    group = ', group="camera"' if several else ""
    python = f'import xarray\noutcome = xarray.open_dataset("{name}.nc", engine="h5netcdf"{group})'
    matlab = f"energy = ncread('{name}.nc', 'time');"
    r = f"library(ncdf4)\noutcome <- nc_open('{name}.nc')"
    parts = ["<h2>How to load it</h2>"]
    for language, code in (("Python", python), ("MATLAB", matlab), ("R", r)):
        parts.append(f"<p>{language}</p><pre><code>{escape(code)}</code></pre>")
    return parts
