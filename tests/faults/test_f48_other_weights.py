"""F48: weights that were changed, or that belong to other points, are refused before any frame is read."""

from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

pytest.importorskip("torch", reason='pip install "mystax[train]"')  # the small networks are made with it

from mystax.core.keypoints import KeypointSet
from mystax.core.recording import ArraySource
from mystax.errors import Cancelled, RecipeError, WeightsError
from mystax.io.digests import file_digest
from mystax.io.outcomes import Outcomes
from tests.fixtures.engine_runs import StopAt, run_folder
from tests.fixtures.networks import SMALL_SET, tiny_weights
from tests.fixtures.small_weights import POINTS, write_small

pytestmark = [pytest.mark.fault(48), pytest.mark.extra("train")]

SET = 'name = "five"\n' + "".join(f'\n[[point]]\nid = "{name}"\n' for name in POINTS)


class Unread(ArraySource):
    """Pictures that nobody may read."""

    def chunks(self, *_: object, **__: object) -> NoReturn:
        raise AssertionError("frames were read")

    def sample(self, *_: object) -> NoReturn:
        raise AssertionError("frames were read")


def _pictures(kind: type[ArraySource] = ArraySource, n: int = 60) -> ArraySource:
    return kind(np.random.default_rng(0).integers(0, 255, (n, 80, 90)).astype(np.uint8), 30)


def _track(weights: Path, **more: object) -> object:
    from mystax.engine.calls import analysis_function

    return analysis_function("pose")(_pictures(Unread), weights=str(weights), box="frame", **more)


def _card(path: Path, digest: str) -> None:
    path.with_suffix(".toml").write_text(f'[sha256]\nonnx = "{digest}"\n')


def test_swapped_cards_are_refused(tmp_path: Path) -> None:
    one, two = tiny_weights(tmp_path, "one"), write_small(tmp_path, "two")
    _card(one, file_digest(two))
    _card(two, file_digest(one))
    for path in (one, two):
        with pytest.raises(WeightsError, match=rf"M701 {path.name}.*changed since its card"):
            _track(path)


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_changed_byte_is_refused(place: float, tmp_path: Path) -> None:
    path = tiny_weights(tmp_path)
    _card(path, file_digest(path))
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsError, match="M701"):
        _track(path)


def test_notes_of_another_set_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"M702.*keypoint set and the maps differ.*xpected a, b"):
        _track(write_small(tmp_path, keypoints=KeypointSet.load(SMALL_SET).to_toml()))


def test_a_set_whose_points_the_weights_do_not_know_is_refused(tmp_path: Path) -> None:
    path = tiny_weights(tmp_path)
    with pytest.raises(RecipeError, match=r"P403.*no_such_point"):
        _track(path, keypoints="nose_tip,no_such_point")


def test_names_stay_with_their_points_whatever_order_the_set_has(tmp_path: Path) -> None:
    from mystax.engine.calls import analysis_function

    straight = write_small(tmp_path, "straight", keypoints=SET)
    turned_text = 'name = "five"\n' + "".join(f'\n[[point]]\nid = "{name}"\n' for name in POINTS[::-1])
    turned = write_small(tmp_path, "turned", keypoints=turned_text)
    track = analysis_function("pose")
    one, two = (track(_pictures(), weights=str(path), box="frame") for path in (straight, turned))
    assert [str(name) for name in two["keypoint"].values] == list(POINTS[::-1])
    for name in POINTS:
        np.testing.assert_array_equal(
            one["position"].sel(keypoint=name), two["position"].sel(keypoint=name), err_msg=name
        )


def test_a_run_is_not_gone_on_with_other_weights_of_the_same_name(tmp_path: Path) -> None:
    from mystax.core.recording import Camera, Recording
    from mystax.engine.recipe import recipe_from

    recording = Recording("r", {"face": Camera("face", _pictures())})
    path = tiny_weights(tmp_path)
    recipe = recipe_from(analyses=["pose"], parameters={"pose": {"weights": str(path), "box": "frame"}})
    with pytest.raises(Cancelled):
        run_folder(tmp_path / "out", recording, recipe, report=StopAt(4), size=16)
    assert list((tmp_path / "out").glob(".mystax/work/*/checkpoint-*.npz"))
    other = write_small(tmp_path / "other", "tiny", keypoints=SET)
    path.write_bytes(other.read_bytes())
    events = StopAt(10**6)
    run_folder(tmp_path / "out", recording, recipe, report=events, size=16)
    assert not [event for event in events.events if event.stage == "resume"]
    found = Outcomes.of_folder(tmp_path / "out")["pose"]
    assert [str(name) for name in found["keypoint"].values] == list(POINTS)
    assert found.attrs["weights_sha256"] == file_digest(other)
