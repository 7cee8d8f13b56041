"""The command `mystax`: a table of commands, each imported only when it is called."""

import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from types import FrameType

import click

from mystax.cli.output import Output, give_up_stdout
from mystax.cli.streams import open_streams
from mystax.errors import Cancelled, MystaxError, PlanError, nearest

__all__ = ["main"]

COMMANDS = {
    "demo": ("mystax.cli.demo", "Make a synthetic recording, measure it, show what was recovered."),
    "probe": ("mystax.cli.probe", "Show frames, clock, gaps and damage of videos."),
    "run": ("mystax.cli.run", "Measure recordings: a recipe, or named analyses; with a report."),
    "track": ("mystax.cli.track", "Track the keypoints of a face in videos and pictures."),
    "train": ("mystax.cli.train", "Train or refine the tracker on labels."),
    "encode": ("mystax.cli.encode", "Predict neural activity from outcomes; say how much is explained."),
    "calibrate": ("mystax.cli.calibrate", "Calibrate cameras from pictures of a board; check a rig."),
    "triangulate": ("mystax.cli.triangulate", "Bring the keypoints of several cameras together in space."),
    "states": ("mystax.cli.states", "Find states in keypoints and traces: expressions, behaviours."),
    "labels": ("mystax.cli.labels", "Labels of keypoints: import, export, suggest, check, evaluate."),
    "catalog": ("mystax.cli.catalog", "Many sessions: take videos in, find and check recordings."),
    "queue": ("mystax.cli.queue", "Recipes for many recordings: add, work, watch, mend."),
    "import": ("mystax.cli.import_", "Read another tool's files as outcomes."),
    "export": ("mystax.cli.export", "Write outcomes as another tool's files."),
    "app": ("mystax.cli.app", "See, draw, label and run, in a page of this machine."),
    "doctor": ("mystax.cli.doctor", "Check this machine, or a folder of outcomes."),
}
REQUEST_MUST_CHANGE = ("Q604",)
"""Codes that ask for another request although they are no plan errors: exit status 2."""
EPILOG = "Example: mystax run face.mp4 --roi pupil:ellipse:210,140,40,32"


class Commands(click.Group):
    """Group whose commands are loaded when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature is click's
        """List the commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = import_module(COMMANDS[cmd_name][0]).command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one is nearest."""
        name = args[0]
        if name not in COMMANDS:
            raise click.UsageError(f"there is no command {name!r}{nearest(name, COMMANDS)}", ctx)
        return name, self.get_command(ctx, name), args[1:]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        click.echo(f"mystax {version('mystax')}")
        ctx.exit()


@click.group(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print the version."
)
def group() -> None:
    """Face videos into measurements: motion, components, pupil, blink, running."""


def _terminate(number: int, _: FrameType | None) -> None:
    raise Cancelled("run", number)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after `mystax`; by default those of the process.
    """
    open_streams()
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    output = Output.for_words(words, COMMANDS)
    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        status = _run(words, output)
    finally:
        signal.signal(signal.SIGTERM, previous)
    sys.exit(status)


def _run(words: list[str], output: Output) -> int:
    """Run the command and turn whatever it raises into an exit status."""
    try:
        with output:
            group.main(args=words, prog_name="mystax", standalone_mode=False, obj=output)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.UsageError as error:
        return output.refuse_usage(_usage_text(error))
    except (KeyboardInterrupt, click.Abort):
        return output.stop(Cancelled("run", signal.SIGINT))
    except Cancelled as stopped:
        return output.stop(stopped)
    except PlanError as error:
        output.fail(error)
        return output.finish(2)
    except MystaxError as error:
        output.fail(error)
        return output.finish(2 if error.code in REQUEST_MUST_CHANGE else 1)
    except BrokenPipeError:
        give_up_stdout()
        return 1
    except Exception as error:  # noqa: BLE001 - the outermost frame: a bug becomes B999 with its log
        output.fail_bug(error)
        return output.finish(1)
    return output.finish(output.status)


def _usage_text(error: click.UsageError) -> str:
    text = error.format_message()
    if isinstance(error, click.NoSuchOption) and error.ctx is not None:
        known = [name for option in error.ctx.command.params for name in option.opts if name.startswith("--")]
        text = f"no such option {error.option_name}{nearest(error.option_name, known)}"
    return text
