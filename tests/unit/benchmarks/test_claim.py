import math
from collections.abc import Sequence
from typing import Any

import pytest
from benchmarks.claim import Claim, Goal, judge, ratio_of, spread
from benchmarks.measure import Row

PEER = Goal("cpu", "peer", 2.0)
FLOOR = Goal("cpu", "floor", 1.5)
WALL = Goal("wall", "peer", 2.0)
GOOD = {"ok": True}


def row(
    side: str, rep: int, cpu: float, *, wall: float = 1.0, n: int = 1, load: float = 0.1, **more: Any
) -> Row:
    inside = more.get("inside", cpu)
    return Row(side, rep, wall, cpu, more.get("rss", 100.0), load, load, n, "frame", wall, inside)


def claim(*goals: Goal, **more: Any) -> Claim:
    return Claim("c", "a job", "m", ("quick",), {"mystax": "mystax"}, goals, **more)


def three(side: str, *cpu: float, **more: Any) -> list[Row]:
    return [row(side, rep, value, **more) for rep, value in enumerate(cpu, 1)]


def state_of(
    rows: Sequence[Row], *goals: Goal, check: dict[str, Any] | None = None, idle: float = 0.0
) -> str:
    return judge(claim(*goals), rows, GOOD if check is None else check, cores=2, idle_load=idle)[0]


def test_the_ratio_is_the_median_of_the_ratios_of_each_repetition() -> None:
    rows = three("peer", 4.0, 9.0, 8.0) + three("mystax", 2.0, 3.0, 2.0)
    found = ratio_of(rows, ["peer"], ["mystax"], "cpu")
    assert found is not None
    assert (found.median, found.low, found.high) == (3.0, 2.0, 4.0)


def test_the_warm_up_is_not_counted() -> None:
    rows = [row("peer", 0, 99.0), row("mystax", 0, 1.0), *three("peer", 4.0), *three("mystax", 2.0)]
    found = ratio_of(rows, ["peer"], ["mystax"], "cpu")
    assert found is not None
    assert found.high == 2.0
    assert spread([row("peer", 0, 99.0), *three("peer", 4.0, 5.0)], "peer") == 1.25


def test_of_two_thread_settings_the_better_counts_in_each_repetition() -> None:
    rows = three("peer", 4.0, 9.0) + three("peer-one-thread", 6.0, 6.0) + three("mystax", 1.0, 1.0)
    found = ratio_of(rows, ["peer", "peer-one-thread"], ["mystax"], "cpu")
    assert found is not None
    assert (found.low, found.high) == (4.0, 6.0)


def test_times_are_compared_per_item_and_memory_is_not() -> None:
    rows = three("peer", 4.0, n=2, rss=300.0) + three("mystax", 4.0, n=4, rss=100.0)
    cpu, rss = (ratio_of(rows, ["peer"], ["mystax"], quantity) for quantity in ("cpu", "rss"))
    assert cpu is not None
    assert rss is not None
    assert (cpu.median, rss.median) == (2.0, 3.0)


def test_the_work_inside_is_compared_where_the_claim_says_so() -> None:
    rows = three("peer", 4.0, inside=3.0) + three("mystax", 4.0, inside=1.0)
    found = ratio_of(rows, ["peer"], ["mystax"], "cpu", "work")
    assert found is not None
    assert found.median == 3.0


def test_there_is_no_ratio_without_a_common_repetition() -> None:
    assert ratio_of(three("mystax", 1.0), ["peer"], ["mystax"], "cpu") is None
    assert ratio_of([row("peer", 1, 1.0), row("mystax", 2, 1.0)], ["peer"], ["mystax"], "cpu") is None


@pytest.mark.parametrize(
    ("peer", "state"), [(4.1, "passed"), (4.0, "passed"), (3.9, "failed")], ids=["above", "at", "below"]
)
def test_a_ratio_to_the_peer_must_reach_its_bound(peer: float, state: str) -> None:
    assert state_of(three("peer", peer) + three("mystax", 2.0), PEER) == state


@pytest.mark.parametrize(("ours", "state"), [(1.5, "passed"), (1.6, "failed")], ids=["at", "above"])
def test_a_ratio_to_the_floor_must_stay_below_its_bound(ours: float, state: str) -> None:
    assert state_of(three("mystax", ours) + three("floor", 1.0), FLOOR) == state


def test_a_bound_on_mystax_alone_is_the_median_of_its_repetitions() -> None:
    goal = Goal("wall", "self", 1.0)
    rows = [row("mystax", rep, 1.0, wall=wall) for rep, wall in enumerate((0.9, 1.0, 5.0), 1)]
    state, verdicts = judge(claim(goal), rows, GOOD, cores=2, idle_load=0.0)
    assert (state, verdicts[0].value) == ("passed", 1.0)


def test_a_failed_check_fails_the_claim_whatever_the_time() -> None:
    rows = three("peer", 100.0) + three("mystax", 1.0)
    assert state_of(rows, PEER, check={"ok": False}) == "failed"
    assert state_of(rows, PEER, check={}) == "failed"


def test_without_a_peer_its_goals_are_not_measured_and_the_floor_still_counts() -> None:
    rows = three("mystax", 1.0) + three("floor", 1.0)
    state, verdicts = judge(claim(PEER, FLOOR), rows, GOOD, cores=2, idle_load=0.0)
    assert state == "passed"
    assert [verdict.state for verdict in verdicts] == ["not measured", "passed"]
    assert state_of(rows, PEER) == "not measured"


def test_nothing_measured_is_not_a_failure() -> None:
    assert judge(claim(PEER), [], {"ok": False}, cores=2, idle_load=0.0)[0] == "not measured"


def test_a_busy_machine_makes_times_invalid_and_not_failed() -> None:
    rows = three("peer", 1.0, load=4.1) + three("mystax", 1.0, load=0.0)
    state, verdicts = judge(claim(PEER), rows, GOOD, cores=2, idle_load=0.0)
    assert state == "invalid"
    assert "load 4.1 on 2 cores" in verdicts[0].why


def test_times_that_vary_too_much_are_invalid() -> None:
    rows = three("peer", 4.0, 4.0, 4.0) + three("mystax", 1.0, 1.6, 1.0)
    state, verdicts = judge(claim(PEER), rows, GOOD, cores=2, idle_load=0.0)
    assert state == "invalid"
    assert "CPU of mystax varies 1.60 x" in verdicts[0].why


@pytest.mark.parametrize(("idle", "state"), [(0.9, "failed"), (1.0, "invalid")], ids=["idle", "busy"])
def test_wall_time_decides_only_on_a_machine_that_was_idle(idle: float, state: str) -> None:
    rows = [row("peer", 1, 1.0, wall=1.0), row("mystax", 1, 1.0, wall=1.0)]
    assert state_of(rows, WALL, idle=idle) == state


def test_memory_does_not_depend_on_the_load() -> None:
    rows = three("peer", 1.0, load=50.0, rss=400.0) + three("mystax", 1.0, load=50.0, rss=100.0)
    assert state_of(rows, Goal("rss", "peer", 4.0), idle=50.0) == "passed"


def test_the_worst_measured_goal_decides() -> None:
    rows = three("peer", 9.0) + three("mystax", 2.0) + three("floor", 1.0)
    assert state_of(rows, PEER, FLOOR) == "failed"


def test_a_claim_without_goals_is_its_check() -> None:
    assert state_of(three("mystax", 1.0)) == "passed"
    assert state_of(three("mystax", 1.0), check={"ok": False}) == "failed"


def test_goals_say_in_words_what_they_want() -> None:
    texts = [goal.text for goal in (PEER, FLOOR, Goal("rss", "self", 700.0), Goal("wall", "self", 0.3))]
    assert texts == ["cpu >= 2 x peer", "cpu <= 1.5 x floor", "rss <= 700 MiB", "wall <= 0.3 s"]


def test_a_side_without_rows_has_no_spread() -> None:
    assert spread([], "peer") == 1.0
    assert math.isclose(spread(three("peer", 2.0, 3.0), "peer"), 1.5)
