"""An eye in a picture: closed forms first, real pictures last."""

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from mystax.compute.find_eye import EyeCandidate, find_eye, propose_eye
from mystax.core.geometry import Ellipse
from mystax.synth.scene import Scene
from tests.fixtures.labelled_eyes import labelled_eyes


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


@pytest.mark.needs_data
def test_the_eye_of_real_mice_is_found_in_single_frames(real_data: Path) -> None:
    from PIL import Image

    eyes_of = list(labelled_eyes(real_data / "mouse_faces").items())[::8]
    for name, (x, y, length) in eyes_of:
        found = find_eye(np.asarray(Image.open(real_data / "mouse_faces" / name).convert("L"), np.float32))
        assert found is not None
        assert np.hypot(found.shape.cx - x, found.shape.cy - y) <= 0.15 * length
