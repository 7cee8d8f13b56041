"""`mystax encode`: how much of the activity of neurons behaviour explains."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from mystax.cli.options import OneAnalysisCommand, common
from mystax.cli.output import Output

__all__ = ["command"]

EPILOG = (
    "Example: mystax encode face.mystax --neural suite2p/plane0 --neural-clock npy:frame_times.npy; "
    "a new recording: mystax encode new.mystax --encoder face.mystax/encoding.encoder.nc"
)


@click.command("encode", cls=OneAnalysisCommand, analysis="encoding", epilog=EPILOG)
@click.argument("sources", nargs=-1, required=True, metavar="FOLDER...", type=click.Path(path_type=Path))
@click.option("--neural", metavar="FILE", help="Neural data; {recording} stands for the name of each FOLDER.")
@click.option(
    "--neural-clock",
    metavar="SPEC",
    help="Times of the neural data, such as npy:times.npy, npy:{recording}/times.npy or rate:30/1.",
)
@click.option(
    "--clock-policy",
    metavar="POLICY",
    help="Where rows and times differ in count: drop_tail, drop_head, counter:COLUMN or match.",
)
@click.option(
    "--format", "kind", metavar="FORMAT", help="suite2p, phy, nwb, alf, caiman or array; default by content."
)
@click.option(
    "--signal", metavar="NAME", help="deconvolved, fluorescence, counts or spikes, where a file has several."
)
@click.option(
    "--bin",
    "bin_width",
    type=float,
    metavar="SECONDS",
    help="Width of the bins of spikes, 0.02 to 1; default 0.1.",
)
@click.option("--axes", metavar="NAMES", help="Order of the axes of an array, such as time,neuron.")
@click.option("--series", metavar="NAME", help="Series of an NWB file.")
@click.option("--sample-rate", metavar="NUM/DEN", help="Samples per second of spike times in samples.")
@click.option("--neurons", metavar="RULE", help="Which neurons, such as quality=good,area=V1.")
@click.option(
    "--null-with",
    multiple=True,
    metavar="FOLDER",
    help="Outcomes of another recording, or a pattern such as 'others/*.mystax': chance is what the "
    "behaviour of at least 19 of them explains.  May be given several times.",
)
@click.option(
    "--individuals",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With several FOLDERs: table with the columns recording and individual; these are the unit then.",
)
@click.option(
    "--export-features",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the features of behaviour to FILE.nc for other models, and stop (one FOLDER).",
)
@click.option(
    "--encoder",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Predict with this encoder instead of fitting one.",
)
@click.option(
    "--times", metavar="SPEC", help="With --encoder: where predictions are wanted, such as npy:times.npy."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the outcome, default FOLDER; of the summary for several, default encoding.mystax.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be fitted on what, and stop.")
@common
@click.pass_context
def command(ctx: click.Context, /, sources: tuple[Path, ...], **options: Any) -> None:
    """Predict neural activity from the outcomes in each FOLDER, and say how much is explained.

    Explained variance is that of held-out time, with intervals, beside the lagged-ridge baseline and what
    chance explains.  The outcome goes to FOLDER/encoding.nc, with a report to look at.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(
            name, "1"
        )  # each fit runs on one thread, so that results do not depend on threads
    from mystax.engine.encoding.inputs import check_encoding

    output: Output = ctx.obj
    parameters: Mapping[str, str] = ctx.meta["mystax.parameters"]["encoding"]
    if options["encoder"] is None and options["neural"] is None:
        raise click.UsageError("--neural FILE is needed, or --encoder FILE to predict")
    if len(sources) > 1 and options["export_features"] is not None:
        raise click.UsageError("--export-features takes one FOLDER")
    if options["individuals"] is not None and (len(sources) < 2 or options["encoder"] is not None):
        raise click.UsageError("--individuals needs several FOLDERs and no --encoder")
    if len(sources) > 1 and options["encoder"] is not None and options["out"] is not None:
        raise click.UsageError("--out takes one FOLDER")
    if len(sources) > 1 and options["neural"] is not None and "{recording}" not in options["neural"]:
        raise click.UsageError("with several FOLDERs, --neural needs {recording} in its path")
    output.inputs = [str(source) for source in sources]
    if options["encoder"] is None:
        check_encoding(parameters)  # before the neural data are read
    names = [_name(source) for source in sources]
    if len(set(names)) < len(names):
        raise click.UsageError("two FOLDERs are of the same name")
    _check_files(sources, options)
    found: dict[str, Any] = {}
    for name, source in zip(names, sources, strict=True):
        with output.going_on():
            if options["encoder"] is not None:
                _predict(output, source, options)
                continue
            folder = options["out"] if options["out"] is not None and len(sources) == 1 else source
            made = _encode(output, source, folder, options, parameters)
            if made is not None:
                found[name] = made
    if len(found) > 1:
        _summarise(output, found, options)
    output.settle(len(sources))


def _name(source: Path) -> str:
    return source.resolve().name.removesuffix(".mystax")


def _summarise(output: Output, found: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    from mystax.core.encoding_words import summary_sentence
    from mystax.engine.encoding.recordings import keep_summary, read_individuals

    individuals = (
        read_individuals(options["individuals"], list(found)) if options["individuals"] is not None else None
    )
    dataset, path = keep_summary(found, options["out"] or Path("encoding.mystax"), individuals)
    output.outcomes.append(
        {"path": str(path), "analysis": "encoding_summary", "state": "made", "coverage": 1.0}
    )
    output.say(f"summary: {path}")
    output.say(summary_sentence(dataset))


def _check_files(sources: tuple[Path, ...], options: Mapping[str, Any]) -> None:
    """Look at the files that options name before anything is fitted."""
    if options["export_features"] is not None:
        from mystax.engine.encoding.features import check_features_place

        check_features_place(options["export_features"])
    for source in sources:
        _others(source, options["null_with"])


def _others(source: Path, patterns: tuple[str, ...]) -> list[Path]:
    """Return the folders that patterns name, without this one, each once; chance is never left to none."""
    found: dict[Path, Path] = {}
    for pattern in map(Path, patterns):
        is_pattern = any(sign in str(pattern) for sign in "*?[")
        root = Path(pattern.anchor or ".")
        names = str(pattern.relative_to(pattern.anchor) if pattern.anchor else pattern)
        matches = sorted(root.glob(names)) if is_pattern else [pattern]
        if not matches:
            raise click.UsageError(f"--null-with {str(pattern)!r} names no folder")
        for match in matches:
            found.setdefault(match.resolve(), match)
    found.pop(source.resolve(), None)
    if patterns and not found:
        raise click.UsageError(f"--null-with {str(patterns[0])!r} names no other recording than {source}")
    return list(found.values())


def _neural(source: Path, options: Mapping[str, Any]) -> Any:
    from mystax.io.neural.reading import read_neural

    name = _name(source)
    rate, clock = options["sample_rate"], options["neural_clock"]
    return read_neural(
        str(options["neural"]).replace("{recording}", name),
        format=options["kind"] or "auto",
        clock=None if clock is None else clock.replace("{recording}", name),
        clock_policy=options["clock_policy"],
        signal=options["signal"],
        bin=options["bin_width"],
        neurons=options["neurons"],
        axes=options["axes"],
        series=options["series"],
        sample_rate=_fraction(rate) if rate else None,
    )


def _fraction(text: str) -> Any:
    from fractions import Fraction

    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise click.UsageError(
            f"--sample-rate takes a number such as 30000 or 30000/1, got {text!r}"
        ) from error


def _encode(
    output: Output, source: Path, folder: Path, options: Mapping[str, Any], parameters: Mapping[str, str]
) -> Any:
    """Fit and judge one recording; nothing is returned where that was not wanted."""
    from mystax.core.encoding_words import ratio_sentence, verdict
    from mystax.core.quality import flags_from_json
    from mystax.engine.encoding.encoding import encoding
    from mystax.engine.encoding.prepared import prepare_encoding
    from mystax.engine.report import make_report
    from mystax.io.store import Store

    neural = _neural(source, options)
    others = _others(source, options["null_with"])
    if options["dry_run"] or options["export_features"] is not None:
        prepared = prepare_encoding(source, neural, parameters, others)
        if options["dry_run"]:
            _tell_plan(output, prepared)
        else:
            _export(output, prepared, options["export_features"])
        return None
    start = time.monotonic()
    made: list[str] = []

    def report(event: Any) -> None:
        if event.kind == "outcome":
            made.append(event.stage)
        output.report(event)

    dataset = encoding(source, neural, out=folder, null_with=others, progress=report, **parameters)
    for flag in flags_from_json(str(dataset.attrs.get("quality", "[]"))):
        output.warn(flag.code, flag.text, outcome="encoding")
    path = Path(folder) / "encoding.nc"
    output.outcomes.append(
        {
            "path": str(path),
            "analysis": "encoding",
            "recording": _name(source),
            "state": "made" if made else "current",
            "coverage": float(dataset.attrs.get("coverage", 1.0)),
            "model_reason": str(dataset.attrs["model_reason"]),
            "population": {
                str(model): float(dataset["population"].sel(model=model, statistic="mean"))
                for model in dataset["model"].values
            },
        }
    )
    if made:
        make_report(Store(folder))
        output.say(f"report: {Path(folder) / 'report.html'}")
    output.say(f"encoding: {path} ({time.monotonic() - start:.0f} s)")
    if said := ratio_sentence(dataset):
        output.say(said)
    output.say(verdict(dataset))
    return dataset


def _export(output: Output, prepared: Any, file: Path) -> None:
    from mystax.engine.encoding.features import export_features

    path = export_features(prepared, file)
    output.outcomes.append({"path": str(path), "analysis": "features", "state": "made", "coverage": 1.0})
    output.say(f"features: {path}")


def _tell_plan(output: Output, prepared: Any) -> None:
    """Say what would be fitted on what."""
    from mystax.engine.encoding.plan import plan_lines

    for line in plan_lines(prepared):
        output.say(line)
    output.more["plan"] = plan_lines(prepared)


def _predict(output: Output, source: Path, options: Mapping[str, Any]) -> None:
    from mystax.core.quality import flags_from_json
    from mystax.engine.encoding.prediction import predict, write_prediction

    neural = _neural(source, options) if options["neural"] is not None else None
    times = None
    if options["times"] is not None:
        from mystax.io.neural.times import read_clock

        found = read_clock(options["times"], [Path.cwd(), source])
        if found is None or found.clock is None:
            raise click.UsageError("--times needs a file of times")
        times = found.clock.seconds
    dataset = predict(options["encoder"], source, neural=neural, times=times)
    for flag in flags_from_json(str(dataset.attrs.get("quality", "[]"))):
        output.warn(flag.code, flag.text, outcome="prediction")
    path = write_prediction(dataset, options["out"] or source)
    output.outcomes.append({"path": str(path), "analysis": "prediction", "state": "made", "coverage": 1.0})
    usable = 100 * float(dataset["usable"].mean())
    sizes = f"{dataset.sizes['neuron']} neurons, {dataset.sizes['time']} bins"
    line = f"prediction: {path}: {sizes}, {usable:.0f} % usable"
    if "explained_variance" in dataset:
        line += f"; explains {100 * float(dataset['explained_variance'].mean()):.1f} % of their variance here"
    output.say(line)
