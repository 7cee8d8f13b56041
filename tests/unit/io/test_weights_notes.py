"""Notes of weights: text that both files carry, back as they were, refused when spoiled."""

import numpy as np
import pytest

from mystax.errors import WeightsError
from mystax.io.weights_notes import WeightsInfo

INFO = WeightsInfo(
    arch="dense",
    width=0.5,
    size=128,
    points=("a", "b"),
    keypoints='name = "two"\n',
    box="frame",
    calibration="labels:n=80",
    provenance={"seed": 3, "labels": "abc"},
    tensors={"calibration.slopes": np.arange(6, dtype=np.float32), "shape.mean": np.ones((2, 2), np.float32)},
)


def test_notes_come_back_from_their_text() -> None:
    back = WeightsInfo.from_metadata(INFO.to_metadata(), "x")
    assert {**vars(back), "tensors": 0} == {**vars(INFO), "tensors": 0}
    for name, value in INFO.tensors.items():
        np.testing.assert_array_equal(back.tensors[name], value)


def test_notes_are_text_only() -> None:
    assert all(isinstance(value, str) for value in INFO.to_metadata().values())


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("mystax_weights", "2", "another version"),
        ("arch", "transformer", "unknown kind"),
        ("size", "99999", "not between"),
        ("size", "wide", "damaged"),
        ("points", "[", "damaged"),
        ("tensors", '{"a": {"shape": [3], "data": "AAAA"}}', "damaged"),
        ("tensors", '{"a": {"shape": 3, "data": "AAAA"}}', "damaged"),
        ("tensors", '{"a": []}', "damaged"),
        ("provenance", "7", "damaged"),
    ],
)
def test_spoiled_notes_are_refused(name: str, value: str, words: str) -> None:
    with pytest.raises(WeightsError, match=rf"M701 x.onnx.*{words}"):
        WeightsInfo.from_metadata({**INFO.to_metadata(), name: value}, "x.onnx")


@pytest.mark.parametrize("name", ["mystax_weights", "points", "box"])
def test_missing_notes_are_refused(name: str) -> None:
    metadata = INFO.to_metadata()
    del metadata[name]
    with pytest.raises(WeightsError, match=name):
        WeightsInfo.from_metadata(metadata, "x.onnx")
