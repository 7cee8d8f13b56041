"""`tools/pictures.py`: pictures of the page in README and docs, small enough to be kept."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the tool with a target of its own."""
    spec = importlib.util.spec_from_file_location("pictures_under_test", ROOT / "tools" / "pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "TARGET", tmp_path / "kept")
    return module


def draw(folder: Path, names: tuple[str, ...]) -> None:
    """Draw what is hard to make small: noise."""
    rng = np.random.default_rng(0)
    for name in names:
        Image.fromarray(rng.integers(0, 255, (400, 300, 3), dtype=np.uint8)).save(folder / f"{name}.png")


def test_three_pictures_are_taken_and_are_small(pictures: ModuleType, tmp_path: Path) -> None:
    draw(tmp_path, (*pictures.CHOSEN, "queue-dark"))
    pictures.main([str(tmp_path)])
    kept = sorted((tmp_path / "kept").iterdir())
    assert [path.name for path in kept] == sorted(f"{name}.webp" for name in pictures.CHOSEN)
    for path in kept:
        assert path.stat().st_size <= pictures.MOST
        with Image.open(path) as found:
            assert (found.format, found.size) == ("WEBP", (300, 400))


def test_a_session_without_its_pictures_changes_nothing(pictures: ModuleType, tmp_path: Path) -> None:
    draw(tmp_path, pictures.CHOSEN[:1])
    with pytest.raises(SystemExit, match=pictures.CHOSEN[1]):
        pictures.take(tmp_path)
    assert not (tmp_path / "kept").exists()


def test_readme_and_docs_show_every_picture_that_is_kept(pictures: ModuleType) -> None:
    kept = ROOT / "docs" / "pictures"
    names = {path.name for path in kept.iterdir()}
    assert names == {f"{name}.webp" for name in pictures.CHOSEN}
    assert all((kept / name).stat().st_size <= pictures.MOST for name in names)
    for page in (ROOT / "README.md", ROOT / "docs" / "how-to" / "app.md"):
        linked = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page.read_text("utf-8"))
        assert {Path(link).name for link in linked} == names
        assert all((page.parent / link).is_file() for link in linked)
