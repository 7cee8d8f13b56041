"""Rigs as files: equal numbers come back, order is kept, what is no rig is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mystax.analyses.rig import Rig
from mystax.core.rig_model import RigModel
from mystax.errors import FormatError, RecipeError
from mystax.io.rig import check_rig_place, read_rig, rig_from_toml, rig_to_toml
from tests.fixtures.rigs import rig_of


def test_numbers_come_back_from_a_file() -> None:
    rig = rig_of(3)
    camera = replace(rig.cameras[0], sd={"fx": 1.5}, n_views=12, rms=0.2, crop=(10.0, 20.0))
    rig = RigModel((camera, *rig.cameras[1:]), {"board": "charuco:10x7:17:13"})
    found = rig_from_toml(rig_to_toml(rig))
    np.testing.assert_allclose(found.rows(), rig.rows(), atol=1e-13)
    assert found.names == rig.names
    assert (found.cameras[0].sd, found.cameras[0].n_views, found.cameras[0].crop) == (
        {"fx": 1.5},
        12,
        (10.0, 20.0),
    )
    assert found.metadata["board"] == "charuco:10x7:17:13"
    assert found.metadata["unit"] == "mm"


def test_twelve_cameras_keep_their_order_as_text_and_as_numbers() -> None:
    text = rig_to_toml(rig_of(12, step=5))
    keys = [line[1:-1] for line in text.splitlines() if line.startswith("[cam_")]
    assert keys == sorted(keys)
    assert rig_from_toml(text).names == tuple(f"cam{k}" for k in range(12))
    plain = rig_to_toml(rig_of(12, step=5)).replace("[cam_0", "[cam_")
    assert rig_from_toml(plain).names == tuple(f"cam{k}" for k in range(12))


def test_only_cameras_and_metadata_are_tables() -> None:
    import tomllib

    assert set(tomllib.loads(rig_to_toml(rig_of(2)))) == {"cam_0", "cam_1", "metadata"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x = 1",
        "[cam_0]\nmatrix = 3",
        "not toml [",
        (
            '[cam_0]\nname = "a"\nsize = [2, 2]\nmatrix = [[1,0,0],[0,1,0],[0,0,1]]\ndistortions = [0,0]\n'
            "rotation = [0,0]\ntranslation = [0,0,0]"
        ),
    ],
)
def test_what_is_no_rig_is_refused(text: str) -> None:
    with pytest.raises(FormatError) as refused:
        rig_from_toml(text)
    assert refused.value.code == "F804"


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as refused:
        read_rig(tmp_path / "none.toml")
    assert refused.value.code == "P403"


@pytest.mark.needs_data
def test_a_rig_is_written_over_nothing_but_a_rig(tmp_path: Path) -> None:
    video, regions, folder = tmp_path / "top.mp4", tmp_path / "rois.toml", tmp_path / "rig.toml"
    video.write_bytes(b"recording")
    regions.write_text('[[roi]]\nname = "pad"\n')
    folder.mkdir()
    for place in (video, regions, folder):
        with pytest.raises(RecipeError) as refused:
            Rig(rig_of(2)).save(place)
        assert refused.value.code == "P403"
        assert str(place) in str(refused.value)
    assert video.read_bytes() == b"recording"
    assert "pad" in regions.read_text()
    new = tmp_path / "calibration.toml"
    check_rig_place(new)
    Rig(rig_of(2)).save(new)
    Rig(rig_of(3)).save(new)
    assert len(read_rig(new).cameras) == 3
    new.write_bytes(b"")
    check_rig_place(new)


def test_published_anipose_file_is_read(real_data: Path) -> None:
    rig = read_rig(real_data / "eks" / "fly" / "calibration.toml")
    assert len(rig.cameras) == 3
    assert rig.cameras[0].matrix[0, 0] > 10_000


def test_config_of_a_project_is_told_from_its_rig() -> None:
    with pytest.raises(FormatError, match="mystax triangulate PROJECT"):
        rig_from_toml("[triangulation]\ncam_regex = 'cam([0-9])'\n", "config.toml")
    with pytest.raises(FormatError) as refused:
        rig_from_toml("[other]\nx = 1\n")
    assert "PROJECT" not in str(refused.value)
