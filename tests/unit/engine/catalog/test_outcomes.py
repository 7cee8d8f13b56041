"""Rows of recipes and outcomes."""

from typing import Any

from sqlalchemy import insert, select

from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.outcomes import OutcomeFacts, recipe_hash, recipe_row, record_outcome
from mystax.engine.catalog.tables import flag, outcome, recipe, recording
from mystax.engine.recipe import recipe_from


def _facts(key: str, *codes: str) -> OutcomeFacts:
    quality = [{"code": code, "text": code, "frames": [], "n_frames": 0} for code in codes]
    values: dict[str, Any] = {
        "analysis": "motion",
        "version": 1,
        "key": key,
        "bytes": 3,
        "sha256": "s",
        "content_sha256": "c",
        "coverage": 1.0,
        "quality": quality,
        "summary": {},
    }
    return OutcomeFacts("m1/quick/motion.nc", values, {})


def _record(catalog: Catalog, facts: OutcomeFacts) -> int:
    with catalog.database.write() as connection:
        if connection.scalar(select(recording.c.id)) is None:
            connection.execute(insert(recording).values(id=1, folder="m1"))
        return record_outcome(connection, facts, recording_id=1)


def _states(catalog: Catalog) -> dict[str, str]:
    with catalog.database.read() as connection:
        return {row.path: row.state for row in connection.execute(select(outcome))}


def test_equal_recipes_have_one_row_and_defaults_do_not_matter(any_catalog: Catalog) -> None:
    plain = recipe_from(analyses=["motion"])
    written = recipe_from(
        analyses=["motion"], parameters={"motion": dict(plain.complete().analysis[0].parameters)}
    )
    other = recipe_from(analyses=["motion"], parameters={"motion": {"bin": 2}})
    assert recipe_hash(plain) == recipe_hash(written) != recipe_hash(other)
    with any_catalog.database.write() as connection:
        rows = [recipe_row(connection, one) for one in (plain, written, other, plain)]
        assert connection.scalars(select(recipe.c.id).order_by(recipe.c.id)).all() == [rows[0], rows[2]]
    assert rows[0] == rows[1] == rows[3]


def test_outcome_of_another_key_supersedes_the_one_that_was_there(any_catalog: Catalog) -> None:
    first = _record(any_catalog, _facts("a" * 64, "V113"))
    second = _record(any_catalog, _facts("b" * 64))
    assert first != second
    assert _states(any_catalog) == {
        f"m1/quick/.mystax/old/motion.{'a' * 12}.nc": "superseded",
        "m1/quick/motion.nc": "current",
    }
    with any_catalog.database.read() as connection:
        assert connection.scalars(select(flag.c.code)).all() == []


def test_outcome_of_the_same_key_keeps_its_row(any_catalog: Catalog) -> None:
    first = _record(any_catalog, _facts("a" * 64, "V113"))
    assert _record(any_catalog, _facts("a" * 64, "V113")) == first
    with any_catalog.database.read() as connection:
        assert connection.scalars(select(flag.c.code)).all() == ["V113"]


def test_remarks_of_an_outcome_lower_the_quality(catalog: Catalog) -> None:
    _record(catalog, _facts("a" * 64, "V105"))
    assert catalog.recordings()[0]["quality"] == "warned"


def test_rows_are_those_of_the_files_after_going_back_and_forth(catalog: Catalog) -> None:
    for key in ("a", "b", "a", "b"):
        _record(catalog, _facts(key * 64))
    old = {f"m1/quick/.mystax/old/motion.{key * 12}.nc": "superseded" for key in ("a", "b")}
    assert _states(catalog) == {**old, "m1/quick/motion.nc": "current"}
