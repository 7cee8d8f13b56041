"""Refuse a change of the sources that has no changelog fragment, and a fragment of unknown kind."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("added", "changed", "fixed", "removed", "security", "performance")
FORM = re.compile(rf"^(\d+|\+[a-z0-9-]+)\.({'|'.join(KINDS)})\.md$")


def changed_files() -> list[str]:
    """Return the files that differ from the main branch upstream; nothing where there is none."""
    base = subprocess.run(
        ["git", "merge-base", "HEAD", "origin/main"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if base.returncode:
        return []
    diff = subprocess.run(
        ["git", "diff", "--name-only", base.stdout.strip()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return diff.stdout.split()


def main() -> int:
    """Check the fragments; print what is wrong; return the exit status."""
    fragments = [path.name for path in (ROOT / "changes").glob("*.md")]
    wrong = [f"changes/{name}: the name is not <id>.<kind>.md or +<slug>.<kind>.md" for name in fragments]
    wrong = [text for text, name in zip(wrong, fragments, strict=True) if not FORM.match(name)]
    changed = changed_files()
    touched = any(name.startswith("src/") for name in changed)
    if touched and not any(name.startswith(("changes/", "CHANGELOG")) for name in changed):
        wrong.append("src/ changed without a fragment in changes/")
    if not fragments and not (ROOT / "CHANGELOG.md").exists():
        wrong.append("there is neither a fragment nor a CHANGELOG.md")
    for text in wrong:
        print(text)
    print(f"changelog: {len(fragments)} fragments, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
