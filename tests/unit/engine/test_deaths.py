"""What the next attempt does after a death."""

import json
from pathlib import Path
from typing import Any

import pytest

from mystax.engine.deaths import FILE, DeathRecord, Deaths
from mystax.engine.jobs import Job
from mystax.errors import PoisonJob, VideoError
from tests.fixtures.engine_runs import toy_job
from tests.fixtures.engine_toys import toy_spec


def _job() -> Job:
    return toy_job(Path("out"), toy_spec())


def _die(deaths: Deaths, job: Job, frame: int, piece: list[int] | None = None, **more: Any) -> Job:
    place = {"camera": "face", "frame": frame, **({"piece": piece} if piece else {})}
    cause, stage = more.get("cause", "signal SIGSEGV"), more.get("stage", "reading 1")
    return deaths.next_job(job, stage, place, cause, more.get("checkpointed", False), more.get("peak", 0))


def test_the_first_death_makes_the_next_attempt_careful() -> None:
    job = _die(Deaths(), _job(), 70)
    assert job.careful == {"face": 70}
    assert job.attempt == 2
    assert not job.skip


def test_the_third_death_at_one_place_leaves_it_out() -> None:
    deaths, job = Deaths(), _job()
    job = _die(deaths, job, 70)
    job = _die(deaths, job, 96, [96, 112])
    assert not job.skip
    job = _die(deaths, job, 96, [96, 112])
    assert job.skip == {"face": ((96, 112),)}
    assert job.careful == {"face": 112}
    assert "96 to 111" in deaths.text


def test_a_place_far_from_the_first_death_is_counted_anew() -> None:
    deaths, job = Deaths(), _job()
    job = _die(deaths, job, 70)
    for n in range(3):
        assert len(job.skip) == 0, n
        job = _die(deaths, job, 5008, [5008, 5024])
    assert job.skip == {"face": ((5008, 5024),)}


def test_further_places_are_added() -> None:
    deaths, job = Deaths(), _job()
    job = _die(deaths, job, 0)
    for piece in ([16, 32], [64, 80]):
        for _ in range(3):
            job = _die(deaths, job, piece[0], piece)
    assert job.skip["face"][:1] == ((16, 32),)
    assert (64, 80) in job.skip["face"]


def test_a_place_is_refused_where_damage_is_refused() -> None:
    deaths, job = Deaths(refuse_damage=True), _job()
    job = _die(deaths, job, 70)
    job = _die(deaths, job, 96, [96, 112])
    with pytest.raises(VideoError, match="V107") as error:
        _die(deaths, job, 96, [96, 112])
    assert error.value.retry == "transient"


def test_three_deaths_elsewhere_give_the_job_up() -> None:
    deaths, job = Deaths(), _job()
    for _ in range(2):
        job = _die(deaths, job, 0, stage="svd")
    with pytest.raises(PoisonJob, match=r"Q602 stage 'svd'.*signal SIGKILL") as error:
        _die(deaths, job, 0, stage="svd", cause="signal SIGKILL")
    assert error.value.code == "Q602"


def test_progress_between_deaths_starts_the_count_again() -> None:
    deaths, job = Deaths(), _job()
    for _ in range(6):
        job = _die(deaths, job, 0, stage="svd", checkpointed=True)
    assert job.attempt == 7


def test_too_much_memory_halves_the_chunk() -> None:
    deaths = Deaths()
    job = _die(deaths, _job(), 70, cause="memory", peak=1 << 30)
    assert job.size == 128
    job = _die(deaths, job, 70, cause="memory", peak=1 << 30)
    assert job.size == 64
    with pytest.raises(PoisonJob, match="1024 MiB"):
        _die(deaths, job, 70, cause="memory", peak=1 << 30)


def test_the_text_says_what_happened() -> None:
    deaths = Deaths()
    _die(deaths, _job(), 70)
    assert deaths.text.startswith("the worker ended (signal SIGSEGV) at frame 70 of camera 'face'")


def _record(tmp_path: Path) -> DeathRecord:
    record = DeathRecord(_job())
    record.enter(str(tmp_path))
    return record


def _die_on(record: DeathRecord, frame: int, piece: list[int] | None = None, stage: str = "reading 1") -> Job:
    place = {"camera": "face", "frame": frame, **({"piece": piece} if piece else {})}
    return record.next_job(stage, place, "signal SIGSEGV", False, 0)


def test_deaths_are_counted_on_by_whoever_takes_the_job_up(tmp_path: Path) -> None:
    first = _record(tmp_path)
    _die_on(first, 70)
    _die_on(first, 96, [96, 112])
    second = DeathRecord(_job())
    assert second.enter(str(tmp_path))
    assert second.job.careful == {"face": 70}
    assert _die_on(second, 96, [96, 112]).skip == {"face": ((96, 112),)}
    third = DeathRecord(_job())
    assert third.enter(str(tmp_path))
    assert (third.job.skip, third.job.careful) == ({"face": ((96, 112),)}, {"face": 112})


def test_a_supervisor_reads_what_it_wrote_itself_no_more(tmp_path: Path) -> None:
    record = _record(tmp_path)
    _die_on(record, 70)
    assert not record.enter(str(tmp_path))


def test_deaths_of_another_pass_are_not_heeded(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    _die_on(_record(tmp_path / "one"), 70)
    assert not DeathRecord(_job()).enter(str(tmp_path / "two"))


def test_a_job_that_was_given_up_has_three_tries_again(tmp_path: Path) -> None:
    record = _record(tmp_path)
    for _ in range(2):
        _die_on(record, 0, stage="svd")
    with pytest.raises(PoisonJob):
        _die_on(record, 0, stage="svd")
    again = DeathRecord(_job())
    assert not again.enter(str(tmp_path))
    for _ in range(2):
        _die_on(again, 0, stage="svd")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"pieces": 3}',
        '{"pieces": [], "rough": [["face"]], "elsewhere": 0, "skips": 0}',
        '{"pieces": [], "rough": [], "elsewhere": 0, "skips": 0, "skip": [], "careful": {}, "size": null}',
        "[" * 100_000,
    ],
)
def test_a_file_that_is_not_understood_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    record = DeathRecord(_job())
    assert not record.enter(str(tmp_path))
    assert record.job == _job()


def test_nothing_is_written_where_no_pass_began_or_its_folder_is_gone(tmp_path: Path) -> None:
    _die_on(DeathRecord(_job()), 70)
    gone = DeathRecord(_job())
    gone.enter(str(tmp_path / "gone"))
    _die_on(gone, 70)
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_plain(tmp_path: Path) -> None:
    _die_on(_record(tmp_path), 70)
    assert json.loads((tmp_path / FILE).read_text()) == {
        "pieces": [],
        "rough": [["face", 70]],
        "elsewhere": 1,
        "skips": 0,
        "skip": {},
        "careful": {"face": 70},
        "size": None,
    }
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
