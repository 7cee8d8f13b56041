"""Make the pictures of the page in README and docs anew, from the scripted session of the tests.

``python tools/pictures.py`` runs the session (some minutes; needs ``dev``, the built pages and a browser);
``python tools/pictures.py FOLDER`` takes the pictures of a session that was run with ``MYSTAX_SHOTS=FOLDER``.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "pictures"
SESSION = "tests/integration/test_app_session.py"
CHOSEN = ("traces-dark", "rois-dark", "corrected-light")
"""Steps of the session, and the theme."""
MOST = 64 * 1024
"""Largest file [bytes]."""
QUALITIES = (85, 75, 65, 55, 45, 35)


def shrink(source: Path, target: Path) -> int:
    """Write a picture as WebP in the best quality that is small enough; return its size [bytes]."""
    with Image.open(source) as picture:
        for quality in QUALITIES:
            picture.convert("RGB").save(target, "WEBP", quality=quality, method=6)
            if target.stat().st_size <= MOST:
                return target.stat().st_size
    raise SystemExit(f"{target.name} does not fit into {MOST // 1024} KiB")


def take(shots: Path) -> None:
    """Take the chosen pictures of a session."""
    missing = [name for name in CHOSEN if not (shots / f"{name}.png").is_file()]
    if missing:
        raise SystemExit(f"the session has left no picture of {', '.join(missing)} in {shots}")
    TARGET.mkdir(parents=True, exist_ok=True)
    for name in CHOSEN:
        size = shrink(shots / f"{name}.png", TARGET / f"{name}.webp")
        print(f"pictures: {name}.webp {size / 1024:.0f} KiB")


def main(words: list[str]) -> int:
    """Run the session unless its pictures are there, and take them."""
    if words:
        take(Path(words[0]))
        return 0
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-m", "slow", SESSION]
        subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "MYSTAX_SHOTS": place})
        take(Path(place))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
