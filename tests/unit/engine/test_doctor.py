"""What the doctor says of a machine, a place and the inputs of outcomes: well, and broken on purpose."""

import errno
import json
import os
from importlib.metadata import EntryPoint, PackageNotFoundError
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mystax.core import analysis as registry
from mystax.engine import doctor
from mystax.engine.doctor import check_environment, check_inputs, check_pages, check_place, examine
from mystax.engine.doctor_outcomes import Check
from mystax.errors import VideoError
from mystax.io.fingerprint import quick_id
from mystax.io.store import Provenance
from mystax.io.store_fs import LocalFs
from tests.fixtures.commands import call
from tests.fixtures.traces import KEY, TRACE, quick_store, trace
from tests.fixtures.videos import Shelf


class Usage(NamedTuple):
    """What `shutil.disk_usage` gives."""

    total: int
    used: int
    free: int


class Memory(NamedTuple):
    """What the doctor looks at of `psutil.virtual_memory`."""

    total: int
    available: int


def named(checks: list[Check], name: str) -> list[Check]:
    return [check for check in checks if check.name == name]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the clips that try the decoders."""
    monkeypatch.setattr(doctor, "CODECS", ())


# the machine ------------------------------------------------------------------------------------------


def test_this_machine_is_well_and_every_decoder_is_tried() -> None:
    checks = list(check_environment())
    assert [check.name for check in checks if check.status == "fail"] == []
    decoders = named(checks, "decoder")
    assert [check.where for check in decoders] == [
        f"{codec} in {container}" for container, codec in doctor.CODECS
    ]
    assert all("30 of 30 frames right" in check.got for check in decoders)


@pytest.mark.usefixtures("quick")
def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def version_of(name: str) -> str:
        if name == "scipy":
            raise PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr(doctor, "version", version_of)
    (check,) = named(list(check_environment()), "libraries")
    assert (check.status, check.code, check.got) == ("fail", "X001", "missing: scipy")
    assert "pip install" in check.hint


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("there", [True, False])
def test_an_extra_that_is_not_installed_is_no_fault(there: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "EXTRAS", {"train": "json" if there else "no_such_module_anywhere"})
    (check,) = named(list(check_environment()), "extra")
    assert check.status == "ok"
    assert check.got == ("installed" if there else "not installed")
    assert check.hint == ("" if there else 'pip install "mystax[train]"')


@pytest.mark.usefixtures("quick")
def test_a_broken_plugin_is_a_warning_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("sad", "no_such_module_anywhere", "mystax.analyses")
    monkeypatch.setattr(registry, "_BROKEN", {})
    monkeypatch.setattr(registry, "_plugins", lambda: {"sad": point})
    (check,) = named(list(check_environment()), "plug-ins")
    assert (check.status, check.code) == ("warn", "X002")
    assert check.got == "sad: ModuleNotFoundError: No module named 'no_such_module_anywhere'"


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("free", "status"), [(512 << 20, "warn"), (4 << 30, "ok")])
def test_little_memory_is_a_warning(free: int, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("psutil.virtual_memory", lambda: Memory(8 << 30, free))
    (check,) = named(list(check_environment()), "machine")
    assert check.status == status
    assert f"{free / 2**30:.1f} of 8.0 GiB" in check.got


@pytest.mark.usefixtures("quick")
def test_compiled_code_that_cannot_be_kept_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr("mystax.core.compiled.cache_folder", lambda: str(tmp_path / "file" / "cache"))
    (check,) = named(list(check_environment()), "compiled code")
    assert (check.status, check.code) == ("warn", "S503")
    assert "NUMBA_CACHE_DIR" in check.hint


@pytest.mark.usefixtures("quick")
def test_compiled_functions_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mystax.core.compiled.cache_folder", lambda: str(tmp_path / "new"))
    (check,) = named(list(check_environment()), "compiled code")
    assert check.got == "0 functions kept"
    for name in ("a.nbc", "sub/b.nbc", "c.nbi"):
        (tmp_path / "new" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "new" / name).touch()
    (check,) = named(list(check_environment()), "compiled code")
    assert check.got == "2 functions kept"


@pytest.mark.parametrize(
    ("raised", "code", "hint"),
    [
        (VideoError("V104", "clip", "no decoder", hint="install one"), "V104", "install one"),
        (OSError(errno.EIO, "input output error"), "S503", "choose another folder"),
    ],
)
def test_what_a_check_raises_becomes_its_line(
    raised: Exception, code: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(container: str, codec: str) -> str:
        raise raised

    monkeypatch.setattr(doctor, "_decode_clip", fail)
    for check in named(list(check_environment()), "decoder"):
        assert (check.status, check.code, check.hint) == ("fail", code, hint)


def test_a_decoder_that_gives_other_pictures_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mystax.synth.read_barcode", lambda _: 7)
    monkeypatch.setattr(doctor, "CODECS", (("avi", "mjpeg"),))
    (check,) = named(list(check_environment()), "decoder")
    assert (check.status, check.code, check.got) == ("fail", "V106", "29 wrong of 30")


# a place ----------------------------------------------------------------------------------------------


def test_a_folder_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    space, place = check_place(tmp_path)
    assert (space.name, space.status, place.name, place.status) == ("space", "ok", "place", "ok")
    assert place.got == "write, sync, rename, link: ok"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_fails(tmp_path: Path) -> None:
    (check,) = check_place(tmp_path / "none")
    assert (check.status, check.code) == ("fail", "P403")


def test_little_space_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(9 << 30, 8 << 30, 1 << 30))
    space, _ = check_place(tmp_path)
    assert (space.status, space.code) == ("warn", "S501")
    assert space.got.startswith("1.0 GiB free, ")


def test_a_folder_that_cannot_be_written_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def create(self: LocalFs, path: Path) -> Any:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(LocalFs, "create", create)
    _, place = check_place(tmp_path)
    assert (place.status, place.code, place.hint) == ("fail", "S503", "choose another folder")


@pytest.mark.parametrize(
    ("number", "status", "got"),
    [
        (errno.EOPNOTSUPP, "ok", "write, sync, rename, no link (a lock is used instead): ok"),
        (errno.EIO, "fail", "Input/output error"),
    ],
)
def test_a_disk_without_links_will_do_and_one_that_fails_will_not(
    number: int, status: str, got: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(self: LocalFs, source: Path, target: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(LocalFs, "link", link)
    _, place = check_place(tmp_path)
    assert place.status == status
    assert got in place.got


def test_a_disk_that_forgets_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def replace(self: LocalFs, source: Path, target: Path) -> None:
        target.write_bytes(b"")

    monkeypatch.setattr(LocalFs, "replace", replace)
    _, place = check_place(tmp_path)
    assert (place.status, place.got) == ("fail", "what was written is not what is read")


# inputs -----------------------------------------------------------------------------------------------


def outcome_of(folder: Path, *videos: Path) -> Path:
    """Publish an outcome that says it came from videos."""
    inputs = [{"role": "frames", "id": quick_id(path)} for path in videos]
    told = Provenance("trace", 1, KEY, inputs=inputs, run={"files": [str(path) for path in videos]})
    quick_store(folder).publish(trace(), told, schema=TRACE)
    return folder


@pytest.fixture
def videos(tmp_path: Path, shelf: Shelf) -> list[Path]:
    made = []
    for name in ("left.mp4", "right.mp4"):
        (tmp_path / name).write_bytes(shelf.take().read_bytes() + name.encode())
        made.append(tmp_path / name)
    return made


def test_inputs_that_are_there_are_well(tmp_path: Path, videos: list[Path]) -> None:
    checks = list(check_inputs(outcome_of(tmp_path / "face.mystax", *videos)))
    assert [(check.status, check.where) for check in checks] == [("ok", str(path)) for path in videos]


def test_a_video_that_went_away_is_a_warning_and_one_that_changed_fails(
    tmp_path: Path, videos: list[Path]
) -> None:
    folder = outcome_of(tmp_path / "face.mystax", *videos)
    videos[0].unlink()
    with videos[1].open("ab") as file:
        file.write(b"more")
    gone, changed = check_inputs(folder)
    assert (gone.status, gone.code) == ("warn", "")
    assert "not there any more" in gone.got
    assert (changed.status, changed.code) == ("fail", "V130")
    assert "run again" in changed.hint


def test_a_camera_that_an_outcome_did_not_measure_has_not_changed(tmp_path: Path, videos: list[Path]) -> None:
    folder = tmp_path / "face.mystax"
    cameras = {path.stem: [str(path)] for path in videos}
    inputs = [{"role": "frames", "camera": "left", "position": 0, "id": quick_id(videos[0])}]
    told = Provenance("trace", 1, KEY, inputs=inputs, run={"camera_files": cameras})
    quick_store(folder).publish(trace(), told, schema=TRACE)
    assert [(check.status, check.where) for check in check_inputs(folder)] == [("ok", str(videos[0]))]


def test_an_outcome_that_cannot_be_read_is_told_by_another_check(tmp_path: Path, videos: list[Path]) -> None:
    folder = outcome_of(tmp_path / "face.mystax", *videos)
    (folder / "trace.nc").write_bytes(b"no outcome")
    assert list(check_inputs(folder)) == []


# all together -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
def test_without_a_path_machine_and_working_folder_are_examined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    checks = list(examine())
    assert named(checks, "python")
    assert [check.where for check in named(checks, "place")] == [str(tmp_path)]
    assert not named(checks, "outcomes")


@pytest.mark.usefixtures("quick")
def test_a_folder_is_examined_with_all_below_it(tmp_path: Path, videos: list[Path]) -> None:
    for name in ("a.mystax", "b.mystax"):
        outcome_of(tmp_path / name, *videos)
    checks = list(examine(tmp_path))
    assert len(named(checks, "outcomes")) == len(named(checks, "strays")) == 2
    assert len(named(checks, "inputs")) == 4


def test_a_file_is_examined_without_the_machine(tmp_path: Path, videos: list[Path]) -> None:
    folder = outcome_of(tmp_path / "a.mystax", *videos)
    checks = list(examine(folder / "trace.nc"))
    assert not named(checks, "python")
    assert named(checks, "outcomes")


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("breaks", "status"), [("nothing", 0), ("an outcome", 3), ("an input", 3), ("a library", 1), ("both", 1)]
)
def test_the_command_ends_with_the_status_of_what_is_broken(
    breaks: str,
    status: int,
    tmp_path: Path,
    videos: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = outcome_of(tmp_path / "a.mystax", *videos)
    if breaks in ("an outcome", "both"):
        (folder / "trace.nc").write_bytes(b"no outcome")
    if breaks == "an input":
        videos[0].write_bytes(b"another")
    if breaks in ("a library", "both"):
        monkeypatch.setattr(doctor, "CORE", ("no-such-package-anywhere",))
    found = call(capsys, "doctor", folder, "--json")
    assert found.status == status
    answer: dict[str, Any] = json.loads(found.out)
    assert answer["healthy"] == (status == 0)
    for check in answer["checks"]:
        assert set(check) == {"name", "status", "code", "where", "got", "hint"}
        assert check["status"] in ("ok", "warn", "fail")


@pytest.mark.usefixtures("quick")
def test_the_command_prints_one_line_per_check_with_what_to_do(
    tmp_path: Path, videos: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = outcome_of(tmp_path / "a.mystax", *videos)
    videos[0].unlink()
    (folder / f".trace.{'0' * 16}.nc.part").touch()
    lines = call(capsys, "doctor", folder).out.splitlines()
    assert f"warn  inputs         {videos[0]}: the video is not there any more" in lines
    (stray,) = [line for line in lines if line.startswith("warn  strays")]
    assert stray.endswith("left by a dead process -> mystax doctor --fix")
    fixed = call(capsys, "doctor", folder, "--fix").out
    assert "removed" in fixed
    assert "warn  strays" not in call(capsys, "doctor", folder).out


def test_pages_that_are_built_are_named_by_their_digest(tmp_path: Path) -> None:
    (tmp_path / "index.html").touch()
    (tmp_path / "stamp.json").write_text('{"digest": "0123456789abcdef"}')
    assert check_pages(tmp_path) == Check("web pages", "ok", got="built from 0123456789ab")


@pytest.mark.parametrize("stamp", [None, "{", "[]", "{}"])
def test_pages_that_are_not_built_are_a_warning(stamp: str | None, tmp_path: Path) -> None:
    (tmp_path / "index.html").touch()
    if stamp is not None:
        (tmp_path / "stamp.json").write_text(stamp)
    check = check_pages(tmp_path)
    assert (check.status, check.code) == ("warn", "W905")
    assert "tools/web.py" in check.hint


def test_over_ssh_the_browser_is_yours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.2 51000 10.0.0.1 22")
    (check,) = named(list(check_environment()), "browser")
    assert "ssh" in check.got
