"""Print the figures of the house: sizes, shares annotated and documented, tests against source.

It shows drift and fails nothing.
"""

import ast
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def files(folder: str) -> list[Path]:
    """List the Python files below a folder."""
    return sorted((ROOT / folder).rglob("*.py"))


def length(path: Path) -> int:
    """Count the lines of a file."""
    return len(path.read_text(encoding="utf-8").splitlines())


def quantile(values: list[int], share: float) -> int:
    """Return the value below which a share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0


def public_functions(path: Path) -> list[ast.FunctionDef]:
    """List the public functions of a file, and the public methods of its public classes."""
    found: list[ast.FunctionDef] = []
    for item in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(item, ast.ClassDef) and not item.name.startswith("_"):
            found += [inner for inner in item.body if isinstance(inner, ast.FunctionDef)]
        elif isinstance(item, ast.FunctionDef):
            found.append(item)
    return [item for item in found if not item.name.startswith("_")]


def is_annotated(function: ast.FunctionDef) -> bool:
    """Tell whether every argument and the return value carry an annotation."""
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return function.returns is not None and all(
        argument.annotation is not None or argument.arg in ("self", "cls") for argument in arguments
    )


def main() -> int:
    """Print the figures."""
    source, tests = files("src"), files("tests")
    sizes = [length(path) for path in source]
    functions = [
        (path, item) for path in source if "kernels" not in path.as_posix() for item in public_functions(path)
    ]
    spans = [(item.end_lineno or item.lineno) - item.lineno + 1 for _, item in functions]
    annotated = sum(is_annotated(item) for _, item in functions)
    documented = sum(ast.get_docstring(item) is not None for _, item in functions)
    lines, test_lines = sum(sizes), sum(length(path) for path in tests)
    print(
        f"files         {len(sizes)}, lines {lines}, median {statistics.median(sizes):.0f}, nine of ten <= ",
        end="",
    )
    print(f"{quantile(sizes, 0.9)}, largest {max(sizes)}")
    print(
        f"functions     {len(functions)}, nine of ten <= {quantile(spans, 0.9)} lines, largest {max(spans)}"
    )
    print(f"annotated     {annotated / len(functions):.0%}   documented {documented / len(functions):.0%}")
    print(f"tests         {test_lines} lines, {test_lines / lines:.2f} of the source")
    for path, size in sorted(zip(source, sizes, strict=True), key=lambda pair: -pair[1])[:5]:
        print(f"   {size:5d} {path.relative_to(ROOT)}")
    for path, item in functions:
        if not is_annotated(item) or ast.get_docstring(item) is None:
            print(f"   incomplete: {path.relative_to(ROOT)}:{item.lineno} {item.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
