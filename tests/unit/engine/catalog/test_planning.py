"""What a recipe means for the recordings of a catalogue: which jobs, for which outcomes, how often."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select, update

from mystax.core.geometry import Rectangle, Roi
from mystax.engine.catalog.planning import add_jobs, plan_jobs
from mystax.engine.catalog.tables import job, outcome, recipe, recording
from mystax.engine.recipe import Recipe, recipe_from
from mystax.io.rois import rois_to_toml
from mystax.io.store import Store
from tests.fixtures.catalogues import Lab, make_lab, write_film

N_FRAMES = 6


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = make_lab(tmp_path / "lab", 2, n_frames=N_FRAMES)
    yield made
    made.database.close()


def draw(lab: Lab, name: str, *rois: Roi) -> None:
    path = lab.out / name / "rois.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(rois_to_toml(rois))


def square(x: int, kind: str = "motion", name: str = "a") -> Roi:
    return Roi(name, kind, Rectangle(x, 0, 32, 32))  # type: ignore[arg-type] # a kind


def two_analyses() -> Recipe:
    return recipe_from(analyses=["motion", "running"], parameters={"motion": {"bin": 4}}).model_copy(
        update={"name": "two"}
    )


def test_each_recording_has_one_job_however_often_it_is_added(lab: Lab) -> None:
    assert lab.add("quick") == [1, 2]
    assert lab.add("quick") == []
    rows = lab.rows(job.c.kind, job.c.state, job.c.unit, job.c.total)
    assert [tuple(row) for row in rows] == [("pass", "queued", "px", N_FRAMES * 48 * 32)] * 2
    assert [row.name for row in lab.rows(recipe.c.name)] == ["quick"]


def test_planning_opens_no_video(lab: Lab) -> None:
    for path in (lab.folder / "films").rglob("*.avi"):
        path.unlink()
    assert lab.add("quick") == [1, 2]


def test_recordings_are_chosen_by_a_condition(lab: Lab) -> None:
    assert len(plan_jobs(lab.database, lab.out, recipe_from("quick"), where="folder=rec001").jobs) == 1


def test_bad_recordings_are_left_out_and_listed(lab: Lab) -> None:
    with lab.database.write() as connection:
        connection.execute(update(recording).where(recording.c.id == 1).values(quality="bad"))
    found = plan_jobs(lab.database, lab.out, recipe_from("quick"))
    assert (found.left_out, len(found.jobs)) == (["rec000"], 1)
    assert len(plan_jobs(lab.database, lab.out, recipe_from("quick"), include_bad=True).jobs) == 2


def test_what_is_done_is_not_planned_again(lab: Lab) -> None:
    lab.add("quick")
    assert lab.do_all() == ["done", "done"]
    found = plan_jobs(lab.database, lab.out, recipe_from("quick"))
    assert (len(found.jobs), found.n_current) == (0, 2)


def test_a_recipe_that_was_done_without_the_queue_is_not_done_again(lab: Lab) -> None:
    lab.add("quick")
    lab.do_all()
    with lab.database.write() as connection:
        connection.execute(update(outcome).values(job_id=None))
        connection.execute(job.delete())
    found = plan_jobs(lab.database, lab.out, recipe_from("quick"))
    assert (len(found.jobs), found.n_current) == (0, 2)


def test_a_changed_region_makes_stale_what_uses_it_and_nothing_else(lab: Lab) -> None:
    wanted = two_analyses()
    for name in ("rec000", "rec001"):
        draw(lab, name, square(0), square(0, "running", "wheel"))
    lab.add(wanted)
    lab.do_all()
    draw(lab, "rec000", square(16), square(0, "running", "wheel"))
    (planned,) = plan_jobs(lab.database, lab.out, wanted).jobs
    assert planned.recording.folder == "rec000"
    assert [item.name for item in planned.plan.wanted] == ["motion"]
    before = {row.path: row.key for row in lab.rows(outcome.c.path, outcome.c.key)}
    lab.add(wanted)
    assert lab.do_all() == ["done"]
    after = {
        row.path: (row.key, row.state) for row in lab.rows(outcome.c.path, outcome.c.key, outcome.c.state)
    }
    assert after["rec000/two/running.nc"] == (before["rec000/two/running.nc"], "current")
    assert after["rec000/two/motion.nc"][0] != before["rec000/two/motion.nc"]
    old = f"rec000/two/.mystax/old/motion.{before['rec000/two/motion.nc'][:12]}.nc"
    assert after[old] == (before["rec000/two/motion.nc"], "superseded")
    assert (lab.out / old).is_file()


def test_going_back_to_an_earlier_region_queues_the_earlier_job_again(lab: Lab) -> None:
    for x in (0, 16, 0):
        draw(lab, "rec000", square(x))
        lab.add("quick", where="folder=rec000")
        assert lab.do_all() == ["done"]
    assert lab.states() == ["done", "done"]


def test_outcomes_that_are_missing_are_planned_again(lab: Lab) -> None:
    lab.add("quick")
    lab.do_all()
    with lab.database.write() as connection:
        first = select(outcome.c.id).where(outcome.c.path == "rec000/quick/motion.nc").scalar_subquery()
        connection.execute(update(outcome).where(outcome.c.id == first).values(state="missing"))
    (planned,) = plan_jobs(lab.database, lab.out, recipe_from("quick")).jobs
    assert planned.is_stale
    assert lab.add("quick") == [1]
    assert lab.do_all() == ["adopted"]  # the file is there after all
    assert {row.state for row in lab.rows(outcome.c.state)} == {"current"}


def test_force_makes_current_outcomes_again_once(lab: Lab) -> None:
    lab.add("quick")
    lab.do_all()
    assert lab.add("quick", force=True) == [1, 2]
    assert lab.do_all() == ["done", "done"]
    assert lab.add("quick") == []


def test_what_is_queued_again_is_as_it_is_asked_for_now(lab: Lab) -> None:
    lab.add("quick")
    lab.do_all()
    with lab.database.write() as connection:
        connection.execute(update(job).where(job.c.id == 1).values(state="failed"))
    wanted = recipe_from("quick")
    planned = plan_jobs(lab.database, lab.out, wanted, force=True)
    assert add_jobs(lab.queue, wanted, planned, priority=7) == [1, 2]
    rows = lab.rows(job.c.state, job.c.priority, job.c.targets)
    assert [(row.state, row.priority, row.targets["force"]) for row in rows] == [("queued", 7, True)] * 2


def test_a_failed_job_is_not_queued_again_by_adding(lab: Lab) -> None:
    lab.add("quick")
    with lab.database.write() as connection:
        connection.execute(update(job).values(state="failed"))
    found = plan_jobs(lab.database, lab.out, recipe_from("quick"))
    assert (found.n_queued, len(found.jobs)) == (2, 0)


def test_a_region_that_cannot_be_used_refuses_its_recording_only(lab: Lab) -> None:
    draw(lab, "rec000", Roi("far", "motion", Rectangle(1000, 1000, 32, 32)))
    found = plan_jobs(lab.database, lab.out, recipe_from("quick"))
    assert [(folder, error.code) for folder, error in found.refused] == [("rec000", "P402")]
    assert len(found.jobs) == 1


def test_proposals_are_planned_before_they_are_known(lab: Lab) -> None:
    wanted = recipe_from("standard")
    names = [item.name for item in plan_jobs(lab.database, lab.out, wanted).jobs[0].plan.wanted]
    assert names[:3] == ["rois", "motion", "svd"]
    assert lab.add(wanted) == [1, 2]
    assert lab.add(wanted) == []


def test_a_video_that_changed_since_is_refused_when_its_job_begins(lab: Lab) -> None:
    from mystax.errors import VideoError

    lab.add("quick")
    write_film(lab.folder / "films" / "rec000" / "face.avi", 999)
    lab.queue.enter({"id": "d"})
    claim = lab.queue.claim("d", 1)
    assert claim is not None
    with pytest.raises(VideoError, match="changed since it was ingested") as refused:
        lab.dispatch().spec_of(claim, [])
    assert "catalog ingest" in refused.value.hint


def test_a_root_that_is_away_holds_its_jobs(lab: Lab) -> None:
    from mystax.errors import CatalogError

    lab.add("quick")
    (lab.folder / "films").rename(lab.folder / "elsewhere")
    lab.queue.enter({"id": "d"})
    claim = lab.queue.claim("d", 1)
    assert claim is not None
    with pytest.raises(CatalogError) as refused:
        lab.dispatch().spec_of(claim, [])
    assert refused.value.code == "Q606"


def test_the_work_of_a_job_can_be_discarded(lab: Lab) -> None:
    lab.add("quick")
    lab.queue.enter({"id": "d"})
    claim = lab.queue.claim("d", 1)
    assert claim is not None
    folder = lab.out / "rec000" / "quick"
    with Store(folder).work(["f" * 64]) as work:
        work.save({"motion/sum": np.zeros(3)}, 5)
    assert list(folder.glob(".mystax/work/*/checkpoint-*.npz"))
    lab.dispatch().discard(claim)
    assert not list(folder.glob(".mystax/work/*"))
