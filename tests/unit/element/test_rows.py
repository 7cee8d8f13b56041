"""Rows go to the server in packets that it takes; what it cannot take is refused before the work."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("datajoint", reason='pip install "mystax[datajoint]"')

from mystax.element.rows import PACKET, check_packet, insert_rows, packet_limit
from mystax.errors import RecipeError


class Table:
    """Stands for a table: keeps what is inserted."""

    def __init__(self) -> None:
        self.groups: list[list[dict[str, Any]]] = []

    def insert(self, rows: list[dict[str, Any]]) -> None:
        self.groups.append(rows)


def server(backend: str, limit: int = 16 << 20) -> Any:
    answer = SimpleNamespace(fetchone=lambda: (limit,))
    return SimpleNamespace(adapter=SimpleNamespace(backend=backend), query=lambda _: answer)


def test_large_rows_go_in_groups_below_the_packet() -> None:
    table = Table()
    rows = [{"k": k, "value": np.zeros(PACKET // 12, np.float32)} for k in range(10)]
    assert insert_rows(table, iter(rows)) == 10
    assert [len(group) for group in table.groups] == [3, 3, 3, 1]
    assert [row["k"] for group in table.groups for row in group] == list(range(10))


def test_row_above_the_packet_goes_alone() -> None:
    table = Table()
    rows: list[dict[str, Any]] = [
        {"value": np.zeros(PACKET, np.uint8)},
        {"value": np.zeros(PACKET + 1, np.uint8)},
        {"value": 1},
    ]
    insert_rows(table, rows)
    assert [len(group) for group in table.groups] == [1, 1, 1]


def test_no_rows_are_no_insert() -> None:
    table = Table()
    assert insert_rows(table, []) == 0
    assert table.groups == []


def test_eleven_hours_fit_into_mariadb_and_twelve_do_not() -> None:
    limit = packet_limit(server("mysql"))
    assert 10.5 * 3600 * 100 * 4 < limit < 12 * 3600 * 100 * 4


def test_too_long_a_trace_is_refused_with_the_hint() -> None:
    with pytest.raises(RecipeError, match=r'P403 .*array_store="NAME"'):
        check_packet(server("mysql"), True, 5_000_000, 4, "FacialSignal")


def test_a_store_takes_any_length() -> None:
    check_packet(server("mysql"), False, 10**12, 4, "FacialSignal")


def test_postgresql_takes_a_gigabyte() -> None:
    check_packet(server("postgresql"), True, 5_000_000, 4, "FacialSignal")
    with pytest.raises(RecipeError, match="P403"):
        check_packet(server("postgresql"), True, 1 << 30, 1, "FacialSignal")
