"""Which writer a format has: every one of them comes back as it was."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mystax.errors import ParameterError
from mystax.io.alf import AlfOptions
from mystax.io.exports import WRITERS, check_writer, write_recorded
from mystax.io.recorded import find_recorded
from tests.fixtures.exchange_outcomes import contents, publish_known
from tests.unit.io.test_points_files import outcome, recorded


@pytest.mark.usefixtures("readers_here")
@pytest.mark.parametrize("form", ["nwb", "alf", "csv", "parquet"])
def test_what_a_format_takes_whole_comes_back_equal(tmp_path: Path, form: str) -> None:
    from mystax.engine.importing import ImportWishes, import_file
    from mystax.io.nwb.options import NwbOptions

    pytest.importorskip({"nwb": "pynwb", "parquet": "pyarrow"}.get(form, "numpy"))
    folder = publish_known(tmp_path / "face.mystax", "running", "blink")
    place = tmp_path / ("face.nwb" if form == "nwb" else form)
    options = NwbOptions(start=datetime(2024, 3, 1, tzinfo=UTC))
    files = write_recorded(form, place, find_recorded([folder]), nwb=options)
    assert all(path.is_file() for path in files)
    import_file(place, ImportWishes(out=tmp_path / "back"))
    assert contents(tmp_path / "back") == contents(folder)


@pytest.mark.parametrize(("form", "n_files"), [("anipose", 1), ("dlc-3d", 2)])
def test_points_in_space_have_their_writer(tmp_path: Path, form: str, n_files: int) -> None:
    assert len(write_recorded(form, tmp_path / "out", [recorded(outcome())])) == n_files


def test_file_is_replaced_if_the_caller_or_the_options_say_so(tmp_path: Path) -> None:
    found = find_recorded([publish_known(tmp_path / "face.mystax", "running")])
    files = write_recorded("alf", tmp_path, found)
    assert write_recorded("alf", tmp_path, found, overwrite=True) == files
    assert write_recorded("alf", tmp_path, found, alf=AlfOptions(overwrite=True)) == files


def test_unknown_format_is_refused_with_the_nearest() -> None:
    with pytest.raises(ParameterError, match=r"P401.*did you mean 'parquet'"):
        check_writer("parket")
    assert len(set(WRITERS)) == 6
