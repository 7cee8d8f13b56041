"""Proposals of face and eye: closed forms first, real pictures last."""

from pathlib import Path

import numpy as np
import pytest

from mystax.compute.proposals import otsu, propose_face, proposed_rois
from mystax.core.geometry import Ellipse, Rectangle
from mystax.core.recording import ArraySource
from mystax.testing import measure
from tests.fixtures.labelled_eyes import labelled_eyes


def motion_map(*places: tuple[int, int, int, int, float]) -> np.ndarray:
    motion = np.random.default_rng(1).uniform(2.0, 2.4, (60, 80))
    for y0, y1, x0, x1, level in places:
        motion[y0:y1, x0:x1] += level
    return motion


def test_otsu_splits_two_groups_in_the_middle() -> None:
    values = np.concatenate([np.full(50, 10.0), np.full(30, 20.0)])
    assert otsu(values) == pytest.approx(15.0, abs=0.1)


def test_otsu_finds_the_best_of_all_thresholds() -> None:
    generator = np.random.default_rng(2)
    values = np.concatenate([generator.normal(0, 1, 300), generator.normal(6, 2, 200)])

    def between(threshold: float) -> float:
        low, high = values[values < threshold], values[values >= threshold]
        return float(len(low) * len(high) * (low.mean() - high.mean()) ** 2)

    best = max(between(t) for t in np.linspace(values.min() + 0.01, values.max(), 400))
    assert between(otsu(values)) >= 0.999 * best


def test_otsu_of_equal_values_is_the_value() -> None:
    assert otsu(np.full((3, 4), 7.0)) == 7.0


def test_the_face_is_the_box_that_moves_with_a_margin() -> None:
    motion = np.full((60, 80), 2.0)
    motion[10:30, 20:50] = 10.0
    found = propose_face(motion, 4, (240, 320))
    assert found is not None
    assert found[0] == Rectangle(68, 32, 144, 96)
    assert found[1] == pytest.approx(1 - 144 * 96 / (240 * 320))


def test_nothing_moves_nothing_is_proposed() -> None:
    assert propose_face(np.full((60, 80), 3.0), 4, (240, 320)) is None


def test_the_box_ends_at_the_edge_of_the_picture() -> None:
    found = propose_face(motion_map((0, 30, 0, 50, 8.0)), 4, (240, 320))
    assert found is not None
    assert found[0] == Rectangle(0, 0, 220, 132)


def test_holes_of_two_bins_are_closed() -> None:
    motion = motion_map((10, 30, 20, 50, 8.0))
    motion[10:30, 33:35] = 2.2
    found = propose_face(motion, 4, (240, 320))
    assert found is not None
    assert found[0] == Rectangle(68, 32, 144, 96)


def test_of_two_parts_the_larger_is_the_face() -> None:
    found = propose_face(motion_map((5, 25, 10, 40, 8.0), (45, 52, 60, 70, 9.0)), 4, (240, 320))
    assert found is not None
    assert found[0].y + found[0].height < 45 * 4


def test_a_wheel_away_from_a_sure_eye_is_no_face() -> None:
    motion = motion_map((45, 60, 0, 80, 30.0), (12, 24, 20, 36, 6.0))
    alone, known = (
        propose_face(motion, 4, (240, 320), eye) for eye in (None, Ellipse(200.0, 60.0, 24.0, 20.0))
    )
    assert alone is not None
    assert known is not None
    assert alone[0].y > 160
    assert (known[0].y + known[0].height) < 45 * 4
    assert known[0].x <= 80
    assert known[0].x + known[0].width >= 224


def test_a_snout_away_from_a_sure_eye_is_a_part_of_the_face() -> None:
    motion = motion_map((15, 35, 4, 24, 9.0), (14, 15, 45, 55, 4.0))
    found = propose_face(motion, 4, (240, 320), Ellipse(200.0, 60.0, 24.0, 20.0))
    assert found is not None
    assert found[0].x <= 16
    assert found[0].x + found[0].width >= 224
    assert found[0].y + found[0].height < 45 * 4


def test_an_eye_inside_of_the_moving_part_keeps_it() -> None:
    motion = motion_map((10, 40, 20, 60, 8.0))
    with_eye = propose_face(motion, 4, (240, 320), Ellipse(160.0, 100.0, 20.0, 16.0))
    without = propose_face(motion, 4, (240, 320))
    assert with_eye is not None
    assert without is not None
    assert with_eye[0] == without[0]


@pytest.mark.needs_data
def test_the_eye_of_real_mice_is_proposed(real_data: Path) -> None:
    from PIL import Image

    eyes_of = labelled_eyes(real_data / "mouse_faces")
    frames = np.stack(
        [np.asarray(Image.open(real_data / "mouse_faces" / name).convert("L")) for name in eyes_of]
    )
    outcome = measure("rois", ArraySource(frames))
    eye = next(roi for roi in proposed_rois(outcome) if roi.kind == "pupil")
    assert isinstance(eye.shape, Ellipse)
    away = [np.hypot(eye.shape.cx - x, eye.shape.cy - y) / length for x, y, length in eyes_of.values()]
    assert np.mean(np.array(away) <= 0.15) >= 0.95
    assert eye.confidence is not None
    assert eye.confidence >= 0.7
