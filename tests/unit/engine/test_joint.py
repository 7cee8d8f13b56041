"""Aligned chunks of all cameras: right rows, right pairs, every camera fed once."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from mystax.core.analysis import get_analysis
from mystax.core.recording import ArraySource, FrameChunk
from mystax.engine.joint import JointLine, joint_reason
from mystax.engine.passes import CameraPass, whole_frame
from mystax.engine.shared_pass import Line, SharedPass
from tests.fixtures.engine_toys import JointToyParams, JointToyReducer, ToyParams, ToyReducer, frames_of

NONE = -1


class Recorder(JointToyReducer):
    """Notes every row that it gets."""

    def __init__(self, n_readings: int = 1) -> None:
        super().__init__(JointToyParams(n_readings=n_readings), "left")
        self.rows: list[dict[str, tuple[int, float, bool, bool]]] = []

    def update(self, chunks: Mapping[str, FrameChunk]) -> None:
        lengths = {len(chunk) for chunk in chunks.values()}
        assert len(lengths) == 1
        for k in range(lengths.pop()):
            self.rows.append(
                {
                    name: (
                        int(chunk.index[k]),
                        float(chunk.codes[k].mean()) if chunk.valid[k] else float("nan"),
                        bool(chunk.valid[k]),
                        bool(chunk.adjacent[k]),
                    )
                    for name, chunk in chunks.items()
                }
            )


def _pass(
    table: dict[str, list[int]],
    lengths: dict[str, int],
    *,
    n_readings: int = 1,
    size: int | None = None,
    **more: Any,
) -> tuple[SharedPass, Recorder]:
    sources = {
        name: ArraySource(frames_of(k, n), Fraction(100), **more)
        for k, (name, n) in enumerate(lengths.items())
    }
    lent = {name: CameraPass(source, name, []) for name, source in sources.items()}
    reducer = Recorder(n_readings)
    arrays = {name: np.array(frames, np.int64) for name, frames in table.items()}
    joint = JointLine(get_analysis("toyjoint"), reducer, lent, arrays, "left")
    lines = [
        Line(
            get_analysis("toy"),
            name,
            ToyReducer(ToyParams()),
            CameraPass(source, name, [whole_frame(source.shape, name)]),
        )
        for name, source in sources.items()
    ]
    return SharedPass(sources, lines, joint, size=size), reducer


@pytest.mark.parametrize("size", [1, 7, 64, None])
def test_rows_are_those_of_the_table(size: int | None) -> None:
    right = [NONE, 0, 1, 2, 2, 4, NONE, 7, 8, 9]
    shared, reducer = _pass({"left": list(range(10)), "right": right}, {"left": 10, "right": 12}, size=size)
    shared.run()
    means = frames_of(1, 12).mean((1, 2))
    got = [row["right"][1] for row in reducer.rows]
    np.testing.assert_allclose(got, [np.nan if k == NONE else means[k] for k in right])
    assert [row["right"][2] for row in reducer.rows] == [k != NONE for k in right]
    assert [row["left"][0] for row in reducer.rows] == list(range(10))


def test_pairs_count_only_where_frames_follow_each_other() -> None:
    right = [NONE, 0, 1, 2, 2, 4, NONE, 7, 8, 9]
    shared, reducer = _pass({"left": list(range(10)), "right": right}, {"left": 10, "right": 12})
    shared.run()
    adjacent = [row["right"][3] for row in reducer.rows]
    assert adjacent == [False, False, True, True, False, False, False, False, True, True]


def test_pairs_hold_across_blocks_of_rows() -> None:
    n = 600
    table = {"left": list(range(n)), "right": list(range(n))}
    shared, reducer = _pass(table, {"left": n, "right": n}, size=100)
    shared.run()
    assert all(row["right"][3] and row["left"][3] for row in reducer.rows[1:])


def test_every_camera_is_fed_to_its_end() -> None:
    shared, _ = _pass({"left": [0, 1, 2], "right": [0, 1, 2]}, {"left": 3, "right": 50}, size=8)
    shared.run()
    grey = shared.lines[1].reducer.finish()["grey"].values[:, 0]
    np.testing.assert_allclose(grey, frames_of(1, 50).mean((1, 2)), rtol=1e-6)
    assert shared.n_decoded == 53


def test_a_second_joint_reading_decodes_again_and_feeds_no_one_twice() -> None:
    shared, reducer = _pass(
        {"left": list(range(20)), "right": list(range(20))}, {"left": 20, "right": 20}, n_readings=2
    )
    shared.run()
    assert len(reducer.rows) == 40
    assert shared.n_decoded == 80
    assert float(shared.lines[0].reducer.finish()["total"][0]) == float(frames_of(0, 20).sum())


def test_a_camera_without_any_common_row_is_missing_everywhere() -> None:
    shared, reducer = _pass({"left": [0, 1, 2], "right": [NONE] * 3}, {"left": 3, "right": 5})
    shared.run()
    assert not any(row["right"][2] for row in reducer.rows)
    assert shared.joint is not None
    assert shared.joint.reason.tolist() == [1, 1, 1]


def test_a_row_is_missing_if_one_camera_is() -> None:
    reason = np.zeros(6, np.uint8)
    reason[2] = 3
    shared, _ = _pass(
        {"left": list(range(6)), "right": list(range(6))}, {"left": 6, "right": 6}, reason=reason
    )
    shared.run()
    assert shared.joint is not None
    assert shared.joint.reason.tolist() == [0, 0, 3, 0, 0, 0]


def test_the_largest_reason_is_told() -> None:
    chunks = {
        name: next(iter(ArraySource(frames_of(0, 2), reason=np.array(reason)).chunks()))
        for name, reason in (("a", [0, 2]), ("b", [1, 1]))
    }
    assert joint_reason(chunks).tolist() == [1, 2]
