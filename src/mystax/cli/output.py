"""What a command says: results on stdout, progress and log on stderr, or one JSON object."""

import contextlib
import json
import os
import re
import sys
import tempfile
import time
import traceback
from collections.abc import Collection, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import click

from mystax.cli.progress import Progress
from mystax.core.events import Event
from mystax.errors import Cancelled, InternalError, MystaxError, RecipeError, StoreError

__all__ = ["Output", "give_up_stdout"]

CLICK = (click.ClickException, click.exceptions.Exit, click.Abort)
"""How commands are ended by click."""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Signs that a terminal obeys instead of showing them; a name from outside may hold them."""
STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ")
"""How a log begins."""


class Output:
    """Collects what a command found and prints it in one of two forms.

    Parameters
    ----------
    command : str
        Name of the command.
    as_json : bool
        Print exactly one JSON object on stdout at the end, and nothing else there.
    quiet, verbose : bool
        Less, or more, on stderr.
    color : bool
        Whether stderr may be coloured.
    log : Path, optional
        File that takes every message.
    """

    def __init__(
        self,
        command: str,
        *,
        as_json: bool = False,
        quiet: bool = False,
        verbose: bool = False,
        color: bool = True,
        log: Path | None = None,
    ) -> None:
        self.command, self.as_json, self.quiet, self.verbose, self.color = (
            command,
            as_json,
            quiet,
            verbose,
            color,
        )
        self.inputs: list[object] = []
        self.outcomes: list[Mapping[str, object]] = []
        self.warnings: list[Mapping[str, object]] = []
        self.errors: list[Mapping[str, str]] = []
        self.more: dict[str, object] = {}
        self.status = 0
        self._log_path = log
        self._log: TextIO | None = None
        self._start = time.monotonic()
        self._progress: Progress | None = None

    @classmethod
    def for_words(cls, words: Sequence[str], commands: Collection[str]) -> "Output":
        """Make the output that the words of a command line ask for, before they are parsed."""
        first = next((word for word in words if not word.startswith("-")), "")
        command = first if first in commands else ""
        plain = "--no-color" in words or bool(os.environ.get("NO_COLOR"))
        after = [*words[1:], ""]
        logs = [
            following if word == "--log" else word.removeprefix("--log=")
            for word, following in zip(words, after, strict=True)
            if word == "--log" or word.startswith("--log=")
        ]
        log = Path(logs[-1]) if logs and logs[-1] else None
        return cls(
            command,
            as_json="--json" in words,
            quiet="--quiet" in words or "-q" in words,
            verbose="--verbose" in words or "-v" in words,
            color=not plain,
            log=log,
        )

    def __enter__(self) -> "Output":
        self._open_log()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end_progress()

    # what a command says ---------------------------------------------------------------------------

    def say(self, text: str = "") -> None:
        """Print a line of the result on stdout; with --json it goes to the log only."""
        if not self.as_json:
            self.end_progress()
            self._show(text)
        self._to_log(text)

    def note(self, text: str) -> None:
        """Print a remark on stderr."""
        if not self.quiet:
            self.end_progress()
            self._tell(text)
        self._to_log(text)

    def warn(self, code: str, text: str, **more: object) -> None:
        """Keep and print a warning: the outcome exists, but somebody should look."""
        record = {"code": code, "text": text, **more}
        if record not in self.warnings:
            is_told = any((item["code"], item["text"]) == (code, text) for item in self.warnings)
            self.warnings.append(record)
            if not is_told:  # of another outcome or camera
                self.note(f"warning {code}: {text}")

    def fail(self, error: MystaxError) -> None:
        """Keep and print an error."""
        self.end_progress()
        self.errors.append(error.record().as_dict())
        self._tell(str(error))
        self._to_log(str(error))

    def fail_bug(self, error: Exception, where: str = "") -> None:
        """Keep and print what nobody foresaw as B999; its traceback goes to the log."""
        log = self.keep_traceback("".join(traceback.format_exception(error)))
        hint = "this is a bug in mystax; please report it" + (f" with the log {log}" if log else "")
        self.fail(InternalError("B999", where or self.command, f"{type(error).__name__}: {error}", hint=hint))

    @contextlib.contextmanager
    def going_on(self) -> Iterator[None]:
        """Keep what hinders one input, so that the next is tried; a stop and wrong usage end the command."""
        try:
            yield
        except (Cancelled, BrokenPipeError, *CLICK):
            raise
        except MystaxError as error:
            self.fail(error)
        except Exception as error:  # noqa: BLE001 - whatever one input brings out, the others are done
            self.fail_bug(error)

    def settle(self, n_inputs: int) -> None:
        """Set the exit status from the errors of inputs: 3 some failed, 2 all must be asked for otherwise."""
        n_failed = len(self.errors)
        if not n_failed:
            self.status = 0
        elif n_failed < n_inputs:
            self.status = 3
        else:
            self.status = 2 if all(error["code"].startswith("P") for error in self.errors) else 1

    def report(self, event: Event) -> None:
        """Show an event of long work (the callback that commands hand down)."""
        self._to_log(json.dumps(event.as_dict(), default=str) if event.kind != "progress" else "")
        if event.kind == "warning":
            self.warn(str(event.data.get("code", "")), event.text)
        elif event.kind in ("note", "outcome") and event.text:
            self.note(event.text)
        elif event.kind == "checkpoint":
            if self.verbose:
                self.note(event.text)
        elif event.kind == "progress" and not self.quiet:
            if self._progress is None:
                self._progress = Progress(color=self.color)
            self._progress.show(event)

    def end_progress(self) -> None:
        """Take the progress bar away."""
        if self._progress is not None:
            self._progress.close()
            self._progress = None

    # the end ---------------------------------------------------------------------------------------

    def finish(self, status: int) -> int:
        """Print the JSON object where one was asked for; return the exit status."""
        self.end_progress()
        if self.as_json:
            found = {
                "ok": status == 0,
                "command": self.command,
                "version": version("mystax"),
                "inputs": self.inputs,
                "outcomes": self.outcomes,
                **self.more,
                "warnings": self.warnings,
                "errors": self.errors,
                "seconds": round(time.monotonic() - self._start, 3),
            }
            status = self._end(json.dumps(found, ensure_ascii=False, default=str)) or status
        if self._log is not None:
            self._log.close()
            if self.errors:
                self._tell(f"log: {self._log_path}")
        return status

    def _end(self, text: str) -> int:
        """Write the one JSON object; return 1 if stdout does not take it."""
        try:
            self._show(text)
        except BrokenPipeError:  # whoever read has seen enough
            give_up_stdout()
            return 1
        except StoreError as refused:
            give_up_stdout()
            self._tell(str(refused))
            return 1
        return 0

    def stop(self, stopped: Cancelled) -> int:
        """Say that the work was stopped; return 130 or 143."""
        self.end_progress()
        self._tell(str(stopped))
        return self.finish(128 + stopped.signal)

    def refuse_usage(self, text: str) -> int:
        """Say that the words of the command line are wrong; return 2."""
        known = f"mystax {self.command} --help" if self.command else "mystax --help"
        self.fail(RecipeError("P403", "command line", text.strip().removesuffix("."), hint=known))
        return self.finish(2)

    # the log ---------------------------------------------------------------------------------------

    def keep_traceback(self, text: str) -> Path | None:
        """Write a traceback to the log and return the log's path; None if no folder takes one."""
        if self._log is None:
            import platformdirs

            name = f"{self.command or 'mystax'}-{os.getpid()}.log"
            for folder in (platformdirs.user_log_path("mystax"), Path(tempfile.gettempdir())):
                with contextlib.suppress(OSError):
                    folder.mkdir(parents=True, exist_ok=True)
                    self._log_path = folder / name
                    self._log = self._log_path.open("a", encoding="utf-8")
                    break
        self._to_log(text)
        return self._log_path if self._log is not None else None

    def _open_log(self) -> None:
        """Open the log that was asked for.

        Raises
        ------
        RecipeError
            P403, if the file cannot be written, or holds something else than a log.
        """
        path, self._log_path = self._log_path, None
        if path is None:
            return
        try:
            is_other = _is_no_log(path)
            self._log = None if is_other else path.open("a", encoding="utf-8", errors="backslashreplace")
        except (OSError, ValueError) as error:
            raise RecipeError(
                "P403",
                f"--log {path}",
                expected="a file that can be written",
                got=getattr(error, "strerror", None) or str(error),
            ) from error
        if is_other:
            expected, got = "a new file, or a log of mystax", "another file"
            raise RecipeError("P403", f"--log {path}", expected=expected, got=got)
        self._log_path = path

    def _to_log(self, text: str) -> None:
        if not text or self._log is None:
            return
        try:
            self._log.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {text}\n")
            self._log.flush()
        except OSError as error:  # the work is worth more than its log
            broken, self._log = self._log, None
            with contextlib.suppress(OSError):
                broken.close()
            self._tell(f"{_unwritten(f'log {self._log_path}', error)} The work goes on.")

    # streams ---------------------------------------------------------------------------------------

    def _show(self, text: str) -> None:
        """Write to stdout.

        Raises
        ------
        StoreError
            S503, if it does not take the text.
        """
        try:
            self._write(sys.stdout, text)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise _unwritten("stdout", error) from error

    def _tell(self, text: str) -> None:
        """Write to stderr; the work goes on where nobody can be told."""
        with contextlib.suppress(OSError):
            self._write(sys.stderr, text)

    @staticmethod
    def _write(stream: Any, text: str) -> None:
        """Write a line; what is no text (surrogates, signs that steer a terminal) is shown escaped."""
        encoding = getattr(stream, "encoding", None) or "utf-8"
        plain = CONTROL.sub(lambda sign: f"\\x{ord(sign[0]):02x}", text)
        stream.write(plain.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        stream.flush()


def _is_no_log(path: Path) -> bool:
    """Tell whether a file holds something else than a log, such as the video that was meant as input."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(32)
    return bool(head) and STAMP.match(head) is None


def _unwritten(where: str, error: OSError) -> StoreError:
    return StoreError("S503", where, "it does not take what is written", got=error.strerror or str(error))


def give_up_stdout() -> None:
    """Let what stdout has not taken go nowhere, so that leaving the process does not try it again."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
