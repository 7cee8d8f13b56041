"""F40: version or parameters change between two runs.

The key differs, so the outcome is made anew; the old one is kept in `.mystax/old` and nothing is mixed.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from mystax.core import analysis as registry
from mystax.errors import Cancelled
from mystax.io.outcomes import Outcomes
from tests.fixtures.engine_runs import StopAt, digest_of, run_folder, toy_recipe
from tests.fixtures.engine_toys import make_recording, toy_spec

pytestmark = pytest.mark.fault(40)


def _old(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / ".mystax" / "old").glob("*.nc"))


def test_changed_parameters_make_a_new_outcome_and_keep_the_old(tmp_path: Path) -> None:
    run_folder(tmp_path, make_recording(toy_spec()))
    key = str(Outcomes.of_folder(tmp_path)["toy"].attrs["key"])
    run_folder(tmp_path, make_recording(toy_spec()), toy_recipe(gain=2.0))
    assert str(Outcomes.of_folder(tmp_path)["toy"].attrs["key"]) != key
    assert _old(tmp_path) == [f"toy.{key[:12]}.nc"]


def test_a_new_version_makes_a_new_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_folder(tmp_path, make_recording(toy_spec()))
    newer = replace(registry.get_analysis("toy"), version=2)
    monkeypatch.setitem(registry._REGISTRY, "toy", newer)
    plan = run_folder(tmp_path, make_recording(toy_spec()))
    assert [item.state for item in plan.outcomes] == ["wanted"]
    assert Outcomes.of_folder(tmp_path)["toy"].attrs["analysis_version"] == 2
    assert len(_old(tmp_path)) == 1


def test_going_back_makes_the_same_content_again(tmp_path: Path) -> None:
    run_folder(tmp_path, make_recording(toy_spec()))
    first = digest_of(tmp_path)
    run_folder(tmp_path, make_recording(toy_spec()), toy_recipe(gain=2.0))
    run_folder(tmp_path, make_recording(toy_spec()))
    assert digest_of(tmp_path) == first


def test_only_what_changed_is_made_again(tmp_path: Path) -> None:
    both = toy_recipe("toy", "toyjoint")
    run_folder(tmp_path, make_recording(toy_spec()), both)
    changed = both.model_copy(
        update={
            "analysis": (both.analysis[0], both.analysis[1].model_copy(update={"parameters": {"gain": 2}}))
        }
    )
    plan = run_folder(tmp_path, make_recording(toy_spec()), changed)
    assert {item.name: item.state for item in plan.outcomes} == {"toy": "current", "toyjoint": "wanted"}


def test_a_checkpoint_of_another_request_is_never_used(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        run_folder(tmp_path, make_recording(toy_spec()), toy_recipe(gain=2.0), report=StopAt(4), size=16)
    events = StopAt(10**6)
    run_folder(tmp_path, make_recording(toy_spec()), report=events)
    assert not [event for event in events.events if event.stage == "resume"]


def test_a_run_that_was_killed_while_publishing_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    recipe = toy_recipe("toy", "toyjoint")
    truth = tmp_path / "truth"
    run_folder(truth, make_recording(toy_spec()), recipe)
    folder = tmp_path / "stopped"
    with pytest.raises(Cancelled):
        run_folder(folder, make_recording(toy_spec()), recipe, report=StopAt(7), size=50)
    # One of the two outcomes is there already, as if the process had died between two publications.
    run_folder(folder, make_recording(toy_spec()), toy_recipe("toy"))
    events = StopAt(10**6)
    run_folder(folder, make_recording(toy_spec()), recipe, report=events)
    assert [event.done for event in events.events if event.stage == "resume"] == [200]
    assert [digest_of(folder, name) for name in ("toy", "toyjoint")] == [
        digest_of(truth, name) for name in ("toy", "toyjoint")
    ]
    assert not list((folder / ".mystax" / "work").glob("*"))
