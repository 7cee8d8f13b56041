"""DeepLabCut's tables in their several forms: index in one or three columns, individuals, pandas' layouts."""

import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest

from mystax.errors import FormatError
from mystax.io.formats.dlc import read_dlc, write_dlc, write_lightning_pose
from mystax.io.formats.dlc_h5 import plain_dlc_h5, read_dlc_h5, write_dlc_h5
from tests.fixtures.keypoint_tables import random_table

COLUMNS = [("ann", name, axis) for name in ("nose", "tail") for axis in ("x", "y")]


def lines(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize(
    ("index", "head", "file"),
    [
        ("labeled-data/mouse/img1.png", "", "labeled-data/mouse/img1.png"),
        ("labeled-data,mouse,img1.png", ",,", "labeled-data/mouse/img1.png"),
        ("labeled-data\\mouse\\img1.png", "", "labeled-data\\mouse\\img1.png"),
    ],
)
def test_picture_stands_in_one_or_three_columns(tmp_path: Path, index: str, head: str, file: str) -> None:
    path = lines(
        tmp_path / "t.csv",
        f"scorer{head},ann,ann",
        f"bodyparts{head},nose,nose",
        f"coords{head},x,y",
        f"{index},1.5,2.5",
    )
    table = read_dlc(path)
    assert (table.files, table.kind, table.scorer) == ((file,), "labels", "ann")
    assert table.position.tolist() == [[[[1.5, 2.5]]]]


def test_frame_numbers_make_predictions_also_when_written_as_floats(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "t.csv",
        "scorer,net,net,net",
        "bodyparts,nose,nose,nose",
        "coords,x,y,likelihood",
        "0.0,1,2,0.9",
        "7.0,,,0.1",
    )
    table = read_dlc(path)
    assert (table.kind, table.frame.tolist()) == ("predictions", [0, 7])
    assert table.confidence[:, 0, 0].tolist() == [0.9, 0.1]
    assert np.isnan(table.position[1]).all()


def test_columns_in_any_order_find_their_place(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "t.csv",
        "scorer,a,a,a,a",
        "bodyparts,nose,tail,tail,nose",
        "coords,y,x,y,x",
        "img.png,1,2,3,4",
    )
    table = read_dlc(path)
    assert table.names == ("nose", "tail")
    assert table.position[0, 0].tolist() == [[4.0, 1.0], [2.0, 3.0]]


def test_columns_that_only_lightning_pose_has_are_left_out(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "t.csv",
        "scorer,a,a,a,a,a",
        "bodyparts,nose,nose,nose,nose,nose",
        "coords,x,y,likelihood,x_ens_var,y_ens_var",
        "0,1,2,0.5,3,4",
    )
    assert read_dlc(path).position[0, 0, 0].tolist() == [1.0, 2.0]


def test_name_of_a_single_individual_is_kept(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "t.csv",
        "scorer,a,a",
        "individuals,mouse1,mouse1",
        "bodyparts,nose,nose",
        "coords,x,y",
        "img.png,1,2",
    )
    table = read_dlc(path)
    assert table.individuals == ("mouse1",)
    write_dlc(tmp_path / "again.csv", table)
    assert "individuals,,,mouse1,mouse1" in (tmp_path / "again.csv").read_text()


def test_written_tables_look_like_the_tools_own(tmp_path: Path) -> None:
    table = random_table(1, n_names=1, states=False, missing=0.0)
    write_dlc(tmp_path / "d.csv", table)
    write_lightning_pose(tmp_path / "l.csv", table)
    assert (tmp_path / "d.csv").read_text().splitlines()[:3] == [
        "scorer,,,ann,ann",
        "bodyparts,,,nose_tip,nose_tip",
        "coords,,,x,y",
    ]
    assert (tmp_path / "d.csv").read_text().splitlines()[3].startswith("labeled-data,mouse,img000.png,")
    assert (tmp_path / "l.csv").read_text().splitlines()[3].startswith("labeled-data/mouse/img000.png,")


# HDF5 ------------------------------------------------------------------------------------------------


def table_layout(path: Path, *, names: list[str] | None, index: list[bytes] | None = None) -> Path:
    """Write what pandas calls `table`, with attributes pickled as PyTables does."""
    rows = np.zeros(2, [("index", "S9" if index else "<i8"), ("values_block_0", "<f8", (4,))])
    rows["index"] = np.array(index) if index else np.array([3, 8])
    rows["values_block_0"] = [[1, 2, 3, 4], [5, 6, np.nan, np.nan]]
    info = {1: {"names": names, "type": "MultiIndex"}, "index": {}}
    with h5py.File(path, "w") as file:
        group = file.create_group("df_with_missing")
        group.attrs["pandas_type"] = np.bytes_("frame_table")
        group.attrs["non_index_axes"] = np.bytes_(pickle.dumps([(1, COLUMNS)], 0))
        group.attrs["info"] = np.bytes_(pickle.dumps(info, 0))
        group["table"] = rows
    return path


@pytest.mark.parametrize("names", [["scorer", "bodyparts", "coords"], None])
def test_table_layout_is_read(tmp_path: Path, names: list[str] | None) -> None:
    table = read_dlc_h5(table_layout(tmp_path / "t.h5", names=names))
    assert (table.names, table.kind, table.scorer) == (("nose", "tail"), "predictions", "ann")
    assert table.frame.tolist() == [3, 8]
    assert table.position[0, 0].tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert np.isnan(table.position[1, 0, 1]).all()


def blocks_layout(path: Path, frame: dict[tuple[str, ...], np.ndarray], blocks: list[list[int]]) -> Path:
    """Write columns of several types as pandas does: a block per type, which says what it holds."""
    names = list(frame)
    fields = [
        (f"values_block_{k}", frame[names[block[0]]].dtype, (len(block),)) for k, block in enumerate(blocks)
    ]
    rows = np.zeros(len(frame[names[0]]), [("index", "<i8"), *fields])
    rows["index"] = np.arange(len(rows))
    with h5py.File(path, "w") as file:
        group = file.create_group("df_with_missing")
        group.attrs["pandas_type"] = np.bytes_("frame_table")
        group.attrs["non_index_axes"] = np.bytes_(pickle.dumps([(1, names)], 0))
        for k, block in enumerate(blocks):
            rows[f"values_block_{k}"] = np.stack([frame[names[at]] for at in block], -1)
        table = group.create_dataset("table", data=rows)
        for k, block in enumerate(blocks):
            table.attrs[f"values_block_{k}_kind"] = np.bytes_(pickle.dumps([names[at] for at in block], 0))
    return path


def mixed_frame() -> dict[tuple[str, ...], np.ndarray]:
    """Four points with whole confidences: x = 1, 3, 5, 7 and y = 2, 4, 6, 8 hundred, plus the frame."""
    frame: dict[tuple[str, ...], np.ndarray] = {}
    for k, name in enumerate("abcd"):
        frame["s", name, "x"] = np.arange(3) + 100.0 * (2 * k + 1)
        frame["s", name, "y"] = np.arange(3) + 100.0 * (2 * k + 2)
        frame["s", name, "likelihood"] = np.ones(3, np.int64)
    return frame


@pytest.mark.parametrize(
    "blocks",
    [
        [[0, 1, 3, 4, 6, 7, 9, 10], [2, 5, 8, 11]],
        [[2, 5, 8, 11], [10, 9, 7, 6, 4, 3, 1, 0]],
        [[k] for k in reversed(range(12))],
    ],
    ids=["by type", "out of order", "twelve blocks"],
)
def test_table_of_several_types_is_read_by_the_columns_of_its_blocks(
    tmp_path: Path, blocks: list[list[int]]
) -> None:
    table = read_dlc_h5(blocks_layout(tmp_path / "t.h5", mixed_frame(), blocks))
    assert table.names == ("a", "b", "c", "d")
    expected = np.arange(1, 9).reshape(4, 2) * 100.0 + np.arange(3)[:, None, None]
    np.testing.assert_array_equal(table.position[:, 0], expected)
    np.testing.assert_array_equal(table.confidence, 1.0)


@pytest.mark.parametrize("change", ["none", "other", "twice", "few"])
def test_table_whose_blocks_do_not_tell_their_columns_is_refused(tmp_path: Path, change: str) -> None:
    path = blocks_layout(tmp_path / "t.h5", mixed_frame(), [[0, 1, 3, 4, 6, 7, 9, 10], [2, 5, 8, 11]])
    columns = {
        "other": [("s", "e", "likelihood")] * 4,
        "twice": [("s", name, "x") for name in "abcd"],
        "few": [("s", "a", "likelihood")],
    }
    with h5py.File(path, "r+") as file:
        attributes = file["df_with_missing/table"].attrs
        del attributes["values_block_1_kind"]
        if change != "none":
            attributes["values_block_1_kind"] = np.bytes_(pickle.dumps(columns[change], 0))
    with pytest.raises(FormatError, match="F804"):
        plain_dlc_h5(str(path))


def test_table_layout_of_pictures_is_read(tmp_path: Path) -> None:
    path = table_layout(tmp_path / "t.h5", names=None, index=[b"a/i1.png", b"a/i2.png"])
    assert read_dlc_h5(path).files == ("a/i1.png", "a/i2.png")


def test_fixed_layout_with_an_index_of_three_levels_is_read(tmp_path: Path) -> None:
    table = random_table(4, n=3, states=False, missing=0.0)
    write_dlc_h5(tmp_path / "t.h5", table)
    with h5py.File(tmp_path / "t.h5", "r+") as file:
        group = file["df_with_missing"]
        del group["axis1"]
        for level, values in enumerate([[b"labeled-data"], [b"mouse"], [b"i2.png", b"i0.png", b"i1.png"]]):
            group[f"axis1_level{level}"] = np.array(values)
            group[f"axis1_label{level}"] = np.array([0, 0, 0] if level < 2 else [1, 2, 0], np.int8)
    found = read_dlc_h5(tmp_path / "t.h5")
    assert found.files == tuple(f"labeled-data/mouse/i{k}.png" for k in range(3))
    np.testing.assert_array_equal(found.position, table.position)


@pytest.mark.parametrize("change", ["no_table", "two_tables", "codes", "kind", "axes"])
def test_hdf5_of_another_form_is_refused(tmp_path: Path, change: str) -> None:
    path = tmp_path / "t.h5"
    write_dlc_h5(path, random_table(5, states=False))
    with h5py.File(path, "r+") as file:
        group = file["df_with_missing"]
        if change == "no_table":
            del group.attrs["pandas_type"]
        elif change == "two_tables":
            file.copy(group, "second")
        elif change == "codes":
            group["axis0_label1"][0] = 99
        elif change == "kind":
            group.attrs["pandas_type"] = np.bytes_("series")
        else:
            group.attrs["pandas_type"] = np.bytes_("frame_table")
    with pytest.raises(FormatError, match="F804"):
        plain_dlc_h5(str(path))


@pytest.mark.extra("dev")
def test_pandas_loads_what_was_written(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason='pip install "mystax[dev]"')
    pytest.importorskip("tables", reason="pip install tables")
    table = random_table(6, kind="predictions", states=False)
    write_dlc_h5(tmp_path / "t.h5", table)
    frame = pandas.read_hdf(tmp_path / "t.h5")
    assert list(frame.columns.names) == ["scorer", "bodyparts", "coords"]
    np.testing.assert_array_equal(
        frame.xs("x", axis=1, level="coords").to_numpy(), table.position[:, 0, :, 0]
    )
    assert frame.index.tolist() == table.frame.tolist()
