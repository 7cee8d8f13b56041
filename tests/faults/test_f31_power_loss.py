"""F31: power loss: what was not synced may be gone or reordered; no half outcome has its final name."""

import contextlib
import random
from pathlib import Path

import pytest

from mystax.io.outcomes import digest_problems, load, verify_outcome
from mystax.io.store import Store
from tests.fixtures.faulty_fs import FaultyFs, ForgetfulFs, Killed, nobody_lives
from tests.fixtures.traces import BARE, KEY, OTHER_KEY, bare, provenance

pytestmark = pytest.mark.fault(31)


def lost_at(folder: Path, step: int, seed: int, *, before: bool) -> None:
    """Publish on a disk that loses power at a step; with an older outcome there before, if asked."""
    fs = ForgetfulFs(folder)
    store = Store(folder, fs=fs)
    if before:
        store.publish(bare(), provenance(), schema=BARE)
    fs.at, fs.n_steps = step, 0
    with contextlib.suppress(Killed):
        store.publish(bare(seed=1), provenance(OTHER_KEY), schema=BARE)
    fs.lose_power(random.Random(seed))  # noqa: S311 - a seeded choice of what is lost


def late_steps(folder: Path, *, before: bool) -> range:
    """Give the steps from the first sync of the outcome to the end, and one beyond."""
    fs = ForgetfulFs(folder)
    store = Store(folder, fs=fs)
    if before:
        store.publish(bare(), provenance(), schema=BARE)
    fs.log.clear()
    store.publish(bare(seed=1), provenance(OTHER_KEY), schema=BARE)
    return range(fs.place("sync", 2), len(fs.log) + 2)


@pytest.mark.parametrize("seed", range(2))
def test_new_outcome_is_absent_or_whole(tmp_path: Path, seed: int) -> None:
    for step in late_steps(tmp_path / "whole", before=False):
        folder = tmp_path / str(step)
        lost_at(folder, step, seed, before=False)
        final = folder / "trace.nc"
        assert not final.exists() or digest_problems(final) == []


@pytest.mark.parametrize("seed", range(2))
def test_superseded_outcome_is_never_lost(tmp_path: Path, seed: int) -> None:
    for step in late_steps(tmp_path / "whole", before=True):
        folder = tmp_path / str(step)
        lost_at(folder, step, seed, before=True)
        final = folder / "trace.nc"
        assert digest_problems(final) == []
        if load(final).attrs["key"] == OTHER_KEY:  # type: ignore[union-attr] # one camera
            assert digest_problems(folder / ".mystax" / "old" / f"trace.{KEY[:12]}.nc") == []


@pytest.mark.parametrize("seed", range(2))
def test_outcome_that_was_reported_as_published_stays(tmp_path: Path, seed: int) -> None:
    lost_at(tmp_path / "a", 0, seed, before=True)
    assert verify_outcome(tmp_path / "a" / "trace.nc").status == "ok"
    assert load(tmp_path / "a" / "trace.nc").attrs["key"] == OTHER_KEY  # type: ignore[union-attr] # one camera


def test_next_run_goes_on_after_any_loss(tmp_path: Path) -> None:
    for step in late_steps(tmp_path / "whole", before=True):
        folder = tmp_path / str(step)
        lost_at(folder, step, step, before=True)
        store = Store(folder, fs=FaultyFs(), alive=nobody_lives)
        store.sweep()
        store.publish(bare(seed=1), provenance(OTHER_KEY), schema=BARE)
        assert verify_outcome(folder / "trace.nc").status == "ok"
        assert list(folder.rglob("*.part")) == []
