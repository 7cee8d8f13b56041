"""The report of a folder of outcomes: one page that explains itself, and its figures as files."""

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mystax.core.quality import flags_from_json, merge_flags
from mystax.core.recording import FrameSource
from mystax.errors import MystaxError
from mystax.io.outcomes import Outcomes
from mystax.io.store import Store
from mystax.plot.chapters import CHAPTERS, facts_of, figures_of
from mystax.plot.clocks import CLOCK_HEAD, clock_rows, timeline_figure
from mystax.plot.pictures import Picture, View, frame_picture, mean_picture, open_source
from mystax.plot.regions import Scene, regions_figure, rois_of
from mystax.plot.report_page import page
from mystax.plot.report_parts import JOINT, Chapter, Report, Section
from mystax.plot.report_state import REPORT_FACTS, left_out_of, made_of
from mystax.plot.style import NamedFigure, file_name
from mystax.plot.tables import Table

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["collect", "title_of", "write_report"]


def write_report(store: Store, left_out: Collection[str] | None = None) -> None:
    """Write ``report.html``, ``report.json`` and ``figures/`` into a folder of outcomes.

    Parameters
    ----------
    store : Store
        The folder; its outcomes are read, not changed.
    left_out : collection of str, optional
        Analyses that are not shown although they have outcomes; by default those of the report before.
    """
    left_out = sorted(left_out_of(store.folder) if left_out is None else left_out)
    made = made_of(store.folder, left_out)
    outcomes = Outcomes.of_folder(store.folder, left_out)
    report = collect(outcomes, title_of(store.folder))
    _forget(store.folder, {item.name for item in report.all_figures})
    vectors = {item.name: item.svg() for item in report.all_figures}
    for item in report.all_figures:
        store.write_bytes(f"figures/{item.name}.svg", vectors[item.name])
        store.write_text(f"figures/{item.name}.csv", item.csv())
    store.write_text("report.html", page(report, vectors))
    # Last: where this was stopped before, the next run sees that the report is not whole.
    facts = {**report.as_dict(), "made_of": made, "left_out": left_out}
    store.write_text(REPORT_FACTS, json.dumps(facts, ensure_ascii=False, indent=1, default=str))


def _forget(folder: Path, names: set[str]) -> None:
    """Remove figures that the report before this one wrote, and this one does not."""
    try:
        before = json.loads((folder / REPORT_FACTS).read_text("utf-8"))["figures"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for name in {str(item) for item in before} - names:
        if name == file_name(name):  # a name that we write; nothing else is touched
            for suffix in ("svg", "csv"):
                (folder / "figures" / f"{name}.{suffix}").unlink(missing_ok=True)


def title_of(folder: Path) -> str:
    """Return the name of the recording: that of ``NAME.mystax``, or ``NAME (RECIPE)`` for NAME/RECIPE."""
    place = folder.resolve()
    if place.name.endswith(".mystax"):
        return place.name.removesuffix(".mystax")
    if not (place / "recipe.toml").is_file():
        return place.name
    return place.parent.name if place.name == "unnamed" else f"{place.parent.name} ({place.name})"


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
    by_analysis: dict[str, list[tuple[str, Dataset]]] = {
        analysis: [(name.partition("/")[2], outcomes[name]) for name in outcomes if _is_of(name, analysis)]
        for analysis in CHAPTERS
    }
    by_analysis = {analysis: found for analysis, found in by_analysis.items() if found}
    cameras = list(dict.fromkeys(camera for found in by_analysis.values() for camera, _ in found))
    of_camera = {
        camera: {a: d for a, found in by_analysis.items() for c, d in found if c == camera}
        for camera in cameras
        if camera != JOINT
    }
    report = Report(title)
    with ExitStack() as stack:
        sources = {camera: _source(camera, mine, stack) for camera, mine in of_camera.items()}
        pictures = {camera: _picture(sources[camera], mine) for camera, mine in of_camera.items()}
        for analysis, found in by_analysis.items():
            views = [View(camera, dataset, pictures.get(camera)) for camera, dataset in found]
            report.chapters.append(_chapter(analysis, views, sources))
    report.flags = merge_flags(*(section.flags for section in report.sections))
    timed = [View(camera, d) for camera, mine in of_camera.items() for d in _timed(mine)[:1]]
    report.clocks = Table(CLOCK_HEAD, clock_rows(timed))
    report.timeline = timeline_figure(timed)
    report.figures = _regions(of_camera, pictures)
    return report


def _is_of(name: str, analysis: str) -> bool:
    return name.partition("/")[0] == analysis


def _timed(mine: Mapping[str, Dataset]) -> list[Dataset]:
    """Return the outcomes of a camera that have frames."""
    return [item for item in mine.values() if "missing" in item and item.sizes.get("time", 0)]


def _source(camera: str, mine: Mapping[str, Dataset], stack: ExitStack) -> FrameSource | None:
    """Open the video of a camera where it is still there; it is closed with the stack."""
    for dataset in _timed(mine)[:1]:
        source = open_source(dataset.attrs, camera, dataset.sizes["time"])
        if source is not None:
            stack.callback(source.close)
            return source
    return None


def _picture(source: FrameSource | None, mine: Mapping[str, Dataset]) -> Picture | None:
    """Return a real frame of a camera, else its mean picture."""
    if source is not None:
        found = frame_picture(source)
        if found is not None:
            return found
    means = (mean_picture(mine[name]) for name in ("rois", "motion") if name in mine)
    return next((mean for mean in means if mean is not None), None)


def _chapter(analysis: str, views: Sequence[View], sources: Mapping[str, FrameSource | None]) -> Chapter:
    kind = CHAPTERS[analysis]
    figures, draw = figures_of(analysis, views), kind.examples
    if draw is not None:
        seen = ((view, sources.get(view.camera)) for view in views)
        figures += [item for view, source in seen if source is not None for item in draw(view, source)]
    sections = [_section(analysis, view) for view in views]
    notes = [kind.why_nothing(view) for view in views] if kind.why_nothing is not None else []
    return Chapter(analysis, sections, figures, facts_of(analysis, views), [note for note in notes if note])


def _section(analysis: str, view: View) -> Section:
    attributes = view.dataset.attrs
    parameters = json.loads(str(attributes.get("parameters", "{}")))
    return Section(
        f"{analysis}/{view.camera}" if view.camera else analysis,
        float(attributes.get("coverage", 1.0)),
        flags_from_json(str(attributes.get("quality", "[]"))),
        parameters,
        _changed(analysis, parameters),
        attributes,
    )


def _changed(analysis: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that differ from the defaults."""
    from mystax.core.analysis import get_analysis
    from mystax.core.params import parameters_of

    try:
        declared = parameters_of(get_analysis(analysis).params)
    except MystaxError:
        return {}
    known = {key: value for key, value in parameters.items() if key in declared}
    return {key: value for key, value in known.items() if value != declared[key].default}


def _regions(
    of_camera: Mapping[str, Mapping[str, Dataset]], pictures: Mapping[str, Picture | None]
) -> list[NamedFigure]:
    """Draw the regions of each camera on its picture."""
    scenes = []
    for camera, mine in of_camera.items():
        picture = pictures[camera]
        if picture is None:
            continue
        rois = {(roi.name, roi.kind): roi for dataset in mine.values() for roi in rois_of(dataset)[::-1]}
        if "rois" in mine:  # the proposal knows its confidence
            rois |= {(roi.name, roi.kind): roi for roi in rois_of(mine["rois"])}
        scenes.append(Scene(camera, picture, list(rois.values())))
    return [regions_figure(scenes)] if scenes else []
