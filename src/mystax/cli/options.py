"""Options that commands share, and options made from the declared parameters of analyses."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from mystax.core.params import Parameter

__all__ = [
    "PLACE",
    "AnalysisCommand",
    "OneAnalysisCommand",
    "camera_files",
    "common",
    "option_name",
    "pairs",
    "parameter_options",
]

F = TypeVar("F", bound=Callable[..., Any])
PLACE = click.Path(path_type=Path)
"""A file or folder on the command line."""


def common(function: F) -> F:
    """Add the options that every command has; the output itself reads them."""
    for decorate in reversed(
        (
            click.option(
                "--json", "as_json", is_flag=True, expose_value=False, help="Print one JSON object."
            ),
            click.option("-q", "--quiet", is_flag=True, expose_value=False, help="No progress, no remarks."),
            click.option("-v", "--verbose", is_flag=True, expose_value=False, help="More remarks."),
            click.option("--no-color", is_flag=True, expose_value=False, help="No colours (also NO_COLOR)."),
            click.option(
                "--log",
                type=click.Path(path_type=Path),
                expose_value=False,
                help="File that takes every message.",
            ),
        )
    ):
        function = decorate(function)
    return function


def option_name(analysis: str, name: str) -> str:
    """Return the option of a parameter: ``--pupil-max-gap`` for `max_gap` of `pupil`."""
    return f"--{analysis}-{name}".replace("_", "-")


def parameter_options(
    analysis: str, parameters: Mapping[str, Parameter], *, is_only: bool = False
) -> list[click.Option]:
    """Make one option per declared parameter; the value is checked by the declaration, not here.

    The options of the only analysis of a command go without its name: ``--weights``.
    """
    options = []
    for parameter in parameters.values():
        unit = f" [{parameter.unit}]" if parameter.unit else ""
        is_free = parameter.kind is str and not parameter.choices
        allowed = "" if is_free else f"{parameter.range_text}{unit}; "
        default = "none" if parameter.default is None else str(parameter.default).lower()
        options.append(
            click.Option(
                [
                    f"--{parameter.name.replace('_', '-')}"
                    if is_only
                    else option_name(analysis, parameter.name)
                ],
                metavar="VALUE",
                help=f"{parameter.help} {allowed}default {default or 'empty'}.",
            )
        )
    return options


class AnalysisCommand(click.Command):
    """Command that also takes the parameters of all analyses, listed in one section per analysis."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sections: dict[str, list[click.Option]] = {}

    def complete_options(self) -> dict[str, list[click.Option]]:
        """Add the options of all declared analyses, plug-ins included."""
        from mystax.core.analysis import get_analysis, names_of_analyses
        from mystax.core.params import parameters_of
        from mystax.errors import RecipeError

        for name in names_of_analyses():
            if name in self._sections:
                continue
            try:
                declared = parameters_of(get_analysis(name).params)
            except RecipeError:
                continue  # a broken plug-in; `mystax doctor` tells (X002)
            self._sections[name] = parameter_options(name, declared)
            self.params.extend(self._sections[name])
        return self._sections

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words; values of parameters are collected in `ctx.meta`."""
        sections = self.complete_options()
        rest = super().parse_args(ctx, args)
        found: dict[str, dict[str, str]] = {}
        for name, options in sections.items():
            for option in options:
                value = ctx.params.pop(str(option.name), None)
                if value is not None:
                    parameter = str(option.name)[len(name) + 1 :]
                    found.setdefault(name, {})[parameter] = value
        ctx.meta["mystax.parameters"] = found
        return rest

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the options of the command, then those of each analysis."""
        from mystax.core.analysis import get_analysis

        sections = self.complete_options()
        special = {id(option) for options in sections.values() for option in options}
        own = [
            record
            for param in self.get_params(ctx)
            if id(param) not in special and (record := param.get_help_record(ctx)) is not None
        ]
        with formatter.section("Options"):
            formatter.write_dl(own)
        for name, options in sections.items():
            records = [record for option in options if (record := option.get_help_record(ctx)) is not None]
            if records:
                with formatter.section(f"{name}: {get_analysis(name).help}"):
                    formatter.write_dl(records)


def _refusal(parameter: Parameter) -> click.Option:
    """Make the short form ``--no-parts`` of ``--parts false``."""
    name = parameter.name.replace("_", "-")
    return click.Option([f"--no-{name}"], is_flag=True, help=f"Same as --{name} false.")


class OneAnalysisCommand(click.Command):
    """Command for one analysis, with the parameters of its declaration as options without its name.

    Parameters
    ----------
    analysis : str
        Name of the analysis.
    """

    def __init__(self, *args: Any, analysis: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._analysis = analysis
        self._declared: list[click.Option] = []
        self._refused: list[click.Option] = []

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """List the options, those of the declaration first."""
        if not self._declared:
            from mystax.core.analysis import get_analysis
            from mystax.core.params import parameters_of

            declared = parameters_of(get_analysis(self._analysis).params)
            self._declared = parameter_options(self._analysis, declared, is_only=True)
            self._refused = [_refusal(item) for item in declared.values() if item.default is True]
            self.params = [*self.params[:1], *self._declared, *self._refused, *self.params[1:]]
        return super().get_params(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words; values of parameters are collected in `ctx.meta`."""
        rest = super().parse_args(ctx, args)
        names = [str(option.name) for option in self._declared]
        values = {name: ctx.params.pop(name, None) for name in names}
        found = {name: value for name, value in values.items() if value is not None}
        for option in self._refused:
            if ctx.params.pop(str(option.name), False):
                found[str(option.name).removeprefix("no_")] = "false"
        ctx.meta["mystax.parameters"] = {self._analysis: found}
        return rest


def pairs(values: tuple[str, ...], what: str) -> dict[str, str]:
    """Split values such as ``left=l.csv``; one without a name belongs to all cameras ("")."""
    found: dict[str, str] = {}
    for value in values:
        name, equals, rest = value.partition("=")
        is_named = bool(equals) and bool(name) and ":" not in name  # camera names hold no colon, specs do
        key, text = (name, rest) if is_named else ("", value)
        if key in found:
            raise click.UsageError(f"{what} {key or value!r} is given twice")
        found[key] = text
    return found


def camera_files(values: tuple[str, ...]) -> dict[str, list[str]]:
    """Split ``left=l.mp4`` values into cameras with their files in order."""
    found: dict[str, list[str]] = {}
    for value in values:
        name, equals, path = value.partition("=")
        if not equals or not name or not path:
            raise click.UsageError(f"--camera takes NAME=FILE, got {value!r}")
        found.setdefault(name, []).append(path)
    return found
