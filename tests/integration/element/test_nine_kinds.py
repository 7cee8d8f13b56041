"""The nine kinds of outcome, all really made, through DataJoint, catalogue and NWB: no number changes."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from shutil import copyfile
from typing import Any

import numpy as np
import pytest
import xarray as xr
from sqlalchemy import insert

import mystax
from mystax.core.geometry import Ellipse, Rectangle, Roi
from mystax.core.keypoints import KeypointSet
from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.outcomes import outcome_facts, record_outcome
from mystax.engine.catalog.tables import recording as recordings
from mystax.engine.export import ExportWish
from mystax.engine.importing import ImportWishes, import_file
from tests.fixtures.exchange_outcomes import contents
from tests.fixtures.face_tracks import SET, write_face
from tests.fixtures.lab import TWO, Lab, film
from tests.fixtures.sine_outcomes import publish_sines
from tests.fixtures.small_weights import write_small
from tests.integration.element.test_behavior import write_brain, write_views
from tests.integration.element.test_inference import model

pytestmark = [
    pytest.mark.slow,
    pytest.mark.extra("nwb"),
    pytest.mark.usefixtures("readers_here"),
    pytest.mark.parametrize("lab", TWO, indirect=True, scope="session"),
    pytest.mark.filterwarnings(
        "ignore:Mean of empty slice"
    ),  # `encoding` says it of a family that it did not fit
]

KINDS = ("motion", "svd", "pupil", "blink", "running", "pose", "pose3d", "states", "encoding")
ROIS = (
    Roi("pad", "motion", Rectangle(0, 0, 32, 32)),
    Roi("cheek", "motion", Rectangle(32, 32, 64, 32)),
    Roi("eye", "pupil", Ellipse(40, 20, 12, 10)),
    Roi("lids", "blink", Ellipse(40, 20, 14, 12)),
    Roi("wheel", "running", Rectangle(60, 20, 36, 40)),
)
START = datetime(2024, 3, 1, 10, tzinfo=UTC)


def same(found: Any, expected: Any) -> None:
    np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))


def done(report: dict[str, Any], table: str) -> None:
    assert report[table] == {"done": 1, "errors": [], "freed": 0}


def regions(lab: Lab) -> list[Path]:
    """Load motion, components, pupil, lids and wheel; compare the tables with the outcomes."""
    video = film(lab.root / "nine" / "face.mkv", 40)
    key = lab.recording(video)
    folder = video.parent / "outcomes"
    if not folder.exists():
        publish_sines(folder, lab.open(key), ROIS)
    task = lab.task(key, {}, facemap_output_dir="nine/outcomes", do_mot_svd=True, do_mov_svd=True)
    assert [item["errors"] for item in lab.populate(key).values()] == [[]] * 4
    known, signal = mystax.load(folder), lab.fbe.FacialSignal
    for row in (signal.Region & task & "roi_no < 2").to_dicts():
        energy, n_bins = known["motion"]["energy"], known["motion"]["n_bins"]
        same(row["motion"], energy.values[:, row["roi_no"]] * np.float32(n_bins.values[row["roi_no"]]))
    for table, kind in ((signal.MotionSVD, "motion"), (signal.MovieSVD, "movie")):
        rows = (table & task).to_dicts()
        assert len(rows) == 20
        for row in rows:
            same(row["projection"], known["svd"][f"{kind}_svd"].values[:, row["roi_no"], row["component_id"]])
    (eye,), (lids,), (wheel,) = (
        (table & task).to_dicts() for table in (signal.Pupil, signal.Blink, signal.Running)
    )
    for name in ("area", "centre", "confidence"):
        same(eye[name], known["pupil"][name].values[:, 0])
    same(lids["closure"], 1 - known["blink"]["openness"].values[:, 0])
    same(wheel["velocity"], known["running"]["velocity"].values[:, 0])
    return [folder / f"{name}.nc" for name in KINDS[:5]]


def points(lab: Lab, place: Path) -> list[Path]:
    """Track keypoints with small weights; compare the tables with the outcome."""
    shipped = KeypointSet.load("mouse-face-15")
    five = shipped.subset(shipped.ids[:5])
    if not lab.fi.FacemapModel & "model_id=9":
        small = write_small(place, points=five.ids, keypoints=five.to_toml())
        lab.fi.FacemapModel.insert_new_model(9, "nine", "for tests", small)
    key = {**lab.recording(film(lab.root / "nine" / "head.mkv", 6, size=(96, 96))), "model_id": 9}
    lab.fi.FacemapInferenceTask.generate(key, task_mode="trigger", bbox=[0, 96, 0, 96])
    done(lab.fi.populate_all(key), "FacemapInference")
    folder = lab.fi.FacemapInferenceTask.infer_output_dir(key, relative=False)
    (path,) = folder.rglob("pose.nc")
    known: Any = mystax.load(path)
    names = {point.facemap: k for k, point in enumerate(five)}
    rows = (lab.fi.FacemapInference.BodyPartPosition & key).to_dicts()
    assert {row["body_part"] for row in rows} == set(names)
    for row in rows:
        k = [str(name) for name in known["keypoint"].values].index(five.ids[names[row["body_part"]]])
        for axis, name in enumerate(("x_pos", "y_pos")):
            same(row[name], known["position"].values[:, axis, k, 0])
        same(row["likelihood"], known["confidence"].values[:, k, 0])
    return [path]


def space(lab: Lab) -> list[Path]:
    """Bring the tracks of two cameras together; compare the tables with the outcome."""
    write_views(lab.root / "nine-space")
    session = lab.session()
    key = {**session, "set_id": 0}
    lab.be.MultiCameraRecording.insert1({**key, "calibration_path": "nine-space/calibration.toml"})
    for c in range(2):
        file = film(lab.root / "nine-space" / f"cam{c}.mkv", 4)
        own = {**session, "recording_id": c}
        lab.fbe.VideoRecording.insert1({**own, "device": f"cam{c}"})
        relative = file.relative_to(lab.root).as_posix()
        lab.fbe.VideoRecording.File.insert1({**own, "file_id": 0, "file_path": relative})
        lab.be.MultiCameraRecording.View.insert1({**key, "camera": f"cam{c}", "recording_id": c})
    task = {**key, "model_id": model(lab)}
    tracks = {f"cam{c}": f"nine-space/cam{c}.csv" for c in range(2)}
    lab.be.Pose3DTask.insert1({**task, "parameters": {"tracks": tracks, "rate": 100, "smooth": "none"}})
    done(lab.be.populate_all(task), "Pose3D")
    path = lab.root / (lab.be.Pose3D & task).fetch1("provenance")["path"]
    known: Any = mystax.load(path)
    rows = {row["body_part"]: row for row in (lab.be.Pose3D.Keypoint & task).to_dicts()}
    for k, name in enumerate(map(str, known["keypoint"].values)):
        same(rows[name]["position"], known["position"].values[:, :, k, 0])
        same(rows[name]["confidence"], known["confidence"].values[:, k, 0])
    return [path]


def expressions(lab: Lab) -> list[Path]:
    """Find two states; compare the tables with the outcome."""
    video = film(lab.root / "nine-states" / "face.mkv", 4)
    write_face(video.with_name("face.csv"), 1, n=240)
    key = {**lab.recording(video), "state_task_id": 0}
    parameters = {"n_states": 2, "rate": 30, "covariance": "diagonal", "max_components": 2}
    recipe = {"inputs": "nine-states/face.csv", "keypoints": SET, "parameters": parameters}
    lab.be.BehaviorStateTask.insert1({**key, "recipe": recipe})
    done(lab.be.populate_all(key), "BehaviorState")
    row = (lab.be.BehaviorState & key).fetch1()
    path = lab.root / row["provenance"]["path"]
    known: Any = mystax.load(path)
    same(row["label"], known["label"])
    same(row["posterior"], known["posterior"])
    bouts = (lab.be.BehaviorState.Bout & key).to_dicts(order_by="bout")
    same([bout["start"] for bout in bouts], known["bout_start"])
    same([bout["stop"] for bout in bouts], known["bout_stop"])
    return [path]


def neurons(lab: Lab) -> list[Path]:
    """Fit an encoder; compare the tables with the outcome."""
    folder = lab.root / "nine-brain"
    video = film(folder / "face.mkv", 4)
    if not (folder / "outcomes").exists():
        write_brain(folder)
    key = {**lab.recording(video), "prediction_task_id": 0}
    parameters = {
        "model": "linear",
        "folds": 2,
        "null": "none",
        "parts": False,
        "lags": False,
        "scales": "one",
    }
    neural = {"clock": "npy:nine-brain/stamps.npy", "signal": "deconvolved"}
    recipe = {"inputs": "nine-brain/outcomes", "neural": neural, "parameters": parameters}
    lab.be.NeuralPredictionTask.insert1({**key, "neural_path": "nine-brain/activity.npy", "recipe": recipe})
    done(lab.be.populate_all(key), "NeuralPrediction")
    path = lab.root / (lab.be.NeuralPrediction & key).fetch1("outcome_path")
    known: Any = mystax.load(path)
    rows = (lab.be.NeuralPrediction.Neuron & key).to_dicts(order_by="neuron")
    same([row["explained_variance"] for row in rows], known["explained_variance"].sel(model="stacked"))
    return [path]


def through_catalogue(paths: list[Path], place: Path, wish: ExportWish) -> tuple[Path, Path]:
    """Put outcomes into a catalogue, read and export them by it; return their folder and the file."""
    with Catalog.create(place / "lab") as catalog:
        home = catalog.out / "sub-001" / "ses-01" / "standard"
        home.mkdir(parents=True)
        (home / "recipe.toml").write_text('name = "standard"\n')
        with catalog.database.write() as connection:
            row = {"id": 1, "folder": "sub-001/ses-01", "session": "01", "start": START.timestamp()}
            connection.execute(insert(recordings).values(**row))
            for path in paths:
                copyfile(path, home / path.name)
                record_outcome(connection, outcome_facts(catalog.out, home / path.name), recording_id=1)
        found = {path.stem: mystax.load(path) for _, path in catalog.outcomes("r1")}
        assert sorted(found) == sorted(KINDS)
        for path in paths:
            _identical(found[path.stem], mystax.load(path))
        (told,) = catalog.export(wish)
    assert told.errors == {}
    return home, told.files[0]


def _identical(found: Any, expected: Any) -> None:
    if isinstance(found, xr.Dataset):
        xr.testing.assert_identical(found, expected)
        return
    assert list(found) == list(expected)
    for name in found:
        xr.testing.assert_identical(found[name], expected[name])


def test_nine_kinds_of_outcome_pass_through_everything_unchanged(lab: Lab, tmp_path: Path) -> None:
    from mystax.io.nwb.options import NwbOptions

    pytest.importorskip("pynwb", reason='pip install "mystax[nwb]"')
    steps: tuple[Callable[[], list[Path]], ...] = (
        lambda: regions(lab),
        lambda: points(lab, tmp_path),
        lambda: space(lab),
        lambda: expressions(lab),
        lambda: neurons(lab),
    )
    paths = [path for step in steps for path in step()]
    assert tuple(path.stem for path in paths) == KINDS
    wish = ExportWish({"nwb": tmp_path / "nwb"}, nwb=NwbOptions(check=True))  # valid, every value, inspected
    home, file = through_catalogue(paths, tmp_path, wish)
    import_file(file, ImportWishes(out=tmp_path / "back"))
    assert contents(tmp_path / "back") == contents(home)
    assert len(contents(home)) == 9
