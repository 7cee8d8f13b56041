"""The file of an outcome: chunks, checksums, attributes, groups; readable without mystax."""

import json
from pathlib import Path

import h5netcdf
import h5py
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.core.lazy import lazy_rows
from mystax.errors import DamagedError, FormatError, RecipeError, StoreError
from mystax.io.outcome_files import chunk_shape, read_head
from mystax.io.outcome_writer import write_outcome
from mystax.io.outcomes import digest_problems, load
from mystax.io.store_fs import LocalFs
from tests.fixtures.traces import provenance, trace


def write(path: Path, cameras: dict[str, xr.Dataset], **more: object) -> str:
    """Write an outcome to a file."""
    with LocalFs().create(path) as file:
        return write_outcome(file, cameras, {**provenance().attributes(), **more})


def test_pieces_are_a_mebibyte_along_time() -> None:
    assert chunk_shape(("time", "roi"), (10**6, 4), 4) == (65536, 4)


def test_components_come_sixteen_at_a_time_and_one_region_beside_them() -> None:
    assert chunk_shape(("time", "roi", "component"), (10**6, 3, 500), 4) == (16384, 1, 16)


def test_short_variable_is_one_piece() -> None:
    assert chunk_shape(("time",), (100,), 8) == (100,)
    assert chunk_shape(("event",), (0,), 8) == (1,)


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=4), st.sampled_from([1, 4, 8]), st.data())
@settings(deadline=None, max_examples=60)
def test_pieces_fit_the_variable_and_stay_below_the_limit(
    shape: list[int], itemsize: int, data: st.DataObject
) -> None:
    words = ("time", "roi", "component", "y", "x")
    dims = data.draw(st.permutations(words))[: len(shape)]
    chunk = chunk_shape(tuple(dims), tuple(shape), itemsize)
    assert all(1 <= piece <= max(1, n) for piece, n in zip(chunk, shape, strict=True))
    assert np.prod(chunk) * itemsize <= 1 << 20
    assert all(piece <= 16 for dim, piece in zip(dims, chunk, strict=True) if dim == "component")


@pytest.mark.parametrize("names", [np.zeros(0, object), np.zeros(0)], ids=["texts", "numbers"])
def test_a_dimension_without_entries_may_have_names(tmp_path: Path, names: np.ndarray) -> None:
    made = trace().assign_coords(kind=("kind", names))
    made["floor"] = ("kind", np.zeros(0))
    made["change"] = (("time", "kind"), np.zeros((made.sizes["time"], 0)))
    write(tmp_path / "trace.nc", {"": made})
    assert digest_problems(tmp_path / "trace.nc") == []
    with h5netcdf.File(tmp_path / "trace.nc") as file:
        assert file.dimensions["kind"].size == 0
        assert {name: file[name].shape for name in ("floor", "change")} == {
            "floor": (0,),
            "change": (made.sizes["time"], 0),
        }
        assert file["kind"].shape[0] == 0


def test_every_array_of_numbers_has_a_checksum_filter(tmp_path: Path) -> None:
    write(tmp_path / "trace.nc", {"": trace()})
    with h5py.File(tmp_path / "trace.nc") as file:
        arrays = {
            name: item.fletcher32
            for name, item in file.items()
            if item.ndim
            and item.dtype.kind in "iuf"
            and not item.attrs.get("NAME", b"").startswith(b"This is a")
        }
    assert set(arrays) == {"energy", "score", "flag", "missing", "time", "frame"}
    assert all(arrays.values())


def test_file_opens_in_plain_xarray_with_coordinates_units_and_texts(tmp_path: Path) -> None:
    outcome = trace()
    write(tmp_path / "trace.nc", {"": outcome})
    with xr.open_dataset(tmp_path / "trace.nc", engine="h5netcdf") as plain:
        assert plain.load().drop_attrs().identical(outcome.drop_attrs())
        assert plain["energy"].attrs["units"] == "grey_level"
        assert plain["time"].attrs["units"] == "s"
        assert json.loads(plain.attrs["parameters"]) == {"bin": 4}
        assert plain.attrs["mystax_format"] == 1


def test_cameras_stand_in_groups_with_time_axes_of_their_own(tmp_path: Path) -> None:
    write(tmp_path / "trace.nc", {"face": trace(40), "side view": trace(30), "": trace(10)})
    head = read_head(tmp_path / "trace.nc")
    assert list(head.groups) == ["face", "side view"]
    for camera, n in (("face", 40), ("side view", 30)):
        with xr.open_dataset(tmp_path / "trace.nc", group=head.groups[camera]) as plain:
            assert plain.sizes["time"] == n
            assert plain.attrs["camera"] == camera


def test_camera_called_like_a_variable_keeps_its_name(tmp_path: Path) -> None:
    write(tmp_path / "trace.nc", {"": trace(10), "energy": trace(20), "component": trace(30)})
    outcome = load(tmp_path / "trace.nc")
    assert set(outcome) == {"trace/energy", "trace/component", "trace/all_cameras"}
    assert outcome["trace/energy"].sizes["time"] == 20


@pytest.mark.parametrize(("n", "n_components"), [(0, 3), (5, 0), (0, 0), (1, 1), (5, 17)])
def test_empty_and_short_dimensions_come_back(tmp_path: Path, n: int, n_components: int) -> None:
    outcome = trace(n, n_components=n_components)
    write(tmp_path / "trace.nc", {"": outcome})
    found = load(tmp_path / "trace.nc")
    assert isinstance(found, xr.Dataset)
    assert found.drop_attrs().identical(outcome.drop_attrs())


def test_lazy_rows_are_written_in_blocks_and_equal_those_in_memory(tmp_path: Path) -> None:
    class Rows:
        """Rows that remember how many were asked for at once."""

        most = 0

        def read(self, start: int, stop: int) -> np.ndarray:
            self.most = max(self.most, stop - start)
            return np.arange(start, stop, dtype=np.float32)[:, None].repeat(3, 1)

    rows, n = Rows(), 40_000
    lazy, plain = trace(n), trace(n)
    lazy["score"] = lazy_rows(rows, ("time", "roi", "component"), (n, 1, 3), "float32")
    plain["score"] = (("time", "roi", "component"), rows.read(0, n)[:, None])
    lazy["score"].attrs = plain["score"].attrs = {"units": "grey_level"}
    rows.most = 0
    first = write(tmp_path / "lazy.nc", {"": lazy})
    assert 0 < rows.most <= 16_384
    assert write(tmp_path / "plain.nc", {"": plain}) == first


def test_two_equal_outcomes_have_equal_content_whatever_the_run(tmp_path: Path) -> None:
    first = write(tmp_path / "a.nc", {"": trace()}, run_host="here", run_attempt=1)
    assert write(tmp_path / "b.nc", {"": trace()}, run_host="there", run_attempt=2) == first
    assert write(tmp_path / "c.nc", {"": trace(seed=1)}) != first


def test_order_of_variables_does_not_change_the_content(tmp_path: Path) -> None:
    outcome = trace()
    turned = outcome[list(reversed(list(outcome.data_vars)))]
    assert write(tmp_path / "a.nc", {"": outcome}) == write(tmp_path / "b.nc", {"": turned})


@pytest.mark.parametrize(
    "values",
    [np.zeros(40, bool), np.zeros(40, complex), np.zeros(40, "datetime64[ns]"), np.zeros(40, np.float16)],
)
def test_types_that_netcdf_cannot_hold_are_refused(tmp_path: Path, values: np.ndarray) -> None:
    outcome = trace().assign(odd=("time", values))
    with pytest.raises(FormatError) as caught:
        write(tmp_path / "trace.nc", {"": outcome})
    assert caught.value.code == "F804"
    assert "odd" in caught.value.where


def test_changed_attribute_is_damage(tmp_path: Path) -> None:
    write(tmp_path / "trace.nc", {"": trace()})
    with h5netcdf.File(tmp_path / "trace.nc", "a") as file:
        file.attrs["parameters"] = '{"bin":8}'
    with pytest.raises(DamagedError) as caught:
        read_head(tmp_path / "trace.nc")
    assert caught.value.code == "S502"


def test_changed_attribute_of_a_camera_is_damage(tmp_path: Path) -> None:
    write(tmp_path / "trace.nc", {"face": trace(), "side": trace()})
    with h5netcdf.File(tmp_path / "trace.nc", "a") as file:
        file["side"].attrs["bin"] = 8
    with pytest.raises(DamagedError, match="side"):
        read_head(tmp_path / "trace.nc")


def test_changed_values_are_damage_even_where_the_checksums_of_hdf5_agree(tmp_path: Path) -> None:
    write(tmp_path / "trace.nc", {"": trace()})
    with h5netcdf.File(tmp_path / "trace.nc", "a") as file:
        file["energy"][5] = 1.0
    assert digest_problems(tmp_path / "trace.nc") == ["values of 'energy' differ from their digest"]
    with pytest.raises(DamagedError, match="energy"):
        load(tmp_path / "trace.nc")


def test_added_variable_is_damage(tmp_path: Path) -> None:
    write(tmp_path / "trace.nc", {"": trace()})
    with h5netcdf.File(tmp_path / "trace.nc", "a") as file:
        file.create_variable("extra", ("time",), "f4")
    with pytest.raises(DamagedError, match="extra"):
        read_head(tmp_path / "trace.nc")


def test_outcome_of_a_newer_mystax_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "trace.nc", {"": trace()}, mystax_format=2)
    with pytest.raises(StoreError) as caught:
        load(tmp_path / "trace.nc")
    assert caught.value.code == "S505"
    assert "upgrade" in caught.value.hint


def test_netcdf_file_of_somebody_else_is_no_outcome(tmp_path: Path) -> None:
    trace().to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    with pytest.raises(FormatError) as caught:
        load(tmp_path / "other.nc")
    assert caught.value.code == "F804"


@pytest.mark.parametrize("data", [b"", b"not HDF5 at all" * 100])
def test_file_that_is_not_hdf5_is_damaged(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "trace.nc").write_bytes(data)
    with pytest.raises(DamagedError) as caught:
        load(tmp_path / "trace.nc")
    assert caught.value.code == "S502"


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"absent\.nc"):
        load(tmp_path / "absent.nc")
