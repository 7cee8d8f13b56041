"""F2: an mp4 that was never closed has no index; it is refused with V102 and a way to repair it."""

from pathlib import Path

import pytest

from mystax.errors import VideoError
from mystax.io.video import Video
from tests.fixtures.reading import make, see

pytestmark = pytest.mark.fault(2)


@pytest.mark.parametrize("container", ["mp4", "mov"])
def test_an_mp4_without_its_index_is_v102_with_a_hint(container: str, tmp_path: Path) -> None:
    truth = make(tmp_path, "no_index", container)
    with pytest.raises(VideoError) as caught:
        Video(truth.path)
    assert caught.value.code == "V102"
    assert caught.value.retry == "never"
    assert "untrunc" in caught.value.hint
    assert truth.path.name in caught.value.where


def test_the_refusal_leaves_other_inputs_alone(tmp_path: Path) -> None:
    with pytest.raises(VideoError):
        Video(make(tmp_path, "no_index").path)
    assert len(see(make(tmp_path, "clean")).index) == 120
