"""The digest of the code that decides a result."""

from pathlib import Path

import pytest
from benchmarks import sources
from benchmarks.sources import ENCODER, SOURCE, digest_of, sources_of


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package of five modules: one imports another, inside a function, which imports two more."""
    root = tmp_path / "toy"
    for name, text in {
        "analyses/one.py": "def f() -> None:\n    from toy.compute.two import g\n",
        "compute/two.py": "from toy.synth import three\nfrom toy.io.five import h\n",
        "synth/three.py": "",
        "compute/four.py": "",
        "io/five.py": "",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


def test_imports_are_followed_below_the_rows_that_decide_numbers(package: Path) -> None:
    found = [path.relative_to(package).as_posix() for path in sources_of(["analyses/*.py"], package)]
    assert found == ["analyses/one.py", "compute/two.py", "synth/three.py"]


@pytest.mark.parametrize(
    ("name", "decides"),
    [("analyses/one.py", True), ("synth/three.py", True), ("compute/four.py", False), ("io/five.py", False)],
)
def test_the_digest_follows_the_bytes_of_what_decides(package: Path, name: str, decides: bool) -> None:
    before = digest_of(["analyses/*.py"], package)
    with (package / name).open("a", encoding="utf-8") as file:
        file.write("# more\n")
    assert (digest_of(["analyses/*.py"], package) != before) == decides


def test_the_digest_follows_libraries_and_texts(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {digest_of(["analyses/*.py"], package, texts=texts) for texts in ((), ("a",), ("b",))}
    found.add(digest_of(["analyses/*.py"], package, ("numpy", "no-such-library")))
    monkeypatch.setattr(sources, "version", lambda _: "9.9")
    found.add(digest_of(["analyses/*.py"], package))
    assert len(found) == 5


def test_the_encoder_stands_on_what_its_numbers_come_from() -> None:
    found = {path.relative_to(SOURCE).as_posix() for path in sources_of(ENCODER)}
    assert {
        "analyses/encoding_fold.py", "compute/filterbank.py", "compute/linear_fit.py", "compute/whitening.py",
        "compute/stacking.py", "nets/encoder.py", "nets/fitting.py", "synth/brain_drives.py",
    } <= found  # fmt: skip
    assert not {"compute/svd.py", "compute/pupil.py", "nets/tracker.py"} & found
