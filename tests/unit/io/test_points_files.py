"""Points in space of outcomes as tables of other tools, against the numbers of the outcome."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mystax.core.rotations import rotation_of
from mystax.errors import ParameterError, RecipeError
from mystax.io.blank import blank_outcome
from mystax.io.formats.anipose_points import read_anipose_points
from mystax.io.formats.dlc_points import read_dlc_points
from mystax.io.outcome_parts import parts_of_datasets
from mystax.io.points_files import write_points
from mystax.io.recorded import Recorded

pytestmark = pytest.mark.usefixtures("readers_here")
TURN, ORIGIN = rotation_of(np.array([0.2, 0.5, -0.4])), np.array([3.0, -2.0, 120.0])


def outcome(individuals: tuple[str, ...] = ("face",)) -> Any:
    """Points of two cameras in turned axes; the last frame is seen by one camera only."""
    rng = np.random.default_rng(0)
    shape = (4, 2, len(individuals))
    used = np.ones((4, 2, *shape[1:]), np.int8)
    used[1, 0], used[3, 1] = 0, -1
    values: dict[str, Any] = {
        "time": np.arange(4) / 50,
        "frame": np.arange(4) * 2,
        "position": rng.normal(0, 20, (4, 3, *shape[1:])),
        "confidence": rng.uniform(0, 1, shape),
        "used": used,
        "residual": np.where(used < 0, np.nan, np.array([1.0, 3.0])[:, None, None]),
        "rotation": TURN,
        "origin": ORIGIN,
    }
    labels: dict[str, Any] = {"time": 4, "space": ["x", "y", "z"], "keypoint": ["nose", "ear"], "space2": 3}
    labels |= {
        "cov": ["xx", "xy", "xz", "yy", "yz", "zz"],
        "individual": list(individuals),
        "camera": ["left", "right"],
    }
    return blank_outcome("pose3d", labels, values)


def recorded(dataset: Any, name: str = "day1") -> Recorded:
    return Recorded(name, Path(name), {"pose3d": parts_of_datasets("pose3d", {"": dataset})})


def test_table_of_anipose_holds_places_errors_and_counts(tmp_path: Path) -> None:
    dataset = outcome()
    (path,) = write_points(tmp_path, [recorded(dataset)], "anipose")
    assert path == tmp_path / "day1.csv"
    kept = read_anipose_points(path, keep_frame=True)
    places = np.moveaxis(dataset["position"].values[..., 0], 1, 2)
    np.testing.assert_array_equal(kept.position.astype(np.float32), places)
    assert kept.n_cameras[:, 0].tolist() == [2, 1, 2, 1]
    assert kept.residual[:, 1].tolist() == [2.0, 3.0, 2.0, 1.0]
    assert kept.frame.tolist() == [0, 2, 4, 6]
    assert kept.determinant == pytest.approx(1)


def test_table_of_anipose_leads_back_to_the_frame_of_the_cameras(tmp_path: Path) -> None:
    dataset = outcome()
    (path,) = write_points(tmp_path, [recorded(dataset)], "anipose")
    places = np.moveaxis(dataset["position"].values[..., 0], 1, 2).astype(np.float64)
    expected = places @ TURN + ORIGIN  # X = R' X' + o
    np.testing.assert_allclose(read_anipose_points(path).position, expected, atol=1e-5)


def test_several_individuals_get_a_table_each_in_anipose_and_one_in_deeplabcut(tmp_path: Path) -> None:
    dataset = outcome(("m1", "m2"))
    files = write_points(tmp_path, [recorded(dataset)], "anipose")
    assert [path.name for path in files] == ["day1.m1.csv", "day1.m2.csv"]
    places = np.moveaxis(dataset["position"].values[..., 1], 1, 2)
    second = read_anipose_points(files[1], keep_frame=True).position.astype(np.float32)
    np.testing.assert_array_equal(second, places)
    table, hdf5 = write_points(tmp_path, [recorded(dataset)], "dlc-3d")
    assert (table.name, hdf5.name) == ("day1_DLC_3D.csv", "day1_DLC_3D.h5")
    for path in (table, hdf5):
        found = read_dlc_points(path, hdf5=path.suffix == ".h5")
        assert found.individuals == ("m1", "m2")
        np.testing.assert_array_equal(found.position[:, 1].astype(np.float32), places)
        assert found.frame.tolist() == [0, 2, 4, 6]


def test_nothing_to_write_and_files_that_exist_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no points in space") as refused:
        write_points(tmp_path, [Recorded("a", tmp_path, {})], "anipose")
    assert refused.value.code == "P403"
    with pytest.raises(ParameterError, match="anipose"):
        write_points(tmp_path, [], "aniposa")
    for form in ("anipose", "dlc-3d"):
        first = write_points(tmp_path, [recorded(outcome())], form)
        before = [path.read_bytes() for path in first]
        with pytest.raises(RecipeError, match="exists"):
            write_points(tmp_path, [recorded(outcome())], form)
        write_points(tmp_path, [recorded(outcome())], form, overwrite=True)
        if form == "anipose":
            assert [path.read_bytes() for path in first] == before
