"""Outcomes taken apart and put together again."""

from pathlib import Path

import pytest

from mystax.errors import DamagedError, FormatError
from mystax.io.outcome_parts import OutcomeParts, check_content, parts_of_datasets, publish_parts, read_parts
from mystax.io.store import Store
from tests.fixtures.exchange_outcomes import contents, known_outcome, publish_known


@pytest.mark.parametrize("cameras", [(), ("left", "right")], ids=["one camera", "two cameras"])
def test_parts_are_published_with_the_same_digest(tmp_path: Path, cameras: tuple[str, ...]) -> None:
    folder = publish_known(tmp_path / "face.mystax", "motion", cameras=cameras)
    parts = read_parts(folder / "motion.nc")
    check_content(parts, "motion.nc")
    publish_parts(Store(tmp_path / "back"), parts, {"file": "x"})
    assert contents(tmp_path / "back") == contents(folder)


def test_cameras_keep_attributes_of_their_own_only(tmp_path: Path) -> None:
    folder = publish_known(tmp_path / "face.mystax", "motion", cameras=("left", "right"))
    parts = read_parts(folder / "motion.nc")
    assert [parts.cameras[camera].attrs["shift"] for camera in ("left", "right")] == [0, 1]
    assert "key" not in parts.cameras["left"].attrs
    assert "run_host" in parts.attributes
    assert "run_host" not in parts.lasting


def test_changed_value_is_named(tmp_path: Path) -> None:
    parts = read_parts(publish_known(tmp_path / "a", "running") / "running.nc")
    parts.cameras[""]["speed"].values[2, 0] += 1
    with pytest.raises(DamagedError, match="speed"):
        check_content(parts, "x")


def test_changed_attribute_is_found(tmp_path: Path) -> None:
    parts = read_parts(publish_known(tmp_path / "a", "running") / "running.nc")
    changed = OutcomeParts("running", {**parts.attributes, "coverage": 1.0}, parts.cameras, parts.groups)
    with pytest.raises(DamagedError, match="attributes"):
        check_content(changed, "x")


def test_outcome_of_an_analysis_that_is_not_installed_is_published_as_it_is(tmp_path: Path) -> None:
    parts = read_parts(publish_known(tmp_path / "a", "running") / "running.nc")
    renamed = OutcomeParts("shine", {**parts.attributes, "analysis": "shine"}, parts.cameras, {})
    assert publish_parts(Store(tmp_path / "b"), renamed).name == "shine.nc"


def test_outcome_without_an_origin_is_refused(tmp_path: Path) -> None:
    parts = parts_of_datasets("running", {"": known_outcome("running")})
    with pytest.raises(FormatError, match="origin"):
        publish_parts(Store(tmp_path), parts)
