"""Run claims: ``python -m benchmarks.run --set quick --claim ID... --peers auto|none|NAME=PYTHON``.

Sides are interleaved, their order is swapped in every repetition, each run is a process of its own.  The
exit status is 1 if a claim that could be decided is missed.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.claim import (
    MAX_SPREAD,
    OURS,
    QUANTITIES,
    Claim,
    State,
    Verdict,
    judge,
    ratio_of,
    spread,
)
from benchmarks.measure import ChildError, Row, describe_host, measure, one_minute_load
from benchmarks.peers import find_peers, runner_of
from benchmarks.summary import Found, record, summary

__all__ = ["Bench", "choose", "claims", "main"]

MODULES = (
    "decode",
    "svd",
    "svd_accuracy",
    "svd_memory",
    "svd_compat",
    "estimate",
    "eye",
    "running",
    "eye_together",
    "pass_shared",
    "start",
    "head",
    "pose",
    "encoder",
    "encoder_beyond",
    "states",
    "space",
    "space_calibration",
    "queue",
    "app",
)
SETS = ("quick", "full", "scaling")
MAX_REPS = 5
BETTER = 1.02
"""Of two thread settings of a peer the one that is this much better in CPU or wall, and no worse in the
other, is timed alone; the first where they are alike."""

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)


def claims() -> list[Claim]:
    """List all claims, in the order of the modules."""
    found: list[Claim] = []
    for module in MODULES:
        found += import_module(f"benchmarks.claims.{module}").CLAIMS
    return found


def choose(everything: Sequence[Claim], part: str, names: Sequence[str]) -> list[Claim]:
    """Choose claims by set, or by name or start of a name.

    Raises
    ------
    ValueError
        For a name that no claim has.
    """
    if not names:
        return [
            claim for claim in everything if part in claim.sets or (part == "full" and "quick" in claim.sets)
        ]
    chosen: list[Claim] = []
    for name in names:
        fitting = [claim for claim in everything if claim.name == name or claim.name.startswith(name + ".")]
        if not fitting:
            raise ValueError(f"there is no claim {name!r}: {', '.join(claim.name for claim in everything)}")
        chosen += [claim for claim in fitting if claim not in chosen]
    return chosen


@dataclass
class Bench:
    """Runs claims and keeps what they gave.

    Attributes
    ----------
    out : Path
        Folder of the JSON files, the summary and everything that sides write.
    peers : mapping
        Name -> interpreter.
    n_reps : int
        Counted repetitions, at least 1.
    """

    out: Path
    peers: Mapping[str, Path]
    n_reps: int = 3
    host: dict[str, Any] = field(default_factory=describe_host)
    idle_load: float = field(default_factory=one_minute_load)

    def run(self, claim: Claim) -> Found:
        """Measure one claim, check it, judge it and write its JSON file."""
        place = self.out / "work" / claim.name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        job: dict[str, Any] = {"data": str(self.out / "data"), "work": str(place), **claim.arguments}
        rows: list[Row] = []
        check: dict[str, Any] = {"ok": False}
        why = ""
        try:
            job |= self._call(claim, claim.prepare, job, "prepare") if claim.prepare else {}
            if "absent" in job:
                why = str(job["absent"])
            else:
                rows, last = self._measure(claim, job)
                check = self._call(claim, claim.check, {**job, "last": last}, "check")
        except ChildError as error:
            check = {"ok": False, "error": str(error)}
        state, verdicts = self._judge(claim, rows, check, why)
        found = Found(claim, state, verdicts, rows, check, why, self._peer_versions(claim))
        self.out.mkdir(parents=True, exist_ok=True)
        path = self.out / f"{claim.name}.json"
        path.write_text(json.dumps(record(found, self.host), indent=1) + "\n", "utf-8")
        return found

    def _judge(
        self, claim: Claim, rows: Sequence[Row], check: Mapping[str, Any], why: str
    ) -> tuple[State, list[Verdict]]:
        state, verdicts = judge(claim, rows, check, cores=int(self.host["cores"]), idle_load=self.idle_load)
        return ("failed" if not rows and not why else state), verdicts

    def _call(self, claim: Claim, function: str, job: Mapping[str, Any], name: str) -> dict[str, Any]:
        """Call a function of the claim's module in a process of its own, without timing it."""
        place = Path(job["work"])
        row = measure(
            self._command(claim, function, job, name), side=name, rep=0, result=place / f"{name}.json"
        )
        return dict(row.values)

    def _command(self, claim: Claim, function: str, job: Mapping[str, Any], name: str) -> list[str]:
        place = Path(job["work"])
        (place / f"{name}-job.json").write_text(json.dumps(job), "utf-8")
        paths = [str(place / f"{name}-job.json"), str(place / f"{name}.json")]
        return [sys.executable, "-m", "benchmarks.side", f"{claim.module}:{function}", *paths]

    def _sides(self, claim: Claim) -> list[str]:
        names = list(claim.sides)
        if claim.peer is not None and claim.peer[0] in self.peers:
            names += ["peer", "peer-one-thread"]
        return names

    def _once(self, claim: Claim, side: str, rep: int, job: Mapping[str, Any]) -> Row:
        """Run one side once, in a fresh folder; a peer warms up on the job's ``warm``, if it has one."""
        folder = Path(job["work"]) / side
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        own = {**job, "folder": str(folder), "out": str(folder / "out.npz"), "rep": rep}
        result = Path(job["work"]) / f"{side}.json"
        if side in claim.sides:
            command = self._command(claim, claim.sides[side], own, side)
            return measure(command, side=side, rep=rep, result=result)
        assert claim.peer is not None  # noqa: S101 - sides of a peer exist only where there is one
        name, task = claim.peer
        own |= job.get("warm", {}) if rep == 0 else {}
        path = Path(job["work"]) / f"{side}-job.json"
        path.write_text(json.dumps(own), "utf-8")
        command = [str(self.peers[name]), str(runner_of(name)), task, str(path), str(result)]
        env = ONE_THREAD if side == "peer-one-thread" else None
        return measure(command, side=side, rep=rep, result=result, env=env)

    def _measure(self, claim: Claim, job: Mapping[str, Any]) -> tuple[list[Row], dict[str, Any]]:
        """Warm every side up once, then run them in turn, the order swapped every time."""
        warm = {side: self._once(claim, side, 0, job) for side in self._sides(claim)}
        sides = _worth_timing(list(warm), warm)
        rows = list(warm.values())
        last: dict[str, Any] = {}
        n_reps = self.n_reps
        rep = 0
        while rep < n_reps:
            rep += 1
            for side in sides if rep % 2 else sides[::-1]:
                row = self._once(claim, side, rep, job)
                rows.append(row)
                last[side] = {
                    **row.values,
                    "folder": str(Path(job["work"]) / side),
                    "n": row.n,
                    "work_cpu_s": row.work_cpu_s,
                }
            if rep == n_reps < MAX_REPS and any(
                spread(rows, side, claim.basis) > MAX_SPREAD for side in sides
            ):
                n_reps = MAX_REPS
        return rows, last

    def _peer_versions(self, claim: Claim) -> dict[str, Any]:
        """Ask a peer once for the versions of its libraries."""
        if claim.peer is None or claim.peer[0] not in self.peers:
            return {}
        name = claim.peer[0]
        path = self.out / "work" / f"{name}-version.json"
        if not path.exists():
            job = path.with_name(f"{name}-version-job.json")
            job.write_text("{}", "utf-8")
            command = [str(self.peers[name]), str(runner_of(name)), "version", str(job), str(path)]
            subprocess.run(command, check=True, capture_output=True)
        return {name: json.loads(path.read_text("utf-8"))}


def _worth_timing(sides: list[str], warm: Mapping[str, Row]) -> list[str]:
    """Leave out that thread setting of the peer which is worse; both stay where each is better in one way."""
    if "peer-one-thread" not in warm:
        return sides
    first, second = warm["peer"], warm["peer-one-thread"]
    cpu, wall = first.cpu_s / second.cpu_s, first.wall_s / second.wall_s
    if max(cpu, wall) > BETTER and min(cpu, wall) > 1 / BETTER:
        sides.remove("peer")
    elif max(cpu, wall) <= BETTER:
        sides.remove("peer-one-thread")
    return sides


def _line(found: Found) -> str:
    """Say in one line what came of a claim."""
    parts = []
    for words, upper, lower in (
        ("peer / mystax", found.peer_sides, [OURS]),
        ("mystax / floor", [OURS], ["floor"]),
    ):
        for quantity in QUANTITIES:
            ratio = ratio_of(found.rows, upper, lower, quantity, found.claim.basis)
            if ratio is not None:
                parts.append(f"{quantity} {ratio.median:.2f} {words}")
    why = found.why or str(found.check.get("error", ""))[-300:]
    return f"{found.claim.name}: {found.state}  {', '.join(parts)}  {why}".rstrip()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the claims that the words name."""
    parser = argparse.ArgumentParser(prog="benchmarks.run", description=__doc__)
    parser.add_argument("--set", dest="part", choices=SETS, default="quick")
    parser.add_argument("--claim", nargs="+", default=[], metavar="ID")
    parser.add_argument("--peers", nargs="+", default=["auto"], metavar="auto|none|NAME=PYTHON")
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    words = parser.parse_args(arguments)
    if words.reps < 1:
        parser.error("--reps must be at least 1")
    try:
        chosen = choose(claims(), words.part, words.claim)
        peers = find_peers(words.peers, words.out)
    except ValueError as error:
        parser.error(str(error))
    bench = Bench(words.out.absolute(), peers, words.reps)
    results = []
    for claim in chosen:
        found = bench.run(claim)
        results.append(found)
        print(_line(found), flush=True)
        (bench.out / "summary.md").write_text(summary(results, bench.host), "utf-8")
    return 1 if any(found.state == "failed" for found in results) else 0


if __name__ == "__main__":
    sys.exit(main())
