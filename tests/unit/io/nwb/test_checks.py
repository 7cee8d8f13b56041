"""Checks of a part before it gets its name."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from mystax.core.events import silent
from mystax.errors import FormatError, InternalError
from mystax.io.nwb.checks import check_valid, check_values, inspect
from mystax.io.nwb.contents import make_plan
from mystax.io.recorded import find_recorded
from tests.unit.io.nwb.conftest import Exported

pytestmark = pytest.mark.extra("nwb")


@pytest.fixture
def part(small: Exported, tmp_path: Path) -> Path:
    return Path(shutil.copyfile(small.path, tmp_path / "a.part"))


def test_value_that_was_written_wrongly_is_found(small: Exported, part: Path) -> None:
    mapped = make_plan(find_recorded([small.folder / "running.nc"]), silent).mapped.values()
    assert check_values(part, mapped, "a.nwb") > 0
    with h5py.File(part, "r+") as file:
        file["processing/behavior/running_speed_nose/data"][3] = np.float32(7)
    with pytest.raises(InternalError, match="running_speed_nose"):
        check_values(part, mapped, "a.nwb")


def test_file_that_the_library_finds_invalid_is_refused(part: Path) -> None:
    check_valid(part, "a.nwb")
    with h5py.File(part, "r+") as file:
        del file["processing/behavior/running_speed_nose/data"].attrs["unit"]
    with pytest.raises(InternalError, match="B999"):
        check_valid(part, "a.nwb")


@pytest.mark.slow
def test_file_against_best_practice_is_refused(part: Path) -> None:
    pytest.importorskip("nwbinspector", reason='pip install "mystax[dev]"')
    with h5py.File(part, "r+") as file:
        start = file["processing/behavior/blinks/start_time"]
        start[...] = start[()][::-1]
    with pytest.raises(FormatError, match="F804") as caught:
        inspect(part, "a.nwb")
    assert "check_time_interval" in caught.value.got
    assert [path.name for path in part.parent.iterdir()] == ["a.part"]
