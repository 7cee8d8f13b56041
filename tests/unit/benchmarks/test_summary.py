import json
from typing import Any

from benchmarks.claim import Claim, Goal, judge
from benchmarks.measure import Row
from benchmarks.summary import Found, record, summary

HOST = {"cores": 2, "ram_gib": 8.0, "os": "Linux", "python": "3.12.1", "cpu_flags": ["avx2"]}
CLAIM = Claim(
    "decode.easy",
    "a file to grey",
    "m",
    ("quick",),
    {"mystax": "mystax", "floor": "floor"},
    (Goal("cpu", "peer", 2.0), Goal("cpu", "floor", 1.1)),
    peer=("facemap", "read"),
)


def rows() -> list[Row]:
    cpu = {"peer": 6.0, "mystax": 2.0, "floor": 1.9}
    return [
        Row(side, rep, value, value, 100.0, 0.5, 0.6, 100, "frame", value, value, {"secret": "/somewhere"})
        for rep in range(4)
        for side, value in cpu.items()
    ]


def found(measured: list[Row] | None = None, **check: Any) -> Found:
    measured = rows() if measured is None else measured
    check = check or {"ok": True, "equal_frames": 100}
    state, verdicts = judge(CLAIM, measured, check, cores=2, idle_load=0.0)
    return Found(CLAIM, state, verdicts, measured, check, "" if measured else "no clip")


def test_the_json_object_of_a_claim_has_its_fields_and_can_be_written() -> None:
    made = record(found(), HOST)
    assert json.loads(json.dumps(made)) == made
    assert (made["schema"], made["claim"], made["state"]) == (1, "decode.easy", "passed")
    assert set(made["rows"][0]) >= {
        "side",
        "rep",
        "wall_s",
        "cpu_s",
        "rss_mib",
        "load_before",
        "load_after",
        "n",
        "unit",
    }
    assert made["ratio_cpu"] == {"median": 3.0, "min": 3.0, "max": 3.0}
    assert made["host"] == HOST


def test_counted_rows_and_warm_ups_are_told_apart() -> None:
    made = record(found(), HOST)
    assert {row["rep"] for row in made["rows"]} == {1, 2, 3}
    assert {row["rep"] for row in made["warm_up"]} == {0}


def test_paths_do_not_reach_the_files() -> None:
    assert "/somewhere" not in json.dumps(record(found(), HOST)) + summary([found()], HOST)


def test_the_summary_has_one_row_per_claim_with_state_and_ratios() -> None:
    text = summary([found(), found()], HOST)
    lines = [line for line in text.splitlines() if line.startswith("| `decode.easy`")]
    assert len(lines) == 2
    assert "cpu 3 (3-3)" in lines[0]
    assert "passed" in lines[0]
    assert lines[0].count("|") == text.splitlines()[4].count("|")
    assert text.startswith("Machine: 2 cores, 8.0 GiB, Linux")


def test_a_claim_that_was_not_measured_says_why() -> None:
    assert "not measured (process): no clip" in summary([found([])], HOST)


def test_a_failed_check_is_named() -> None:
    assert "the check failed" in summary([found(ok=False)], HOST)
