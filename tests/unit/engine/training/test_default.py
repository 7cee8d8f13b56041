"""The default weights: others take its place as a copy, nothing trained is lost, and there is a way back."""

from pathlib import Path

import pytest

from mystax.engine.training.default import copied_from, default_name, make_default
from mystax.errors import RecipeError, WeightsError
from mystax.io.weights import find_weights, shipped_folder


def write(folder: Path, name: str, text: bytes) -> Path:
    """Write files that stand for weights: neither is read here."""
    folder.mkdir(parents=True, exist_ok=True)
    for suffix in (".onnx", ".safetensors"):
        (folder / f"{name}{suffix}").write_bytes(text + suffix.encode())
    return folder / f"{name}.onnx"


def found(own: Path) -> bytes:
    """Return the bytes that a prediction without a name reads."""
    return find_weights(default_name(), (own, shipped_folder())).read_bytes()


SHIPPED = shipped_folder() / f"{default_name()}.onnx"


def test_the_chosen_weights_are_found_under_the_default_name(tmp_path: Path) -> None:
    mine = write(tmp_path, "mine", b"mine")
    made = make_default(mine, tmp_path)
    assert found(tmp_path) == b"mine.onnx"
    assert made.with_suffix(".safetensors").read_bytes() == b"mine.safetensors"
    assert copied_from(tmp_path) == "mine"
    assert mine.is_file()


def test_the_shipped_ones_come_back(tmp_path: Path) -> None:
    make_default(write(tmp_path, "mine", b"mine"), tmp_path)
    assert make_default(SHIPPED, tmp_path) == SHIPPED
    assert found(tmp_path) == SHIPPED.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.onnx", "mine.safetensors"]
    assert copied_from(tmp_path) == ""


def test_one_copy_takes_the_place_of_another(tmp_path: Path) -> None:
    make_default(write(tmp_path, "mine", b"mine"), tmp_path)
    write(tmp_path, "mine", b"trained again")
    make_default(write(tmp_path, "yours", b"yours"), tmp_path)
    assert (found(tmp_path), copied_from(tmp_path)) == (b"yours.onnx", "yours")


def test_the_default_itself_stays_as_it_is(tmp_path: Path) -> None:
    target = make_default(write(tmp_path, "mine", b"mine"), tmp_path)
    assert make_default(target, tmp_path) == target
    assert copied_from(tmp_path) == "mine"


def test_rejected_weights_are_no_default(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"P403.*no better") as refusal:
        make_default(write(tmp_path, "mine.rejected", b"bad"), tmp_path)
    assert "--force" in str(refusal.value)
    assert found(tmp_path) == SHIPPED.read_bytes()


@pytest.mark.parametrize("was_copy", [False, True])
def test_weights_that_were_trained_under_the_name_are_not_lost(tmp_path: Path, was_copy: bool) -> None:
    mine = write(tmp_path, "mine", b"mine")
    if was_copy:
        make_default(mine, tmp_path)
    write(tmp_path, default_name(), b"trained")
    for other in (mine, SHIPPED):
        with pytest.raises(RecipeError, match=r"P403.*would be lost"):
            make_default(other, tmp_path)
    assert found(tmp_path) == b"trained.onnx"
    assert copied_from(tmp_path) == ""


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    mine = write(tmp_path, "mine", b"mine")
    mine.with_suffix(".toml").write_text(f'[sha256]\nonnx = "{"0" * 64}"\n')
    with pytest.raises(WeightsError, match="M701"):
        make_default(mine, tmp_path)
    assert found(tmp_path) == SHIPPED.read_bytes()


def test_weights_of_one_file_leave_no_other_tensors_beside_them(tmp_path: Path) -> None:
    made = make_default(write(tmp_path, "mine", b"mine"), tmp_path)
    bare = write(tmp_path, "bare", b"bare")
    bare.with_suffix(".safetensors").unlink()
    assert make_default(bare, tmp_path) == made
    assert found(tmp_path) == b"bare.onnx"
    assert not made.with_suffix(".safetensors").exists()
