"""Write the generated sources of the pages: types of the server's objects, and the palette.

python tools/web_types.py            # writes api.gen.ts and palette.gen.ts
python tools/web_types.py --check    # exit status 1 where one of them is not current
"""

import argparse
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from mystax.app import schemas

ROOT = Path(__file__).resolve().parents[1]
WEB = ROOT / "src" / "mystax" / "app" / "web" / "src"
PALETTE = ROOT / "src" / "mystax" / "data" / "palette.toml"
SIMPLE = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
HEAD = "// Made by tools/web_types.py; do not edit.\n"


def type_of(schema: dict[str, Any]) -> str:
    """Return the TypeScript type of a JSON schema."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(type_of(one) for one in schema["anyOf"])
    kind = schema.get("type")
    if kind == "array" and "prefixItems" in schema:
        return "readonly [" + ", ".join(type_of(one) for one in schema["prefixItems"]) + "]"
    if kind == "array":
        return f"ReadonlyArray<{type_of(schema['items'])}>"
    if kind == "object":
        values = schema.get("additionalProperties", True)
        return f"Readonly<Record<string, {'unknown' if values is True else type_of(values)}>>"
    return SIMPLE.get(str(kind), "unknown")


def types() -> str:
    """Return the interfaces of all objects of `mystax.app.schemas`."""
    models = [getattr(schemas, name) for name in schemas.__all__]
    _, found = models_json_schema([(model, "serialization") for model in models])
    parts = [HEAD]
    for name, schema in sorted(found["$defs"].items()):
        lines = [
            f"/** {' '.join(str(schema.get('description', '')).split())} */",
            f"export interface {name} {{",
        ]
        lines += [f"  readonly {field}: {type_of(one)};" for field, one in schema["properties"].items()]
        parts.append("\n".join([*lines, "}"]) + "\n")
    return "\n".join(parts)


def palette() -> str:
    """Return the palette as a constant."""
    values = tomllib.loads(PALETTE.read_text("utf-8"))
    return f"{HEAD}\nexport const palette = {json.dumps(values, indent=2, ensure_ascii=False)} as const;\n"


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true")
    only_check = parser.parse_args().check
    wrong = 0
    for name, text in {"api.gen.ts": types(), "palette.gen.ts": palette()}.items():
        path = WEB / name
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        if only_check:
            print(f"{path.relative_to(ROOT)} is not current: python tools/web_types.py", file=sys.stderr)
            wrong = 1
        else:
            path.write_text(text, "utf-8")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
