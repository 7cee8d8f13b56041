"""The journal: lines with sums, torn ends, damage inside, a disk that fails."""

import errno
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mystax.core.label_operations import FIELDS, Mark, Note, record_of
from mystax.errors import AppError, FormatError, SpaceError
from mystax.io.journal import JOURNAL, TORN, Journal, line_of, read_line
from tests.fixtures.faulty_fs import FaultyFs, Killed
from tests.fixtures.label_folders import make_operation


def records(n: int, first: int = 1) -> list[dict[str, Any]]:
    return [record_of(make_operation(rev=first + k, pts=k)) for k in range(n)]


def written(folder: Path, n: int = 5) -> list[dict[str, Any]]:
    """Write a journal and return its records."""
    journal = Journal(folder)
    list(journal.read())
    journal.open_for_writing()
    made = records(n)
    journal.append(made[:2])
    journal.append(made[2:])
    journal.close()
    return made


def read(folder: Path) -> tuple[Journal, list[dict[str, Any]]]:
    journal = Journal(folder)
    found = [{name: record[name] for name in FIELDS} for record in journal.read()]
    return journal, found


def test_line_is_json_with_the_fields_in_order_and_its_own_sum() -> None:
    record = record_of(make_operation(who="Änne \u2028", rev=7))
    line = line_of(record)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    whole = json.loads(line)
    assert list(whole) == [*FIELDS, "crc"]
    text = line.decode()
    without = text[: text.rindex(',"crc"')] + "}"
    assert whole["crc"] == f"{zlib.crc32(without.encode()):08x}"
    assert {name: read_line(line.rstrip())[name] for name in FIELDS} == record


@given(st.text(), st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**62), 2**62))
def test_any_text_and_number_survives_its_line(text: str, x: float, pts: int) -> None:
    record = record_of(make_operation(who=text, after=Mark("placed", x, -x), pts=pts))
    found = read_line(line_of(record)[:-1])
    assert {name: found[name] for name in FIELDS} == record


def test_written_operations_are_read_in_order(tmp_path: Path) -> None:
    made = written(tmp_path)
    journal, found = read(tmp_path)
    assert found == made
    assert (journal.last_rev, journal.bad, journal.torn) == (5, (), b"")
    assert journal.size == (tmp_path / JOURNAL).stat().st_size


def test_operations_are_appended_after_those_that_are_there(tmp_path: Path) -> None:
    made = written(tmp_path)
    journal = Journal(tmp_path)
    list(journal.read())
    journal.open_for_writing()
    more = records(3, first=6)
    journal.append(more)
    journal.close()
    assert read(tmp_path)[1] == made + more


def test_empty_folder_has_no_operations(tmp_path: Path) -> None:
    journal, found = read(tmp_path / "new")
    assert (found, journal.last_rev, journal.size) == ([], 0, 0)


@pytest.mark.parametrize("cut", [1, 7, 200])
def test_torn_last_line_is_moved_away_and_all_else_is_kept(tmp_path: Path, cut: int) -> None:
    made = written(tmp_path)
    path = tmp_path / JOURNAL
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    journal, found = read(tmp_path)
    assert found == made[:-1]
    assert whole.endswith(journal.torn + whole[-cut:])
    assert path.read_bytes() == whole[:-cut]  # reading changes nothing
    assert journal.open_for_writing() == len(journal.torn) or journal.torn == b""
    journal.close()
    assert (tmp_path / TORN).read_bytes().rstrip(b"\n") == whole[:-cut].splitlines()[-1]
    assert path.read_bytes() == b"".join(whole.splitlines(keepends=True)[:-1])


def test_last_line_with_a_wrong_sum_is_torn_too(tmp_path: Path) -> None:
    made = written(tmp_path)
    path = tmp_path / JOURNAL
    lines = path.read_bytes().splitlines(keepends=True)
    lines[-1] = lines[-1].replace(b'"ann"', b'"bob"')
    path.write_bytes(b"".join(lines))
    journal, found = read(tmp_path)
    assert found == made[:-1]
    assert journal.torn == lines[-1]


def test_two_torn_lines_are_both_kept(tmp_path: Path) -> None:
    for _ in range(2):
        written(tmp_path / "a") if not (tmp_path / "a").exists() else None
        with (tmp_path / "a" / JOURNAL).open("ab") as stream:
            stream.write(b'{"rev":6,"op":"se')
        journal = Journal(tmp_path / "a")
        list(journal.read())
        journal.open_for_writing()
        journal.close()
    assert (tmp_path / "a" / TORN).read_bytes() == b'{"rev":6,"op":"se\n' * 2


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "sum": lambda line: line.replace(b'"ann"', b'"bob"'),
    "no_json": lambda _: b"nonsense\n",
    "empty": lambda _: b"\n",
    "other_fields": lambda _: line_of({"rev": 2, "op": "set"}),
    "revision_falls": lambda line: line_of({**json.loads(line), "rev": 1} | {"crc": ""}).replace(
        b',"crc":""', b""
    ),
    "zeros": lambda line: bytes(len(line) - 1) + b"\n",
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_bad_line_inside_is_named_and_nothing_can_be_written(tmp_path: Path, kind: str) -> None:
    made = written(tmp_path)
    path = tmp_path / JOURNAL
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = DAMAGE[kind](lines[1])
    path.write_bytes(b"".join(lines))
    journal, found = read(tmp_path)
    assert found == [made[0], *made[2:]]
    assert [line.number for line in journal.bad] == [2]
    with pytest.raises(AppError, match=r"W908.*line 2 is damaged.*mystax labels repair"):
        journal.open_for_writing()


def test_repair_keeps_the_damaged_file_and_all_good_lines(tmp_path: Path) -> None:
    made = written(tmp_path)
    path = tmp_path / JOURNAL
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = b"nonsense\n"
    path.write_bytes(b"".join(lines) + b"torn")
    journal, _ = read(tmp_path)
    assert journal.repair("journal.1.damaged") == 1
    assert (tmp_path / "journal.1.damaged").read_bytes() == b"".join(lines) + b"torn"
    journal, found = read(tmp_path)
    assert found == [made[0], *made[2:]]
    assert journal.bad == ()
    assert journal.repair("again") == 0
    assert not (tmp_path / "again").exists()


def test_some_operations_are_read_again(tmp_path: Path) -> None:
    made = written(tmp_path)
    journal, _ = read(tmp_path)
    found = journal.records([4, 2])
    assert [record["id"] for record in found] == [made[3]["id"], made[1]["id"]]
    with pytest.raises(FormatError, match="no revision 9"):
        journal.records([9])


def test_many_lines_are_read_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mystax.io.journal.LINES_AT_ONCE", 2)
    made = written(tmp_path, 7)
    assert read(tmp_path)[1] == made


@pytest.mark.parametrize("step", [1, 2])
def test_full_disk_leaves_the_journal_as_it_was(tmp_path: Path, step: int) -> None:
    written(tmp_path)
    before = (tmp_path / JOURNAL).read_bytes()
    fs = FaultyFs()
    journal = Journal(tmp_path, fs)
    list(journal.read())
    journal.open_for_writing()
    fs.at, fs.error = fs.n_steps + step, errno.ENOSPC  # 1: the write, 2: the sync
    with pytest.raises(SpaceError, match="S501"):
        journal.append(records(2, first=6))
    fs.at = 0
    assert (tmp_path / JOURNAL).read_bytes() == before
    journal.append(records(1, first=6))
    journal.close()
    assert [record["rev"] for record in read(tmp_path)[1]] == [1, 2, 3, 4, 5, 6]


def test_process_killed_in_the_middle_of_a_write_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    made = written(tmp_path)
    fs = FaultyFs()
    journal = Journal(tmp_path, fs)
    list(journal.read())
    journal.open_for_writing()
    fs.at = fs.n_steps + 1
    with pytest.raises(Killed):
        journal.append(records(1, first=6))
    fs.bury()
    journal, found = read(tmp_path)
    assert found == made
    assert journal.torn


def test_closed_journal_refuses_to_write(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="not open for writing"):
        Journal(tmp_path).append(records(1))


def test_mark_of_the_end_changes_with_every_line(tmp_path: Path) -> None:
    written(tmp_path)
    journal, _ = read(tmp_path)
    mark = journal.mark_of_end()
    assert mark == journal.mark_of_end(journal.size_on_disk())
    list(journal.read())
    journal.open_for_writing()
    journal.append([record_of(make_operation("", op="note", after=Note("skip"), rev=6))])
    assert journal.mark_of_end() != mark
    journal.close()


def test_not_a_number_is_never_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        line_of(record_of(make_operation(after=Mark("placed", float("nan"), 0.0))))
