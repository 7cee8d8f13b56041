"""Reading outcomes: by name, on demand, and only what is whole."""

import inspect
import pickle
from pathlib import Path

import pytest
import xarray as xr

from mystax.errors import DamagedError, FormatError, ParameterError, RecipeError
from mystax.io.outcomes import Outcomes, digest_problems, load, read_sum, verify_outcome
from tests.fixtures.traces import (
    KEY,
    OTHER_KEY,
    folder_of_two,
    load_one,
    trace,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with outcomes of one camera and of several."""
    return folder_of_two(tmp_path / "face.mystax")


def test_folder_is_a_mapping_of_names_to_datasets(folder: Path) -> None:
    outcomes = load(folder)
    assert isinstance(outcomes, Outcomes)
    assert list(outcomes) == ["trace", "twin/face", "twin/side", "twin/all_cameras"]
    assert len(outcomes) == 4
    assert {name: outcome.sizes["time"] for name, outcome in outcomes.items()} == {
        "trace": 40,
        "twin/face": 20,
        "twin/side": 30,
        "twin/all_cameras": 10,
    }
    assert outcomes.folder == folder
    assert "trace, twin/face" in repr(outcomes)


def test_outcome_is_opened_once(folder: Path) -> None:
    outcomes = load(folder)
    assert outcomes["trace"] is outcomes["trace"]


def test_unknown_name_is_answered_with_the_nearest(folder: Path) -> None:
    outcomes = load(folder)
    assert "trac" not in outcomes
    with pytest.raises(KeyError, match="did you mean 'trace'"):
        outcomes["trac"]


def test_file_of_one_camera_is_a_dataset_and_of_several_a_mapping(folder: Path) -> None:
    assert isinstance(load(folder / "trace.nc"), xr.Dataset)
    assert set(load(str(folder / "twin.nc"))) == {"twin/face", "twin/side", "twin/all_cameras"}


def test_folder_without_outcomes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        load(tmp_path)
    assert caught.value.code == "P403"


def test_datasets_in_memory_are_outcomes_too() -> None:
    outcomes = Outcomes.of_datasets({"trace": trace()})
    assert outcomes["trace"].identical(trace())
    assert outcomes.folder is None


def test_loaded_outcome_survives_a_copy_to_another_process(folder: Path) -> None:
    found = load_one(folder / "trace.nc")
    assert pickle.loads(pickle.dumps(found)).identical(found)  # noqa: S301 - made in this line


def test_whole_outcome_verifies(folder: Path) -> None:
    result = verify_outcome(folder / "twin.nc")
    assert (result.status, result.problems, result.key) == ("ok", (), OTHER_KEY)
    assert result.attributes["analysis"] == "twin"


def test_missing_and_older_sums_are_told_from_damage(folder: Path) -> None:
    path = folder / ".mystax/sums/trace.nc.sha256"
    path.write_text(path.read_text().replace(KEY, OTHER_KEY))
    assert verify_outcome(folder / "trace.nc").status == "no_sum"
    path.unlink()
    assert verify_outcome(str(folder / "trace.nc")).status == "no_sum"


def test_sum_of_the_same_key_that_differs_is_damage(folder: Path) -> None:
    path = folder / ".mystax/sums/trace.nc.sha256"
    digest = read_sum(path)
    assert digest is not None
    path.write_text(path.read_text().replace(digest.digest, "0" * 64))
    result = verify_outcome(folder / "trace.nc")
    assert result.status == "damaged"
    assert result.problems == ("bytes that differ from the sum",)
    assert digest_problems(folder / "trace.nc") == []


def test_unreadable_outcome_is_damaged_with_a_reason(folder: Path) -> None:
    (folder / "trace.nc").write_bytes(b"x" * 1000)
    result = verify_outcome(folder / "trace.nc")
    assert result.status == "damaged"
    assert result.problems


def test_outcome_that_is_not_there_cannot_be_verified(folder: Path) -> None:
    with pytest.raises(RecipeError, match="P403"):
        verify_outcome(folder / "absent.nc")


@pytest.mark.parametrize("text", ["", "# key x\n", "# key x\nzz  a.nc\n", "0" * 64 + "  a.nc\n"])
def test_sum_that_is_not_understood_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.nc.sha256").write_text(text)
    assert read_sum(tmp_path / "a.nc.sha256") is None


def test_a_healthy_file_of_another_kind_is_no_outcome(tmp_path: Path) -> None:
    files = {"face.mp4": b"\0\0\0 ftypisom", "t.csv": b"t\n1\n", "old.nc": b"CDF\1" + bytes(99)}
    for name, content in files.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(FormatError, match=r"F804 .*no outcome.*mystax run makes one"):
            load(path)


def test_an_outcome_whose_beginning_is_gone_is_damaged(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "motion.nc"
    whole = (folder / "trace.nc").read_bytes()
    for content in (b"\x89HDX" + whole[4:], bytes(512) + whole[512:], b""):
        path.write_bytes(content)
        with pytest.raises(DamagedError, match="S502"):
            load(path)


def test_what_is_no_path_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"P401 parameter 'path': expected a path, got 3"):
        inspect.unwrap(load)(3)
