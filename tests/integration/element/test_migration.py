"""From Element Facemap: rows that people entered arrive as they were, the rest is told with its reason."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mystax.core.keypoints import KeypointSet
from mystax.errors import RecipeError
from tests.fixtures.lab import FIRST, SESSION, Lab, drop_schemas, film
from tests.fixtures.small_weights import write_small

pytestmark = pytest.mark.parametrize("lab", FIRST, indirect=True, scope="session")

PARAMS = {"sbin": 4, "fullSVD": True, "motSVD": True}
BOX = [0, 96, 0, 96]


def declare(lab: Lab, *names: str) -> dict[str, Any]:
    """Make schemas as Element Facemap has them after its columns were labelled."""
    import datajoint as dj

    fbe, fi = (dj.Schema(name, connection=lab.connection) for name in names)
    context: dict[str, Any] = {"Device": lab.module.Device}

    class Session(dj.Manual):
        definition = SESSION

    context["Session"] = fbe(Session, context=context)

    class File(dj.Part):
        definition = "-> master\nfile_id : int16\n---\nfile_path : varchar(255)"

    class VideoRecording(dj.Manual):
        definition = "-> Session\nrecording_id : int32\n---\n-> Device"

    VideoRecording.File = File
    context["VideoRecording"] = fbe(VideoRecording, context=context)

    class FacemapTask(dj.Manual):
        definition = """
        -> VideoRecording
        facemap_task_id : int16
        ---
        facemap_output_dir="" : varchar(255)
        task_mode="load" : enum('load', 'trigger')
        facemap_params : <blob>
        do_mot_svd=1 : int8
        do_mov_svd=0 : int8
        task_description="" : varchar(128)
        """

    class FacemapModel(dj.Manual):
        definition = 'model_id : int32\n---\nmodel_name : varchar(64)\nmodel_description="" : varchar(1000)'

    class FacemapInferenceTask(dj.Manual):
        definition = """
        -> VideoRecording
        -> FacemapModel
        ---
        facemap_inference_output_dir="" : varchar(255)
        task_description="" : varchar(128)
        task_mode="load" : enum('load', 'trigger')
        bbox=null : <blob>
        """

    fbe(FacemapTask, context=context)
    context["FacemapModel"] = fi(FacemapModel, context=context)
    fi(FacemapInferenceTask, context=context)
    found: dict[str, Any] = {}
    for schema in (fbe, fi):
        schema.make_classes(into=found)
    return found


@pytest.fixture
def old(lab: Lab) -> Iterator[tuple[tuple[str, str], dict[str, Any], dict[str, Any]]]:
    """Give the names of old schemas, their tables, and the key of the one video that is in them."""
    names = (f"{lab.prefix}_old_fbe", f"{lab.prefix}_old_fi")
    drop_schemas(lab.connection, *reversed(names))
    tables = declare(lab, *names)
    video = film(lab.root / "moved" / "face.mkv", 6, size=(96, 96))
    session = lab.session()
    tables["Session"].insert1(session)
    key = {**session, "recording_id": 3}
    tables["VideoRecording"].insert1({**key, "device": "cam1"})
    path = video.relative_to(lab.root).as_posix()
    tables["VideoRecording"].File.insert1({**key, "file_id": 0, "file_path": path})
    tables["FacemapTask"].insert(
        [
            {**key, "facemap_task_id": 0, "facemap_params": PARAMS, "do_mov_svd": 1},
            {**key, "facemap_task_id": 1, "facemap_params": {"sbinn": 4}, "do_mov_svd": 0},
        ]
    )
    models = ((71, "ours", "trained here"), (72, "theirs", ""))
    names_of_model = ("model_id", "model_name", "model_description")
    tables["FacemapModel"].insert([dict(zip(names_of_model, row, strict=True)) for row in models])
    for number in (71, 72):
        tables["FacemapInferenceTask"].insert1({**key, "model_id": number, "bbox": BOX})
    yield names, tables, key
    drop_schemas(lab.connection, *reversed(names))


def small(folder: Path) -> Path:
    points = KeypointSet.load("mouse-face-15")
    five = points.subset(points.ids[:5])
    return write_small(folder, points=five.ids, keypoints=five.to_toml())


def test_a_dry_run_says_what_would_be_copied_and_copies_nothing(lab: Lab, old: Any, tmp_path: Path) -> None:
    from mystax.element import copy_manual_tables

    names, _, key = old
    report = copy_manual_tables(names, models={71: small(tmp_path)})
    assert {table: found.copied for table, found in report.items()} == {
        "VideoRecording": 1,
        "VideoRecording.File": 1,
        "FacemapTask": 2,
        "FacemapModel": 1,
        "FacemapInferenceTask": 1,
    }
    assert len(lab.fbe.VideoRecording & key) == 0
    ((about, reason),) = report["FacemapModel"].left_out
    assert (about, "models={72: NAME}" in reason) == ({"model_id": 72}, True)
    ((about, reason),) = report["FacemapInferenceTask"].left_out
    assert (about["model_id"], reason) == (72, "its model was left out")
    ((about, reason),) = report["FacemapTask"].notes
    assert about["facemap_task_id"] == 1
    assert "P401" in reason
    assert "sbin" in reason


def test_rows_arrive_as_they_were_and_once(lab: Lab, old: Any, tmp_path: Path) -> None:
    from mystax.element import copy_manual_tables

    names, tables, key = old
    first = copy_manual_tables(names, models={71: small(tmp_path)}, dry_run=False)
    assert first["VideoRecording.File"].copied == 1
    again = copy_manual_tables(names, models={71: small(tmp_path)}, dry_run=False)
    assert {found.copied for found in again.values()} == {0}
    assert [found.present for found in again.values()] == [1, 1, 2, 1, 1]
    row = (lab.fbe.VideoRecording & key).fetch1()
    assert row["device"] == "cam1"
    files, clock = lab.fbe.video_of(key)
    assert (files, clock) == (["moved/face.mkv"], None)
    task = (lab.fbe.FacemapTask & {**key, "facemap_task_id": 0}).fetch1()
    assert task["facemap_params"] == PARAMS
    assert (bool(task["do_mot_svd"]), bool(task["do_mov_svd"])) == (True, True)
    assert (lab.fi.FacemapModel & "model_id=71").fetch1()["model_name"] == "ours"
    assert len(lab.fi.FacemapModel.BodyPart & "model_id=71") == 5
    bbox = (lab.fi.FacemapInferenceTask & {**key, "model_id": 71}).fetch1()["bbox"]
    assert np.asarray(bbox).tolist() == BOX
    report = lab.fbe.populate_all(key)
    assert report["RecordingInfo"]["done"] == 1, "the copied video is computed as any other"
    assert len(tables["FacemapTask"]()) == 2, "the old schema stays as it is"
    (lab.fi.FacemapModel & "model_id=71").delete(prompt=False)


def test_videos_of_sessions_that_the_lab_does_not_have_are_left_out(lab: Lab, old: Any) -> None:
    from mystax.element import copy_manual_tables

    names, tables, key = old
    gone = {**key, "session_datetime": datetime(2020, 1, 1)}  # noqa: DTZ001 - as databases keep it
    tables["Session"].insert1({name: gone[name] for name in lab.module.Session.primary_key})
    tables["VideoRecording"].insert1({**gone, "device": "cam0"})
    tables["VideoRecording"].File.insert1({**gone, "file_id": 0, "file_path": "gone.mkv"})
    report = copy_manual_tables(names[0])
    assert report["VideoRecording"].copied == 1
    ((about, reason),) = report["VideoRecording"].left_out
    assert about["recording_id"] == 3
    assert "Session" in reason
    assert report["VideoRecording.File"].left_out[0][1] == "its video was left out"
    assert list(report) == ["VideoRecording", "VideoRecording.File", "FacemapTask"]


@pytest.mark.parametrize("name", ["lab_nowhere", "_lab"])
def test_an_old_schema_that_is_none_is_refused(lab: Lab, name: str) -> None:
    from mystax.element import copy_manual_tables

    wanted = f"{lab.prefix}{name}" if name.startswith("_") else name
    with pytest.raises(RecipeError, match="P403"):
        copy_manual_tables(wanted)
