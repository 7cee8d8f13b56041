"""Mutated clips, read in a process of their own, end in frames or a code V1xx: never a crash or a hang."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.reading import make

MEMORY = 4 << 30
SECONDS = 20.0
BASES = [
    ("mp4", "h264"),
    ("avi", "mpeg4"),
    ("mkv", "h264"),
    ("mkv", "ffv1"),
    ("avi", "mjpeg"),
    ("mp4", "mpeg4"),
]

# One child reads many clips, and says after each how it ended; its parent sees when it dies or stalls.
CHILD = f"""
import json, resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))
from mystax.errors import MystaxError
from mystax.io.video import Video
for line in sys.stdin:
    start = time.monotonic()
    try:
        n = n_valid = 0
        for chunk in Video(line.rstrip("\\n"), threads=2).chunks():
            n, n_valid = n + len(chunk), n_valid + int(chunk.valid.sum())
        end = {{"frames": n, "valid": n_valid}}
    except MystaxError as error:
        end = {{"code": error.code}}
    print(json.dumps(end | {{"seconds": time.monotonic() - start}}), flush=True)
"""


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """Cut (25 %), add noise anywhere (35 %) or in the first 2 kB (20 %), zero or remove a block (20 %)."""
    changed = bytearray(data)
    draw = rng.random()
    if draw < 0.25:
        return bytes(changed[: int(rng.integers(0, len(changed)))])
    if draw < 0.8:
        reach = len(changed) if draw < 0.6 else min(2048, len(changed))
        for place in rng.integers(0, reach, int(rng.integers(1, 60))):
            changed[place] = int(rng.integers(0, 256))
        return bytes(changed)
    start = int(rng.integers(0, len(changed)))
    stop = min(len(changed), start + int(rng.integers(1, 8192)))
    if draw < 0.9:
        changed[start:stop] = bytes(stop - start)
    else:
        del changed[start:stop]
    return bytes(changed)


def mutants(n: int, folder: Path) -> Iterator[Path]:
    """Write n mutated clips of all bases."""
    originals = [make(folder, "clean", container, codec, n_frames=60).path for container, codec in BASES]
    contents = [(path.suffix, path.read_bytes()) for path in originals]
    for seed in range(n):
        rng = np.random.default_rng((seed, 77))
        suffix, data = contents[seed % len(contents)]
        path = folder / f"mutant{seed}{suffix}"
        path.write_bytes(mutate(data, rng))
        yield path


def read_all(paths: list[Path]) -> list[dict[str, float | str]]:
    """Read files in one child, with a time limit over all of them."""
    lines = "".join(f"{path}\n" for path in paths)
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        input=lines,
        capture_output=True,
        text=True,
        timeout=SECONDS * len(paths),
    )
    ends = [json.loads(line) for line in done.stdout.splitlines()]
    # A child that died has read some files only: the next one is the one that killed it.
    assert done.returncode == 0, f"{paths[len(ends)].name}: {done.stderr[-2000:]}"
    return ends


def check(n: int, folder: Path) -> list[dict[str, float | str]]:
    """Read n mutants and judge their ends."""
    ends = read_all(list(mutants(n, folder)))
    assert len(ends) == n
    for seed, end in enumerate(ends):
        if "code" in end:
            assert str(end["code"]).startswith("V1"), f"seed {seed}: {end}"
        else:
            assert float(end["valid"]) <= float(end["frames"]) <= 200, f"seed {seed}: {end}"
        assert float(end["seconds"]) < SECONDS, f"seed {seed}: {end}"
    return ends


def test_sixty_mutants_end_in_frames_or_a_code(tmp_path: Path) -> None:
    ends = check(60, tmp_path)
    # Both ends must occur, or the mutants are not what they should be.
    assert 5 <= sum("code" in end for end in ends) <= 55


@pytest.mark.slow
def test_five_hundred_mutants_end_in_frames_or_a_code(tmp_path: Path) -> None:
    """Acceptance 14."""
    check(500, tmp_path)
