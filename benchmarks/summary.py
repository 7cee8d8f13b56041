"""What is written of the claims: one JSON object for each, and one table of all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.claim import OURS, QUANTITIES, Claim, Ratio, State, Verdict, ratio_of
from benchmarks.measure import Row

__all__ = ["SCHEMA", "Found", "record", "summary"]

SCHEMA = 1

METHOD = (
    "Ratios are medians of interleaved repetitions with the smallest and the largest. CPU counts all "
    "threads, of the whole process (`process`) or of the work inside it (`work`)."
)


@dataclass(frozen=True)
class Found:
    """What came of one claim."""

    claim: Claim
    state: State
    verdicts: Sequence[Verdict]
    rows: Sequence[Row]
    check: Mapping[str, Any]
    why: str = ""
    peers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def peer_sides(self) -> list[str]:
        """Names of the peer's sides that were timed."""
        return sorted({row.side for row in self.rows if row.side.startswith("peer") and row.rep > 0})


def record(found: Found, host: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON object of a claim.

    Parameters
    ----------
    found : Found
        What came of it.
    host : mapping
        Description of the machine.

    Returns
    -------
    dict
        Ratios are peer / mystax; `floor` is mystax / floor.
    """
    from importlib.metadata import version

    claim, rows = found.claim, found.rows
    ratios: dict[str, Any] = {}
    for quantity in QUANTITIES:
        ratios[f"ratio_{quantity}"] = _plain(ratio_of(rows, found.peer_sides, [OURS], quantity, claim.basis))
        ratios[f"floor_{quantity}"] = _plain(ratio_of(rows, [OURS], ["floor"], quantity, claim.basis))
    return {
        "schema": SCHEMA,
        "claim": claim.name,
        "title": claim.title,
        "basis": claim.basis,
        "mystax": version("mystax"),
        "peers": dict(found.peers),
        "host": dict(host),
        "rows": [row.as_dict() for row in rows if row.rep > 0],
        "warm_up": [row.as_dict() for row in rows if row.rep == 0],
        **ratios,
        "check": dict(found.check),
        "goal": [verdict.as_dict() for verdict in found.verdicts],
        "state": found.state,
        "why": found.why,
    }


def _plain(ratio: Ratio | None) -> dict[str, float]:
    return {} if ratio is None else ratio.as_dict()


def summary(results: Sequence[Found], host: Mapping[str, Any]) -> str:
    """Write the table of all claims in Markdown.

    Parameters
    ----------
    results : sequence of Found
        One for each claim.
    host : mapping
        Description of the machine.

    Returns
    -------
    str
        Table and description; the machine is described by what decides speed only.
    """
    lines = [
        f"Machine: {_machine(host)}.",
        "",
        METHOD,
        "",
        "| claim | job | peer | mystax | peer / mystax | mystax / floor | goal | state | load |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [_table_row(found) for found in results]
    return "\n".join(lines) + "\n"


def _machine(host: Mapping[str, Any]) -> str:
    flags = " ".join(host["cpu_flags"])
    return f"{host['cores']} cores, {host['ram_gib']} GiB, {host['os']}, Python {host['python']}, {flags}"


def _table_row(found: Found) -> str:
    claim, rows = found.claim, found.rows
    goals = "; ".join(f"{verdict.goal.text}: {_verdict(verdict)}" for verdict in found.verdicts) or "check"
    state = f"{found.state} ({claim.basis})"
    if found.why:
        state += f": {found.why}"
    elif not found.check.get("ok", False) and rows:
        state += ": the check failed"
    loads = [row.load_before for row in rows if row.rep > 0]
    cells = [
        f"`{claim.name}`",
        claim.title,
        _times(rows, found.peer_sides, claim.basis),
        _times(rows, [OURS], claim.basis),
        _ratios(found, found.peer_sides, [OURS]),
        _ratios(found, [OURS], ["floor"]),
        goals,
        state,
        f"{min(loads):.1f}-{max(loads):.1f}" if loads else "",
    ]
    return "| " + " | ".join(cells) + " |"


def _verdict(verdict: Verdict) -> str:
    value = "" if verdict.value is None else f" ({verdict.value:.3g})"
    return f"{verdict.state}{value}"


def _times(rows: Sequence[Row], sides: Sequence[str], basis: str) -> str:
    """Write the smallest times of some sides, per item where there are many."""
    counted = [row for row in rows if row.side in sides and row.rep > 0]
    if not counted:
        return ""
    best = min(counted, key=lambda row: row.work_cpu_s if basis == "work" else row.cpu_s)
    cpu, wall = (best.work_cpu_s, best.work_wall_s) if basis == "work" else (best.cpu_s, best.wall_s)
    text = f"{cpu:.3g} CPU-s, {wall:.3g} s, {best.rss_mib:.0f} MiB"
    return f"{text}, {1000 * cpu / best.n:.3g} CPU-ms per {best.unit}" if best.n > 1 else text


def _ratios(found: Found, upper: Sequence[str], lower: Sequence[str]) -> str:
    parts = []
    for quantity in QUANTITIES:
        ratio = ratio_of(found.rows, upper, lower, quantity, found.claim.basis)
        if ratio is not None:
            parts.append(f"{quantity} {ratio.median:.3g} ({ratio.low:.3g}-{ratio.high:.3g})")
    return "; ".join(parts)
