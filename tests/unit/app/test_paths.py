"""Paths that a page names stay below the folder, however they are written."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mystax.app.paths import inside, readable


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    around = tmp_path_factory.mktemp("paths")
    for name in ("root/a/b.txt", "root/.hidden/b.txt", "root-beside/s.txt", "s.txt"):
        (around / name).parent.mkdir(parents=True, exist_ok=True)
        (around / name).write_text("x")
    (around / "root" / "out").symlink_to(around)
    (around / "root" / "in").symlink_to(around / "root" / "a")
    (around / "root" / "loop").symlink_to(around / "root" / "loop")
    return around / "root"


def test_what_lies_below_is_found(root: Path) -> None:
    assert inside(root, "") == root.resolve()
    assert inside(root, "a/b.txt") == (root / "a" / "b.txt").resolve()
    assert inside(root, "in/b.txt") == (root / "a" / "b.txt").resolve()


@pytest.mark.parametrize(
    "path",
    [
        *(
            "..",
            "../s.txt",
            "a/../../s.txt",
            "a/./b.txt",
            "./a",
            "/etc/passwd",
            "a//b.txt",
            "out",
            "out/s.txt",
        ),
        *(
            "a\0",
            "a\\b.txt",
            "..\\s.txt",
            "../root-beside/s.txt",
            "loop",
            "none",
            "a/b.txt/",
            "a/" + "x" * 5000,
            ".hidden",
            ".hidden/b.txt",
        ),
    ],
)
def test_every_other_way_leads_nowhere(path: str, root: Path) -> None:
    assert inside(root, path) is None


@given(st.text(alphabet="ab./\\\0%2e~", max_size=20))
def test_whatever_is_found_lies_below(path: str) -> None:
    here = Path(__file__).parent
    found = inside(here, path)
    assert found is None or found.is_relative_to(here.resolve())


def test_names_that_are_no_text_can_be_shown() -> None:
    assert readable("a\udcffb") == "a?b"
    assert readable("größe") == "größe"
