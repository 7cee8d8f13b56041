"""Weights on disk: names, sums, damage."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from mystax.errors import ParameterError, RecipeError, WeightsError
from mystax.io.digests import file_digest
from mystax.io.weights import (
    check_digest,
    copy_onnx,
    digest_for_plans,
    find_weights,
    installed_weights,
    read_tensors,
    write_weights,
)
from mystax.io.weights_notes import WeightsInfo

INFO = WeightsInfo("dense", 0.5, 128, ("a", "b"), box="frame")
TENSORS: dict[str, np.ndarray] = {
    "head.weight": np.arange(8, dtype=np.float16).reshape(2, 4),
    "steps": np.array(7, np.int64),
}


def _write(folder: Path, name: str = "mine") -> Path:
    pytest.importorskip("safetensors", reason='pip install "mystax[train]"')
    return write_weights(folder, name, b"onnx bytes", TENSORS, INFO)


def test_both_files_are_written_and_read_back(tmp_path: Path) -> None:
    path = _write(tmp_path / "new")
    assert path.read_bytes() == b"onnx bytes"
    tensors, info = read_tensors(path)
    assert info.points == ("a", "b")
    assert tensors.keys() == TENSORS.keys()
    for name, value in TENSORS.items():
        np.testing.assert_array_equal(tensors[name], value)
        assert tensors[name].dtype == value.dtype
    assert sorted(item.name for item in path.parent.iterdir()) == ["mine.onnx", "mine.safetensors"]


def test_weights_are_written_over_older_ones(tmp_path: Path) -> None:
    _write(tmp_path)
    write_weights(tmp_path, "mine", b"newer", TENSORS, INFO)
    assert find_weights("mine", (tmp_path,)).read_bytes() == b"newer"


def test_names_are_found_and_the_users_own_come_first(tmp_path: Path) -> None:
    for folder, name in (("own", "mouse"), ("shipped", "mouse"), ("shipped", "rat")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / f"{name}.onnx").write_bytes(b"")
    folders = (tmp_path / "own", tmp_path / "shipped", tmp_path / "absent")
    found = installed_weights(folders)
    assert found == {
        "mouse": tmp_path / "own" / "mouse.onnx",
        "rat": tmp_path / "shipped" / "rat.onnx",
    }
    assert find_weights("rat", folders) == found["rat"]


def test_unknown_names_are_refused_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "mouse-face.onnx").write_bytes(b"")
    with pytest.raises(ParameterError, match=r"P401.*did you mean 'mouse-face'"):
        find_weights("mouse-fase", (tmp_path,))


def test_paths_of_either_file_lead_to_the_onnx(tmp_path: Path) -> None:
    path = tmp_path / "w.onnx"
    path.write_bytes(b"")
    assert find_weights(path) == path
    assert find_weights(tmp_path / "w.safetensors") == path
    with pytest.raises(ParameterError, match=r"P401.*does not exist"):
        find_weights(tmp_path / "v.onnx")


def test_file_that_differs_from_its_card_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.onnx"
    path.write_bytes(b"abc")
    digest = check_digest(path)
    (tmp_path / "w.toml").write_text(f'[sha256]\nonnx = "{digest}"\n')
    assert check_digest(path) == digest
    path.write_bytes(b"abd")
    with pytest.raises(WeightsError, match=r"M701 w.onnx.*changed since its card"):
        check_digest(path)


@pytest.mark.parametrize("card", ["[sha256", 'sha256 = "x"'])
def test_cards_that_are_no_cards(tmp_path: Path, card: str) -> None:
    path = tmp_path / "w.onnx"
    path.write_bytes(b"abc")
    (tmp_path / "w.toml").write_text(card)
    if card.startswith("["):
        with pytest.raises(WeightsError, match="M701"):
            check_digest(path)
    else:
        assert len(check_digest(path)) == 64


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="M701"):
        check_digest(tmp_path / "nothing.onnx")


def test_too_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "w.onnx"
    with path.open("wb") as file:
        file.truncate((512 << 20) + 1)
    with pytest.raises(WeightsError, match="at most 512 MiB"):
        check_digest(path)


def test_damaged_tensors_are_refused(tmp_path: Path) -> None:
    path = _write(tmp_path)
    whole = path.with_suffix(".safetensors").read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(40):
        cut = int(rng.integers(0, len(whole)))
        path.with_suffix(".safetensors").write_bytes(whole[:cut])
        with pytest.raises(WeightsError, match="M701"):
            read_tensors(path)


def test_foreign_safetensors_are_refused(tmp_path: Path) -> None:
    numpy_files = pytest.importorskip("safetensors.numpy", reason='pip install "mystax[train]"')
    numpy_files.save_file({"x": np.zeros(3)}, tmp_path / "w.safetensors", {"made_by": json.dumps("another")})
    with pytest.raises(WeightsError, match=r"no weights of mystax.*made_by"):
        read_tensors(tmp_path / "w.onnx")


def test_plans_read_weights_again_only_when_they_look_different(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def noted(path: Path) -> str:
        read.append(path)
        return file_digest(path)

    monkeypatch.setattr("mystax.io.weights.file_digest", noted)
    path = tmp_path / "mine.onnx"
    path.write_bytes(b"onnx bytes")
    first = digest_for_plans(path)
    assert digest_for_plans(path) == first == hashlib.sha256(b"onnx bytes").hexdigest()
    assert len(read) == 1
    path.write_bytes(b"other bytes!")
    assert digest_for_plans(path) == hashlib.sha256(b"other bytes!").hexdigest()
    path.with_suffix(".toml").write_text(f'[sha256]\nonnx = "{first}"\n')
    for _ in range(2):
        with pytest.raises(WeightsError, match="M701"):
            digest_for_plans(path)
    path.unlink()
    with pytest.raises(WeightsError, match="M701"):
        digest_for_plans(path)


def test_a_copy_of_the_network_has_its_bytes_and_replaces_nothing_unasked(tmp_path: Path) -> None:
    path = _write(tmp_path / "here")
    copied = copy_onnx(path.with_suffix(".safetensors"), tmp_path / "copy.onnx")
    assert copied.read_bytes() == b"onnx bytes"
    with pytest.raises(RecipeError, match=r"P403.*the file exists"):
        copy_onnx(path, copied)
    write_weights(tmp_path / "here", "mine", b"newer", TENSORS, INFO)
    assert copy_onnx(path, copied, overwrite=True).read_bytes() == b"newer"


def test_a_damaged_network_is_not_copied(tmp_path: Path) -> None:
    path = _write(tmp_path / "here")
    path.with_suffix(".toml").write_text(f'[sha256]\nonnx = "{"0" * 64}"\n')
    with pytest.raises(WeightsError, match="M701"):
        copy_onnx(path, tmp_path / "copy.onnx")
    assert not (tmp_path / "copy.onnx").exists()
