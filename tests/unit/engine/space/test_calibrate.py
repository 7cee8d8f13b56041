"""`mystax calibrate --check` on tracks of a rig of which a camera was knocked."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from mystax.core.rig_model import RigModel
from mystax.core.rotations import angle_between, rotation_of
from mystax.engine.space.calibrate import check_rig
from mystax.io.rig import read_rig, rig_to_toml
from tests.fixtures.rigs import moving_points, write_track


def test_cameras_without_a_track_stay_in_the_refined_rig(tmp_path: Path) -> None:
    rig, _, _, uv = moving_points(4, 100, 300, outliers=0.0)
    camera, turn = rig.cameras[1], rotation_of(np.array([0.0, 0.02, 0.0]))
    knocked = replace(camera, rotation=turn @ camera.rotation, translation=turn @ camera.translation)
    old = RigModel((rig.cameras[0], knocked, *rig.cameras[2:]))
    (tmp_path / "rig.toml").write_text(rig_to_toml(old))
    tracks = {name: tmp_path / f"{name}.csv" for name in rig.names[:3]}
    for number, path in enumerate(tracks.values()):
        write_track(path, uv[number])
    found = check_rig(tmp_path / "rig.toml", tracks, rate=100.0, refine=True)
    assert found.summary["moved"] == [rig.names[1]]
    assert found.path == tmp_path / "rig-refined.toml"
    refined = read_rig(found.path)
    assert refined.names == rig.names
    np.testing.assert_allclose(refined.cameras[3].translation, rig.cameras[3].translation, atol=1e-9)
    assert np.degrees(angle_between(refined.cameras[1].rotation, camera.rotation)) < 0.1
    assert refined.metadata["refined_from"] == read_rig(tmp_path / "rig.toml").fingerprint
