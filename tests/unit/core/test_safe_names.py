"""Names as file names: safe, readable, and never shared."""

import inspect
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mystax.core.safe_names import as_path, check_folder, is_there, safe_name
from mystax.errors import ParameterError, RecipeError

names = st.text(min_size=1, max_size=40).filter(lambda name: "\0" not in name)
HASHED = re.compile(r"-[0-9a-f]{8}$")


def folded(name: str) -> str:
    """Return a name as Windows and macOS compare it."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFC", name).casefold())


@pytest.mark.parametrize("name", ["face", "mouse_01-day2", "2024-05-01.session", "maus", "mäuse", "面"])
def test_plain_name_stays_as_it_is(name: str) -> None:
    assert safe_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "a b",
        "$(touch X)",
        '`x`";touch X;"',
        "-i",
        "line\nbreak",
        "a/b",
        "a\\b",
        "..",
        ".",
        ".hidden",
        "trailing.",
        "con",
        "nul.txt",
        "Face",
        "x" * 300,
        "é" * 200,
        "e\u0301",
        "face-0123abcd",
        b"face-\xff".decode("utf-8", "surrogateescape"),
    ],
)
def test_odd_name_becomes_a_slug_with_its_hash(name: str) -> None:
    made = safe_name(name)
    assert HASHED.search(made)
    assert re.fullmatch(r"[\w._-]+", made)
    assert made[0] not in "-."
    assert made[-1] != "."
    assert len(made.encode()) <= 129


@pytest.mark.parametrize("name", ["", "a\0b", "\0"])
def test_name_that_no_system_can_hold_is_refused(name: str) -> None:
    with pytest.raises(RecipeError) as caught:
        safe_name(name)
    assert caught.value.code == "P404"


@pytest.mark.parametrize("name", ["CON", "con.tar", "Lpt1", "aux"])
def test_reserved_names_of_windows_are_avoided_before_the_first_dot_too(name: str) -> None:
    assert safe_name(name).startswith("_")


@given(names, names)
@example("Face", "face")
@example("é", "e\u0301")
@example("straße", "strasse")
@example("a b", "a_b")
@settings(deadline=None, max_examples=150)
def test_two_names_never_share_a_file_name_on_any_system(first: str, second: str) -> None:
    if first != second:
        assert folded(safe_name(first)) != folded(safe_name(second))


@given(names)
@settings(deadline=None, max_examples=150)
def test_result_is_safe_and_the_same_each_time(name: str) -> None:
    made = safe_name(name)
    assert made == safe_name(name)
    assert not set(made) & set(" /\\:*?\"<>|$`;&\n\r\t'")
    assert made[0] not in "-."
    assert len(made.encode("utf-8")) <= 129


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "", "none", "no/such/place", "\ud800"])
def test_a_name_that_no_file_can_have_names_none(name: str, tmp_path: Path) -> None:
    assert not is_there(tmp_path / name / "file" if not name else tmp_path / name)
    assert not is_there(tmp_path / "sub" / name, folder=True)


def test_files_and_folders_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert is_there(tmp_path / "file")
    assert not is_there(tmp_path / "file", folder=True)
    assert is_there(tmp_path, folder=True)
    assert not is_there(tmp_path)


# folders that are to be made -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "there", "there/is/none/yet", "x" * 255, "é" * 127, "link"])
def test_folders_that_are_there_or_can_be_made_pass(name: str, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there")
    check_folder(tmp_path / name, "out")
    (tmp_path / name / "more").mkdir(parents=True)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("file", "is no folder"),
        ("file/under/it", "is no folder"),
        ("nowhere/x", "is no folder"),
        ("x" * 256, "at most 255 bytes"),
        ("é" * 128, "at most 255 bytes"),
        ("a\0b", "at most 255 bytes"),
    ],
)
def test_folders_that_cannot_be_made_are_refused_before_any_work(
    name: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    with pytest.raises(RecipeError, match=said) as caught:
        check_folder(tmp_path / name, "--out")
    assert (caught.value.code, caught.value.where) == ("P403", "--out")
    with pytest.raises((OSError, ValueError)):
        (tmp_path / name).mkdir(parents=True)


def test_doors_of_sets_and_weights_take_paths_and_names_only() -> None:
    from mystax.core.keypoints import KeypointSet
    from mystax.io.weights import find_weights

    with pytest.raises(ParameterError, match=r"P401 parameter 'source': expected a path, got 3"):
        inspect.unwrap(vars(KeypointSet)["load"].__func__)(KeypointSet, 3)
    with pytest.raises(ParameterError, match=r"P401 parameter 'weights': expected a path, got 3"):
        inspect.unwrap(find_weights)(3)


def test_paths_come_as_texts_and_paths_and_nothing_else(tmp_path: Path) -> None:
    assert as_path(str(tmp_path), "out") == as_path(tmp_path, "out") == tmp_path
    for value in (3, None, b"face", ["face"], 2.5):
        with pytest.raises(ParameterError) as refused:
            as_path(value, "out")
        assert str(refused.value) == f"P401 parameter 'out': expected a path, got {value!r}"
