"""Build wheel and sdist, check their content, install the wheel in a bare environment and try it."""

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TRY = """
import sys, mystax
assert not {"numpy", "av", "xarray", "torch"} & set(sys.modules), "import mystax is not light"
import numpy as np
outcome = mystax.motion(np.random.default_rng(0).integers(0, 255, (20, 64, 64)).astype("uint8"))
assert outcome["energy"].sizes["time"] == 20
"""


def call(*words: str | Path, folder: Path = ROOT) -> None:
    """Run a command and stop if it fails."""
    subprocess.run([str(word) for word in words], cwd=folder, check=True)


def main() -> int:
    """Build, check, install, try."""
    with tempfile.TemporaryDirectory() as place:
        out = Path(place, "dist")
        call(sys.executable, "-m", "build", "--outdir", out, ROOT)
        (wheel,) = out.glob("*.whl")
        call(Path(sys.executable).parent / "check-wheel-contents", wheel)
        bare = Path(place, "bare")
        venv.create(bare, with_pip=True)
        python = bare / "bin" / "python"
        call(python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel)
        call(python, "-c", TRY, folder=Path(place))
        call(bare / "bin" / "mystax", "--help", folder=Path(place))
        print(f"package: {wheel.name} {wheel.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
