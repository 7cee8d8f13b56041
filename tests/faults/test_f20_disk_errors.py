"""F20: a disk that gives read errors is V131, to be tried again; it is not taken for a broken video."""

from pathlib import Path

import pytest

from mystax.errors import VideoError
from mystax.io.video import Video

pytestmark = pytest.mark.fault(20)

UNREADABLE = Path("/proc/self/mem")  # Linux answers reads at its start with EIO


@pytest.mark.skipif(not UNREADABLE.exists(), reason="needs a file whose reading gives EIO (/proc/self/mem)")
def test_a_file_that_cannot_be_read_is_v131_and_transient(tmp_path: Path) -> None:
    path = tmp_path / "face.mp4"
    path.symlink_to(UNREADABLE)
    with pytest.raises(VideoError) as caught:
        Video(path)
    assert caught.value.code == "V131"
    assert caught.value.retry == "transient"
