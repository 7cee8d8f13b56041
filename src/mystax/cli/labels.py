"""`mystax labels`: folders of keypoint labels; what goes in, what is there, what goes out."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mystax.cli.labels_review import check, evaluate, suggest
from mystax.cli.options import PLACE, common
from mystax.cli.output import Output
from mystax.errors import RecipeError

if TYPE_CHECKING:
    from mystax.engine.labels.exchange import ImportReport
    from mystax.engine.labels.labels import Labels

__all__ = ["command"]

FORMATS = (
    *("dlc", "lightning-pose", "dlc-h5", "facemap-h5", "facemap-refined", "sleap-analysis", "sleap", "coco"),
    *("csv", "dlib", "nwb"),
)


@click.group("labels", epilog="Example: mystax labels import CollectedData.csv --out faces.labels")
def command() -> None:
    """Work with labels of keypoints: take them in, look at them, write them out.

    Labels lie in a folder NAME.labels, in a journal to which lines are only ever added.
    """


for _one in (suggest, check, evaluate):
    command.add_command(_one)


def _tell_flags(output: Output, labels: "Labels") -> None:
    for flag in labels.flags:
        output.warn(flag.code, flag.text, folder=str(labels.folder))


@command.command("list", epilog="Example: mystax labels list faces.labels")
@click.argument("folders", nargs=-1, required=True, metavar="FOLDER...", type=PLACE)
@common
@click.pass_obj
def list_(output: Output, folders: tuple[Path, ...]) -> None:
    """Show what folders of labels hold."""
    for folder in folders:
        output.inputs.append(str(folder))
        with output.going_on():
            _list_one(output, folder)
    output.settle(len(folders))


def _list_one(output: Output, folder: Path) -> None:
    from mystax.engine.labels.labels import Labels

    if not folder.is_dir():
        raise RecipeError("P403", str(folder), "there is no such folder")
    labels = Labels(folder)
    _tell_flags(output, labels)
    states = {"placed": 0, "invisible": 0, "absent": 0}
    origins: dict[str, int] = {}
    people: dict[str, int] = {}
    cameras: dict[str, int] = {}
    for _, frame in labels.frames():
        cameras[frame.camera] = cameras.get(frame.camera, 0) + 1
        for label in frame.points.values():
            if label.mark is not None:
                states[label.mark.state] += 1
                kind = label.origin.partition(":")[0]
                origins[kind] = origins.get(kind, 0) + 1
                people[label.who] = people.get(label.who, 0) + 1
    facts = {
        "folder": str(folder),
        "keypoint_set": labels.keypoints.name,
        "keypoints": list(labels.keypoints.ids),
        "frames": len(labels),
        "points": states,
        "origins": origins,
        "people": people,
        "cameras": cameras,
        "revision": labels.store.state.rev,
    }
    output.outcomes.append(facts)
    output.say(
        f"{folder}: {facts['frames']} frames, {sum(states.values())} points of {labels.keypoints.name}"
    )
    for title, table in (("states", states), ("from", origins), ("by", people), ("cameras", cameras)):
        text = ", ".join(f"{name or '-'} {count}" for name, count in table.items() if count)
        if text:
            output.say(f"  {title}: {text}")


@command.command("init", epilog="Example: mystax labels init faces.labels --keypoints human-face-68")
@click.argument("folder", metavar="FOLDER", type=PLACE)
@click.option(
    "--keypoints",
    default="mouse-face-13",
    show_default=True,
    metavar="SET",
    help="A shipped set by name, or a .toml file.",
)
@common
@click.pass_obj
def init(output: Output, folder: Path, keypoints: str) -> None:
    """Make an empty folder of labels for a set of keypoints.

    Label in it with Labels.add in Python, or take tables in with `mystax labels import`.
    """
    from mystax.core.keypoints import KeypointSet
    from mystax.engine.labels.labels import Labels

    output.inputs.append(str(folder))
    with Labels(folder, KeypointSet.load(keypoints), write=True) as labels:
        _tell_flags(output, labels)
        names = list(labels.keypoints.ids)
        output.outcomes.append(
            {"folder": str(folder), "keypoint_set": labels.keypoints.name, "keypoints": names}
        )
        held = f", {len(labels)} frames are labelled already" if len(labels) else ""
        output.say(f"{folder}: {len(names)} points of {labels.keypoints.name}{held}")


@command.command("import", epilog="Example: mystax labels import CollectedData.csv --out faces.labels")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=PLACE)
@click.option(
    "--out", "folder", required=True, metavar="FOLDER", type=PLACE, help="Folder of labels to add to."
)
@click.option("--as", "form", type=click.Choice(FORMATS), help="Format; by default what the content says.")
@click.option(
    "--keypoints",
    metavar="SET",
    help="Set of a new folder: a shipped one, a .toml file, or own (their names).",
)
@click.option("--map", "table", metavar="FILE.csv", type=PLACE, help="Names: two columns, theirs and ours.")
@click.option("--individual", metavar="NAME", help="Which individual; by default the first.")
@click.option("--video", metavar="FILE", type=PLACE, help="Video of a file that holds frame numbers.")
@click.option("--who", default="", metavar="NAME", help="Who imports; by default the user of the system.")
@common
@click.pass_obj
def import_(
    output: Output,
    files: tuple[Path, ...],
    folder: Path,
    form: str | None,
    keypoints: str | None,
    table: Path | None,
    individual: str | None,
    video: Path | None,
    who: str,
) -> None:
    """Take keypoints of other tools into a folder of labels: DeepLabCut, SLEAP, COCO, Facemap, tables.

    Names are found by id, by alias or by --map and the mapping is printed; nothing is guessed.
    """
    from mystax.engine.labels.exchange import import_labels, read_name_table

    names = read_name_table(table) if table is not None else None
    with _folder_for(folder, files[0], form, keypoints, names) as labels:
        _tell_flags(output, labels)
        for path in files:
            output.inputs.append(str(path))
            with output.going_on():
                report = import_labels(
                    labels, path, form=form, names=names, individual=individual, video=video, who=who
                )
                _tell_import(output, path, labels, report)
    output.settle(len(files))


def _folder_for(
    folder: Path, first: Path, form: str | None, keypoints: str | None, names: Mapping[str, str] | None
) -> "Labels":
    """Open the folder; a new one gets the set that was asked for, or the one that fits the first file."""
    from mystax.core.keypoints import KeypointSet
    from mystax.engine.labels.exchange import new_set_for
    from mystax.engine.labels.labels import Labels
    from mystax.io.label_files import LabelFiles

    if LabelFiles(folder).has_keypoints():
        return Labels(folder, None if keypoints in (None, "own") else keypoints)
    if keypoints in (None, "own"):
        return Labels(folder, new_set_for(first, form, only_own=keypoints == "own", names=names))
    return Labels(folder, KeypointSet.load(str(keypoints)))


def _tell_import(output: Output, path: Path, labels: "Labels", report: "ImportReport") -> None:
    output.say(f"{path.name}: {report.form}, points of {labels.keypoints.name}")
    for line in report.names.lines():
        output.say(f"  {line}")
    if len(report.individuals) > 1:
        every = ", ".join(report.individuals)
        output.say(f"  individual {report.individual!r} of {every} (--individual NAME for another)")
    output.say(
        f"  {report.n_frames} frames, {report.n_points} points; {report.n_unchanged} were there already"
    )
    if report.n_replaced:
        by_hand = f" (of them {report.n_by_hand} set by hand)" if report.n_by_hand else ""
        output.note(f"  {report.n_replaced} points replaced other labels{by_hand}: see mystax labels history")
    if report.missing:
        more = ", ..." if len(report.missing) > 3 else ""
        output.note(f"  {len(report.missing)} pictures not found: {', '.join(report.missing[:3])}{more}")
    if report.n_outside:
        output.note(f"  {report.n_outside} points lie outside their picture")
    output.outcomes.append(
        {
            "path": str(labels.folder),
            "format": report.form,
            "names": {item.theirs: {"ours": item.ours, "how": item.how} for item in report.names.names},
            "individual": report.individual,
            "individuals": list(report.individuals),
            "frames": report.n_frames,
            "points": report.n_points,
            "unchanged": report.n_unchanged,
            "replaced": report.n_replaced,
            "replaced_by_hand": report.n_by_hand,
            "outside": report.n_outside,
            "pictures_not_found": report.missing,
            "missing_points": report.counts.missing,
            "batch": report.batch,
        }
    )


@command.command("export", epilog="Example: mystax labels export faces.labels labels.json --as coco")
@click.argument("folder", metavar="FOLDER", type=PLACE)
@click.argument("file", metavar="FILE", type=PLACE)
@click.option("--as", "form", required=True, type=click.Choice(FORMATS), help="Format.")
@click.option("--individual", metavar="NAME", help="Only this individual.")
@click.option("--overwrite", is_flag=True, help="Replace a file of the same name.")
@common
@click.pass_obj
def export(
    output: Output, folder: Path, file: Path, form: str, individual: str | None, overwrite: bool
) -> None:
    """Write labels as another tool's file."""
    from mystax.engine.labels.exchange_out import export_labels
    from mystax.engine.labels.labels import Labels

    output.inputs.append(str(folder))
    labels = Labels(folder)
    _tell_flags(output, labels)
    table = export_labels(labels, file, form, individual=individual, overwrite=overwrite)
    counts = table.counts()
    n_invisible = int((table.state == 1).sum())
    if n_invisible and form not in ("coco", "csv", "nwb"):
        output.note(f"{n_invisible} invisible points are written as places: {form} knows no such state")
    output.outcomes.append(
        {"path": str(file), "format": form, "frames": counts.frames, "points": counts.points}
    )
    output.say(f"{file}: {counts.frames} frames, {counts.points} points")


@command.command("history", epilog="Example: mystax labels history faces.labels --last 20")
@click.argument("folder", metavar="FOLDER", type=PLACE)
@click.option("--last", "n", type=click.IntRange(1), default=20, show_default=True, help="How many changes.")
@click.option("--frame", type=int, help="Only of frames with this number.")
@common
@click.pass_obj
def history(output: Output, folder: Path, n: int, frame: int | None) -> None:
    """Show the last changes, newest first."""
    from mystax.core.label_operations import Mark, operation_from_record
    from mystax.engine.labels.labels import Labels

    output.inputs.append(str(folder))
    labels = Labels(folder)
    _tell_flags(output, labels)
    changes = [operation_from_record(record) for record in labels.store.journal.read_again()]
    changes = [change for change in changes if frame is None or change.frame == frame]

    def words(value: object) -> str:
        if isinstance(value, Mark):
            return value.state if value.x is None else f"{value.state} ({value.x:.2f}, {value.y:.2f})"
        return "-" if value is None else str(value)

    for change in changes[: -n - 1 : -1]:
        output.outcomes.append(
            {
                "rev": change.rev,
                "op": change.op,
                "at": change.at,
                "who": change.who,
                "camera": change.camera,
                "frame": change.frame,
                "keypoint": change.keypoint,
                "before": words(change.before),
                "after": words(change.after),
                "origin": change.origin,
                "batch": change.batch,
                "undoes": change.undoes,
            }
        )
        undo = "undo " if change.undoes else ""
        output.say(
            f"{change.rev:>6} {change.at} {change.who:<10} {change.camera}:{change.frame} {undo}{change.op} "
            f"{change.keypoint} {words(change.before)} -> {words(change.after)}"
        )


@command.command("repair", epilog="Example: mystax labels repair faces.labels")
@click.argument("folder", metavar="FOLDER", type=PLACE)
@common
@click.pass_obj
def repair(output: Output, folder: Path) -> None:
    """Set damaged lines of a journal apart; all good lines stay, the damaged file is kept beside it."""
    from mystax.engine.labels.labels import Labels

    output.inputs.append(str(folder))
    labels = Labels(folder)
    _tell_flags(output, labels)
    n_lines = labels.repair()
    output.more["lines_set_apart"] = n_lines
    output.say(f"{n_lines} damaged lines set apart; {len(labels)} labelled frames")
