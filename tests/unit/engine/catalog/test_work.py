"""Choosing what runs the jobs, and the rule of the process that is gone."""

from pathlib import Path
from typing import Any

import pytest

from mystax.core.events import Event
from mystax.engine.catalog import work as working
from mystax.engine.catalog.claims import Foreign
from mystax.engine.catalog.places import Place
from mystax.engine.catalog.work import is_gone, make_executor
from mystax.engine.queue.executor import SupervisorExecutor
from mystax.errors import EngineError, RecipeError
from mystax.io.locks import this_process


def foreign(**changes: Any) -> Foreign:
    own = this_process("")
    values: dict[str, Any] = {
        "host": own.host,
        "boot_id": own.host_start,
        "pid": own.pid,
        "pid_started": float(own.process_start),
        **changes,
    }
    return Foreign(1, 1, 0, 0, 0, "d", has_advanced=False, n_lost=0, **values)


def test_a_living_driver_is_not_gone() -> None:
    assert not is_gone(foreign())


@pytest.mark.parametrize(
    "changes",
    [{"pid_started": 1.0}, {"pid": 2**22 - 3}, {"boot_id": "another start of this host"}],
    ids=["another process of that number", "no such process", "the host started anew"],
)
def test_a_driver_of_this_host_without_its_process_is_gone(changes: dict[str, Any]) -> None:
    assert is_gone(foreign(**changes))


def test_nobody_knows_about_processes_of_another_host() -> None:
    assert not is_gone(foreign(host="elsewhere", pid=2**22 - 3))


def test_without_the_extra_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "find_spec", lambda _: None)
    told: list[Event] = []
    found = make_executor(Place(tmp_path), "local", {"cores": 1}, "d", told.append)
    assert isinstance(found, SupervisorExecutor)
    assert [event.text for event in told] == [
        'running one job at a time; pip install "mystax[cluster]" runs many'
    ]


def test_a_named_engine_takes_its_options_from_the_file(tmp_path: Path) -> None:
    place = Place(tmp_path, engines={"night": {"engine": "slurm", "walltime": 60, "colour": "red"}})
    with pytest.raises(EngineError, match=r"Q607.*colour"):
        make_executor(place, "night", {}, "d")


def test_an_unknown_engine_is_answered_with_the_nearest(tmp_path: Path) -> None:
    place = Place(tmp_path, engines={"night": {"engine": "slurm"}})
    with pytest.raises(RecipeError, match="did you mean 'night'"):
        make_executor(place, "nigth", {}, "d")


def test_a_batch_system_whose_commands_are_missing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mystax.engine.queue import cluster

    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("no such command")

    monkeypatch.setattr("dask_jobqueue.PBSCluster", broken)
    with pytest.raises(EngineError) as refused:
        cluster.batch_executor("pbs", cluster.ClusterWish(), "mystax-test", tmp_path)
    assert refused.value.code == "Q607"
    assert list((tmp_path / ".mystax" / "tls").iterdir()) == []
