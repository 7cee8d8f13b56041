"""`mystax export`: outcomes as another tool's files."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mystax.cli.options import PLACE, common
from mystax.cli.output import Output
from mystax.errors import ParameterError

if TYPE_CHECKING:
    from mystax.engine.export import ExportWish
    from mystax.io.nwb.options import NwbOptions

__all__ = ["command"]


@click.command("export", epilog="Example: mystax export face.mystax --nwb face.nwb --check")
@click.argument("targets", nargs=-1, metavar="[TARGET...]", type=PLACE)
@click.option(
    "--where",
    metavar="WHERE",
    help="Recordings of a catalogue instead, such as 'subject=m1* quality!=bad'.",
)
@click.option("--catalog", metavar="PATH|URL", help="The catalogue of --where.")
@click.option(
    "--nwb", is_flag=False, flag_value="", metavar="[FILE]", help="Write one NWB file; default beside TARGET."
)
@click.option("--append", is_flag=True, help="Add to an NWB file that exists, such as the lab's own.")
@click.option("--check", is_flag=True, help="Let the inspector of NWB files look at it too (nwbinspector).")
@click.option(
    "--no-verify", is_flag=True, help="Do not read every NWB array back; it is validated all the same."
)
@click.option("--start", metavar="TIME", help="Session start, such as 2024-03-01T10:00:00+01:00.")
@click.option("--subject", metavar="NAME", help="Name of the animal or person.")
@click.option("--species", metavar="NAME", help="Such as 'Mus musculus'.")
@click.option("--sex", type=click.Choice(["F", "M", "U", "O"]), help="Of the subject.")
@click.option("--age", metavar="AGE", help="At the session, such as P90D.")
@click.option("--alf", type=PLACE, metavar="DIR", help="Write ALF files (IBL) into DIR/alf.")
@click.option("--revision", metavar="DATE", help="Put ALF files into a revision folder #DATE#.")
@click.option(
    "--alf-pose",
    type=click.Choice(["dlc", "lightningPose"]),
    default="dlc",
    help="Name of the table of keypoints in ALF files.",
)
@click.option("--csv", "csv", type=PLACE, metavar="DIR", help="Write CSV tables to DIR.")
@click.option("--parquet", type=PLACE, metavar="DIR", help="Write Parquet tables to DIR.")
@click.option(
    "--anipose", type=PLACE, metavar="DIR", help="Write points in space as Anipose's tables to DIR."
)
@click.option(
    "--dlc-3d",
    "dlc_3d",
    type=PLACE,
    metavar="DIR",
    help="Write points in space as DeepLabCut's tables to DIR.",
)
@click.option("--facemap", type=PLACE, metavar="DIR", help="Write Facemap's _proc.npy to DIR.")
@click.option(
    "--flavour",
    type=click.Choice(["facemap", "element"]),
    default="facemap",
    help="facemap: motSv of the last region, as Facemap has it; element: a list per region.",
)
@click.option("--mat", "matlab", is_flag=True, help="Write _proc.mat instead of _proc.npy.")
@click.option(
    "--onnx", type=PLACE, metavar="FILE", help="Copy the network of weights: TARGET is their name or file."
)
@click.option("--analyses", metavar="NAMES", default="", help="Only these, joined by commas.")
@click.option(
    "--overwrite", is_flag=True, help="Replace files, or objects of an older export, of the same name."
)
@common
@click.pass_obj
def command(output: Output, /, targets: tuple[Path, ...], analyses: str, **wishes: Any) -> None:
    """Write outcomes in the files of another tool; several formats at once if you like.

    TARGET is an outcome, a folder of outcomes, or a folder with such folders below it.  What is written in
    NWB, ALF, CSV and Parquet comes back equal with mystax import; tables of Anipose and DeepLabCut hold the
    smoothed places only.

    With --where, every recording of the catalogue for which the condition holds gets its own files; --nwb
    and the others then name the folder for all.  What hinders one recording does not hinder the next.
    """
    from mystax.engine.export import FORMS

    if wishes["onnx"] is not None:
        _write_onnx(output, targets, wishes)
        return
    forms = [name for name in FORMS if wishes[name] is not None]
    if not forms:
        raise click.UsageError(
            "say what to write: --nwb, --alf DIR, --csv DIR, --parquet DIR, --anipose DIR, --dlc-3d DIR, "
            "--facemap DIR, or --onnx FILE of weights"
        )
    _check_company(wishes)
    chosen = [name.strip() for name in analyses.split(",") if name.strip()]
    if wishes["where"] is not None:
        _write_many(output, targets, forms, chosen, wishes)
        return
    if not targets or wishes["catalog"] is not None:
        raise click.UsageError("say what is exported: TARGET, or --where for recordings of a catalogue")
    output.inputs += [str(target) for target in targets]
    wish = _wish(forms, chosen, wishes)
    n_jobs = 0
    for form in forms:
        jobs = [[target] for target in targets] if form == "facemap" else [list(targets)]
        n_jobs += len(jobs)
        for job in jobs:
            with output.going_on():
                _told(output, _write(output, form, job, wish))
    output.settle(n_jobs)


def _write_onnx(output: Output, targets: tuple[Path, ...], wishes: dict[str, Any]) -> None:
    """Copy the network of the named weights."""
    from mystax.engine.export import FORMS

    if len(targets) != 1 or any(wishes[name] is not None for name in (*FORMS, "where")):
        raise click.UsageError(
            "--onnx copies the network of one TARGET, the name or a file of weights, alone"
        )
    from mystax.io.weights import copy_onnx

    output.inputs.append(str(targets[0]))
    _told(output, [copy_onnx(targets[0], wishes["onnx"], overwrite=bool(wishes["overwrite"]))])


def _check_company(wishes: dict[str, Any]) -> None:
    """Refuse options whose format is not asked for."""
    of_nwb = ("append", "check", "no_verify", "start", "subject", "species", "sex", "age")
    for names, form in ((of_nwb, "nwb"), (("revision",), "alf"), (("matlab",), "facemap")):
        given = [name for name in names if wishes[name]]
        if given and wishes[form] is None:
            option = "mat" if given[0] == "matlab" else given[0].replace("_", "-")
            raise click.UsageError(f"--{option} belongs to --{form}")
    if wishes["append"] and not wishes["nwb"]:
        raise click.UsageError("--append needs the file: --nwb FILE")


def _write_many(
    output: Output, targets: tuple[Path, ...], forms: list[str], analyses: list[str], wishes: dict[str, Any]
) -> None:
    """Write the recordings of a catalogue; each one is told as soon as it is through."""
    _check_many(targets, wishes)
    output.inputs.append(wishes["where"])
    wish = _wish(forms, analyses, wishes)
    if "nwb" in forms:
        from mystax.io.nwb import library

        library.pynwb()  # else it would be missed once per recording
    from mystax.engine.catalog.catalog import Catalog

    told: list[dict[str, object]] = []
    output.more["recordings"] = told
    n_failed = 0
    with Catalog.open(wishes["catalog"]) as catalog:
        for one in catalog.export(wish, wishes["where"], report=output.report):
            told.append(one.as_dict())
            _told(output, one.files)
            n_failed += bool(one.errors)
            for error in dict.fromkeys(one.errors.values()):  # without outcomes, all formats have the same
                output.note(f"{one.label} {one.folder}")
                if isinstance(error.__cause__, Exception) and error.retry == "bug":
                    output.fail_bug(error.__cause__, error.where)
                else:
                    output.fail(error)
    output.say(f"{len(told) - n_failed} of {len(told)} recordings exported")
    output.settle(len(output.errors) + any(one["files"] for one in told))


def _check_many(targets: tuple[Path, ...], wishes: dict[str, Any]) -> None:
    """Refuse what makes no sense for many recordings."""
    if targets:
        raise click.UsageError("either TARGET, or --where for recordings of a catalogue")
    if wishes["nwb"] == "":
        raise click.UsageError("--where needs the folder of the files: --nwb DIR")
    of_one = [name for name in ("append", "start", "subject", "age") if wishes[name]]
    if of_one:
        raise click.UsageError(
            f"--{of_one[0]} is for one recording; mystax catalog set tells start, subject and birth of many"
        )


def _told(output: Output, files: list[Path]) -> None:
    known = output.more.setdefault("files", [])
    if isinstance(known, list):
        known += [str(path) for path in files]
    for path in files:
        output.say(str(path))


def _write(output: Output, form: str, targets: list[Path], wish: "ExportWish") -> list[Path]:
    """Write one format; return its files."""
    from mystax.engine.export import export_targets, nwb_place

    place = wish.forms[form]
    if form == "nwb":
        place = nwb_place(targets, place if place.name else None)
    return export_targets(targets, form, place, wish, report=output.report)


def _wish(forms: list[str], analyses: list[str], wishes: dict[str, Any]) -> "ExportWish":
    """Return what is written, and how."""
    from mystax.engine.export import ExportWish
    from mystax.io.alf import AlfOptions

    return ExportWish(
        {form: Path(wishes[form]) for form in forms},
        analyses,
        nwb=_nwb_options(wishes) if "nwb" in forms else None,
        alf=AlfOptions(wishes["revision"] or "", wishes["alf_pose"]),
        flavour=wishes["flavour"],
        matlab=wishes["matlab"],
        overwrite=bool(wishes["overwrite"]),
    )


def _nwb_options(wishes: dict[str, Any]) -> "NwbOptions":
    """Return how NWB files are written."""
    from mystax.io.nwb.options import NwbOptions, SubjectFacts

    return NwbOptions(
        start=_moment(wishes["start"]),
        subject=SubjectFacts(*(wishes[name] or "" for name in ("subject", "species", "sex", "age"))),
        append=wishes["append"],
        overwrite=wishes["overwrite"],
        verify=not wishes["no_verify"],
        check=wishes["check"],
    )


def _moment(text: str | None) -> datetime | None:
    """Read a date and time."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ParameterError(
            "P401", "--start", expected="a date and time, such as 2024-03-01T10:00:00+01:00", got=repr(text)
        ) from error
