"""Shape of a mouse's head: some fifty numbers in units of the distance from nose tip to eye centre.

The head's frame: origin at the nose tip, x through the eye's centre (caudal), y to the left, z up.
"""

import math
from dataclasses import dataclass

from mystax.synth.draws import Draw

__all__ = ["HeadShape", "draw_shape"]


@dataclass(frozen=True)
class HeadShape:
    """One animal's head; lengths in units of `length`, angles in radians.

    Attributes
    ----------
    length : float
        Nose tip to eye centre [mm].
    lid_length, lid_ratio, lid_tilt, lid_point : float
        Length of the lid opening, height over length, angle to the axis (positive: front corner higher),
        how pointed the corners are (0.5 an ellipse, 1 a parabola).
    globe, protrusion, eye_side, eye_up, eye_forward : float
        Radius of the globe over half the opening, what stands out of the skin (of the radius), distance of
        the skin at the eye from the midline, where the eye looks.
    nose_width, nose_top, nose_bottom : float, (x, z), (x, z)
        The naked nose.
    bridge, stop, brow, crown, occiput, nape : float
        Dorsal profile: convexity, steepness before the brow, heights.
    lip_bulge, mouth, lip, corner, chin, throat, chest : float or (x, z)
        Ventral profile.
    snout_width, cheek_width, neck_width, body_width : float
        Half-widths.
    widest : float
        Where sections are widest, 0 dorsal to 1 ventral.
    square : float
        Exponent of the sections, 2 an ellipse.
    pad, pad_radius, pad_bulge, pad_fan : (x, z), float, float, float
        Whisker pad.
    first, row_step, arc_step, row_tilt, row_curve : float
        Lattice of the follicles: place of C1 behind the pad's centre, distances, tilt, curvature.
    cheek_bulge, brow_bulge, fold, cleft : float
        Further bumps.
    ear_base, ear_up, ear_length, ear_width, ear_turn, ear_lean : float
        Ears.
    """

    length: float
    lid_length: float
    lid_ratio: float
    lid_tilt: float
    lid_point: float
    globe: float
    protrusion: float
    eye_side: float
    eye_up: float
    eye_forward: float
    nose_width: float
    nose_top: tuple[float, float]
    nose_bottom: tuple[float, float]
    bridge: float
    stop: float
    brow: float
    crown: float
    occiput: float
    nape: float
    lip_bulge: float
    mouth: tuple[float, float]
    lip: tuple[float, float]
    corner: tuple[float, float]
    chin: float
    throat: float
    chest: float
    snout_width: float
    cheek_width: float
    neck_width: float
    body_width: float
    widest: float
    square: float
    pad: tuple[float, float]
    pad_radius: float
    pad_bulge: float
    pad_fan: float
    first: float
    row_step: float
    arc_step: float
    row_tilt: float
    row_curve: float
    cheek_bulge: float
    brow_bulge: float
    fold: float
    cleft: float
    ear_base: float
    ear_up: float
    ear_length: float
    ear_width: float
    ear_turn: float
    ear_lean: float

    @property
    def lid_half(self) -> float:
        """Half the height of the lid opening."""
        return self.lid_length * self.lid_ratio / 2


def draw_shape(draw: Draw) -> HeadShape:
    """Draw the shape of a head.

    Parameters
    ----------
    draw : Draw
        Random numbers.

    Returns
    -------
    HeadShape
        A shape in which all parts fit each other.
    """
    u = draw.uniform
    lid_length, lid_ratio = u(0.21, 0.42), u(0.52, 1.05, ceiling=1.1)
    nose_top = (u(0.04, 0.16, floor=0.02), u(0.035, 0.145, floor=0.02))
    nose_bottom = (u(-0.01, 0.12), u(-0.22, -0.06, ceiling=-0.03))
    mouth_x = u(0.22, 0.52)
    mouth = (max(mouth_x, nose_bottom[0] + 0.12), min(u(-0.66, -0.32), nose_bottom[1] - 0.12))
    lip = (mouth[0] + u(0.015, 0.14, floor=0.0), mouth[1] - u(0.0, 0.12))
    corner = (max(u(0.5, 0.8), mouth[0] + 0.14), mouth[1] + u(-0.08, 0.06))
    brow = max(u(0.22, 0.48), lid_length * lid_ratio / 2 + 0.04)
    pad = (u(0.32, 0.64), u(-0.34, -0.04))
    throat = mouth[1] - u(0.02, 0.36)
    eye_side = u(0.40, 0.62)
    return HeadShape(
        length=u(10.0, 15.5),
        lid_length=lid_length,
        lid_ratio=lid_ratio,
        lid_tilt=math.radians(u(-10, 40)),
        lid_point=u(0.5, 0.85, floor=0.45, ceiling=1.0),
        globe=u(1.04, 1.32, floor=1.02),
        protrusion=u(0.22, 0.55),
        eye_side=eye_side,
        eye_up=u(0.0, 0.4),
        eye_forward=u(0.0, 0.45),
        nose_width=u(0.17, 0.28),
        nose_top=nose_top,
        nose_bottom=nose_bottom,
        bridge=u(-0.05, 0.07),
        stop=u(0.0, 0.10, floor=-0.02),
        brow=brow,
        crown=brow + u(-0.02, 0.2),
        occiput=brow + u(-0.15, 0.25),
        nape=brow + u(-0.35, 0.35),
        lip_bulge=u(-0.01, 0.10),
        mouth=mouth,
        lip=lip,
        corner=corner,
        chin=u(0.04, 0.16, floor=0.02),
        throat=throat,
        chest=throat - u(0.0, 0.4),
        snout_width=u(0.22, 0.36),
        cheek_width=eye_side + u(0.05, 0.25),
        neck_width=eye_side + u(0.05, 0.35),
        body_width=u(0.9, 1.5),
        widest=u(0.45, 0.65),
        square=u(2.0, 2.6, floor=1.9),
        pad=(pad[0], max(pad[1], mouth[1] + 0.14)),
        pad_radius=u(0.17, 0.34),
        pad_bulge=u(0.02, 0.13, floor=0.0),
        pad_fan=u(0.0, 0.5, floor=0.0),
        first=u(-0.06, 0.13),
        row_step=u(0.065, 0.125),
        arc_step=u(0.06, 0.125),
        row_tilt=math.radians(u(-15, 40)),
        row_curve=u(-0.1, 0.35),
        cheek_bulge=u(0.0, 0.12, floor=0.0),
        brow_bulge=u(0.0, 0.06, floor=0.0),
        fold=u(0.0, 0.05, floor=0.0),
        cleft=u(0.0, 0.06, floor=0.0),
        ear_base=u(1.6, 2.2),
        ear_up=u(0.3, 0.85),
        ear_length=u(0.7, 1.25),
        ear_width=u(0.65, 1.0),
        ear_turn=math.radians(u(-40, 40)),
        ear_lean=math.radians(u(-5, 50)),
    )
