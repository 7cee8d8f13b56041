"""A wrapped source is the source in every respect."""

from fractions import Fraction

import numpy as np
import pytest

from mystax.core.recording import ArraySource, FrameSource
from mystax.engine.wrapped import WrappedSource
from tests.fixtures.engine_toys import frames_of


class Keyed(ArraySource):
    """Frames with something that only some sources have."""

    key_frames = np.array([0, 5])


SOURCE = Keyed(frames_of(0, 12), Fraction(50))


def test_it_keeps_to_the_protocol() -> None:
    assert isinstance(WrappedSource(SOURCE), FrameSource)


@pytest.mark.parametrize("name", ["shape", "bits", "n_frames", "clock", "identity", "flags", "key_frames"])
def test_facts_are_handed_on(name: str) -> None:
    assert getattr(WrappedSource(SOURCE), name) is getattr(SOURCE, name) or getattr(
        WrappedSource(SOURCE), name
    ) == getattr(SOURCE, name)


def test_frames_are_handed_on() -> None:
    wrapped = WrappedSource(SOURCE)
    np.testing.assert_array_equal(next(iter(wrapped.chunks(3, 9, 2))).index, [3, 5, 7])
    np.testing.assert_array_equal(wrapped.frame_at(4).codes, SOURCE.frame_at(4).codes)
    np.testing.assert_array_equal(wrapped.sample(3).index, SOURCE.sample(3).index)
    np.testing.assert_array_equal(wrapped.times, SOURCE.times)
    assert wrapped.copy() is SOURCE
    wrapped.close()


def test_what_the_source_lacks_is_lacking() -> None:
    with pytest.raises(AttributeError, match="findings_state"):
        WrappedSource(SOURCE).findings_state  # noqa: B018 - the access is what is tested
