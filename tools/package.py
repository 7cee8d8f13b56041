"""Build wheel and sdist, check their content, and try the wheel in a bare environment: import, page.

The page is tried where no Node is, and a wheel that is made from the sdist, without Node and network, holds
the same page.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import venv
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
TRY = """
import sys, mystax
assert not {"numpy", "av", "xarray", "torch"} & set(sys.modules), "import mystax is not light"
import numpy as np
outcome = mystax.motion(np.random.default_rng(0).integers(0, 255, (20, 64, 64)).astype("uint8"))
assert outcome["energy"].sizes["time"] == 20
"""
PAGE = "mystax/app/_web/"
READY = 2.0
"""Most time of a processor from the start of the app to its ready line [s]: other work does not change it."""
MOST = 250_000
"""Most bytes of JavaScript."""
OFFLINE = {"PIP_NO_INDEX": "1", "HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
"""Variables of a process that is to reach no other machine."""
LINK = re.compile(r"http://127\.0\.0\.1:(\d+)/#k=\S+")
SCRIPT = re.compile(r'(?:src|href)="\.?/?([^"]+\.js)"')


class PackageError(Exception):
    """The packages are not what they should be."""


def call(*words: str | Path, folder: Path = ROOT, environment: Mapping[str, str] | None = None) -> None:
    """Run a command and stop if it fails."""
    subprocess.run([str(word) for word in words], cwd=folder, check=True, env=environment)


def page_files(wheel: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of the page in a wheel, by its name."""
    with zipfile.ZipFile(wheel) as packed:
        names = [name for name in packed.namelist() if name.startswith(PAGE)]
        return {name.removeprefix(PAGE): hashlib.sha256(packed.read(name)).hexdigest() for name in names}


def check_same_page(wheel: Path, other: Path) -> int:
    """Compare the pages of two wheels; return how many files they have.

    Raises
    ------
    PackageError
        If a file differs or is in one of them only, or if there is no page.
    """
    files, others = page_files(wheel), page_files(other)
    if "index.html" not in files:
        raise PackageError(f"{wheel.name} holds no page")
    if odd := sorted(name for name in files.keys() | others.keys() if files.get(name) != others.get(name)):
        raise PackageError(f"the page of a wheel from the sdist is another one: {', '.join(odd)}")
    return len(files)


def bare_variables(bare: Path) -> dict[str, str]:
    """Return the variables of a shell that knows the programs of a bare environment only.

    Raises
    ------
    PackageError
        If there is a Node among them.
    """
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    programs = str(bare / "bin")
    if found := shutil.which("node", path=programs):
        raise PackageError(f"a bare environment has a Node: {found}")
    return {**kept, "PATH": programs, "PYTHONUNBUFFERED": "1"}


@contextmanager
def running(*words: str | Path, folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[str, float]]:
    """Run an app until the block ends; give the address of its page, and the CPU time until it was ready [s].

    Raises
    ------
    PackageError
        If it ends, or says that something is missing, before it is ready.
    """
    with subprocess.Popen(
        [str(word) for word in words],
        cwd=folder,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            said = []
            for line in process.stdout or ():
                said.append(line)
                found = LINK.search(line)
                if found:
                    break
            else:
                raise PackageError(f"the app has ended: {''.join(said)}")
            used = psutil.Process(process.pid).cpu_times()
            if len(said) > 1:
                raise PackageError(f"the app says more than its address: {''.join(said)}")
            yield f"http://127.0.0.1:{found[1]}/", used.user + used.system
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def fetched(address: str) -> bytes:
    """Return what lies at an address of this machine."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(address, timeout=30) as answer:
        return bytes(answer.read())


def check_page(address: str) -> int:
    """Fetch a page and its scripts; return how many bytes of JavaScript it has.

    Raises
    ------
    PackageError
        If it names another host, has no script, or too much of it.
    """
    page = fetched(address).decode()
    if strange := re.findall(r'(?:src|href)="(?:https?:)?//[^"]*"', page):
        raise PackageError(f"the page names another host: {strange}")
    names = sorted(set(SCRIPT.findall(page)))
    size = sum(len(fetched(address + name)) for name in names)
    if not 0 < size <= MOST:
        raise PackageError(f"the page has {size} bytes of JavaScript in {names}; at most {MOST}")
    return size


def try_app(bare: Path, place: Path) -> str:
    """Start the app of a bare environment on an empty folder, and look at its page; return what was found.

    Raises
    ------
    PackageError
        If it is not ready in time, or the page is not whole.
    """
    empty = place / "empty"
    empty.mkdir()
    words = (bare / "bin" / "mystax", "app", empty, "--no-browser", "--port", "0")
    with running(*words, folder=place, environment=bare_variables(bare)) as (address, seconds):
        size = check_page(address)
    if seconds > READY:
        raise PackageError(f"the app is ready after {seconds:.1f} s of CPU; at most {READY:g} s")
    return f"ready after {seconds:.1f} s of CPU, {size / 1000:.0f} kB of JavaScript"


def wheel_of(sdist: Path, place: Path) -> Path:
    """Build a wheel from an sdist without Node and without network."""
    builder, out = place / "builder", place / "again"
    venv.create(builder, with_pip=True)
    python = builder / "bin" / "python"
    call(python, "-m", "pip", "install", "--quiet", "hatchling")
    words = ("-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps", "--wheel-dir", out, sdist)
    call(python, *words, folder=place, environment={**bare_variables(builder), **OFFLINE})
    (wheel,) = out.glob("*.whl")
    return wheel


def main() -> int:
    """Build, check, install, try."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        out, bare = place / "dist", place / "bare"
        call(sys.executable, "-m", "build", "--sdist", "--wheel", "--outdir", out, ROOT)
        (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
        call(Path(sys.executable).parent / "check-wheel-contents", wheel)
        n_files = check_same_page(wheel, wheel_of(sdist, place))
        venv.create(bare, with_pip=True)
        python = bare / "bin" / "python"
        call(python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel)
        call(python, "-c", TRY, folder=place)
        call(bare / "bin" / "mystax", "--help", folder=place)
        print(f"app: {try_app(bare, place)}; {n_files} files, the same in a wheel from the sdist")
        print(f"package: {wheel.name} {wheel.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PackageError as error:
        sys.exit(f"package: {error}")
