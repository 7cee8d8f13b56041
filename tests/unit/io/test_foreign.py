"""Reading in a child process: plain data come back, and a child that fails in any way is a refusal."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mystax.errors import FormatError
from mystax.io.foreign import READERS, pack_tree, read_foreign, unpack_tree


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module of readers that misbehave; children find it, as children find whatever PYTHONPATH names."""
    (tmp_path / "toy_readers.py").write_text(
        "import os, signal, time\n"
        "def sleepy(path): time.sleep(60)\n"
        "def deadly(path): os.kill(os.getpid(), signal.SIGSEGV)\n"
        "def silent(path): os._exit(3)\n"
        "def talkative(path):\n"
        "    import sys\n"
        "    sys.stderr.write('something\\nthe last words\\n'); sys.stderr.flush(); os._exit(3)\n"
        "def hungry(path): return bytearray(3 << 30)\n"
        "def endless(path): return endless(path)\n"
        "def unsure(path): assert False, 'a thing that cannot be'\n"
        "def missing(path): return open(path + 'none').read()\n"
        "def odd(path): return {1, 2}\n"
        "def plain(path, word=''): return {'path': os.path.basename(path), 'word': word, 'x': [1.5, None]}\n"
    )
    import os

    paths = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    monkeypatch.setenv("PYTHONPATH", paths)
    return tmp_path


def read(monkeypatch: pytest.MonkeyPatch, toys: Path, name: str, **more: Any) -> Any:
    """Let a child read with one of the toys."""
    # The child looks the reader up in its own table, so the toy takes the place of a known name there.
    command = [sys.executable, "-P", "-c"]
    program = (
        f"import json, sys; from mystax.io import foreign as f; from pathlib import Path;"
        f"f.READERS['toy'] = 'toy_readers:{name}';"
        "job = json.loads(sys.stdin.buffer.read().decode('utf-8', 'surrogateescape'));"
        "Path(job['folder'], 'answer.json').write_text(json.dumps(f._child(job)), 'utf-8')"
    )
    plain = subprocess.run

    def run(_: object, **options: Any) -> Any:
        return plain([*command, program], **options)

    monkeypatch.setattr("subprocess.run", run)
    (toys / "file.bin").write_bytes(b"x")
    return read_foreign(toys / "file.bin", "toy", **more)


def test_options_reach_the_reader_and_data_come_back(monkeypatch: pytest.MonkeyPatch, toys: Path) -> None:
    found = read(monkeypatch, toys, "plain", options={"word": "hello"})
    assert found == {"path": "file.bin", "word": "hello", "x": [1.5, None]}


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("deadly", "F804", "the reader of the file crashed"),
        ("silent", "F804", "exit 3"),
        ("talkative", "F804", "the last words"),
        ("hungry", "F802", "at most"),
        ("endless", "F802", "nested deeply"),
        ("missing", "F804", "cannot be read"),
        ("odd", "F804", "type set"),
    ],
)
def test_a_child_that_fails_is_a_refusal_with_the_name_of_the_file(
    name: str, code: str, said: str, monkeypatch: pytest.MonkeyPatch, toys: Path
) -> None:
    with pytest.raises(FormatError) as caught:
        read(monkeypatch, toys, name, memory=2 << 30)
    assert caught.value.code == code
    assert caught.value.where == "file.bin"
    assert said in str(caught.value)


def test_a_child_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch, toys: Path) -> None:
    with pytest.raises(FormatError, match="F802") as caught:
        read(monkeypatch, toys, "sleepy", seconds=2.0)
    assert caught.value.expected == "an answer within 2 s"


def test_a_bug_in_a_reader_is_told_as_one(monkeypatch: pytest.MonkeyPatch, toys: Path) -> None:
    from mystax.errors import InternalError

    with pytest.raises(InternalError, match="a thing that cannot be"):
        read(monkeypatch, toys, "unsure")


def test_nothing_is_left_in_the_folder_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "a.npy", np.zeros(3))
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    read_foreign(tmp_path / "a.npy", "pickled_npy")
    with pytest.raises(FormatError):
        read_foreign(tmp_path / "none.npy", "pickled_npy")
    assert list(place.iterdir()) == []


def test_every_known_reader_exists() -> None:
    from importlib import import_module

    for place in READERS.values():
        module, _, name = place.partition(":")
        assert callable(getattr(import_module(module), name))


def test_a_name_that_is_not_text_reaches_the_child(tmp_path: Path) -> None:
    import os

    path = tmp_path / os.fsdecode(b"a\xff b.npy")
    with path.open("wb") as file:
        np.save(file, np.arange(3))
    assert read_foreign(path, "pickled_npy").tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "tree",
    [
        {"a": [1, 2.5, None, True, "x", b"\x00\xff"], ("t", 1): {"deep": ()}},
        [float("inf"), -0.0, 2**80, [], {}],
        np.array(["a", 5, None], object),
        {"x": np.float32(1.5), "y": np.arange(6).reshape(2, 3), "z": np.zeros((0, 3))},
    ],
    ids=["mixed", "numbers", "objects", "arrays"],
)
def test_packed_data_survive_json(tree: Any) -> None:
    arrays: list[np.ndarray] = []
    packed = json.loads(json.dumps(pack_tree(tree, arrays)))
    back = unpack_tree(packed, arrays)
    np.testing.assert_equal(back, tree)
    assert type(back) is type(tree)


@pytest.mark.parametrize("value", [object(), {1, 2}, 1j, range(3)], ids=["object", "set", "complex", "range"])
def test_what_is_no_plain_data_is_refused(value: object) -> None:
    with pytest.raises(FormatError, match="is not plain data"):
        pack_tree([value], [])
