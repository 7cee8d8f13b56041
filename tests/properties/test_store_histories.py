"""Any history of a folder: publications, kills, full disks, flipped bytes, lost sums, sweeps."""

import errno
import shutil
import tempfile
from pathlib import Path

import numpy as np
import xarray as xr
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mystax.io.outcomes import load, verify_outcome
from mystax.io.store import Store
from tests.fixtures.faulty_fs import FaultyFs, Killed, nobody_lives
from tests.fixtures.refusals import attempt
from tests.fixtures.traces import BARE, bare, provenance

KEYS = [digit * 64 for digit in "abc"]
"""Requests; the outcome of each is always the same, as that of a deterministic analysis."""

STEPS = st.integers(1, 130)


class History(RuleBasedStateMachine):
    """A folder, and what it may hold after all that happened to it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="history-"))
        self.may_hold: set[int | None] = {None}
        self.published: set[int] = set()
        self.is_damaged = False
        self.tokens = 0

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    def _store(self, fs: FaultyFs | None = None) -> Store:
        """Return the store of a new process; all earlier ones are dead."""
        self.tokens += 1
        return Store(self.folder, fs=fs or FaultyFs(), token=f"{self.tokens:016x}", alive=nobody_lives)

    def _publish(self, number: int, fs: FaultyFs) -> None:
        self._store(fs).publish(bare(seed=number), provenance(KEYS[number]), schema=BARE)

    def _number(self) -> int | None:
        """Return which outcome is there, by its key."""
        key = self._store().current_key("trace")
        return None if key is None else KEYS.index(key)

    # what happens ----------------------------------------------------------------------------------------

    @rule(number=st.integers(0, 2))
    def publish(self, number: int) -> None:
        self._publish(number, FaultyFs())
        self.may_hold, self.is_damaged = {number}, False
        self.published.add(number)
        assert self._number() == number
        assert verify_outcome(self.folder / "trace.nc").status == "ok"

    @rule(number=st.integers(0, 2), step=STEPS)
    def kill(self, number: int, step: int) -> None:
        fs = FaultyFs(step)
        try:
            self._publish(number, fs)
            self.may_hold, self.is_damaged = {number}, False
            self.published.add(number)
        except Killed:
            self.may_hold = self.may_hold | {number}
        fs.bury()

    @rule(number=st.integers(0, 2), step=STEPS)
    def fill_the_disk(self, number: int, step: int) -> None:
        before = set(self.folder.rglob("*.part"))
        refusal = attempt(lambda: self._publish(number, FaultyFs(step, errno.ENOSPC)))[1]
        if refusal is None:
            self.may_hold, self.is_damaged = {number}, False
            self.published.add(number)
        else:
            assert refusal.code == "S501"
            self.may_hold = self.may_hold | {number}
        assert set(self.folder.rglob("*.part")) <= before

    @rule()
    def sweep(self) -> None:
        held = self._number()
        self._store().sweep()
        assert not list(self.folder.rglob("*.part"))
        assert self._number() == held

    @rule()
    def lose_the_sum(self) -> None:
        held = self._number()
        self._store().sum_path("trace").unlink(missing_ok=True)
        assert self._number() == held

    @precondition(lambda self: (self.folder / "trace.nc").exists())
    @rule(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
    def flip_a_bit(self, place: float, bit: int) -> None:
        path = self.folder / "trace.nc"
        data = bytearray(path.read_bytes())
        data[int(place * len(data))] ^= 1 << bit
        path.unlink()  # a second name of the file in `old` is another copy on a real backup
        path.write_bytes(data)
        self.is_damaged = True

    # what must hold --------------------------------------------------------------------------------------

    @invariant()
    def the_outcome_is_whole_or_said_to_be_damaged(self) -> None:
        path = self.folder / "trace.nc"
        if not path.exists():
            assert None in self.may_hold
            return
        found, refusal = attempt(lambda: self._read(path))
        if found is None:
            assert self.is_damaged, refusal
            assert refusal is None or refusal.code in ("S502", "S505", "F804")
            return
        number = KEYS.index(found[0])
        assert number in self.may_hold
        np.testing.assert_array_equal(found[1], bare(seed=number)["energy"].values)

    @staticmethod
    def _read(path: Path) -> tuple[str, np.ndarray] | None:
        """Return key and values of an outcome; None where the checksums of HDF5 forbid it."""
        try:
            found = load(path)
            assert isinstance(found, xr.Dataset)
            return str(found.attrs["key"]), np.asarray(found["energy"].values)
        except OSError:
            return None

    @invariant()
    def no_whole_outcome_is_ever_lost(self) -> None:
        """Whatever was published once is the outcome or lies among the old ones, unless a bit was flipped."""
        if self.is_damaged:
            self.published &= {number for number in self.published if self._among_the_old(number)}
            return
        held = self._number()
        for number in self.published:
            assert number == held or self._among_the_old(number)

    def _among_the_old(self, number: int) -> bool:
        for path in (self.folder / ".mystax" / "old").glob(f"trace.{KEYS[number][:12]}*.nc"):
            if "damaged" not in path.name and verify_outcome(path).status in ("ok", "no_sum"):
                return True
        return False


History.TestCase.settings = settings(max_examples=12, stateful_step_count=10, deadline=None)
TestHistories = History.TestCase
