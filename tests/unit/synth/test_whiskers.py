"""Whiskers: where they stand, how long they are, how they move."""

from dataclasses import replace

import numpy as np
import pytest

from mystax.synth.draws import Draw, Typical
from mystax.synth.head_mesh import HeadMesh, build_head
from mystax.synth.head_parts import Expression
from mystax.synth.head_shape import draw_shape
from mystax.synth.whiskers import LATTICE, Whiskers, draw_whisker_look, follicles, whisker_lines

N = len(LATTICE)


@pytest.fixture(scope="module")
def mesh() -> HeadMesh:
    return build_head(draw_shape(Typical()), Expression())


@pytest.fixture(scope="module")
def look() -> Whiskers:
    whole = draw_whisker_look(Draw((3,)))
    return replace(
        whole,
        contrast=0.8,
        solid=False,
        random=0 * whole.random,
        missing=np.zeros_like(whole.missing),
        length=1.0,
    )


def test_there_are_as_many_whiskers_as_a_mouse_has(mesh: HeadMesh, look: Whiskers) -> None:
    assert 25 < N < 40
    assert len(whisker_lines(mesh, look, 1.0)) == 2 * N + len(look.short) + 4


def test_follicles_of_both_sides_are_mirror_images(mesh: HeadMesh) -> None:
    (left, out), (right, other) = follicles(mesh, 1), follicles(mesh, -1)
    np.testing.assert_allclose(left * [1, -1, 1], right, atol=1e-9)
    np.testing.assert_allclose(out * [1, -1, 1], other, atol=1e-9)
    assert (left[:, 1] > 0).all()


def test_whiskers_begin_at_their_follicles(mesh: HeadMesh, look: Whiskers) -> None:
    np.testing.assert_allclose(whisker_lines(mesh, look, 1.0)[:N, :3], follicles(mesh, 1)[0])


def test_caudal_whiskers_are_longest(mesh: HeadMesh, look: Whiskers) -> None:
    lines = whisker_lines(mesh, look, 1.0)[:N]
    length = np.linalg.norm(lines[:, 6:9] - lines[:, :3], axis=1)
    by_arc = [length[LATTICE[:, 1] == arc].mean() for arc in range(1, 8)]
    assert (np.diff(by_arc) < 0).all()
    assert by_arc[0] > 4 * by_arc[-1] > 0.2


def test_upper_rows_point_up_and_lower_rows_down(mesh: HeadMesh, look: Whiskers) -> None:
    lines = whisker_lines(mesh, look, 1.0)[:N]
    rise = lines[:, 5] - lines[:, 2]
    assert rise[LATTICE[:, 0] == 0].mean() > 0 > rise[LATTICE[:, 0] == 4].mean()


def test_whisking_turns_whiskers_forward(look: Whiskers) -> None:
    shape = draw_shape(Typical())
    rest, ahead = (
        whisker_lines(build_head(shape, Expression(whisk=angle)), look, 1.0)[:N] for angle in (0.0, 0.5)
    )
    assert ((ahead[:, 6] - ahead[:, 0]) < (rest[:, 6] - rest[:, 0])).all()


def test_trimmed_whiskers_are_left_out(mesh: HeadMesh, look: Whiskers) -> None:
    gone = np.zeros_like(look.missing)
    gone[: N // 2] = True
    assert len(whisker_lines(mesh, replace(look, missing=gone), 1.0)) == 2 * N - N // 2 + len(look.short) + 4


def test_bright_and_dark_whiskers_say_so(mesh: HeadMesh, look: Whiskers) -> None:
    bright, dark = (whisker_lines(mesh, replace(look, contrast=c), 0.5) for c in (0.8, -0.4))
    assert (bright[:N, 12] == 1).all()
    np.testing.assert_allclose(bright[:N, 10], 0.4)
    assert (dark[:N, 12] == 0).all()
    assert (whisker_lines(mesh, replace(look, solid=True), 0.5)[:N, 12] == 2).all()
    np.testing.assert_allclose(dark[:N, 10], 0.4)


def test_looks_have_both_signs_of_contrast() -> None:
    contrast = np.array([draw_whisker_look(Draw((k,))).contrast for k in range(300)])
    assert contrast.min() < -0.5
    assert contrast.max() > 0.9
    assert 0.2 < (contrast < 0).mean() < 0.45
