"""Names of Element Facemap: downstream code finds its nine classes with all attributes."""

from typing import Any

import pytest

from tests.fixtures.lab import TWO, Lab

pytestmark = pytest.mark.parametrize("lab", TWO, indirect=True, scope="session")

NAMES = {
    "fbe": {
        "VideoRecording": "recording_id device",
        "VideoRecording.File": "recording_id file_id file_path",
        "RecordingInfo": "px_height px_width nframes fps recording_duration recording_time",
        "FacemapTask": "facemap_task_id facemap_output_dir task_mode facemap_params do_mot_svd do_mov_svd"
        " task_description",
        "FacemapProcessing": "facemap_task_id processing_time package_version",
        "FacialSignal": "facemap_task_id",
        "FacialSignal.Region": "roi_no roi_name xrange yrange xrange_bin yrange_bin motion",
        "FacialSignal.MotionSVD": "roi_no component_id singular_value motmask projection",
        "FacialSignal.MovieSVD": "roi_no component_id singular_value movmask projection",
        "FacialSignal.Summary": "sbin avgframe avgmotion",
    },
    "fi": {
        "BodyPart": "body_part body_part_description",
        "FacemapModel": "model_id model_name model_description",
        "FacemapModel.BodyPart": "model_id body_part",
        "FacemapModel.File": "model_id model_file",
        "FacemapInferenceTask": "recording_id model_id facemap_inference_output_dir task_description"
        " task_mode bbox",
        "FacemapInference": "inference_completion_time inference_run_duration total_frame_count",
        "FacemapInference.BodyPartPosition": "model_id body_part x_pos y_pos likelihood",
    },
}
"""Classes and attributes of Element Facemap 0.3.0 (facts of its documentation)."""
METHODS = {
    "fbe": (
        "activate",
        "get_facemap_root_data_dir",
        "get_facemap_processed_data_dir",
        "FacemapTask.infer_output_dir",
    ),
    "fi": (
        "activate",
        "FacemapModel.insert_new_model",
        "FacemapInferenceTask.infer_output_dir",
        "FacemapInferenceTask.generate",
        "FacemapInferenceTask.insert_pose_estimation_task",
        "FacemapInference.get_trajectory",
    ),
}


def found(module: Any, path: str) -> Any:
    for name in path.split("."):
        module = getattr(module, name)
    return module


@pytest.mark.parametrize("module", ["fbe", "fi"])
def test_every_class_has_its_attributes(lab: Lab, module: str) -> None:
    for path, names in NAMES[module].items():
        heading = found(getattr(lab, module), path)().heading
        missing = set(names.split()) - set(heading.names)
        assert not missing, path
    for path in METHODS[module]:
        assert callable(found(getattr(lab, module), path)), path


def test_facemap_points_are_there_under_their_names(lab: Lab) -> None:
    names = set(lab.fi.BodyPart().to_arrays("body_part").tolist())
    eye = {f"eye({side})" for side in ("back", "bottom", "front", "top")}
    nose = {f"nose({place})" for place in ("bottom", "r", "tip", "top")}
    whiskers = {f"whisker({row})" for row in ("I", "II", "III")}
    assert eye | nose | whiskers | {"lowerlip", "mouth", "nosebridge", "paw"} <= names


def test_frames_per_second_are_no_whole_number(lab: Lab) -> None:
    kind = str(lab.fbe.RecordingInfo().heading["fps"].type)
    assert "double" in kind
