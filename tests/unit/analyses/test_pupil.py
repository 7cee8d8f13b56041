"""The declaration of `pupil`, and what it does on real frames."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mystax.analyses.pupil import PUPIL, PupilParams
from mystax.core.analysis import Reducer, get_analysis
from mystax.core.geometry import Ellipse, Roi
from mystax.core.params import check_params, parameters_of
from mystax.core.recording import ArraySource
from mystax.engine.passes import CameraPass, drive
from mystax.errors import ParameterError


def test_declaration_makes_a_reducer() -> None:
    found = get_analysis("pupil")
    assert found.outputs is PUPIL
    assert found.roi_input is not None
    assert found.roi_input.kind == "pupil"
    assert not found.roi_input.whole_frame
    assert isinstance(found.make(PupilParams()), Reducer)


@pytest.mark.parametrize(
    ("name", "below", "at", "above"),
    [
        ("threshold", 0.9, 1, 255.1),
        ("sigma", 0, 6, 6.1),
        ("reflection_level", 127, 256, 257),
        ("min_confidence", -0.1, 1, 1.1),
        ("max_axis_ratio", 0.9, 4, 4.1),
        ("smooth", -0.1, 5, 5.1),
        ("max_gap", -0.1, 10, 10.1),
    ],
)
def test_ranges_are_kept(name: str, below: float, at: float, above: float) -> None:
    check_params(PupilParams, {name: at}, "pupil")
    for value in (below, above):
        with pytest.raises(ParameterError, match=f"P401 parameter '{name}' of 'pupil'"):
            check_params(PupilParams, {name: value}, "pupil")


@pytest.mark.parametrize(
    ("name", "value"), [("method", "hough"), ("polarity", "grey"), ("threshold", "none")]
)
def test_unknown_choices_are_refused(name: str, value: str) -> None:
    with pytest.raises(ParameterError, match="P401"):
        check_params(PupilParams, {name: value}, "pupil")


def test_defaults_are_those_of_the_specification() -> None:
    defaults = {name: parameter.default for name, parameter in parameters_of(PupilParams).items()}
    assert defaults == {
        "method": "rim",
        "threshold": "auto",
        "sigma": 2.0,
        "polarity": "dark",
        "reflection_level": "auto",
        "min_confidence": 0.65,
        "max_axis_ratio": 2.0,
        "smooth": 0.2,
        "max_gap": 0.3,
        "facemap_compat": False,
    }


@pytest.mark.needs_data
@pytest.mark.parametrize("share", [1.0, 1.3])
def test_underexposed_eyes_get_no_diameter(real_data: Path, share: float) -> None:
    folder = real_data / "mouse_faces"
    if not (folder / "labels.csv").exists():
        pytest.skip(f"no {folder.name!r} in the folder of real data")
    with (folder / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    frames = np.stack([np.asarray(Image.open(folder / row["file"]).convert("L")) for row in rows])
    sides = ("front", "back", "top", "bottom")
    points = np.array(
        [[[float(row[f"eye_{side}_{axis}"]) for axis in "xy"] for side in sides] for row in rows]
    )
    front, back, top, bottom = np.median(points, axis=0)
    along, across = back - front, bottom - top
    centre = (front + back + top + bottom) / 4
    shape = Ellipse(
        float(centre[0]),
        float(centre[1]),
        share * float(np.hypot(*along)) / 2,
        share * float(np.hypot(*across)) / 2,
        float(np.arctan2(along[1], along[0])),
    )
    source = ArraySource(frames)
    reducer = get_analysis("pupil").make(PupilParams())
    drive(source, {"pupil": (reducer, CameraPass(source, "face", [Roi("eye", "pupil", shape)]))})
    outcome = reducer.finish()
    assert np.isfinite(outcome["area"].values).mean() <= 0.05
    assert "no edge between pupil and iris" in reducer.flags()[0].text
    assert reducer.flags()[0].code == "N302"
