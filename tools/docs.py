"""Write the generated reference pages: parameters, outcomes, commands, errors, faults.

They come from the declarations, the table of codes and the docstrings of the fault tests, so they cannot
differ from what the program does.  Written to ``docs/reference/`` (not kept in git).
"""

import ast
import io
import sys
from contextlib import redirect_stdout, suppress
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "reference"


def table(head: list[str], rows: list[list[str]]) -> str:
    """Write a Markdown table; brackets in plain text are no references."""
    escaped = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    escaped = [[cell if "`" in cell else cell.replace("[", "\\[") for cell in row] for row in escaped]
    lines = [head, ["---"] * len(head), *escaped]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def analyses_page() -> str:
    """Write parameters and outcome variables of every analysis."""
    from mystax.core.analysis import get_analysis, names_of_analyses, names_on_outcomes
    from mystax.core.params import parameters_of

    parts = ["# Analyses\n\nGenerated from the declarations: parameters in, variables out.\n"]
    for name in [*names_of_analyses(), *names_on_outcomes()]:
        analysis = get_analysis(name)
        parts.append(f"## {name}\n\n{analysis.help} (version {analysis.version})\n")
        rows = [
            [f"`{item.name}`", f"`{item.default}`", item.range_text, item.unit or "-", item.help]
            for item in parameters_of(analysis.params).values()
        ]
        if rows:
            parts.append(table(["parameter", "default", "range", "unit", "meaning"], rows))
        rows = [
            [f"`{key}`", ", ".join(item.dims), item.unit or "-", item.dtype, item.help]
            for key, item in analysis.outputs.all_variables().items()
        ]
        parts.append(table(["variable", "dimensions", "unit", "type", "meaning"], rows))
    return "\n".join(parts)


def commands_page() -> str:
    """Write the help text of every command."""
    from mystax.cli import COMMANDS, main

    parts = ["# Commands\n"]
    words: list[tuple[str, ...]] = [()]
    for name, (module, _) in COMMANDS.items():
        words.append((name,))
        words += [(name, part) for part in getattr(import_module(module).command, "commands", {})]
    for each in words:
        shown = io.StringIO()
        with redirect_stdout(shown), suppress(SystemExit):
            main([*each, "--help"])
        parts.append(f"## mystax {' '.join(each)}\n\n```text\n{shown.getvalue().rstrip()}\n```\n")
    return "\n".join(parts)


def errors_page() -> str:
    """Write the table of codes."""
    from mystax.errors import CODES

    rows = [[f"`{code}`", item.meaning, item.kind, item.retry] for code, item in CODES.items()]
    text = (
        "# Codes\n\nA code is a refusal (an error), or a flag (the outcome exists and says so in its "
        "`quality` attribute); some are both.\n\n"
    )
    return text + table(["code", "meaning", "kind", "retry"], rows)


def faults_page() -> str:
    """Write what each fault test proves, from its docstring."""
    rows = []
    for path in sorted((ROOT / "tests" / "faults").glob("test_f*.py")):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        row = path.stem.split("_")[1].upper().replace("F0", "F")
        rows.append([row, " ".join(text.split())])
    return "# Faults\n\nEach row is a file of tests; this is what it proves.\n\n" + table(
        ["row", "proven"], rows
    )


def main() -> int:
    """Write all pages."""
    TARGET.mkdir(parents=True, exist_ok=True)
    pages = {
        "analyses.md": analyses_page(),
        "commands.md": commands_page(),
        "errors.md": errors_page(),
        "faults.md": faults_page(),
    }
    for name, text in pages.items():
        (TARGET / name).write_text(text, encoding="utf-8")
    print(f"docs: {len(pages)} reference pages in {TARGET.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
