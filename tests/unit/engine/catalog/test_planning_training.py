"""A training as a job: what makes it the same one, and what a child is told."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mystax.core.events import Event
from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.claims import Facts
from mystax.engine.catalog.dispatch import CatalogDispatch
from mystax.engine.catalog.planning_training import training_job
from mystax.engine.catalog.tables import job, model
from mystax.engine.jobs import Job, do_task
from mystax.engine.training import queued
from mystax.engine.training.train import TrainReport
from mystax.errors import ParameterError, RecipeError
from mystax.io.digests import file_digest
from tests.fixtures.small_weights import write_small


def told(path: Path) -> TrainReport:
    """Return the report of a training that was accepted."""
    return TrainReport(
        path,
        path.with_name("report.html"),
        is_accepted=True,
        reasons=(),
        held_out_error=1.5,
        base_error=2.0,
        per_point={"nose": 1.5},
        forgetting=float("nan"),
        split="by video",
        weak=(),
        redefined=(),
        n_frames=40,
        steps=100,
        members=1,
        calibration="labels:n=40",
        seconds=60.0,
    )


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    folder = tmp_path / "faces.labels"
    folder.mkdir()
    return folder


def test_labels_that_are_not_there_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such labels"):
        training_job(tmp_path, tmp_path / "nowhere", {})


@pytest.mark.parametrize("options", [{"minutes": 0.0}, {"size": 100}, {"name": "../weights"}, {"members": 9}])
def test_values_out_of_range_are_refused_at_once(
    tmp_path: Path, labels: Path, options: dict[str, Any]
) -> None:
    with pytest.raises(ParameterError, match="P401"):
        training_job(tmp_path, labels, options)


def test_the_same_training_is_the_same_job(catalog: Catalog, labels: Path) -> None:
    assert catalog.add_training(labels, {"minutes": 1.0, "keypoints": None}) == [1]
    assert catalog.add_training(labels, {"minutes": 1.0}) == []
    assert catalog.add_training(labels, {"minutes": 2.0}) == [2]
    catalog.cancel("j1")
    assert catalog.add_training(labels, {"minutes": 1.0}) == [1]


def test_a_child_trains_with_all_cores_of_its_worker_and_leaves_a_report(
    catalog: Catalog, labels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}
    made = told(write_small(catalog.out / "_models" / "faces", "faces"))

    def train(place: str, **options: Any) -> TrainReport:
        asked.update(options, labels=place)
        options["progress"](Event("progress", "training", 1, 2))
        return made

    monkeypatch.setattr(queued, "train", train)
    catalog.add_training(labels, {"minutes": 1.0})
    catalog.queue.enter({"id": "me", "host": "here"})
    claim = catalog.queue.claim("me", 2, size=2)
    assert claim is not None
    dispatch = CatalogDispatch(catalog.database, catalog.out, memory=1 << 20, cores=2)
    spec = dispatch.spec_of(claim, [])
    assert (spec.cores, spec.memory) == (2, 2 << 20)
    events: list[Event] = []
    do_task(Job.from_json(Job(**spec.job).to_json()), events.append, None)
    folder = catalog.out / "_models" / "faces"
    assert asked.pop("progress")
    assert asked == {"labels": str(labels), "minutes": 1.0, "name": "faces", "out": str(folder), "cores": 2}
    assert json.loads((folder / queued.REPORT).read_text())["held_out_error"] == 1.5
    assert [event.kind for event in events] == ["progress", "outcome", "result"]
    assert events[0].data["stall"] == queued.STEP
    assert dispatch.publish(claim, Facts(result=events[-1].data), is_adopted=False)
    with catalog.database.read() as connection:
        assert connection.execute(job.select()).one().state == "done"
        row = connection.execute(model.select()).one()
    assert (row.name, row.kind, row.path) == ("faces", "pose", "_models/faces/faces.onnx")
    assert row.weights_hash == file_digest(made.path)
    assert row.card["held_out_error"] == 1.5
    assert not {"weights", "report"} & set(row.card)


def test_weights_that_are_not_accepted_are_no_model(
    tmp_path: Path, labels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rejected = replace(told(Path("faces.rejected.onnx")), is_accepted=False, reasons=("worse",))
    monkeypatch.setattr(queued, "train", lambda *_, **__: rejected)
    events: list[Event] = []
    asked = {"labels": str(labels), "options": {}}
    do_task(
        Job({}, {}, str(tmp_path), task="mystax.engine.training.queued:train_labels", arguments=asked),
        events.append,
        None,
    )
    assert [event.kind for event in events] == ["outcome"]
    assert "worse" in events[0].text
