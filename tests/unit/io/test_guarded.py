"""HDF5 files of others."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from mystax.errors import FormatError
from mystax.io.foreign import read_foreign
from mystax.io.guarded import check_hdf5, is_hdf5, read_hdf5


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """Write a file with the usual things: groups, filters, texts, soft and hard links."""
    path = tmp_path / "plain.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("camera")
        group.create_dataset(
            "times", data=np.arange(100.0), chunks=(10,), compression="gzip", shuffle=True, fletcher32=True
        )
        group["names"] = ["left", "right"]
        group["itself"] = h5py.SoftLink("/camera")
        file["again"] = group
        group["back"] = file
        file["dangling"] = h5py.SoftLink("/nowhere")
        file["one"] = 5
    return path


def test_usual_file_is_read(plain: Path) -> None:
    assert read_hdf5(plain, "/camera/times").tolist() == list(range(100))
    assert read_hdf5(plain, "camera/names").tolist() == ["left", "right"]
    assert read_hdf5(plain, "one")[()] == 5


def test_usual_file_is_read_in_a_child(plain: Path) -> None:
    assert read_foreign(plain, "hdf5", options={"name": "/camera/times"}).tolist() == list(range(100))


def test_hdf5_is_known_by_content(plain: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.h5"
    other.write_bytes(b"no")
    assert is_hdf5(plain)
    assert not is_hdf5(other)
    with pytest.raises(FormatError, match="F804"):
        read_hdf5(other, "x")


def test_missing_dataset_is_refused_with_the_nearest(plain: Path) -> None:
    with pytest.raises(FormatError, match="did you mean '/one'"):
        read_hdf5(plain, "/ones")
    with pytest.raises(FormatError, match="F804"):
        read_hdf5(plain, "/camera")


def test_link_to_another_file_is_refused(plain: Path, tmp_path: Path) -> None:
    path = tmp_path / "link.h5"
    with h5py.File(path, "w") as file:
        file["x"] = h5py.ExternalLink(str(plain), "/camera/times")
    with pytest.raises(FormatError, match="F803"):
        read_hdf5(path, "x")


def linking(path: Path, target: str, name: str = "/camera/times") -> Path:
    """Write a file with a link to another one."""
    path.parent.mkdir(exist_ok=True)
    with h5py.File(path, "w") as file:
        file["x"] = h5py.ExternalLink(target, name)
    return path


def test_link_in_the_folder_or_below_is_followed_on_request(plain: Path, tmp_path: Path) -> None:
    linking(tmp_path / "below" / "second.h5", "../plain.h5")
    with h5py.File(linking(tmp_path / "first.h5", "below/second.h5", "/x"), "r") as file:
        check_hdf5(file, folder=tmp_path)
        assert file["x"][3] == 3
        with pytest.raises(FormatError, match="F803"):
            check_hdf5(file)
    with h5py.File(linking(tmp_path / "absolute.h5", str(plain)), "r") as file:
        check_hdf5(file, folder=tmp_path)


@pytest.mark.parametrize("target", ["../plain.h5", "gone.h5", "text.h5", "circle.h5"])
def test_link_that_leaves_the_folder_or_leads_nowhere_is_refused(
    plain: Path, tmp_path: Path, target: str
) -> None:
    assert plain.is_file()
    path = linking(tmp_path / "inner" / "first.h5", target)
    (tmp_path / "inner" / "text.h5").write_text("no")
    linking(tmp_path / "inner" / "circle.h5", "first.h5", "/x")
    with h5py.File(path, "r") as file, pytest.raises(FormatError, match="F803"):
        check_hdf5(file, folder=tmp_path / "inner")


def test_link_out_of_the_folder_by_way_of_another_name_is_refused(plain: Path, tmp_path: Path) -> None:
    path = linking(tmp_path / "inner" / "first.h5", "alias.h5")
    (tmp_path / "inner" / "alias.h5").symlink_to(plain)
    with h5py.File(path, "r") as file, pytest.raises(FormatError, match=r"F803.*leaves the folder"):
        check_hdf5(file, folder=tmp_path / "inner")


def test_linked_file_is_walked_whole(tmp_path: Path) -> None:
    """What a followed group reaches by soft links is refused too."""
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.create_dataset("camera/times", data=np.arange(3))
        file["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/")
    with h5py.File(linking(tmp_path / "a.h5", "b.h5"), "r") as file, pytest.raises(FormatError, match="F803"):
        check_hdf5(file, folder=tmp_path)


def test_endless_chain_of_files_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "end.h5", "w") as file:
        file["x"] = 1
    for k in range(70):
        linking(tmp_path / f"{k}.h5", "end.h5", "/x")
    with h5py.File(tmp_path / "start.h5", "w") as file:
        for k in range(70):
            file[str(k)] = h5py.ExternalLink(f"{k}.h5", "/x")
    with h5py.File(tmp_path / "start.h5", "r") as file, pytest.raises(FormatError, match="F802"):
        check_hdf5(file, folder=tmp_path)


def test_data_in_another_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(80))
    path = tmp_path / "external.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (10,), "f8", external=[(str(tmp_path / "secret.bin"), 0, 80)])
    with pytest.raises(FormatError, match="F803"):
        read_hdf5(path, "x")


def test_virtual_dataset_is_refused(plain: Path, tmp_path: Path) -> None:
    path = tmp_path / "virtual.h5"
    layout = h5py.VirtualLayout((100,), "f8")
    layout[:] = h5py.VirtualSource(str(plain), "/camera/times", (100,))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("deep/x", layout)
        file["y"] = [1.0]
    with pytest.raises(FormatError, match="F803"):
        read_hdf5(path, "y")


def test_unknown_filter_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "filter.h5"
    with h5py.File(path, "w") as file:
        created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        created.set_chunk((10,))
        created.set_filter(32123, h5py.h5z.FLAG_OPTIONAL, ())
        space = h5py.h5s.create_simple((10,))
        h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_DOUBLE, space, created)
    with pytest.raises(FormatError, match=r"F803.*32123"):
        read_hdf5(path, "x")


def test_claimed_size_beyond_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (2**40,), "u1", chunks=(1024,))
    assert path.stat().st_size < 10_000
    with pytest.raises(FormatError, match="F802"):
        read_hdf5(path, "x")


def test_dataset_larger_than_the_memory_allowed_is_refused(plain: Path) -> None:
    with h5py.File(plain) as file:
        check_hdf5(file)
        with pytest.raises(FormatError, match="F802"):
            check_hdf5(file, memory=700)


def test_references_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "references.h5"
    with h5py.File(path, "w") as file:
        file["x"] = [1.0]
        file.create_dataset("r", (1,), h5py.ref_dtype)[0] = file["x"].ref
    with pytest.raises(FormatError, match="F804"):
        read_hdf5(path, "r")


def test_mutated_files_end_in_a_refusal_or_in_numbers(plain: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    content = plain.read_bytes()
    for k in range(3):
        changed = bytearray(content)
        for place in rng.integers(8, len(content), 20):
            changed[place] = int(rng.integers(0, 256))
        path = tmp_path / f"mutant{k}.h5"
        path.write_bytes(changed)
        try:
            values = read_foreign(path, "hdf5", options={"name": "/camera/times"})
        except FormatError:
            continue
        assert isinstance(values, np.ndarray)
