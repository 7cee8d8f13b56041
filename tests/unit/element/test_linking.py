"""The lab's module: what it must have, and where its data are found."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("datajoint", reason='pip install "mystax[datajoint]"')

from mystax.element.activation import array_codec
from mystax.element.linking import Link
from mystax.errors import RecipeError


def link_of(*roots: Path, processed: Path | None = None, **names: Any) -> Link:
    module = ModuleType("lab")
    module.get_facemap_root_data_dir = lambda: [str(root) for root in roots]  # type: ignore[attr-defined] # made here
    if processed is not None:
        module.get_facemap_processed_data_dir = lambda: str(processed)  # type: ignore[attr-defined] # made here
    for name, value in names.items():
        setattr(module, name, value)
    link = Link()
    link.take(module, ["get_facemap_root_data_dir"])
    return link


def test_all_missing_names_are_listed() -> None:
    with pytest.raises(RecipeError, match=r"P403 .*it lacks Session, get_facemap_root_data_dir"):
        Link().take(ModuleType("lab"), ["Session", "get_facemap_root_data_dir"])


def test_what_is_no_module_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"P403 linking_module.*NoneType"):
        Link().take(None, [])


def test_use_before_activation_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"P403 .*no schema is activated"):
        Link().roots()


def test_file_is_found_under_the_first_root_that_has_it(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "b" / "face.mp4").touch()
    link = link_of(tmp_path / "a", tmp_path / "b")
    assert link.find("face.mp4") == tmp_path / "b" / "face.mp4"
    assert link.relative(tmp_path / "b" / "face.mp4") == "face.mp4"


def test_one_root_may_be_a_text(tmp_path: Path) -> None:
    link = link_of(get_facemap_root_data_dir=lambda: str(tmp_path))
    assert link.roots() == [tmp_path]


def test_roots_of_the_lab_are_never_changed(tmp_path: Path) -> None:
    own = [str(tmp_path)]
    link = link_of(processed=tmp_path / "out", get_facemap_root_data_dir=lambda: own)
    for _ in range(3):
        assert link.roots() == [tmp_path, tmp_path / "out"]
    assert own == [str(tmp_path)]


def test_outcomes_go_to_the_first_root_without_a_wish(tmp_path: Path) -> None:
    assert link_of(tmp_path / "a", tmp_path / "b").processed() == tmp_path / "a"
    assert link_of(tmp_path / "a", processed=tmp_path / "c").processed() == tmp_path / "c"


@pytest.mark.parametrize("path", ["../secret", "a/../../secret", "/etc/hostname", "missing.mp4"])
def test_path_outside_of_the_roots_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(RecipeError, match="P403"):
        link_of(tmp_path).find(path)


def test_file_outside_of_the_roots_has_no_place_in_a_table(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"P403 .*lies under no root"):
        link_of(tmp_path / "a").relative(tmp_path / "b" / "face.mp4")


def test_path_that_the_table_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"P403 .*at most 255 characters"):
        link_of(tmp_path).relative(tmp_path / "/".join(["d" * 100] * 3))


def test_arrays_go_where_they_are_wished() -> None:
    assert array_codec(None) == "<blob>"
    assert array_codec("main") == "<npy@main>"
    with pytest.raises(RecipeError, match=r"P403 array_store"):
        array_codec("main> ; drop")
