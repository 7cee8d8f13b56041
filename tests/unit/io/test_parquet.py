"""Columns of Parquet tables."""

from pathlib import Path

import numpy as np
import pytest

from mystax.errors import ExtraMissing, FormatError
from mystax.io.parquet import read_parquet


@pytest.fixture
def table(tmp_path: Path) -> Path:
    pa = pytest.importorskip("pyarrow", reason='pip install "mystax[interop]"')
    from pyarrow import parquet

    columns = {
        "label": [1.0, None, 0.5],
        "cluster_id": [2, 0, 1],
        "ks2_label": ["good", None, "mua"],
        "kind": pa.array(["a", "b", "a"]).dictionary_encode(),
        "list": [[1], [2], [3]],
    }
    parquet.write_table(pa.table(columns), tmp_path / "metrics.pqt")
    return tmp_path / "metrics.pqt"


def test_numbers_and_texts_with_what_is_missing(table: Path) -> None:
    found = read_parquet(table, ["label", "cluster_id", "ks2_label"])
    assert np.array_equal(found["label"], [1, np.nan, 0.5], equal_nan=True)
    assert found["cluster_id"].tolist() == [2, 0, 1]
    assert found["ks2_label"].tolist() == ["good", "", "mua"]


def test_columns_of_names_are_texts(table: Path) -> None:
    assert read_parquet(table, ["kind"])["kind"].tolist() == ["a", "b", "a"]


def test_what_is_not_there_or_no_number_is_left_out(table: Path) -> None:
    assert read_parquet(table, ["list", "nothing"]) == {}


def test_another_file_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason='pip install "mystax[interop]"')
    wrong = tmp_path / "metrics.pqt"
    wrong.write_bytes(b"PAR1 is not enough")
    with pytest.raises(FormatError, match=r"F804 metrics.pqt.*Parquet"):
        read_parquet(wrong, ["label"])


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ExtraMissing, match=r"X001.*mystax\[interop\]"):
        read_parquet(tmp_path / "metrics.pqt", ["label"])
