"""Where exports go, and what outcomes write of themselves."""

from pathlib import Path

import pytest

import mystax
from mystax.engine.exchange import import_facemap
from mystax.engine.export import ExportWish, export_targets, nwb_place
from mystax.errors import ParameterError, RecipeError
from mystax.io.formats.facemap import write_facemap
from tests.fixtures.exchange_outcomes import contents, publish_known
from tests.fixtures.facemap_files import facemap_dict


def test_file_lies_beside_its_target_unless_it_is_named(tmp_path: Path) -> None:
    target = tmp_path / "face.mystax"
    assert nwb_place([target], None) == tmp_path.resolve() / "face.nwb"
    assert nwb_place([target], Path("b.nwb")) == Path("b.nwb")
    with pytest.raises(RecipeError, match="--nwb"):
        nwb_place([target, target], None)


def test_unknown_format_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"P401.*did you mean 'csv'"):
        export_targets([tmp_path / "nothing"], "csvs", tmp_path, ExportWish({}))


@pytest.mark.usefixtures("readers_here")
def test_facemap_files_of_several_folders_get_a_folder_each(tmp_path: Path) -> None:
    write_facemap(tmp_path / "face_proc.npy", facemap_dict(0))
    homes = [tmp_path / "a.mystax", tmp_path / "b.mystax"]
    for home in homes:
        import_facemap(tmp_path / "face_proc.npy", home)
    targets = [homes[0] / "facemap.nc", *homes]  # a file means its folder
    files = export_targets(targets, "facemap", tmp_path / "out", ExportWish({}))
    assert [path.parent for path in files] == [tmp_path / "out" / home.name for home in homes]


@pytest.mark.usefixtures("readers_here")
def test_outcomes_write_themselves_as_tables(tmp_path: Path) -> None:
    from mystax.engine.importing import ImportWishes, import_file

    outcomes = mystax.load(publish_known(tmp_path / "face.mystax", "running", "blink"))
    files = outcomes.to_csv(tmp_path / "csv")
    assert {"running.csv", "blink.event.csv", "running.json"} <= {path.name for path in files}
    import_file(tmp_path / "csv", ImportWishes(out=tmp_path / "back"))
    assert contents(tmp_path / "back") == contents(tmp_path / "face.mystax")


@pytest.mark.usefixtures("readers_here")
def test_outcomes_write_themselves_as_a_session(tmp_path: Path) -> None:
    from mystax.io.alf_session import read_alf_session

    outcomes = mystax.load(publish_known(tmp_path / "face.mystax", "running"))
    assert outcomes.to_alf(tmp_path, revision="2025-05-31")
    assert (tmp_path / "alf" / "#2025-05-31#" / "_mystax_manifest.json").is_file()
    assert [parts.analysis for _, parts in read_alf_session(tmp_path)] == ["running"]
