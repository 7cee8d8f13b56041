"""The shared pass: order, places, checkpoints, refusals."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from mystax.core.analysis import get_analysis
from mystax.core.events import Event
from mystax.core.recording import ArraySource, FrameChunk, FrameSource
from mystax.engine.passes import CameraPass, whole_frame
from mystax.engine.shared_pass import Line, SharedPass
from mystax.errors import Cancelled, InternalError, VideoError
from tests.fixtures.engine_toys import ToyParams, ToyReducer, frames_of


class Memory:
    """Keeper of checkpoints in memory that is due at every n-th question."""

    def __init__(self, every: int = 1) -> None:
        self.kept: list[tuple[int, Mapping[str, np.ndarray]]] = []
        self._every, self._asked = every, 0

    def load(self) -> Mapping[str, np.ndarray] | None:
        return self.kept[-1][1] if self.kept else None

    def due(self) -> bool:
        self._asked += 1
        return self._asked % self._every == 0

    def save(self, arrays: Mapping[str, np.ndarray], frame: int) -> None:
        self.kept.append((frame, {name: np.array(value) for name, value in arrays.items()}))


class Broken(ArraySource):
    """A source that gives other frames than it says."""

    lost = 0
    order = 1

    def chunks(self, *args: Any, **request: Any) -> Iterator[FrameChunk]:
        chunks = list(super().chunks(*args, **request))[:: self.order]
        yield from chunks[: len(chunks) - self.lost]


def _line(source: FrameSource, camera: str = "face", **parameters: Any) -> Line:
    lent = CameraPass(source, camera, [whole_frame(source.shape, camera)])
    return Line(get_analysis("toy"), camera, ToyReducer(ToyParams(**parameters)), lent)


def _source(n: int = 50, seed: int = 0) -> ArraySource:
    return ArraySource(frames_of(seed, n), Fraction(100))


def test_all_reducers_of_a_camera_see_every_frame_once() -> None:
    source = _source()
    lines = [_line(source), _line(source)]
    SharedPass({"face": source}, lines, size=7).run()
    for line in lines:
        grey = line.reducer.finish()["grey"].values[:, 0]
        np.testing.assert_allclose(grey, frames_of(0, 50).mean((1, 2)), rtol=1e-6)


def test_more_readings_are_made_only_for_those_that_ask() -> None:
    source = _source()
    once, twice = _line(source), _line(source, n_readings=2)
    shared = SharedPass({"face": source}, [once, twice], size=20)
    shared.run()
    assert shared.n_decoded == 100
    assert float(once.reducer.finish()["total"][0]) == float(twice.reducer.finish()["total"][0])


def test_cameras_have_lengths_of_their_own() -> None:
    left, right = _source(50), _source(30, seed=1)
    lines = [_line(left, "left"), _line(right, "right")]
    shared = SharedPass({"left": left, "right": right}, lines)
    shared.run()
    assert {name: len(reason) for name, reason in shared.reason.items()} == {"left": 50, "right": 30}


def test_places_are_announced_before_frames_are_read() -> None:
    events: list[Event] = []
    source = _source()
    SharedPass({"face": source}, [_line(source)], report=events.append, size=20).run()
    reading = [
        (event.data["frame"], event.done, event.total) for event in events if event.stage == "reading 1"
    ]
    assert reading == [(0, 0, 50), (20, 20, 50), (40, 40, 50), (50, 50, 50)]
    assert events[0].stage == "start"


def test_reasons_and_valid_frames_are_kept() -> None:
    reason = np.zeros(50, np.uint8)
    reason[[3, 40]] = 1, 2
    source = ArraySource(frames_of(0, 50), Fraction(100), reason=reason)
    shared = SharedPass({"face": source}, [_line(source)], size=9)
    shared.run()
    np.testing.assert_array_equal(shared.reason["face"], reason)
    np.testing.assert_array_equal(shared.valid["face"], reason == 0)


def test_a_wish_to_stop_is_answered_with_a_checkpoint() -> None:
    keeper, source = Memory(10**6), _source()

    def stop(event: Event) -> None:
        if event.data.get("frame") == 20:
            raise Cancelled("run")

    with pytest.raises(Cancelled):
        SharedPass({"face": source}, [_line(source)], None, stop, keeper, 10).run()
    assert [frame for frame, _ in keeper.kept] == [20]


def test_a_pass_taken_up_again_reads_only_what_is_left() -> None:
    keeper, source = Memory(), _source()
    line = _line(source)
    SharedPass({"face": source}, [line], None, lambda _: None, keeper, 10).run()
    whole = line.reducer.finish()
    keeper.kept = [item for item in keeper.kept if item[0] <= 30]
    again = _line(source)
    assert isinstance(line.reducer, ToyReducer)
    assert isinstance(again.reducer, ToyReducer)
    shared = SharedPass({"face": source}, [again], None, lambda _: None, keeper, 7)
    spool = line.reducer._spool
    assert spool is not None
    rows = spool.read(0, 30)
    # The engine cuts spools back; here the rows come from the first run.
    start = again.reducer.start

    def start_with_rows(lent: Any) -> None:
        start(lent)
        assert again.reducer._spool is not None  # type: ignore[attr-defined] # a toy
        again.reducer._spool.append(rows)  # type: ignore[attr-defined] # a toy

    again.reducer.start = start_with_rows  # type: ignore[method-assign, assignment] # a toy
    shared.run()
    assert shared.resumed_at == 30
    assert shared.n_decoded == 20
    assert whole.equals(again.reducer.finish())


def test_a_source_that_ends_early_is_refused() -> None:
    source = Broken(frames_of(0, 50), Fraction(100))
    source.lost = 1
    with pytest.raises(VideoError, match="V106") as error:
        SharedPass({"face": source}, [_line(source)], size=10).run()
    assert error.value.got == "40"


def test_frames_out_of_order_are_a_bug() -> None:
    source = Broken(frames_of(0, 50), Fraction(100))
    source.order = -1
    with pytest.raises(InternalError, match="not in order"):
        SharedPass({"face": source}, [_line(source)], size=10).run()


def test_work_behind_the_last_frame_is_announced_in_percent() -> None:
    events: list[Event] = []
    source = _source()
    SharedPass({"face": source}, [_line(source, n_works=4)], report=events.append).run()
    assert [event.done for event in events if event.stage == "toy"] == [0, 25, 50, 75, 100]


def test_names_in_checkpoints_hold_any_camera_name() -> None:
    keeper = Memory()
    left, right = _source(), _source(seed=1)
    names = {"a": left, "a/b": right}
    lines = [_line(left, "a"), _line(right, "a/b")]
    SharedPass(names, lines, None, lambda _: None, keeper, 10).run()
    assert all("/" in name for name in keeper.kept[-1][1])
    assert {name.split("/")[1] for name in keeper.kept[-1][1] if name.startswith("toy/")} == {"0", "1"}


def test_findings_of_a_reader_survive_an_interruption() -> None:
    class Finder(ArraySource):
        found: tuple[int, ...] = ()

        def findings_state(self) -> dict[str, np.ndarray]:
            return {"found": np.array(self.found)}

        def restore_findings(self, state: Mapping[str, np.ndarray]) -> None:
            self.found = tuple(int(frame) for frame in state["found"])

    keeper = Memory()
    first = Finder(frames_of(0, 50), Fraction(100))
    first.found = (4, 7)
    SharedPass({"face": first}, [_line(first)], None, lambda _: None, keeper, 10).run()
    second = Finder(frames_of(0, 50), Fraction(100))
    line = _line(second)
    shared = SharedPass({"face": second}, [line], None, lambda _: None, keeper, 10)
    shared.run()
    assert second.found == (4, 7)
