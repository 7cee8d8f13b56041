"""Conditions: words into SQL, compared with what Python says of the same rows."""

from collections.abc import Iterator

import pytest
from sqlalchemy import insert

from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.query import (
    Condition,
    first_moment,
    ids_where,
    parse_where,
    select_jobs,
    select_outcomes,
    select_recordings,
)
from mystax.engine.catalog.tables import camera, flag, job, outcome, recipe, recording, subject
from mystax.errors import RecipeError

DAY = 86400.0
MARCH = 1772323200.0  # 2026-03-01T00:00:00Z


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """Give a catalogue of four recordings, one of which belongs to nobody; tests only read it."""
    url = "sqlite:///mystax.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").new_database()
    with Catalog.create(tmp_path_factory.mktemp("query"), url) as made:
        _fill(made)
        yield made


def _fill(any_catalog: Catalog) -> None:
    with any_catalog.database.write() as connection:
        for number, name in enumerate(("m1", "m1b", "M1"), 1):
            connection.execute(insert(subject).values(id=number, name=name))
        rows: list[dict[str, object]] = [
            {"id": 1, "subject_id": 1, "session": "a", "quality": "good", "start": MARCH},
            {"id": 2, "subject_id": 2, "session": "b", "quality": "bad", "start": MARCH + DAY - 1},
            {"id": 3, "subject_id": 3, "session": "c_d", "quality": "warned", "start": MARCH + DAY},
            {"id": 4, "subject_id": None, "session": "x%[y]?", "quality": "good", "start": None},
        ]
        for row in rows:
            connection.execute(insert(recording).values(folder=f"f{row['id']}", project="whisk", **row))
        connection.execute(
            insert(camera), [{"recording_id": 1, "name": "left"}, {"recording_id": 1, "name": "top"}]
        )
        connection.execute(insert(camera).values(recording_id=2, name="left"))
        connection.execute(insert(flag).values(recording_id=2, code="V102", severity="error"))
        connection.execute(insert(recipe).values(id=1, name="standard", hash="h", text=""))
        values = {"version": 1, "key": "k", "recipe_id": 1}
        connection.execute(
            insert(outcome).values(recording_id=1, analysis="pupil", path="p", coverage=0.9, **values)
        )
        old = {"recording_id": 3, "analysis": "pupil", "path": "q", "state": "superseded"}
        connection.execute(insert(outcome).values(**old, **values))
        failed = {"state": "failed", "error": {"code": "V102"}, "recipe_id": 1}
        connection.execute(insert(job).values(id=7, plan_key="a", kind="pass", recording_id=2, **failed))
        connection.execute(
            insert(job).values(id=8, plan_key="b", kind="report", recording_id=1, state="done")
        )


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ("", [1, 2, 3, 4]),
        ("subject=m1", [1]),
        ("subject=m1*", [1, 2]),
        ("subject=m1,M1", [1, 3]),
        ("subject!=m1*", [3, 4]),
        ("subject=", [4]),
        ("quality!=bad", [1, 3, 4]),
        ("quality=bad,warned", [2, 3]),
        ("project=whisk session=a,b", [1, 2]),
        ("session=c_*", [3]),
        ("session=c*", [3]),
        ("session=x%[*", [4]),
        ("session=*?", [4]),
        ("session=_", []),
        ("start=2026-03-01", [1, 2]),
        ("start>=2026-03-02", [3]),
        ("start>2026-03-01", [3]),
        ("start<=2026-03-01", [1, 2]),
        ("start<2026-03-01", []),
        ("start!=2026-03-01", [3, 4]),
        ("start=2026-03-01T23:59:59", [2]),
        ("id>=3", [3, 4]),
        ("r2", [2]),
        ("camera=left", [1, 2]),
        ("camera!=left", [3, 4]),
        ("camera=left camera=top", [1]),
        ("code=V102", [2]),
        ("analysis=pupil", [1]),
        ("analysis!=pupil", [2, 3, 4]),
        ("coverage<0.99", [1]),
        ("recipe=stand*", [1, 3]),
        ("state=failed", [2]),
        ("error=V102", [2]),
        ("state!=failed", [1, 3, 4]),
    ],
)
def test_condition_finds_recordings(filled: Catalog, where: str, wanted: list[int]) -> None:
    with filled.database.read() as connection:
        assert ids_where(connection, select_recordings(where)) == wanted


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ("", [7, 8]),
        ("state=failed", [7]),
        ("state!=failed", [8]),
        ("error=V1*", [7]),
        ("error!=V102", [8]),
        ("subject=m1", [8]),
        ("quality=bad kind=pass", [7]),
        ("recipe=standard", [7]),
        ("j8", [8]),
        ("r1", [8]),
    ],
)
def test_condition_finds_jobs(filled: Catalog, where: str, wanted: list[int]) -> None:
    with filled.database.read() as connection:
        assert ids_where(connection, select_jobs(where)) == wanted


def test_only_current_outcomes_are_found(filled: Catalog) -> None:
    with filled.database.read() as connection:
        assert len(ids_where(connection, select_outcomes("analysis=pupil recipe=standard"))) == 1
        assert ids_where(connection, select_outcomes("subject=m1 coverage>0.95")) == []


def test_values_may_be_quoted() -> None:
    assert parse_where("note='left eye' run!=2") == (
        Condition("note", "=", ("left eye",)),
        Condition("run", "!=", ("2",)),
    )


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("qualty=bad", "did you mean 'quality'"),
        ("subject", "is no condition"),
        ("subject>m1", "is a text"),
        ("start=yesterday", "2026-03-01"),
        ("start=2026-13-01", "2026-03-01"),
        ("start<2026-01-01,2026-02-01", "a list"),
        ("id=one", "is a number"),
        ("id=1e400", "is a number"),
        ("note='x", "quotation"),
        ("subject=a\0b", "NUL"),
        ("'; DROP TABLE job; --", "quotation"),
    ],
)
def test_what_is_no_condition_is_refused(where: str, said: str) -> None:
    with pytest.raises(RecipeError, match="P403") as refused:
        select_recordings(where)
    assert said in str(refused.value)


def test_words_of_sql_are_only_texts(filled: Catalog) -> None:
    with filled.database.read() as connection:
        assert ids_where(connection, select_recordings(["subject=' OR 1=1 --"])) == []


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T00:00:00Z", MARCH),
        ("2026-03-01T01:00:00+01:00", MARCH),
        ("2026-02-28 19:00-05:00", MARCH),
        ("2026-03-01T00:00", MARCH),
        ("0001-01-01T00:00+14:00", -62135596800.0 - 14 * 3600),
    ],
)
def test_time_with_a_zone_is_the_moment_that_it_names(text: str, moment: float) -> None:
    assert first_moment(text, "here") == moment


@pytest.mark.parametrize("text", ["2026-03-01Z", "2026-03-01T00:00+25:00", "2026-03-01T00:00z", "+01:00"])
def test_time_with_a_zone_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="P403"):
        first_moment(text, "here")
