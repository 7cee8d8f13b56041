"""Processes that are killed while they label: what was acknowledged is there, and the folder opens."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mystax.core.label_operations import Mark
from mystax.engine.labels.labels import Labels
from mystax.io.journal import TORN
from tests.fixtures.label_folders import write_pictures

CHILD = """
import sys
from mystax import Labels
folder, start, pictures = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
labels = Labels(folder)
ids = labels.keypoints.ids
for n in range(start, start + 1000):
    picture, point = pictures[n // len(ids) % len(pictures)], ids[n % len(ids)]
    labels.add(picture, 0, {point: (float(n), n + 0.5)}, who="ann")
    print(picture, point, n, flush=True)
"""


def kill_after(
    n_lines: int, wait: float, folder: Path, start: int, pictures: list[Path]
) -> list[tuple[str, str, int]]:
    """Let a child label, kill it some time [s] after so many answers, and return all answers that it gave."""
    command = [sys.executable, "-c", CHILD, str(folder), str(start), *map(str, pictures)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(n_lines)]
        time.sleep(wait)
        child.send_signal(signal.SIGKILL)
        lines += child.stdout.readlines()
    answers = [line.split() for line in lines if line.endswith("\n")]
    assert len(answers) >= n_lines, "the child failed by itself"
    return [(picture, point, int(n)) for picture, point, n in answers]


def run(tmp_path: Path, n_kills: int, seed: int, most: int = 120) -> None:
    rng = np.random.default_rng(seed)
    folder = tmp_path / "faces.labels"
    pictures = write_pictures(tmp_path / "pictures", 5)
    expected: dict[tuple[str, str], int] = {}
    for turn in range(n_kills):
        n_lines, wait = int(rng.integers(1, most)), float(rng.uniform(0, 0.004))
        for picture, point, n in kill_after(n_lines, wait, folder, 1000 * turn, pictures):
            expected[picture, point] = n
        with Labels(folder, write=True) as labels:
            assert {flag.code for flag in labels.flags} <= {"W907"}
            if labels.flags:
                assert (folder / TORN).stat().st_size > 0
            for (picture, point), n in expected.items():
                footage = labels.footage(picture)
                found = labels.store.state.mark((footage.fingerprint, 0), point)
                assert found is not None
                assert found.state == "placed"
                # the child may have written one more than it could tell
                assert found == Mark("placed", float(n), n + 0.5) or (found.x or 0) > n
            assert labels.picture((footage.fingerprint, 0)).shape == (24, 32)


def test_nothing_acknowledged_is_lost_when_labelling_is_killed(tmp_path: Path) -> None:
    run(tmp_path, 3, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 20))
def test_nothing_acknowledged_is_lost_in_a_hundred_kills(tmp_path: Path, seed: int) -> None:
    run(tmp_path, 10, seed, 1000)
