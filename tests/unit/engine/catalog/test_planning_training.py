"""A training as a job: what makes it the same one, and what a child is told."""

from pathlib import Path
from typing import Any

import pytest

from mystax.core.events import Event
from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.claims import Facts
from mystax.engine.catalog.dispatch import CatalogDispatch
from mystax.engine.catalog.planning_training import training_job
from mystax.engine.catalog.tables import job
from mystax.engine.jobs import Job, do_task
from mystax.engine.training import queued
from mystax.errors import ParameterError, RecipeError


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

    class Report:
        path, is_accepted, reasons = Path("faces.onnx"), True, ()

        def as_dict(self) -> dict[str, object]:
            return {"held_out_error": 1.5}

    def train(place: str, **options: Any) -> Report:
        asked.update(options, labels=place)
        options["progress"](Event("progress", "training", 1, 2))
        return Report()

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
    assert (folder / queued.REPORT).read_text() == '{\n "held_out_error": 1.5\n}\n'
    assert [event.kind for event in events] == ["progress", "outcome"]
    assert events[0].data["stall"] == queued.STEP
    assert dispatch.publish(claim, Facts(), is_adopted=False)
    with catalog.database.read() as connection:
        assert connection.execute(job.select()).one().state == "done"
