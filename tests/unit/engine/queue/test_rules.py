"""What follows errors, deaths and silence: the rules of the queue."""

import pytest

from mystax.engine.deaths import STRIKES
from mystax.engine.queue.rules import (
    LOST_DRIVERS,
    PATIENCE,
    Looks,
    Passed,
    after_death,
    after_error,
    after_yield,
)
from mystax.errors import (
    CatalogError,
    InternalError,
    MystaxError,
    RoiError,
    SpaceError,
    StoreError,
    VideoError,
)


def middle() -> float:
    return 0.5


def test_an_error_that_stays_fails_at_once() -> None:
    error = RoiError("P402", "roi 'eye'", hint="draw it inside the frame").record()
    found = after_error(error, 1, 2, draw=middle)
    assert (found.state, found.ending, found.strikes, found.retries) == ("failed", "failed", 1, 2)
    assert found.error == error


def test_a_bug_is_never_tried_again_by_itself() -> None:
    assert after_error(InternalError("B999", "run").record(), 0, 0).state == "failed"


def test_an_error_that_may_pass_waits_twice_as_long_each_time() -> None:
    error = VideoError("V131", "face.mp4").record()
    waits = [after_error(error, 0, n, draw=middle).wait for n in range(5)]
    assert waits == [2.0, 4.0, 8.0, 16.0, 32.0]
    assert [after_error(error, 0, n).retries for n in range(5)] == [1, 2, 3, 4, 5]


def test_pauses_differ_by_a_fifth_at_most() -> None:
    error = VideoError("V131", "face.mp4").record()
    assert after_error(error, 0, 0, draw=lambda: 0.0).wait == pytest.approx(1.6)
    assert after_error(error, 0, 0, draw=lambda: 1.0).wait == pytest.approx(2.4)


def test_the_sixth_error_that_may_pass_fails() -> None:
    assert after_error(VideoError("V131", "face.mp4").record(), 0, 5).state == "failed"


@pytest.mark.parametrize(
    "error",
    [SpaceError("S501", "disk"), CatalogError("Q606", "root 'nas'"), StoreError("S504", "work")],
    ids=lambda error: str(error.code),
)
def test_what_a_person_must_change_is_looked_at_every_minute_and_counts_nothing(error: MystaxError) -> None:
    found = after_error(error.record(), 2, 5)
    assert (found.state, found.wait, found.strikes, found.retries) == ("queued", 60.0, 2, 5)
    assert error.code in found.reason


def test_the_third_death_without_progress_is_the_last() -> None:
    strikes = 0
    for n in range(STRIKES - 1):
        found = after_death("killed", "j7", strikes, 4, has_advanced=False)
        assert (found.state, found.strikes, found.retries, found.ending) == ("queued", n + 1, 4, "lost")
        strikes = found.strikes
    last = after_death("killed", "j7", strikes, 4, has_advanced=False)
    assert last.state == "failed"
    assert last.error is not None
    assert last.error.code == "Q602"
    assert last.error.hint


def test_a_death_behind_a_new_checkpoint_starts_the_count_anew() -> None:
    assert after_death("preempted", "j7", STRIKES - 1, 0, has_advanced=True).strikes == 0


def test_a_yield_counts_nothing() -> None:
    found = after_yield("end of walltime", 2, 3)
    assert (found.state, found.wait, found.strikes, found.retries) == ("queued", 0.0, 2, 3)
    assert LOST_DRIVERS > STRIKES


def looked(times: list[float], beats: list[int]) -> list[list[int]]:
    looks = Looks()
    return [looks.look(now, {7: (1, beat)}) for now, beat in zip(times, beats, strict=True)]


def test_a_beat_that_stands_still_for_a_minute_frees_a_job() -> None:
    found = looked([10.0 * n for n in range(8)], [5] * 8)
    assert found == [[]] * 6 + [[7], [7]]


def test_a_beat_that_goes_on_holds_a_job_for_ever() -> None:
    assert looked([10.0 * n for n in range(30)], [n // 2 for n in range(30)]) == [[]] * 30


def test_few_looks_free_nothing_however_long_they_last() -> None:
    assert looked([0.0, 19.0, 38.0, 57.0, 76.0], [5] * 5) == [[]] * 5


def test_a_looker_that_was_away_starts_to_look_anew() -> None:
    # A laptop slept, or the database was away, for an hour: the owner may have slept with it.
    times = [0.0, 10.0, 20.0, 30.0, 40.0, 3640.0, 3650.0, 3660.0, 3670.0, 3680.0, 3690.0, 3700.0]
    found = looked(times, [5] * len(times))
    assert found[:-1] == [[]] * (len(times) - 1)
    assert found[-1] == [7]


def test_another_attempt_is_another_beat() -> None:
    looks = Looks()
    for n in range(6):
        assert looks.look(10.0 * n, {7: (1, 0)}) == []
    assert looks.look(60.0, {7: (2, 0)}) == []


def test_a_job_that_is_gone_is_forgotten() -> None:
    looks = Looks()
    for n in range(6):
        looks.look(10.0 * n, {7: (1, 0)})
    assert looks.look(60.0, {}) == []
    assert looks.look(70.0, {7: (1, 0)}) == []


def test_a_job_that_was_taken_is_looked_at_anew() -> None:
    looks = Looks()
    for n in range(7):
        looks.look(10.0 * n, {7: (1, 0)})
    looks.forget([7])
    assert looks.look(70.0, {7: (1, 0)}) == []


def test_a_job_is_passed_over_for_a_while_only() -> None:
    passed = Passed()
    assert [passed.too_long(5, now) for now in (0.0, PATIENCE - 1, PATIENCE)] == [False, False, True]


def test_another_job_that_comes_next_waits_its_own_while() -> None:
    passed = Passed()
    passed.too_long(5, 0.0)
    assert not passed.too_long(6, PATIENCE)
    assert not passed.too_long(5, PATIENCE + 1)
