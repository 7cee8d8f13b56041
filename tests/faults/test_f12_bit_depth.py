"""F12: 10, 12 and 16 bits stay, with all their levels."""

from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.reading import make, see, wrong_numbers

pytestmark = pytest.mark.fault(12)

DEEP = [("gray10", 10, 1000), ("gray12", 12, 700), ("gray16", 16, 700), ("yuv420p10", 10, 600)]


@pytest.mark.parametrize(("kind", "bits", "_"), DEEP)
def test_deep_files_are_sixteen_bit_arrays_of_their_depth(
    kind: str, bits: int, _: int, tmp_path: Path
) -> None:
    truth = make(tmp_path, kind, n_frames=20)
    seen = see(truth)
    assert seen.video.bits == bits == seen.video.probe().bits
    assert seen.data.dtype == np.uint16
    assert int(seen.data.max()) == 2**bits - 1
    assert wrong_numbers(seen, truth) == []
    assert "V108" not in seen.codes


@pytest.mark.parametrize(("kind", "bits"), [("gray10", 10), ("gray12", 12), ("gray16", 16)])
def test_lossless_grey_is_kept_exactly(kind: str, bits: int, tmp_path: Path) -> None:
    truth = make(tmp_path, kind, n_frames=10)
    seen = see(truth)
    for frame in range(10):
        np.testing.assert_array_equal(seen.data[frame], truth.clean(frame))


@pytest.mark.parametrize(("kind", "n_levels"), [("gray10", 1000), ("gray16", 1000)])
def test_a_ramp_keeps_a_thousand_levels(kind: str, n_levels: int, tmp_path: Path) -> None:
    """Acceptance 6."""
    seen = see(make(tmp_path, kind, n_frames=5, size=(96, 96)))
    assert len(np.unique(seen.data[0][-24:])) >= n_levels


def test_limited_ten_bits_keep_877_levels(tmp_path: Path) -> None:
    truth = make(tmp_path, "yuv420p10", n_frames=5, size=(96, 96))
    levels = np.unique(see(truth).data[0][-24:])
    assert len(levels) == 877
    assert (levels[0], levels[-1]) == (0, 1023)
