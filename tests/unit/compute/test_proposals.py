"""Proposals of face and eye from pictures: closed forms first, real pictures last."""

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from mystax.compute.proposals import EyeCandidate, find_eye, otsu, propose_eye, propose_face, proposed_rois
from mystax.core.geometry import Ellipse, Rectangle
from mystax.core.recording import ArraySource
from mystax.synth.scene import Scene
from mystax.testing import measure


def face_with_eye(
    cx: float = 210.0,
    cy: float = 90.0,
    a: float = 30.0,
    b: float = 24.0,
    *,
    angle: float = 0.3,
    glint: bool = True,
) -> np.ndarray:
    """Draw a dark eye on bright skin, with a dark wall to the left."""
    generator = np.random.default_rng(0)
    grey = 120.0 + 10 * gaussian_filter(generator.standard_normal((240, 320)), 2) / 0.14
    grey[:, :80] = 5.0
    y, x = np.mgrid[0:240, 0:320].astype(float)
    grey[Ellipse(cx, cy, a, b, angle).contains(x, y)] = 8.0
    if glint:
        grey[int(cy) - 8 : int(cy) - 4, int(cx) - 6 : int(cx) - 2] = 250.0
    return np.asarray(np.clip(grey + generator.normal(0, 2, grey.shape), 0, 255))


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


@pytest.mark.parametrize(("cx", "cy"), [(210.0, 90.0), (150.5, 130.25), (260.0, 60.0)])
def test_an_eye_is_found_in_its_place(cx: float, cy: float) -> None:
    found = find_eye(face_with_eye(cx, cy))
    assert found is not None
    assert found.shape.cx == pytest.approx(cx, abs=1.0)
    assert found.shape.cy == pytest.approx(cy, abs=1.0)
    assert found.shape.rx == pytest.approx(30, abs=3.0)
    assert found.shape.ry == pytest.approx(24, abs=3.0)
    assert found.shape.angle % np.pi == pytest.approx(0.3, abs=0.1)
    assert found.value > 0.7


def test_an_eye_without_a_glint_counts_half() -> None:
    shining, dull = find_eye(face_with_eye()), find_eye(face_with_eye(glint=False))
    assert shining is not None
    assert dull is not None
    assert dull.value == pytest.approx(shining.value / 2, rel=0.05)


def test_large_pictures_give_the_same_eye() -> None:
    large = np.repeat(np.repeat(face_with_eye(), 3, axis=0), 3, axis=1)
    found = find_eye(large)
    assert found is not None
    assert found.shape.cx == pytest.approx(3 * 210 + 1, abs=3)
    assert found.shape.ry == pytest.approx(72, abs=9)


def test_a_dark_patch_at_the_edge_is_no_eye() -> None:
    assert find_eye(face_with_eye(310.0, 90.0)) is None


@pytest.mark.parametrize(("a", "b"), [(60.0, 20.0), (5.0, 4.0), (90.0, 80.0)])
def test_patches_of_wrong_shape_or_size_are_no_eyes(a: float, b: float) -> None:
    found = find_eye(face_with_eye(200.0, 120.0, a, b, angle=0.0))
    assert found is None or found.value < 0.1


@pytest.mark.parametrize("level", [0.0, 100.0, 255.0])
def test_a_constant_picture_holds_no_eye(level: float) -> None:
    assert find_eye(np.full((120, 160), level)) is None


def test_a_tiny_picture_holds_no_eye() -> None:
    assert find_eye(np.zeros((5, 9))) is None


def test_the_eye_and_not_its_pupil_is_found() -> None:
    scene = Scene(seed=1, n_frames=60)
    picture = scene.source("left").frame_at(0).data[0].astype(float)
    found, opening = find_eye(picture), scene.view("left").eye(0).opening
    assert found is not None
    assert found.shape.cx == pytest.approx(opening[0], abs=2)
    assert found.shape.rx == pytest.approx(opening[2], rel=0.12)
    assert found.shape.ry == pytest.approx(opening[3], rel=0.12)


def eyes(*places: tuple[float, float], angle: float = 0.0) -> list[EyeCandidate | None]:
    return [EyeCandidate(Ellipse(x, y, 20.0, 15.0, angle), 0.8) for x, y in places]


def test_the_proposal_is_the_median_of_the_samples() -> None:
    found = propose_eye(eyes((100, 50), (102, 52), (101, 51), (250, 200)))
    assert found is not None
    shape, confidence, agreement = found
    assert (shape.cx, shape.cy) == (101.5, 51.5)
    assert agreement == 0.75
    assert confidence == pytest.approx(0.6)


def test_samples_without_an_eye_lower_the_confidence() -> None:
    found = propose_eye([*eyes((100, 50), (100, 50)), None, None])
    assert found is not None
    assert found[1] == pytest.approx(0.4)
    assert found[2] == 0.5


def test_no_eye_in_any_sample_is_no_proposal() -> None:
    assert propose_eye([None, None]) is None
    assert propose_eye([]) is None


def test_directions_of_axes_join_over_the_half_turn() -> None:
    found = propose_eye([*eyes((100, 50), angle=0.05), *eyes((100, 50), angle=np.pi - 0.05)])
    assert found is not None
    assert found[0].angle % np.pi == pytest.approx(0.0, abs=1e-9) or found[0].angle == pytest.approx(
        0.0, abs=1e-9
    )


def labelled_eyes(folder: Path) -> dict[str, tuple[float, float, float]]:
    """Return file -> centre x, y and length of the labelled eyes."""
    found = {}
    with (folder / "labels.csv").open(newline="") as table:
        for row in csv.DictReader(table):
            points = np.array(
                [
                    [float(row[f"eye_{side}_{axis}"]) for axis in "xy"]
                    for side in ("top", "front", "bottom", "back")
                ]
            )
            x, y = points.mean(axis=0)
            found[row["file"]] = (float(x), float(y), float(np.hypot(*(points[1] - points[3]))))
    return found


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


@pytest.mark.needs_data
def test_the_eye_of_real_mice_is_found_in_single_frames(real_data: Path) -> None:
    from PIL import Image

    eyes_of = list(labelled_eyes(real_data / "mouse_faces").items())[::8]
    for name, (x, y, length) in eyes_of:
        found = find_eye(np.asarray(Image.open(real_data / "mouse_faces" / name).convert("L"), np.float32))
        assert found is not None
        assert np.hypot(found.shape.cx - x, found.shape.cy - y) <= 0.15 * length
