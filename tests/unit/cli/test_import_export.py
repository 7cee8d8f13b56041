"""`mystax import` and `mystax export`: what they print, what they leave, how they end."""

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.io.formats.facemap import read_facemap, write_facemap
from mystax.io.weights import find_weights
from tests.fixtures.anipose_tables import write_anipose
from tests.fixtures.commands import call, called
from tests.fixtures.exchange_outcomes import contents, publish_known
from tests.fixtures.facemap_files import facemap_dict
from tests.fixtures.readers import USERS, read_here
from tests.unit.io.formats.test_facemap import KEYS, early, same, seeds_with

pytestmark = pytest.mark.usefixtures("readers_here")

ONE = next(iter(seeds_with(lambda tree: tree.get("fullSVD") and len(tree["Ly"]) == 1 and tree.get("pupil"))))
"""Seed of a file of one camera with the whole frame and a pupil."""


@pytest.fixture
def facemap_file(tmp_path: Path) -> Path:
    path = tmp_path / "face_proc.npy"
    write_facemap(path, facemap_dict(ONE))
    return path


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file and the folder of outcomes that was imported from it; only copies of them are used."""
    path = tmp_path_factory.mktemp("imported") / "face_proc.npy"
    write_facemap(path, facemap_dict(ONE))
    with pytest.MonkeyPatch.context() as patch:
        for user in USERS:
            patch.setattr(f"{user}.read_foreign", read_here)
        assert called("import", path).status == 0
    return path.parent


@pytest.fixture
def folder(imported: Path, tmp_path: Path) -> Path:
    """A folder of outcomes that was imported, beside its file."""
    shutil.copytree(imported, tmp_path, dirs_exist_ok=True)
    return tmp_path / "face_proc.mystax"


# import -------------------------------------------------------------------------------------------------


def test_import_names_the_outcomes_and_their_folder(
    facemap_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = call(capsys, "import", facemap_file)
    folder = facemap_file.parent / "face_proc.mystax"
    assert found.status == 0
    assert found.out.startswith("face_proc.npy: ")
    assert found.out.rstrip().endswith(f" in {folder}")
    names = set(map(str, mystax.load(folder)))
    assert {"facemap/facemap", "motion", "pupil"} <= names
    assert all(name in found.out for name in names)


def test_import_tells_each_outcome_as_json(facemap_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = call(capsys, "import", facemap_file, "--json").json
    assert found["inputs"] == [str(facemap_file)]
    for outcome in found["outcomes"]:
        assert Path(outcome["path"]).is_file()
        assert (outcome["recording"], outcome["state"], outcome["coverage"]) == ("face_proc", "imported", 1.0)
    analyses = [outcome["analysis"] for outcome in found["outcomes"]]
    assert len(set(analyses)) == len(analyses)


def test_known_defects_are_warnings_of_their_outcome(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_facemap(tmp_path / "old_proc.npy", early())
    plain = call(capsys, "import", tmp_path / "old_proc.npy", "--json").json
    told = [item["text"] for item in plain["warnings"] if item["outcome"] == "motion"]
    assert any("--repair moves it" in text for text in told)
    mended = call(capsys, "import", tmp_path / "old_proc.npy", "--json", "--repair").json
    assert any("it was moved" in item["text"] for item in mended["warnings"])
    assert {item["code"] for item in mended["warnings"]} <= {"N302", "N304"}


def test_import_goes_where_it_is_sent(
    facemap_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(capsys, "import", facemap_file, "--out", tmp_path / "there").status == 0
    assert "motion" in mystax.load(tmp_path / "there")
    assert not (tmp_path / "face_proc.mystax").exists()


def test_one_place_cannot_take_two_files(
    facemap_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = call(capsys, "import", facemap_file, facemap_file, "--out", tmp_path / "there", "--json")
    assert (found.status, found.codes) == (2, ["P403"])
    assert "--out takes one FILE" in found.err
    assert not (tmp_path / "there").exists()


def test_files_that_fail_do_not_stop_the_others(
    facemap_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "numbers.npy", np.arange(4))
    (tmp_path / "text.mat").write_text("no file of MATLAB")
    words = [tmp_path / "numbers.npy", facemap_file, tmp_path / "text.mat", tmp_path / "none.npy"]
    found = call(capsys, "import", *words, "--json")
    assert found.status == 3
    assert [error["where"] for error in found.json["errors"]] == [
        *("numbers.npy", "text.mat"),
        str(tmp_path / "none.npy"),
    ]
    assert [error["code"] for error in found.json["errors"]] == ["F804", "F804", "P403"]
    assert found.json["outcomes"]
    assert sorted(path.name for path in tmp_path.glob("*.mystax")) == ["face_proc.mystax"]


@pytest.mark.parametrize(("names", "status"), [(["none.npy"], 2), (["a.npy"], 1), (["none.npy", "a.npy"], 1)])
def test_nothing_imported_ends_by_what_was_wrong(
    names: list[str], status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "a.npy", np.arange(4))
    assert call(capsys, "import", *(tmp_path / name for name in names)).status == status


def test_a_second_import_changes_no_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.nc")}
    assert call(capsys, "import", folder.parent / "face_proc.npy").status == 0
    assert {path.name: path.stat().st_mtime_ns for path in folder.glob("*.nc")} == before


# export -------------------------------------------------------------------------------------------------


def test_export_writes_back_what_was_imported(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = call(capsys, "export", folder, "--facemap", tmp_path / "back", "--json")
    assert found.status == 0
    assert found.json["files"] == [str(tmp_path / "back" / "face_proc.npy")]
    assert same(read_facemap(tmp_path / "back" / "face_proc.npy"), facemap_dict(ONE))


def test_export_prints_the_path_alone(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = call(capsys, "export", folder, "--facemap", tmp_path / "back")
    assert found.out == f"{tmp_path / 'back' / 'face_proc.npy'}\n"
    assert found.err == ""


def test_export_makes_matlab_files(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "export", folder, "--facemap", tmp_path / "back", "--mat").status == 0
    assert [path.name for path in (tmp_path / "back").iterdir()] == ["face_proc.mat"]
    assert "Ly" in read_facemap(tmp_path / "back" / "face_proc.mat")


def test_a_file_that_is_there_stays_unless_it_may_be_replaced(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "back" / "face_proc.npy"
    place.parent.mkdir()
    place.write_text("mine")
    found = call(capsys, "export", folder, "--facemap", tmp_path / "back", "--json")
    assert (found.status, found.codes) == (2, ["P403"])
    assert "--overwrite" in found.json["errors"][0]["hint"]
    assert place.read_text() == "mine"
    assert call(capsys, "export", folder, "--facemap", tmp_path / "back", "--overwrite").status == 0
    assert same(read_facemap(place), facemap_dict(ONE))


def test_export_needs_to_know_what_to_write(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = call(capsys, "export", folder, "--json")
    assert (found.status, found.codes) == (2, ["P403"])
    assert "--facemap DIR" in found.json["errors"][0]["what"]


def test_unknown_flavours_are_refused_with_the_known_ones(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = call(capsys, "export", folder, "--facemap", tmp_path, "--flavour", "elements", "--json")
    assert (found.status, found.codes) == (2, ["P403"])
    assert all(word in found.json["errors"][0]["what"] for word in ("facemap", "element"))


def test_folders_that_fail_do_not_stop_the_others(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    words = (tmp_path / "empty", folder, tmp_path / "none")
    found = call(capsys, "export", *words, "--facemap", tmp_path / "back", "--json")
    assert found.status == 3
    assert found.codes == ["P403", "P403"]
    assert len(found.json["files"]) == 1


def test_own_measurements_have_every_key_of_facemap(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames: Any = np.random.default_rng(0).integers(0, 255, (12, 48, 64)).astype(np.uint8)
    mystax.run(frames, analyses=["motion"], out=tmp_path / "out", report=False)
    (made,) = (path.parent for path in (tmp_path / "out").rglob("motion.nc"))
    assert call(capsys, "export", made, "--facemap", tmp_path / "back", "--flavour", "element").status == 0
    (path,) = (tmp_path / "back").iterdir()
    assert set(KEYS) <= set(read_facemap(path))


# exchange with NWB, ALF and tables ----------------------------------------------------------------------


def test_export_without_a_format_says_which_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = call(capsys, "export", tmp_path)
    assert found.status == 2
    assert all(
        name in found.err for name in ("--nwb", "--alf", "--csv", "--parquet", "--anipose", "--dlc-3d")
    )
    assert "--facemap" in found.err


def test_the_network_of_weights_is_copied_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "face.onnx"
    found = call(capsys, "export", "mouse-face", "--onnx", place, "--json")
    assert (found.status, found.json["files"]) == (0, [str(place)])
    assert place.read_bytes() == find_weights("mouse-face").read_bytes()
    again = call(capsys, "export", "mouse-face", "--onnx", place, "--json")
    assert (again.status, again.codes) == (2, ["P403"])
    unknown = call(capsys, "export", "mouse-fase", "--onnx", tmp_path / "x.onnx", "--json")
    assert (unknown.status, unknown.codes) == (2, ["P401"])
    assert "mouse-face" in unknown.json["errors"][0]["what"]


@pytest.mark.parametrize("words", [(), ("a", "b"), ("a", "--csv", "tables"), ("a", "--where", "x=y")])
def test_networks_are_copied_one_at_a_time_and_alone(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = call(capsys, "export", *words, "--onnx", tmp_path / "x.onnx")
    assert found.status == 2
    assert "--onnx copies the network of one TARGET" in found.err


def test_option_of_another_format_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = call(capsys, "export", tmp_path, "--csv", tmp_path, "--check")
    assert found.status == 2
    assert "--check belongs to --nwb" in found.err


def test_tables_go_out_and_come_back_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = publish_known(tmp_path / "face.mystax", "running", "blink")
    out = call(capsys, "export", folder, "--csv", tmp_path / "csv", "--json")
    assert out.status == 0
    assert all(Path(path).is_file() for path in out.json["files"])
    back = call(capsys, "import", tmp_path / "csv", "--out", tmp_path / "back.mystax")
    assert back.status == 0
    assert contents(tmp_path / "back.mystax") == contents(folder)


def test_points_in_space_go_out_to_anipose_and_deeplabcut(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_anipose(tmp_path / "mouse.csv", ["nose", "ear"], np.arange(18.0).reshape(3, 2, 3))
    call(capsys, "import", tmp_path / "mouse.csv", "--rate", "50", "--out", tmp_path / "mouse.mystax")
    out = call(
        capsys,
        *("export", tmp_path / "mouse.mystax", "--anipose", tmp_path / "pose-3d"),
        *("--dlc-3d", tmp_path / "dlc", "--json"),
    )
    assert out.status == 0, out.err
    names = [Path(path).name for path in out.json["files"]]
    assert names == ["mouse.csv", "mouse_DLC_3D.csv", "mouse_DLC_3D.h5"]
    sent = tmp_path / "dlc" / "mouse_DLC_3D.h5"
    back = call(capsys, "import", sent, "--rate", "50", "--unit", "1", "--out", tmp_path / "back.mystax")
    assert back.status == 0, back.err
    places = [mystax.load(tmp_path / f"{name}.mystax")["pose3d"]["position"] for name in ("mouse", "back")]
    np.testing.assert_array_equal(places[0].values, places[1].values)


def test_export_of_nothing_fails_with_a_hint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = call(capsys, "export", tmp_path, "--csv", tmp_path / "csv", "--json")
    assert (found.status, found.codes) == (2, ["P403"])


@pytest.mark.extra("nwb")
def test_start_must_be_a_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pynwb", reason='pip install "mystax[nwb]"')
    folder = publish_known(tmp_path / "face.mystax", "running")
    found = call(capsys, "export", folder, "--nwb", "--start", "yesterday", "--json")
    assert (found.status, found.codes) == (2, ["P401"])
    assert not (tmp_path / "face.nwb").exists()


def test_export_without_the_extra_says_the_command_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pynwb", None)  # what Python does for a module that is not there
    found = call(capsys, "export", tmp_path, "--nwb", tmp_path / "a.nwb", "--json")
    assert (found.status, found.codes) == (1, ["X001"])
    assert found.json["errors"][0]["hint"] == 'pip install "mystax[nwb]"'
