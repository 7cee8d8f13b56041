"""F15: consecutive files of a camera that differ, one file given twice, size changes inside a file."""

from pathlib import Path

import numpy as np
import pytest

from mystax.errors import RecipeError, VideoError
from mystax.io.video import Video
from mystax.synth import faulty_recording
from tests.fixtures.reading import make, see, wrong_numbers

pytestmark = pytest.mark.fault(15)


def test_parts_are_one_timeline_with_one_pair_less_at_each_boundary(tmp_path: Path) -> None:
    """Acceptance 7."""
    truth = faulty_recording(tmp_path, "parts")
    seen = see(Video(truth.files["face"]))
    assert seen.barcodes == list(truth.barcodes["face"]) == list(range(300))
    np.testing.assert_allclose(seen.time, truth.times["face"], atol=1e-9)
    assert np.flatnonzero(~seen.adjacent).tolist() == [0, 100, 200]
    assert "V121" in seen.codes


def test_parts_that_are_proven_contiguous_have_no_seam(tmp_path: Path) -> None:
    truth = faulty_recording(tmp_path, "parts_contiguous")
    seen = see(Video(truth.files["face"]))
    assert seen.barcodes == list(range(300))
    np.testing.assert_allclose(seen.time, truth.times["face"], atol=1.1e-3)
    assert np.flatnonzero(~seen.adjacent).tolist() == [0]
    assert "V121" not in seen.codes


def test_random_access_runs_over_all_parts(tmp_path: Path) -> None:
    truth = faulty_recording(tmp_path, "parts")
    seen = see(Video(truth.files["face"]))
    for frame in (0, 99, 100, 101, 250, 199, 200, 299):
        np.testing.assert_array_equal(seen.video.frame_at(frame).data[0], seen.data[frame])


def test_parts_that_differ_are_v120_naming_both_files_before_any_decoding(tmp_path: Path) -> None:
    truth = faulty_recording(tmp_path, "parts_mismatch")
    with pytest.raises(VideoError) as caught:
        Video(truth.files["face"])
    assert caught.value.code == "V120"
    for path in truth.files["face"][:2]:
        assert path.name in str(caught.value)


def test_parts_of_different_rate_are_v120(tmp_path: Path) -> None:
    slow, fast = make(tmp_path, "clean"), make(tmp_path, "ntsc")
    with pytest.raises(VideoError) as caught:
        Video([slow.path, fast.path])
    assert caught.value.code == "V120"


def test_parts_of_different_depth_are_v120(tmp_path: Path) -> None:
    paths = [make(tmp_path, kind, "mkv", n_frames=10).path for kind in ("gray10", "gray12")]
    with pytest.raises(VideoError) as caught:
        Video(paths)
    assert caught.value.code == "V120"


def test_one_file_twice_is_p403_even_under_another_name(tmp_path: Path) -> None:
    truth = faulty_recording(tmp_path, "part_twice")
    with pytest.raises(RecipeError) as caught:
        Video(truth.files["face"])
    assert caught.value.code == "P403"
    for path in truth.files["face"]:
        assert path.name in str(caught.value)


def test_few_pictures_of_another_size_are_missing_with_v120(tmp_path: Path) -> None:
    truth = make(tmp_path, "two_sizes", n_frames=300)
    seen = see(truth)
    assert np.flatnonzero(~seen.valid).tolist() == list(truth.special)
    assert set(seen.reason[list(truth.special)].tolist()) == {4}
    assert wrong_numbers(seen, truth) == []
    assert "V120" in seen.codes


@pytest.mark.parametrize("codec", ["h264", "mjpeg"])
def test_many_pictures_of_another_size_are_refused(codec: str, tmp_path: Path) -> None:
    with pytest.raises(VideoError) as caught:
        see(make(tmp_path, "two_sizes_half", "avi", codec))
    assert caught.value.code == "V120"
