"""The doctor on folders of outcomes."""

from pathlib import Path

import pytest

from mystax.core.quality import Flag
from mystax.engine.doctor_outcomes import Check, check_outcomes, check_strays, outcome_folders
from mystax.io.store import Provenance, Store
from tests.fixtures.traces import KEY, TRACE, damage, provenance, quick_store, trace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with one outcome."""
    store = quick_store(tmp_path / "face.mystax")
    store.publish(trace(), provenance(), schema=TRACE)
    return store.folder


def test_line_is_a_json_object_of_the_stated_fields() -> None:
    line = Check("outcomes", "fail", "S502", "a.nc", "damaged", "run again").as_dict()
    assert list(line) == ["name", "status", "code", "where", "got", "hint"]


def test_folders_of_outcomes_are_found_at_and_below_a_path(folder: Path, tmp_path: Path) -> None:
    quick_store(tmp_path / "out" / "rec" / "standard").publish(trace(), provenance(), schema=TRACE)
    assert list(outcome_folders(tmp_path)) == [folder, tmp_path / "out" / "rec" / "standard"]
    assert list(outcome_folders(folder)) == [folder]
    assert list(outcome_folders(folder / "trace.nc")) == [folder]


def test_whole_outcome_is_well(folder: Path) -> None:
    for verify in (False, True):
        assert check_outcomes(folder, verify=verify) == [
            Check("outcomes", "ok", where=str(folder / "trace.nc"))
        ]


def test_several_cameras_are_one_line(tmp_path: Path) -> None:
    quick_store(tmp_path).publish({"face": trace(), "side": trace(9)}, provenance(), schema=TRACE)
    assert [line.status for line in check_outcomes(tmp_path, verify=True)] == ["ok"]


def test_flags_and_coverage_are_told(tmp_path: Path) -> None:
    told = Provenance("trace", 1, KEY, coverage=0.5, quality=[Flag("V105", "x"), Flag("V113", "y")])
    quick_store(tmp_path).publish(trace(), told, schema=TRACE)
    (line,) = check_outcomes(tmp_path)
    assert (line.status, line.code, line.got) == ("warn", "V105", "coverage 0.5000, V105, V113")


@pytest.mark.parametrize("verify", [False, True])
def test_damage_is_found_and_nothing_is_removed(folder: Path, verify: bool) -> None:
    damage(folder / "trace.nc")
    (line,) = check_outcomes(folder, verify=verify, fix=True)
    assert (line.status, line.code) == ("fail", "S502")
    assert "energy" in line.got or "filter" in line.got
    assert (folder / "trace.nc").exists()


def test_changed_bytes_outside_the_values_are_found_by_verify(folder: Path) -> None:
    with (folder / "trace.nc").open("ab") as file:
        file.write(b"\0")
    (line,) = check_outcomes(folder, verify=True)
    assert (line.status, line.code) == ("fail", "S502")


def test_missing_sum_is_mended_on_request(folder: Path) -> None:
    (folder / ".mystax/sums/trace.nc.sha256").unlink()
    (line,) = check_outcomes(folder, verify=True)
    assert (line.status, line.hint) == ("warn", "mystax doctor --fix")
    (line,) = check_outcomes(folder, verify=True, fix=True)
    assert (line.status, line.got) == ("ok", "its sum was written again")
    assert check_outcomes(folder, verify=True)[0].got == ""


def test_outcome_of_a_newer_mystax_has_its_hint(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mystax.io.outcome_files.FORMAT", 0)
    (line,) = check_outcomes(folder)
    assert (line.status, line.code) == ("fail", "S505")
    assert "upgrade" in line.hint


def test_clean_folder_has_no_strays(folder: Path) -> None:
    assert check_strays(folder) == [Check("strays", "ok", where=str(folder))]


def test_strays_are_named_and_removed_on_request(folder: Path) -> None:
    work = folder / ".mystax" / "work" / "0123456789ab"
    work.mkdir(parents=True)
    left = [folder / f".trace.{'0' * 16}.nc.part", work / "motion.energy.spool"]
    for path in left:
        path.write_bytes(b"x")
    lines = check_strays(folder)
    assert {(line.status, line.where) for line in lines} == {("warn", str(path)) for path in left}
    assert {line.got for line in check_strays(folder, fix=True)} == {"removed"}
    assert not work.exists()
    assert check_strays(folder)[0].status == "ok"


def test_work_of_a_living_process_is_no_stray(folder: Path) -> None:
    with Store(folder).work([KEY]) as work:
        work.spool("motion.energy", 1, "uint8")
        assert check_strays(folder, fix=True)[0].status == "ok"
        assert (work.folder / "motion.energy.spool").exists()
