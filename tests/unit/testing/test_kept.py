"""Pieces of long tests: made once for one state of the code."""

from pathlib import Path

import pytest

from tests.fixtures.kept import FOLDER, Kept, kept_in


def test_a_piece_is_made_once(tmp_path: Path) -> None:
    made: list[int] = []

    def make() -> list[float]:
        made.append(1)
        return [0.5, 1.0]

    kept = Kept(tmp_path / "goals", "abc")
    assert kept("a", make) == kept("a", make) == [0.5, 1.0]
    assert made == [1]
    assert Kept(tmp_path / "goals", "abd")("a", make) == [0.5, 1.0]
    assert made == [1, 1], "pieces of other code are made again"


def test_a_piece_that_broke_off_is_not_there(tmp_path: Path) -> None:
    def broken() -> None:
        raise KeyboardInterrupt

    kept = Kept(tmp_path, "abc")
    with pytest.raises(KeyboardInterrupt):
        kept("a", broken)
    assert not list(tmp_path.glob("*.json"))
    assert kept("a", lambda: 3) == 3


def one() -> int:
    return 1


def other() -> int:
    return 2


def test_pieces_are_bound_to_the_text_of_what_makes_them(tmp_path: Path) -> None:
    assert kept_in(tmp_path, (), one).code == kept_in(tmp_path, (), one).code
    assert len({kept_in(tmp_path, (), *makers).code for makers in ((), (one,), (other,))}) == 3


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path / "mine"))
    assert kept_in(tmp_path, ()).folder == tmp_path / "mine"
    monkeypatch.delenv(FOLDER)
    assert kept_in(tmp_path, ()).folder == tmp_path
