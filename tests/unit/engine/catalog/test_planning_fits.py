"""Jobs on outcomes: which there are, what they wait for, where their outcomes go and whose they are."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.claims import Claim, Facts
from mystax.engine.catalog.dispatch import FITS
from mystax.engine.catalog.outcomes import OutcomeFacts
from mystax.engine.catalog.planning import plan_jobs
from mystax.engine.catalog.planning_fits import owner_of
from mystax.engine.catalog.status import job_list
from mystax.engine.catalog.tables import job, job_need, model, outcome, recording, side_file
from mystax.engine.encoding.encoding import ENCODER_NAME
from mystax.engine.recipe import Recipe, recipe_from_values
from mystax.errors import RecipeError
from tests.fixtures.catalogues import Lab, make_lab
from tests.fixtures.fits import TASK

N_FRAMES = 6


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    monkeypatch.setitem(FITS, "states", TASK)
    made = make_lab(tmp_path / "lab", 2, n_frames=N_FRAMES)
    yield made
    made.database.close()


@pytest.fixture(scope="module")
def fitted_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A fit of a group that is done, for tests that only look at it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FITS, "states", TASK)
        made = make_lab(tmp_path_factory.mktemp("fitted") / "lab", 2, n_frames=N_FRAMES)
        made.add(recipe())
        made.do_all()
        yield made
        made.database.close()


def recipe(fit: str = "group", **parameters: object) -> Recipe:
    values = {"n_states": 2, "features": "motion.energy", **parameters}
    steps = [{"name": "motion"}, {"name": "states", "fit": fit, "parameters": values}]
    return recipe_from_values({"name": "many", "analysis": steps}, "test", with_fits=True)


def needs(lab: Lab) -> set[tuple[int, int]]:
    return {tuple(row) for row in lab.rows(job_need.c.job_id, job_need.c.needs_id)}


def test_one_fit_of_a_group_waits_for_all_its_recordings(lab: Lab) -> None:
    assert lab.add(recipe()) == [1, 2, 3]
    rows = lab.rows(job.c.kind, job.c.state, job.c.recording_id, job.c.total)
    assert [tuple(row) for row in rows[2:]] == [("outcome", "waiting", None, 2 * N_FRAMES)]
    assert needs(lab) == {(3, 1), (3, 2)}
    assert [item["recording"] for item in job_list(lab.database)] == ["rec000", "rec001", "_groups/all/many"]


def test_fits_of_recordings_wait_each_for_their_own(lab: Lab) -> None:
    assert lab.add(recipe("recording")) == [1, 2, 3, 4]
    assert needs(lab) == {(3, 1), (4, 2)}
    assert sorted(map(tuple, lab.rows(job.c.id, job.c.recording_id))) == [(1, 1), (2, 2), (3, 1), (4, 2)]


@pytest.mark.parametrize("fit", [pytest.param("group", marks=pytest.mark.slow), "recording"])
def test_adding_twice_adds_nothing_before_and_after_the_work(lab: Lab, fit: str) -> None:
    lab.add(recipe(fit))
    assert lab.add(recipe(fit)) == []
    assert set(lab.do_all()) == {"done"}
    assert lab.add(recipe(fit)) == []


def test_outcomes_of_a_group_lie_together_and_belong_to_their_recordings(fitted_lab: Lab) -> None:
    chosen = outcome.c.analysis == "states"
    rows = fitted_lab.rows(outcome.c.path, outcome.c.recording_id, outcome.c.state, where=chosen)
    assert sorted(map(tuple, rows)) == [
        ("_groups/all/many/rec000/states.nc", 1, "current"),
        ("_groups/all/many/rec001/states.nc", 2, "current"),
    ]


def test_work_that_is_there_already_is_not_waited_for(lab: Lab) -> None:
    lab.add(Recipe(name="many", analysis=recipe().frames().analysis))
    lab.do_all()
    assert lab.add(recipe()) == [3]
    assert lab.states() == ["done", "done", "queued"]


def test_another_condition_is_another_group(lab: Lab) -> None:
    lab.add(recipe())
    found = plan_jobs(lab.database, lab.out, recipe(), where="folder=rec001")
    (fit,) = found.fits
    assert fit.title.startswith("_groups/folder")
    assert fit.as_dict()["members"] == ["rec001"]


def test_other_parameters_are_other_work_and_cores_are_not(lab: Lab) -> None:
    lab.add(recipe())
    assert len(plan_jobs(lab.database, lab.out, recipe(n_states=3)).fits) == 1
    assert plan_jobs(lab.database, lab.out, recipe(cores=2)).fits == []


@pytest.mark.slow
def test_a_damaged_outcome_of_a_group_is_made_again(lab: Lab) -> None:
    lab.add(recipe())
    lab.do_all()
    with lab.database.write() as connection:
        connection.execute(
            update(outcome).where(outcome.c.path.like("%001/states.nc")).values(state="damaged")
        )
    assert lab.add(recipe()) == [3]
    assert lab.do_all() == ["done"]
    assert {row.state for row in lab.rows(outcome.c.state)} == {"current"}


@pytest.mark.slow
def test_a_fit_waits_for_a_pass_that_is_made_again(lab: Lab) -> None:
    lab.add(recipe())
    lab.do_all()
    assert lab.add(recipe(), force=True) == [1, 2, 3]
    assert lab.states() == ["queued", "queued", "waiting"]


def applied(name: str, fit: str) -> Recipe:
    return recipe(fit).model_copy(update={"name": name})


def test_a_fit_that_is_there_is_applied_to_each_recording(lab: Lab) -> None:
    lab.add(recipe())
    lab.do_all()
    assert lab.add(applied("later", "all/many")) == [4, 5, 6, 7]
    assert needs(lab) == {(3, 1), (3, 2), (6, 4), (7, 5)}
    rows = lab.rows(job.c.targets, where=job.c.id.in_([6, 7]))
    assert [row.targets["model"] for row in rows] == ["_groups/all/many/rec000/states.nc"] * 2
    assert lab.do_all() == ["done"] * 4
    chosen = (outcome.c.analysis == "states") & outcome.c.path.like("rec%")
    assert sorted(map(tuple, lab.rows(outcome.c.path, outcome.c.recording_id, where=chosen))) == [
        ("rec000/later/states.nc", 1),
        ("rec001/later/states.nc", 2),
    ]
    assert lab.add(applied("later", "all/many")) == []
    assert [row.name for row in lab.rows(model.c.name)] == ["all/many"], "what was applied is no new fit"


def test_a_child_is_told_where_the_model_is(lab: Lab) -> None:
    lab.add(recipe())
    lab.do_all()
    lab.add(applied("later", "_groups/all/many/rec001/states.nc"))
    lab.queue.enter({"id": "me", "host": "here"})
    for _ in range(2):
        claim = lab.queue.claim("me", 8)
        assert claim is not None
        with lab.queue.finishing(claim, "done", Facts()) as connection:
            assert connection is not None
    claim = lab.queue.claim("me", 8)
    assert claim is not None
    told = lab.dispatch().spec_of(claim, []).job["arguments"]
    assert told["model"] == str(lab.out / "_groups" / "all" / "many" / "rec001" / "states.nc")
    assert told["names"] == ["rec000"]


def test_a_fit_that_is_not_there_is_refused_with_those_that_are(fitted_lab: Lab) -> None:
    with pytest.raises(RecipeError, match="no such fit of states; did you mean 'all/many'"):
        fitted_lab.add(applied("later", "all/man"))


def test_a_recipe_without_frames_is_refused(lab: Lab) -> None:
    alone = Recipe(name="alone", analysis=recipe().analysis[1:])
    with pytest.raises(RecipeError, match="names no analysis of frames"):
        plan_jobs(lab.database, lab.out, alone)


@pytest.mark.slow
def test_a_catalogue_that_is_made_again_knows_whose_outcomes_of_a_group_are(lab: Lab) -> None:
    lab.add(recipe())
    lab.do_all()
    columns = (outcome.c.path, outcome.c.key, outcome.c.recording_id)
    before = sorted(map(tuple, lab.rows(*columns)))
    models = lab.rows(model.c.name, model.c.path, model.c.weights_hash)
    with lab.database.write() as connection:
        connection.execute(outcome.delete())
        connection.execute(model.delete())
    with Catalog.open(lab.folder) as catalog:
        catalog.rebuild()
        with catalog.database.read() as connection:
            after = sorted(map(tuple, connection.execute(select(*columns))))
    assert after == before
    assert lab.rows(model.c.name, model.c.path, model.c.weights_hash) == models
    assert [row.name for row in models] == ["all/many"]


@pytest.mark.parametrize(
    ("whose", "row"), [("a", 1), ("a b", 2), ("a left", 1), ("a b left", 2), ("c", None), ("", None)]
)
def test_an_outcome_belongs_to_the_recording_that_it_names(whose: str, row: int | None) -> None:
    assert owner_of(whose, {"a": 1, "a b": 2}) == row


def encodings(fit: str = "group", **neural: object) -> Recipe:
    step = {"name": "encoding", "fit": fit, "neural": neural, "parameters": {"model": "linear"}}
    values = {"name": "many", "analysis": [{"name": "motion"}, step]}
    return recipe_from_values(values, "test", with_fits=True)


def with_neural(lab: Lab, *names: str, n_files: int = 1) -> None:
    """Let the catalogue know neural files of recordings."""
    numbers = {row.folder: row.id for row in lab.rows(recording.c.id, recording.c.folder)}
    with lab.database.write() as connection:
        for name in names:
            for k in range(n_files):
                values = {"root": "films", "path": f"{name}/a{k}.npy", "size": 9, "mtime_ns": 1, "spec": {}}
                more = {"recording_id": numbers[name], "role": "neural"}
                connection.execute(insert(side_file).values(**values, **more))


def test_recordings_with_neural_data_are_encoded_and_summarised(lab: Lab) -> None:
    with_neural(lab, "rec000", "rec001")
    assert lab.add(encodings(clock="rate:10")) == [1, 2, 3, 4, 5]
    assert needs(lab) == {(3, 1), (4, 2), (5, 3), (5, 4)}
    rows = lab.rows(job.c.targets, job.c.recording_id)[2:]
    assert [(row.targets["analysis"], row.targets["folder"], row.recording_id) for row in rows] == [
        ("encoding", "rec000/many", 1),
        ("encoding", "rec001/many", 2),
        ("encoding_summary", "_groups/all/many", None),
    ]
    assert rows[0].targets["neural"] == ["films", "rec000/a0.npy", "9-1"]
    assert rows[0].targets["reading"] == {"clock": "rate:10"}


def test_recordings_without_neural_data_have_no_encoding_and_one_alone_no_summary(lab: Lab) -> None:
    with_neural(lab, "rec001")
    assert lab.add(encodings()) == [1, 2, 3]
    assert needs(lab) == {(3, 2)}


def test_another_neural_file_or_another_way_to_read_it_is_other_work(lab: Lab) -> None:
    with_neural(lab, "rec001")
    lab.add(encodings())
    assert len(plan_jobs(lab.database, lab.out, encodings(signal="spikes")).fits) == 1
    with lab.database.write() as connection:
        connection.execute(update(side_file).values(mtime_ns=2))
    assert len(plan_jobs(lab.database, lab.out, encodings()).fits) == 1


def test_several_neural_files_are_refused_for_their_recording_alone(lab: Lab) -> None:
    with_neural(lab, "rec000")
    with_neural(lab, "rec001", n_files=2)
    found = plan_jobs(lab.database, lab.out, encodings())
    assert [name for name, _ in found.refused] == ["rec001"]
    assert [fit.title for fit in found.fits] == ["rec000/many"]


def claimed_encoding(lab: Lab) -> Claim:
    """Claim the encoding of the only recording with neural data."""
    with_neural(lab, "rec001")
    lab.add(encodings())
    with lab.database.write() as connection:
        connection.execute(update(job).where(job.c.id < 3).values(state="done"))
        connection.execute(update(job).where(job.c.id == 3).values(state="queued"))
    lab.queue.enter({"id": "me", "host": "here"})
    claim = lab.queue.claim("me", 8)
    assert claim is not None
    return claim


def test_an_encoding_is_written_down_with_its_encoder(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = claimed_encoding(lab)
    monkeypatch.setattr(
        "mystax.engine.catalog.dispatch.outcome_facts", lambda _, path: OutcomeFacts(str(path), {}, {})
    )
    rows = [(Path(facts.path), owner) for facts, owner in lab.dispatch()._rows_of(claim)]
    folder = lab.out / "rec001" / "many"
    assert rows == [(folder / f"{ENCODER_NAME}.nc", 2), (folder / "encoding.nc", 2)]


def test_a_child_is_told_where_its_neural_file_is_below_its_root(lab: Lab) -> None:
    told = lab.dispatch().spec_of(claimed_encoding(lab), []).job
    assert told["task"] == "mystax.engine.encoding.queued:encode_folder"
    rows = [["films", "*", str(lab.folder / "films")]]
    assert told["arguments"]["neural"] == [rows, "films", "rec001/a0.npy"]
    assert told["arguments"]["inputs"] == [str(lab.out / "rec001" / "many")]
