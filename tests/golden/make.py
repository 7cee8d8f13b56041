"""Kept texts, written by ``python -m tests.golden.make`` and compared by tests: schemas of the catalogue."""

import sqlite3
import tempfile
from pathlib import Path

__all__ = ["schema_text"]

SCHEMAS = Path(__file__).parent / "schemas"


def schema_text(file: Path) -> str:
    """Return the tables of an SQLite catalogue as SQL, with its number and nothing else in them."""
    with sqlite3.connect(file) as plain:
        made = plain.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC, name"
        ).fetchall()
        number = plain.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()[0]
        revision = plain.execute("SELECT version_num FROM alembic_version").fetchone()[0]
    plain.close()
    rows = [
        f"INSERT INTO meta (key, value) VALUES ('schema', '{number}')",  # noqa: S608 - a text to keep
        f"INSERT INTO alembic_version (version_num) VALUES ('{revision}')",  # noqa: S608 - a text to keep
    ]
    lines = [" ".join(part.strip() for part in sql.split("\n")) for (sql,) in made]
    return "".join(f"{line};\n" for line in [*lines, *rows])


def main() -> None:
    """Write the text of the present schema; older ones are never written again."""
    from mystax.engine.catalog.catalog import Catalog
    from mystax.engine.catalog.tables import SCHEMA

    SCHEMAS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mystax-golden-") as folder:
        with Catalog.create(folder) as catalog:
            database = Path(catalog.database.where)
        (SCHEMAS / f"schema_{SCHEMA:04d}.sql").write_text(schema_text(database), "utf-8")


if __name__ == "__main__":
    main()
