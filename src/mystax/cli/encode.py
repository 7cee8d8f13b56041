"""`mystax encode`: how much of the activity of neurons behaviour explains."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from mystax.cli.options import OneAnalysisCommand, common
from mystax.cli.output import Output
from mystax.errors import Cancelled, MystaxError

__all__ = ["command"]

EPILOG = (
    "Example: mystax encode face.mystax --neural suite2p/plane0 --neural-clock npy:frame_times.npy; "
    "a new recording: mystax encode new.mystax --encoder face.mystax/encoding.encoder.nc"
)


@click.command("encode", cls=OneAnalysisCommand, analysis="encoding", epilog=EPILOG)
@click.argument("sources", nargs=-1, required=True, metavar="FOLDER...", type=click.Path(path_type=Path))
@click.option("--neural", metavar="FILE", help="Neural data; {recording} stands for the name of each FOLDER.")
@click.option(
    "--neural-clock", metavar="SPEC", help="Times of the neural data, such as npy:times.npy or rate:30/1."
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
    help="Folder of the outcome (one FOLDER); default FOLDER.",
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
    output: Output = ctx.obj
    parameters: Mapping[str, str] = ctx.meta["mystax.parameters"]["encoding"]
    if options["encoder"] is None and options["neural"] is None:
        raise click.UsageError("--neural FILE is needed, or --encoder FILE to predict")
    if len(sources) > 1 and options["out"] is not None:
        raise click.UsageError("--out takes one FOLDER")
    if len(sources) > 1 and options["neural"] is not None and "{recording}" not in options["neural"]:
        raise click.UsageError("with several FOLDERs, --neural needs {recording} in its path")
    output.inputs = [str(source) for source in sources]
    for source in sources:
        try:
            if options["encoder"] is not None:
                _predict(output, source, options)
            else:
                _encode(output, source, options, parameters)
        except Cancelled:
            raise
        except MystaxError as error:
            output.fail(error)
    output.settle(len(sources))


def _neural(source: Path, options: Mapping[str, Any]) -> Any:
    from mystax.io.neural.reading import read_neural

    name = source.resolve().name.removesuffix(".mystax")
    rate = options["sample_rate"]
    return read_neural(
        str(options["neural"]).replace("{recording}", name),
        format=options["kind"] or "auto",
        clock=options["neural_clock"],
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


def _encode(output: Output, source: Path, options: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
    from mystax.core.encoding_words import ratio_sentence, verdict
    from mystax.core.quality import flags_from_json
    from mystax.engine.encoding import encoding, prepare_encoding
    from mystax.engine.report import make_report
    from mystax.io.store import Store

    neural = _neural(source, options)
    if options["dry_run"]:
        _tell_plan(output, prepare_encoding(source, neural, parameters))
        return
    start = time.monotonic()
    folder = options["out"] or source
    made: list[str] = []

    def report(event: Any) -> None:
        if event.kind == "outcome":
            made.append(event.stage)
        if event.kind == "note":
            output.say(event.text)
        output.report(event)

    dataset = encoding(source, neural, out=folder, progress=report, **parameters)
    for flag in flags_from_json(str(dataset.attrs.get("quality", "[]"))):
        output.warn(flag.code, flag.text, outcome="encoding")
    path = Path(folder) / "encoding.nc"
    output.outcomes.append(
        {
            "path": str(path),
            "analysis": "encoding",
            "recording": source.resolve().name.removesuffix(".mystax"),
            "state": "made" if made else "current",
            "coverage": float(dataset.attrs.get("coverage", 1.0)),
            "model_reason": str(dataset.attrs["model_reason"]),
            "population": {
                str(model): float(dataset["population"].sel(model=model, statistic="mean"))
                for model in dataset["model"].values
            },
        }
    )
    if made and make_report(Store(folder)):
        output.say(f"report: {Path(folder) / 'report.html'}")
    output.say(f"encoding: {path} ({time.monotonic() - start:.0f} s)")
    if said := ratio_sentence(dataset):
        output.say(said)
    output.say(verdict(dataset))


def _tell_plan(output: Output, prepared: Any) -> None:
    """Say what would be fitted on what."""
    from mystax.engine.encoding_plan import plan_lines

    for line in plan_lines(prepared):
        output.say(line)
    output.more["plan"] = plan_lines(prepared)


def _predict(output: Output, source: Path, options: Mapping[str, Any]) -> None:
    from mystax.core.quality import flags_from_json
    from mystax.engine.prediction import predict, write_prediction

    neural = _neural(source, options) if options["neural"] is not None else None
    times = None
    if options["times"] is not None:
        from mystax.io.neural.times import read_clock

        found = read_clock(options["times"], [], None)
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
