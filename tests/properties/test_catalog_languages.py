"""Patterns and conditions against plain Python: any name, any value."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from mystax.core.safe_names import safe_name
from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.naming import Matched, group_names, naming_of
from mystax.engine.catalog.pattern import compile_pattern
from mystax.engine.catalog.query import OPERATORS, ids_where, parse_where, select_recordings
from mystax.engine.catalog.tables import recording
from mystax.errors import RecipeError

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="_/\0"), min_size=1, max_size=8)
LITERAL = st.text("ab.-+$^|[]\\ ", min_size=1, max_size=4)
VALUES = st.text("abAB_%?[]*!'\\é", max_size=5)
NUMBERS = st.integers(-5, 5)


@given(subject=WORDS, session=WORDS, before=LITERAL, between=LITERAL)
def test_fields_come_back_as_they_were_written(subject: str, session: str, before: str, between: str) -> None:
    pattern = compile_pattern(f"{before}_{{subject}}_{between}/{{session}}.mp4")
    found = pattern.match(f"{before}_{subject}_{between}/{session}.mp4")
    assert found == {"subject": subject, "session": session}


@given(st.text(max_size=40))
def test_any_text_is_a_pattern_or_p403(text: str) -> None:
    try:
        pattern = compile_pattern(text)
    except RecipeError:
        return
    found = pattern.match("a/b.mp4")
    assert found is None or set(found) == set(pattern.names)


@given(
    st.lists(st.sampled_from(["*", "a", "b", "/", ".mp4"]), min_size=1, max_size=6),
    st.text("ab/.mp4", max_size=12),
)
def test_stars_mean_what_they_mean_in_a_shell(pieces: list[str], path: str) -> None:
    text = re.sub(r"\*+", "*", "".join(pieces))
    if text.startswith("/") or not text.strip():
        return
    parts, wanted = path.split("/"), text.split("/")
    same = len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))
    assert (compile_pattern(text).match(path) is not None) == same


@given(st.text("ab/_.-*mp4", max_size=30))
def test_near_miss_is_a_cut_of_its_path(path: str) -> None:
    miss = compile_pattern("rawdata/sub-{subject}*/**/*.{video}").near_miss(path)
    assert path.startswith(miss.matched)
    assert path[len(miss.matched) :].startswith(miss.failed)
    assert miss.expected


@given(st.sets(st.tuples(WORDS, WORDS), min_size=1, max_size=6))
def test_every_file_is_in_one_recording_or_one_conflict_and_folders_are_safe(
    names: set[tuple[str, str]],
) -> None:
    naming = naming_of("{subject:any}/{session:any}.{video}")
    matched = [naming.match(f"{subject}/{session}.mp4", "p") for subject, session in sorted(names)]
    recordings, conflicts = group_names([one for one in matched if isinstance(one, Matched)])
    every = [path for one in recordings for path in one.paths] + [
        path for one in conflicts for path in one.paths
    ]
    assert sorted(every) == sorted(f"{subject}/{session}.mp4" for subject, session in names)
    folders = [one.folder for one in recordings]
    assert len({folder.casefold() for folder in folders}) == len(folders)
    assert all(safe_name(part) for folder in folders for part in folder.split("/"))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """Give a catalogue whose recordings a test replaces."""
    url = "sqlite:///mystax.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").new_database()
    with Catalog.create(tmp_path_factory.mktemp("conditions"), url) as made:
        yield made


def _holds(row: tuple[str, float | None], text: str, op: str, start: int) -> bool:
    """Say what a condition on note and start means, in plain Python."""
    note, begun = row
    star = re.fullmatch("".join(".*" if sign == "*" else re.escape(sign) for sign in text), note, re.DOTALL)
    moment, end = 86400.0 * start, 86400.0 * (start + 1)
    if begun is None:
        return bool(star) and op == "!="
    compared = {
        "=": moment <= begun < end,
        "!=": not moment <= begun < end,
        "<": begun < moment,
        "<=": begun < end,
        ">": begun >= end,
        ">=": begun >= moment,
    }[op]
    return bool(star) and compared


@given(
    rows=st.lists(
        st.tuples(VALUES, st.none() | st.integers(0, 4 * 24).map(lambda hour: 3600.0 * hour)), max_size=5
    ),
    text=VALUES,
    op=st.sampled_from(OPERATORS),
    day=st.integers(0, 4),
)
def test_condition_means_what_it_means_in_python(
    catalog: Catalog, rows: list[tuple[str, float | None]], text: str, op: str, day: int
) -> None:
    with catalog.database.write() as connection:
        connection.execute(recording.delete())
        for number, (note, start) in enumerate(rows, 1):
            connection.execute(
                insert(recording).values(id=number, folder=str(number), note=note, start=start)
            )
    with catalog.database.read() as connection:
        found = ids_where(connection, select_recordings([f"note={text}", f"start{op}1970-01-0{day + 1}"]))
    assert found == [n for n, row in enumerate(rows, 1) if _holds(row, text, op, day)]


@given(st.text(max_size=30))
def test_any_text_is_a_condition_or_p403(text: str) -> None:
    try:
        found = parse_where(text)
    except RecipeError:
        return
    assert str(select_recordings(text).compile()).count(":") >= len(
        [one for one in found if "*" not in one.values]
    )


@given(st.lists(NUMBERS, min_size=1, max_size=4), st.sampled_from(["=", "!="]))
def test_lists_are_any_of_them(catalog: Catalog, numbers: list[int], op: str) -> None:
    with catalog.database.write() as connection:
        connection.execute(recording.delete())
        for number in range(1, 5):
            connection.execute(insert(recording).values(id=number, folder=str(number)))
    with catalog.database.read() as connection:
        found = ids_where(connection, select_recordings(f"id{op}{','.join(map(str, numbers))}"))
    assert found == [number for number in range(1, 5) if (number in numbers) == (op == "=")]
