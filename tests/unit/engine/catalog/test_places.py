"""Where a catalogue lies, and where its roots are on each host."""

import errno
import os
from pathlib import Path

import pytest

from mystax.engine.catalog.places import FILE, Place, check_disk, create_place, find_place, read_place
from mystax.errors import CatalogError, RecipeError, SpaceError, StoreError


def _local(_: Path) -> str:
    return "ext4"


def test_file_says_url_and_out_and_no_more(tmp_path: Path) -> None:
    place = create_place(tmp_path / "lab", statfs=_local)
    assert (
        tmp_path / "lab" / FILE
    ).read_text() == 'url = "sqlite:///mystax.db"\nout = "derivatives/mystax"\n'
    assert place.outcomes == tmp_path / "lab" / "derivatives" / "mystax"
    assert read_place(tmp_path / "lab" / FILE) == place


def test_second_catalogue_in_a_folder_is_refused(tmp_path: Path) -> None:
    create_place(tmp_path, statfs=_local)
    with pytest.raises(RecipeError, match="there is a catalogue already"):
        create_place(tmp_path, statfs=_local)


@pytest.mark.parametrize(("number", "kind"), [(errno.EROFS, StoreError), (errno.ENOSPC, SpaceError)])
def test_folder_that_cannot_be_made_is_refused_as_the_disk_says(
    tmp_path: Path, number: int, kind: type[StoreError], monkeypatch: pytest.MonkeyPatch
) -> None:
    def mkdir(self: Path, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        raise OSError(number, os.strerror(number), str(self))

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with pytest.raises(kind, match=r"S50[13].*lab") as refused:
        create_place(tmp_path / "lab", statfs=_local)
    assert refused.value.got == os.strerror(number)
    assert "--out" not in refused.value.hint


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "lustre", "fuse.sshfs", "9p"])
def test_network_disk_is_refused_with_two_ways_out(tmp_path: Path, kind: str) -> None:
    with pytest.raises(CatalogError, match="Q604") as refused:
        create_place(tmp_path / "lab", statfs=lambda _: kind)
    assert "postgresql://" in refused.value.hint
    assert "--out" in refused.value.hint
    assert list(tmp_path.iterdir()) == []


def test_database_on_a_local_disk_with_outcomes_elsewhere_is_allowed(tmp_path: Path) -> None:
    def kind_of(folder: Path) -> str:
        return "ext4" if folder.is_relative_to(tmp_path / "local") else "nfs4"

    (tmp_path / "local").mkdir()
    url = f"sqlite:///{tmp_path}/local/mystax.db"
    place = create_place(tmp_path / "nas", url, "out", statfs=kind_of)
    assert (tmp_path / "local" / "mystax.db").is_file()
    assert place.outcomes == tmp_path / "nas" / "out"


def test_disk_is_that_of_the_nearest_folder_that_exists(tmp_path: Path) -> None:
    seen: list[Path] = []

    def kind_of(folder: Path) -> str:
        seen.append(folder)
        return "ext4"

    check_disk(tmp_path / "a" / "b" / "c.db", kind_of)
    assert seen == [tmp_path.resolve()]


def test_nearest_file_upwards_is_found(tmp_path: Path) -> None:
    create_place(tmp_path, statfs=_local)
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert find_place(None, tmp_path / "a" / "b", {}).folder == tmp_path


def test_named_catalogue_goes_before_the_variable_and_that_before_the_folder(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        create_place(tmp_path / name, statfs=_local)
    variable = {"MYSTAX_CATALOG": str(tmp_path / "two")}
    assert find_place(tmp_path / "one", tmp_path / "three", variable).folder == tmp_path / "one"
    assert find_place(None, tmp_path / "three", variable).folder == tmp_path / "two"
    assert find_place(None, tmp_path / "three", {}).folder == tmp_path / "three"


def test_url_of_a_database_is_enough(tmp_path: Path) -> None:
    create_place(tmp_path, out="results", statfs=_local)
    found = find_place(f"sqlite:///{tmp_path}/mystax.db", tmp_path / "elsewhere", {})
    assert found.outcomes == tmp_path / "results"


def test_url_of_a_database_elsewhere_still_knows_the_folder_of_outcomes(tmp_path: Path) -> None:
    (tmp_path / "db").mkdir()
    url = f"sqlite:///{tmp_path}/db/mystax.db"
    create_place(tmp_path / "lab", url, statfs=_local)
    assert find_place(url, tmp_path, {}).outcomes == tmp_path / "lab" / "derivatives" / "mystax"


def test_no_catalogue_is_told_with_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="P403") as refused:
        find_place(None, tmp_path, {})
    assert "mystax catalog create" in refused.value.hint


@pytest.mark.parametrize("text", ["url = 3", "not toml", 'engine = "x"', "out = []"])
def test_file_that_cannot_be_used_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(RecipeError, match="P403"):
        read_place(tmp_path / FILE)


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://", "sqlite:///:memory:", "nothing", "duckdb:///x"])
def test_other_databases_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(RecipeError, match="P403"):
        create_place(tmp_path / "lab", url, statfs=_local)


def test_password_never_stands_in_the_file_nor_in_a_message(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="PGPASSFILE") as refused:
        create_place(tmp_path / "lab", "postgresql://me:secret@server/mystax", statfs=_local)
    assert "secret" not in str(refused.value)
    assert not (tmp_path / "lab").exists()


def test_server_that_is_not_there_is_q603(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="Q603") as refused:
        create_place(tmp_path / "lab", "postgresql://me@127.0.0.1:1/mystax", statfs=_local)
    assert refused.value.retry == "transient"
    assert not (tmp_path / "lab").exists()


def test_engine_profiles_are_kept(tmp_path: Path) -> None:
    place = Place(tmp_path, engines={"gpu": {"kind": "slurm", "gpus": 1}})
    (tmp_path / FILE).write_text(place.to_toml())
    assert read_place(tmp_path / FILE) == place
