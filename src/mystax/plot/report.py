"""The report of a folder of outcomes: one page that explains itself, and its figures as files."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.geometry import Roi
from mystax.core.quality import Flag, flags_from_json, merge_flags
from mystax.core.recording import FrameSource
from mystax.errors import MystaxError
from mystax.io.outcomes import Outcomes
from mystax.io.store import Store
from mystax.plot.outcomes import figures_of
from mystax.plot.regions import pupil_examples, regions_figure, rois_of
from mystax.plot.report_page import page
from mystax.plot.style import NamedFigure

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["Report", "Section", "collect", "write_report"]


@dataclass
class Section:
    """What the page says about one outcome.

    Attributes
    ----------
    name : str
        Analysis, with several cameras ``analysis/camera``.
    coverage : float
        Share of the frames that could be used.
    flags : list of Flag
        Remarks.
    parameters : dict
        All parameters.
    changed : dict
        Those that differ from the defaults.
    facts : list of pairs
        Rows of the table of numbers.
    figures : list of NamedFigure
        Figures.
    attributes : mapping
        Provenance.
    """

    name: str
    coverage: float
    flags: list[Flag]
    parameters: dict[str, Any]
    changed: dict[str, Any]
    facts: list[tuple[str, str]]
    figures: list[NamedFigure]
    attributes: Mapping[str, Any]


@dataclass
class Report:
    """Everything that the page shows.

    Attributes
    ----------
    title : str
        Name of the recording.
    sections : list of Section
        One per outcome.
    figures : list of NamedFigure
        Figures of the recording as a whole.
    flags : list of Flag
        All remarks, each once.
    clocks : list of pairs
        Rows about time and frames.
    """

    title: str
    sections: list[Section] = field(default_factory=list)
    figures: list[NamedFigure] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)
    clocks: list[tuple[str, str]] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """One line: how many analyses, how many warnings, the first of them."""
        n = len({section.name.partition("/")[0] for section in self.sections})
        text = f"{n} analys{'is' if n == 1 else 'es'}"
        if not self.flags:
            return f"{text}, no warnings"
        first = self.flags[0]
        more = f" and {len(self.flags) - 1} more" if len(self.flags) > 1 else ""
        return f"{text}, {len(self.flags)} warning{'s' if len(self.flags) > 1 else ''}: {first.text}{more}"

    def as_dict(self) -> dict[str, object]:
        """Return the JSON object of the report: the same facts without the pictures."""
        return {
            "title": self.title,
            "verdict": self.verdict,
            "warnings": [flag.as_dict() for flag in self.flags],
            "clocks": dict(self.clocks),
            "outcomes": [
                {
                    "name": section.name,
                    "coverage": section.coverage,
                    "parameters": section.parameters,
                    "facts": dict(section.facts),
                    "figures": [item.name for item in section.figures],
                    "key": str(section.attributes.get("key", "")),
                    "content_sha256": str(section.attributes.get("content_sha256", "")),
                }
                for section in self.sections
            ],
        }


def write_report(store: Store) -> None:
    """Write ``report.html``, ``report.json`` and ``figures/`` into a folder of outcomes.

    Parameters
    ----------
    store : Store
        The folder; its outcomes are read, not changed.
    """
    outcomes = Outcomes.of_folder(store.folder)
    report = collect(outcomes, store.folder.name.removesuffix(".mystax"))
    figures = [*report.figures, *(item for section in report.sections for item in section.figures)]
    vectors = {item.name: item.svg() for item in figures}
    for item in figures:
        store.write_bytes(f"figures/{item.name}.svg", vectors[item.name])
        store.write_text(f"figures/{item.name}.csv", item.csv())
    store.write_text("report.json", json.dumps(report.as_dict(), ensure_ascii=False, indent=1, default=str))
    store.write_text("report.html", page(report, vectors))


def collect(outcomes: Mapping[str, Dataset], title: str) -> Report:
    """Collect what the page shows.

    Parameters
    ----------
    outcomes : mapping of str to Dataset
        The outcomes of a folder.
    title : str
        Name of the recording.

    Returns
    -------
    Report
        With all figures drawn.
    """
    report = Report(title)
    measured = [name for name in ORDER if any(key.partition("/")[0] == name for key in outcomes)]
    names = [key for name in measured for key in outcomes if key.partition("/")[0] == name]
    for name in names:
        report.sections.append(_section(name, outcomes[name]))
    report.flags = merge_flags(*(section.flags for section in report.sections))
    report.clocks = _clocks(outcomes, names)
    report.figures = _pictures(outcomes, names)
    return report


ORDER = ("rois", "motion", "svd", "pupil", "blink", "running")


def _section(name: str, dataset: Dataset) -> Section:
    analysis, _, camera = name.partition("/")
    parameters = json.loads(str(dataset.attrs.get("parameters", "{}")))
    figures = figures_of(analysis, dataset, camera)
    if analysis == "pupil":
        figures += _fitted(dataset, camera)
    return Section(
        name,
        float(dataset.attrs.get("coverage", 1.0)),
        flags_from_json(str(dataset.attrs.get("quality", "[]"))),
        parameters,
        _changed(analysis, parameters),
        _facts(analysis, dataset),
        figures,
        dataset.attrs,
    )


def _changed(analysis: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that differ from the defaults."""
    from mystax.core.analysis import get_analysis
    from mystax.core.params import parameters_of

    try:
        declared = parameters_of(get_analysis(analysis).params)
    except MystaxError:
        return {}
    flat = {key: value for key, value in parameters.items() if key in declared}
    return {key: value for key, value in flat.items() if value != declared[key].default}


def _facts(analysis: str, dataset: Dataset) -> list[tuple[str, str]]:
    """Return rows of numbers about an outcome: per region, the median and the spread."""
    rows: list[tuple[str, str]] = []
    shown = {
        "motion": ("energy", "energy_norm"),
        "pupil": ("diameter", "diameter_scaled", "confidence"),
        "blink": ("openness",),
        "running": ("speed",),
    }.get(analysis, ())
    for variable in shown:
        if variable not in dataset:
            continue
        unit = str(dataset[variable].attrs.get("units", ""))
        for k, roi in enumerate(dataset["roi"].values):
            values = dataset[variable].values[:, k]
            known = values[np.isfinite(values)]
            label = f"{variable} of {roi} [{unit}]" if unit not in ("", "1") else f"{variable} of {roi}"
            if not len(known):
                rows.append((label, "not measurable"))
                continue
            low, middle, high = np.percentile(known, [5, 50, 95])
            share = f"{len(known)} of {len(values)} frames"
            rows.append((label, f"median {middle:.4g}, 5 to 95 %: {low:.4g} to {high:.4g} ({share})"))
    if analysis == "svd":
        rows += _svd_facts(dataset)
    if analysis == "rois":
        for roi, sure in zip(dataset["roi"].values, dataset["confidence"].values, strict=True):
            rows.append((f"proposed {roi}", f"confidence {float(sure):.2f}"))
        if not dataset.sizes.get("roi", 0):
            rows.append(("proposals", "nothing was sure enough to be proposed"))
    return rows


def _svd_facts(dataset: Dataset) -> list[tuple[str, str]]:
    rows = []
    for kind in ("motion", "movie"):
        if f"{kind}_captured" not in dataset:
            continue
        for k, roi in enumerate(dataset["roi"].values):
            captured = dataset[f"{kind}_captured"].values[k]
            known = captured[np.isfinite(captured)]
            method = str(dataset[f"{kind}_method"].values[k]) if f"{kind}_method" in dataset else ""
            share = f"{100 * known[-1]:.2f} % of the variance" if len(known) else "no variance"
            rows.append((f"{kind} of {roi}", f"{len(known)} components hold {share} ({method})"))
    return rows


def _clocks(outcomes: Mapping[str, Dataset], names: Sequence[str]) -> list[tuple[str, str]]:
    """Return rows about frames and times of each camera."""
    rows: dict[str, str] = {}
    for name in names:
        dataset = outcomes[name]
        camera = name.partition("/")[2] or "frames"
        if "time" not in dataset.coords or camera in rows or not dataset.sizes.get("time", 0):
            continue
        times, missing = dataset["time"].values, dataset["missing"].values
        known = times[np.isfinite(times)]
        n_missing = int((missing != 0).sum())
        text = f"{len(times)} frames, {n_missing} missing"
        if len(known) > 1:
            steps = np.diff(known)
            middle = float(np.median(steps))
            gaps = int((steps > 1.5 * middle).sum())
            span = f"{known[0]:.3f} to {known[-1]:.3f} s"
            text += f", {span}, median interval {1e3 * middle:.4g} ms, {gaps} gaps"
        rows[camera] = text
    return list(rows.items())


def _pictures(outcomes: Mapping[str, Dataset], names: Sequence[str]) -> list[NamedFigure]:
    """Draw the regions of each camera on its mean picture."""
    by_camera: dict[str, list[str]] = {}
    for name in names:
        camera = name.partition("/")[2]
        if camera != "all_cameras":
            by_camera.setdefault(camera, []).append(name)
    found = []
    for camera, mine in by_camera.items():
        pictured = next((outcomes[n] for n in mine if n.partition("/")[0] in ("motion", "rois")), None)
        if (
            pictured is None
            or "mean_frame" not in pictured
            or not np.isfinite(pictured["mean_frame"].values).any()
        ):
            continue
        rois: dict[tuple[str, str], Roi] = {}
        for name in mine:
            for roi in rois_of(outcomes[name]):
                rois.setdefault((roi.name, roi.kind), roi)
        columns = pictured["mean_frame"].shape[1]
        width = int(pictured.attrs.get("frame_width", columns))
        size = int(pictured.attrs.get("bin", max(1, round(width / max(1, columns)))))
        proposed = any(n.partition("/")[0] == "rois" for n in mine)
        found.append(
            regions_figure(pictured["mean_frame"].values, size, list(rois.values()), camera, proposed)
        )
    return found


def _fitted(dataset: Dataset, camera: str) -> list[NamedFigure]:
    """Draw fitted pupils where the video is still there."""
    source = _video(dataset)
    if source is None:
        return []
    try:
        return pupil_examples(dataset, source, camera)
    except MystaxError:
        return []  # the video changed or went away: the traces stay without pictures
    finally:
        source.close()


def _video(dataset: Dataset) -> FrameSource | None:
    from pathlib import Path

    from mystax.io.video import Video

    files = [str(name) for name in np.atleast_1d(np.asarray(dataset.attrs.get("run_files", []), object))]
    if not files or not all(Path(name).is_file() for name in files):
        return None
    try:
        source: FrameSource = Video(files)
    except MystaxError:
        return None
    if source.n_frames != dataset.sizes["time"]:
        source.close()
        return None
    return source
