"""Cores, memory and the place for scratch files."""

import inspect
from pathlib import Path

import numpy as np
import pytest

from mystax.engine.machine import available_cores, memory_limit, scratch_folder
from mystax.errors import ParameterError, RecipeError


def test_the_limit_of_the_user_holds() -> None:
    assert available_cores(1) == 1


def test_there_is_always_a_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "0")
    assert available_cores() >= 1


def test_a_scheduler_may_give_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "1")
    assert available_cores(64) == 1


def test_memory_is_three_quarters_of_the_machine_or_what_is_said() -> None:
    import psutil

    assert memory_limit(300) == 300 << 20
    assert 0 < memory_limit() <= 0.75 * psutil.virtual_memory().total


def test_scratch_may_be_none_or_a_folder(tmp_path: Path) -> None:
    assert scratch_folder("none", tmp_path) is None
    assert scratch_folder(str(tmp_path), tmp_path / "work") == tmp_path


def test_a_missing_scratch_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such folder") as error:
        scratch_folder(str(tmp_path / "absent"), tmp_path)
    assert error.value.code == "P403"


def test_the_named_folder_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYSTAX_SCRATCH", str(tmp_path))
    assert scratch_folder("auto", tmp_path / "work") == tmp_path


@pytest.mark.parametrize(
    ("temporary", "work", "expected"),
    [("ext4", "nfs4", "temporary"), ("tmpfs", "xfs", "work"), ("nfs", "lustre", "none")],
)
def test_scratch_goes_to_a_local_disk(
    temporary: str, work: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = {"temporary": tmp_path / "temporary", "work": tmp_path / "work", "none": None}
    kinds = {places["temporary"]: temporary, places["work"]: work}
    monkeypatch.delenv("MYSTAX_SCRATCH", raising=False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(places["temporary"]))
    assert scratch_folder("auto", tmp_path / "work", kind_of=lambda folder: kinds[folder]) == places[expected]


@pytest.mark.parametrize("value", [0, -1, "a", 2.5, True, [2]])
def test_what_is_no_number_of_threads_or_mebibytes_is_refused(value: object) -> None:
    for function, name in ((available_cores, "cores"), (memory_limit, "memory")):
        with pytest.raises(ParameterError, match=rf"P401 parameter '{name}': expected {name} >= 1.*, got"):
            inspect.unwrap(function)(value)


def test_numbers_of_numpy_are_numbers() -> None:
    assert available_cores(int(np.int64(1))) == inspect.unwrap(available_cores)(np.int64(1)) == 1


def test_a_scratch_folder_that_is_no_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"P401 parameter 'scratch': expected a path, got 3"):
        inspect.unwrap(scratch_folder)(3, tmp_path)
