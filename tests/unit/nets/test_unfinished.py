"""The state of a training: goes on only for the same training, and loses nothing that was written."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from mystax.nets.unfinished import Unfinished, training_digest

pytest.importorskip("safetensors", reason='pip install "mystax[train]"')


def _state(path: Path, digest: str = "d", steps: int = 8) -> Unfinished:
    kept = Unfinished(path, digest, every=0.0)
    kept.plan(steps)
    return kept


def test_finished_and_running_fits_are_found_again(tmp_path: Path) -> None:
    kept = _state(tmp_path / "a")
    kept.finish("fold0", 5, {"xy": np.arange(3.0)})
    kept.keep("fold1", 2, lambda: {"net": np.ones((2, 2), np.float32)})
    again = Unfinished(tmp_path / "a", "d")
    assert (again.steps, again.n_steps) == (8, 7)
    done = again.finished("fold0")
    assert done is not None
    np.testing.assert_array_equal(done["xy"], np.arange(3.0))
    assert again.finished("fold1") is None
    running = again.running("fold1")
    assert running is not None
    assert running[0] == 2
    np.testing.assert_array_equal(running[1]["net"], np.ones((2, 2)))
    assert again.running("fold0") is None


def test_a_finished_fit_is_running_no_more(tmp_path: Path) -> None:
    kept = _state(tmp_path / "a")
    kept.keep("fold0", 2, lambda: {"net": np.ones(2)})
    kept.finish("fold0", 5, {"xy": np.arange(3.0)})
    again = Unfinished(tmp_path / "a", "d")
    assert again.running("fold0") is None
    assert again.n_steps == 5


def test_state_of_another_training_or_length_is_not_used(tmp_path: Path) -> None:
    _state(tmp_path / "a").finish("fold0", 5, {"xy": np.arange(3.0)})
    assert Unfinished(tmp_path / "a", "other").finished("fold0") is None
    longer = _state(tmp_path / "a", steps=9)
    assert longer.finished("fold0") is None
    assert longer.steps == 9


def test_damaged_state_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "a"
    _state(path).finish("fold0", 5, {"xy": np.arange(3.0)})
    data = path.read_bytes()
    for broken in (b"", data[:-3], b"\xff" * 40, data[8:]):
        path.write_bytes(broken)
        assert Unfinished(path, "d").steps == 0


def test_states_are_written_only_when_it_is_time(tmp_path: Path) -> None:
    kept = Unfinished(tmp_path / "a", "d", every=3600.0)
    kept.keep("fold0", 1, lambda: {"net": np.ones(2)})
    assert not (tmp_path / "a").exists()
    kept.keep("fold0", 2, lambda: {"net": np.ones(2)}, now=True)
    assert Unfinished(tmp_path / "a", "d").running("fold0") is not None


def test_removed_state_is_gone_and_without_a_place_nothing_is_kept(tmp_path: Path) -> None:
    kept = _state(tmp_path / "a")
    kept.finish("fold0", 5, {})
    kept.remove()
    assert list(tmp_path.iterdir()) == []
    nowhere = Unfinished()
    nowhere.finish("fold0", 5, {"xy": np.ones(1)})
    nowhere.keep("fold1", 5, lambda: {"xy": np.ones(1)}, now=True)
    nowhere.remove()
    assert nowhere.finished("fold0") is None


@dataclass(frozen=True)
class _Thing:
    values: np.ndarray
    name: str = "x"


def test_digest_sees_every_change() -> None:
    things = [
        (np.arange(4),),
        (np.arange(4.0),),
        (np.arange(4).reshape(2, 2),),
        ([0, 1, 2, 3],),
        ({"a": np.arange(4)},),
        ({"b": np.arange(4)},),
        (_Thing(np.arange(4)),),
        (_Thing(np.arange(4), "y"),),
        (_Thing(np.arange(5)),),
        ("ab", "c"),
        ("a", "bc"),
        (["ab"], "c"),
        (None,),
        (0,),
        (False,),
    ]
    digests = [training_digest(*parts) for parts in things]
    assert len(set(digests)) == len(things)
    assert digests == [training_digest(*parts) for parts in things]
