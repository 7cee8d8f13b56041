"""Scenes: pure functions of the frame number, with the movement that is promised."""

import itertools

import numpy as np
import pytest

from mystax.errors import RecipeError
from mystax.synth.barcode import BARCODE_SHAPE, read_barcode
from mystax.synth.faulty_scenes import SCENES, FaultyScene

FLAT = ("black", "saturated", "constant")
TALL = BARCODE_SHAPE[0]


def scene(
    name: str = "texture", *, seed: int = 0, event_seed: int | None = None, bits: int = 8
) -> FaultyScene:
    return FaultyScene(name, (96, 64), 60, seed, event_seed, bits=bits)


@pytest.mark.parametrize("name", SCENES)
def test_a_frame_is_the_same_whenever_it_is_drawn(name: str) -> None:
    np.testing.assert_array_equal(scene(name).picture(17), scene(name).picture(17))


@pytest.mark.parametrize("name", [name for name in SCENES if name not in FLAT])
def test_every_frame_carries_its_number(name: str) -> None:
    assert [read_barcode(scene(name).picture(index)) for index in (0, 1, 30, 59)] == [0, 1, 30, 59]


@pytest.mark.parametrize(("name", "level"), [("black", 0), ("saturated", 255), ("constant", 128)])
def test_flat_scenes_have_one_level(name: str, level: int) -> None:
    assert set(np.unique(scene(name).picture(3))) == {level}


def test_neighbouring_frames_differ_much() -> None:
    frames = [scene().picture(index)[TALL:].astype(float) for index in range(60)]
    assert min(np.abs(a - b).mean() for a, b in itertools.pairwise(frames)) > 5


def test_the_frozen_third_stands_still_but_for_its_number() -> None:
    still = scene("frozen")
    assert still.special == tuple(range(20, 40))
    below = [still.picture(index)[TALL:] for index in (20, 30, 39)]
    assert all((one == below[0]).all() for one in below)
    assert not (still.picture(40)[TALL:] == below[0]).all()


def test_flicker_darkens_every_other_frame_by_a_fifth() -> None:
    means = [scene("flicker").picture(index)[TALL:].mean() for index in range(4)]
    plain = [scene().picture(index)[TALL:].mean() for index in range(4)]
    np.testing.assert_allclose(np.array(means) / plain, [1.0, 0.8, 1.0, 0.8], atol=0.02)


def test_pupil_of_the_face_has_the_stated_radius() -> None:
    face = FaultyScene("face", (192, 192), 10, 0)
    middle = face.picture(5)[60:140, 35:95]
    area = float((middle < 80).sum())
    # The eye around the pupil is 180, the pupil 35, noise 2; pixels at the edge count whole or not at all.
    assert area == pytest.approx(np.pi * face.pupil_radius(5) ** 2, rel=0.03)


def test_closed_eye_shows_no_pupil() -> None:
    closed = FaultyScene("face_closed", (192, 192), 30, 0)
    dark = [int((closed.picture(index)[84:116, 57:89] < 60).sum()) for index in (5, 15, 25)]
    assert closed.special == tuple(range(10, 20))
    assert dark[0] > 300
    assert dark[1] == 0
    assert dark[2] > 300


def test_cameras_of_one_event_share_movement_but_not_texture() -> None:
    one, other = scene(seed=1, event_seed=9), scene(seed=2, event_seed=9)
    energies = [
        [
            np.abs(source.picture(index + 1)[TALL:].astype(float) - source.picture(index)[TALL:]).mean()
            for index in range(59)
        ]
        for source in (one, other)
    ]
    assert np.corrcoef(energies)[0, 1] > 0.8
    assert np.abs(one.picture(3).astype(float) - other.picture(3)).mean() > 10


def test_numbers_choose_the_moments_of_the_event() -> None:
    late = FaultyScene("texture", (96, 64), 50, 0, numbers=tuple(range(10, 60)))
    np.testing.assert_array_equal(late.picture(5), scene().picture(15))


@pytest.mark.parametrize(("bits", "n_levels"), [(8, 256), (10, 1024), (12, 1500), (16, 1500)])
def test_ramp_has_many_levels_from_black_to_white(bits: int, n_levels: int) -> None:
    strip = scene("ramp", bits=bits).picture(0)[-16:]
    assert strip.min() == 0
    assert strip.max() == 2**bits - 1
    assert len(np.unique(strip)) >= n_levels


def test_deep_frames_are_the_eight_bit_frames_scaled() -> None:
    np.testing.assert_array_equal(scene(bits=12).picture(4), scene().picture(4).astype(np.uint16) * 16)


def test_an_unknown_scene_is_refused() -> None:
    with pytest.raises(RecipeError, match="textur"):
        scene("textur")
