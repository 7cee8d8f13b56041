"""F27: seeds, threads, order.

The same request gives the same `content_sha256` twice, in another folder, under another hash seed, with other
threads; two machines differ in nothing that a seed could mend, because no step draws unseeded numbers.
"""

import shutil
from pathlib import Path

import pytest

from mystax.synth import faulty_video
from tests.fixtures.commands import digests, run_command

pytestmark = pytest.mark.fault(27)
WORDS = (
    *("run", "face.mp4", "--no-report", "--analyses", "motion,svd,pupil,blink,running"),
    *("--svd-n-components", "20", "--svd-with-movie", "true"),
    *("--roi", "pupil:ellipse:48,60,20,18=eye", "--roi", "blink:rectangle:24,40,50,44=lids"),
    *("--roi", "running:rectangle:10,30,64,60=wheel"),
)


@pytest.mark.slow
def test_two_runs_in_two_folders_have_equal_digests(tmp_path: Path) -> None:
    faulty_video(tmp_path / "face.mp4", "clean", n_frames=90)
    other = tmp_path / "other place"
    other.mkdir()
    shutil.copy(tmp_path / "face.mp4", other)
    one = run_command(*WORDS, "--cores", "1", cwd=tmp_path, env={"PYTHONHASHSEED": "1"})
    two = run_command(
        *WORDS,
        "--cores",
        "2",
        "--scratch",
        "none",
        cwd=other,
        env={"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo"},
    )
    assert (one.status, two.status) == (0, 0), one.err + two.err
    found = digests(tmp_path / "face.mystax")
    assert len(found) == 5
    assert found == digests(other / "face.mystax")
