"""`mystax queue` as a user types it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from mystax.engine.catalog.claims import Facts
from mystax.engine.catalog.tables import job
from mystax.engine.queue.driver_state import Tally
from mystax.engine.queue.rules import after_error
from mystax.errors import VideoError
from tests.fixtures.catalogues import Lab, make_lab
from tests.fixtures.commands import call


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    made = make_lab(tmp_path / "lab", 2, n_frames=6)
    monkeypatch.chdir(made.folder)
    yield made
    made.database.close()


def fail_all(lab: Lab) -> None:
    lab.queue.enter({"id": "d", "host": "here"})
    while (claim := lab.queue.claim("d", 8)) is not None:
        error = VideoError("V102", "face.avi", "the index is missing", hint="repair it").record()
        lab.queue.give_back(claim, after_error(error, 0, 0), Facts(error=error.as_dict()))


def test_a_dry_run_says_what_would_be_queued_and_queues_nothing(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    found = call(capsys, "queue", "add", "quick", "--dry-run")
    assert found.status == 0
    assert "2 jobs would be queued: 12 frames" in found.out
    assert "rec000: motion" in found.out
    assert lab.rows(job.c.id) == []


def test_adding_twice_adds_once(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "queue", "add", "quick", "--json").json["jobs"] == ["j1", "j2"]
    again = call(capsys, "queue", "add", "quick", "--json").json
    assert (again["added"], again["queued"]) == (0, 2)


def test_conditions_choose_recordings(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    found = call(capsys, "queue", "add", "quick", "folder=rec001", "--json").json
    assert [one["recording"] for one in found["planned"]] == ["rec001"]


def test_a_condition_that_means_no_recording_is_told(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    found = call(capsys, "queue", "add", "quick", "r1", "r2")
    assert (found.status, "no recording is meant" in found.err, "id=r5,r6" in found.err) == (2, True, True)
    assert lab.rows(job.c.id) == []
    both = call(capsys, "queue", "add", "quick", "id=r1,r2", "--json").json
    assert both["jobs"] == ["j1", "j2"]


def test_a_wrong_recipe_or_condition_is_refused_with_the_nearest_name(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    found = call(capsys, "queue", "add", "quik")
    assert (found.status, "did you mean 'quick'" in found.err) == (2, True)
    found = call(capsys, "queue", "add", "quick", "qualty=bad")
    assert (found.status, "did you mean 'quality'" in found.err) == (2, True)


def test_status_shows_counts(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "queue", "add", "quick")
    found = call(capsys, "queue", "status", "--watch", "state=done")
    assert found.out.strip() == "the queue is empty"
    shown = call(capsys, "queue", "status")
    assert shown.out.startswith("2 queued")
    assert "unknown" in shown.out
    assert call(capsys, "queue", "status", "--json").json["counts"]["queued"] == 2


def test_errors_say_what_to_do(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no job has failed" in call(capsys, "queue", "errors").out
    call(capsys, "queue", "add", "quick")
    fail_all(lab)
    found = call(capsys, "queue", "errors")
    assert "2 x V102 (j1, j2)" in found.out
    assert "repair it" in found.out
    (group,) = call(capsys, "queue", "errors", "--json").json["groups"]
    assert all(group[name] for name in ("code", "where", "got", "hint"))


def test_jobs_are_listed_and_their_log_shown(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "queue", "add", "quick")
    fail_all(lab)
    assert "j1     failed    rec000 quick V102" in call(capsys, "queue", "list").out
    found = call(capsys, "queue", "log", "j2")
    assert "attempt 1: failed V102" in found.out
    assert call(capsys, "queue", "log", "x").status == 2


def test_failed_jobs_are_queued_again(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "queue", "add", "quick")
    fail_all(lab)
    assert "1 jobs queued again" in call(capsys, "queue", "retry", "j2", "state=failed").out
    assert lab.states() == ["failed", "queued"]


def test_jobs_are_cancelled_and_running_ones_asked(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "queue", "add", "quick")
    with lab.database.write() as connection:
        connection.execute(update(job).where(job.c.id == 2).values(state="running"))
    found = call(capsys, "queue", "cancel", "recipe=quick", "--json").json
    assert (found["jobs"], found["asked"]) == (["j1"], ["j2"])


def test_priority_is_changed(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "queue", "add", "quick")
    assert call(capsys, "queue", "priority", "7", "j2", "--json").json["jobs"] == ["j2"]
    assert {row.id: row.priority for row in lab.rows(job.c.id, job.c.priority)} == {1: 0, 2: 7}


def test_without_work_a_driver_ends_at_once(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    found = call(capsys, "queue", "work", "--cores", "1")
    assert (found.status, found.out.strip()) == (0, "nothing to do")


def test_an_unknown_engine_is_refused_with_the_nearest(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    found = call(capsys, "queue", "work", "--engine", "slrm")
    assert (found.status, "did you mean 'slurm'" in found.err) == (2, True)


def test_jobs_that_failed_in_this_call_make_status_3(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "queue", "add", "quick")
    with lab.database.write() as connection:
        connection.execute(update(job).values(recipe_id=None))
    found = call(capsys, "queue", "work", "--cores", "1", "--json")
    assert found.status == 3
    assert found.json["tally"]["failed"] == 2
    assert found.codes == ["P403", "P403"]


def test_a_recipe_with_a_fit_of_a_group_has_one_job_more(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = '[[analysis]]\nname = "motion"\n[[analysis]]\nname = "states"\nfit = "group"\n'
    (lab.folder / "many.toml").write_text(steps)
    found = call(capsys, "queue", "add", "many.toml", "--dry-run")
    assert "3 jobs would be queued: 12 frames" in found.out
    assert "_groups/all/many: states of 2 recordings, after their own jobs" in found.out
    told = call(capsys, "queue", "add", "many.toml", "--json").json
    assert [one["recording"] for one in told["planned"]] == ["rec000", "rec001", "_groups/all/many"]
    assert told["planned"][2]["members"] == ["rec000", "rec001"]
    assert "1 waiting" in call(capsys, "queue", "status").out


def test_a_training_is_queued_instead_of_done(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    (lab.folder / "faces.labels").mkdir()
    words = ("train", "faces.labels", "--minutes", "1", "--queue")
    assert call(capsys, *words).out.strip() == "queued as j1"
    assert call(capsys, *words).out.strip() == "it is in the queue already"
    assert call(capsys, "queue", "list").out.split()[:3] == ["j1", "queued", "_models/faces"]
    refused = call(capsys, "train", "nowhere.labels", "--queue")
    assert (refused.status, "no such labels" in refused.err) == (2, True)


def test_conditions_may_hold_blanks(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    found = call(capsys, "queue", "work", "--cores", "1", "note=left eye", "state=queued")
    assert (found.status, "nothing to do" in found.out) == (0, True)


def test_work_without_reports(
    lab: Lab, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def work(*_: object, make_reports: bool, **more: object) -> Tally:
        asked.append(make_reports)
        assert "report" in more
        return Tally()

    monkeypatch.setattr("mystax.engine.catalog.with_queue.work", work)
    call(capsys, "queue", "work", "--no-report")
    call(capsys, "queue", "work")
    assert asked == [False, True]
