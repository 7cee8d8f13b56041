"""Outcomes back from CSV and Parquet tables: with the digest that they left with, or refused."""

from pathlib import Path

import pytest

from mystax.errors import DamagedError, FormatError
from mystax.io.outcome_parts import publish_parts
from mystax.io.recorded import find_recorded
from mystax.io.store import Store
from mystax.io.table_reader import read_tables, table_manifest
from mystax.io.tables import write_tables
from tests.fixtures.exchange_outcomes import KINDS, contents, publish_known

pytestmark = pytest.mark.usefixtures("readers_here")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind of outcome, of one camera."""
    return publish_known(tmp_path_factory.mktemp("tables") / "face.mystax", *KINDS)


@pytest.mark.parametrize(
    "form",
    [
        pytest.param("csv", marks=pytest.mark.slow),
        pytest.param("parquet", marks=pytest.mark.extra("interop")),
    ],
)
def test_every_kind_comes_back_with_the_digest_that_it_left_with(
    folder: Path, tmp_path: Path, form: str
) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow", reason='pip install "mystax[interop]"')
    write_tables(tmp_path / "out", find_recorded([folder]), form)
    for _, parts in read_tables(tmp_path / "out"):
        publish_parts(Store(tmp_path / "back"), parts)
    assert contents(tmp_path / "back") == contents(folder)


def test_two_cameras_have_a_table_each_and_come_back(tmp_path: Path) -> None:
    folder = publish_known(tmp_path / "face.mystax", "motion", cameras=("left", "right"))
    write_tables(tmp_path / "out", find_recorded([folder]), "csv")
    assert {"motion.left.csv", "motion.right.csv"} <= {path.name for path in (tmp_path / "out").iterdir()}
    ((recording, parts),) = read_tables(tmp_path / "out" / "motion.left.csv")
    publish_parts(Store(tmp_path / "back"), parts)
    assert (recording, contents(tmp_path / "back")) == ("face", contents(folder))


def test_changed_cell_is_found(folder: Path, tmp_path: Path) -> None:
    write_tables(tmp_path, find_recorded([folder], ["running"]), "csv")
    path = tmp_path / "running.csv"
    rows = [line.split(",") for line in path.read_text("utf-8").splitlines()]
    rows[5][rows[0].index("speed.nose")] = "17.5"
    path.write_text("\n".join(map(",".join, rows)) + "\n", "utf-8")
    with pytest.raises(DamagedError, match="S502"):
        read_tables(path)


def test_table_without_its_json_is_refused(folder: Path, tmp_path: Path) -> None:
    write_tables(tmp_path, find_recorded([folder], ["running"]), "csv")
    (tmp_path / "running.json").unlink()
    with pytest.raises(FormatError, match="F804"):
        read_tables(tmp_path / "running.csv")


def test_json_that_names_a_file_elsewhere_is_refused(folder: Path, tmp_path: Path) -> None:
    write_tables(tmp_path, find_recorded([folder], ["running"]), "csv")
    place = tmp_path / "running.json"
    place.write_text(
        place.read_text("utf-8").replace('"path":"running.csv', '"path":"../running.csv'), "utf-8"
    )
    with pytest.raises(FormatError, match="F803"):
        read_tables(place)


def test_json_of_a_table_is_found_by_the_start_of_its_name(folder: Path, tmp_path: Path) -> None:
    write_tables(tmp_path, find_recorded([folder], ["blink", "svd"]), "csv")
    for name in ("blink.csv", "blink.event.csv", "blink.json"):
        assert table_manifest(tmp_path / name) == tmp_path / "blink.json"
    assert table_manifest(tmp_path / "svd.motion_mask.npy") == tmp_path / "svd.json"


def test_json_of_somebody_else_belongs_to_no_table(tmp_path: Path) -> None:
    (tmp_path / "blink.json").write_text('{"frames": 3}', "utf-8")
    assert table_manifest(tmp_path / "blink.csv") is None


def test_missing_row_is_refused(folder: Path, tmp_path: Path) -> None:
    write_tables(tmp_path, find_recorded([folder], ["running"]), "csv")
    path = tmp_path / "running.csv"
    path.write_text("".join(path.read_text("utf-8").splitlines(keepends=True)[:-1]), "utf-8")
    with pytest.raises(FormatError, match="columns and rows as exported"):
        read_tables(path)
