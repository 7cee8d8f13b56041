"""Damaged videos with known truth, made at call time: nothing binary is shipped."""

from fractions import Fraction
from pathlib import Path

from mystax.errors import RecipeError, nearest
from mystax.synth.faulty_damage import DAMAGE
from mystax.synth.faulty_pictures import PICTURES
from mystax.synth.faulty_plan import CONTAINERS, Plan, write_plan
from mystax.synth.faulty_scenes import SCENES
from mystax.synth.faulty_stamps import STAMPS
from mystax.synth.truth import Truth

__all__ = ["faulty_kinds", "faulty_video"]

_KINDS = DAMAGE | STAMPS | PICTURES


def faulty_kinds() -> tuple[str, ...]:
    """List the kinds that `faulty_video` can make."""
    return ("clean", *_KINDS)


def faulty_video(
    path: str | Path,
    kind: str,
    *,
    container: str = "mp4",
    codec: str = "h264",
    n_frames: int = 300,
    size: tuple[int, int] = (96, 96),
    rate: Fraction = Fraction(30),
    seed: int = 0,
    key_interval: int = 60,
    b_frames: int = 0,
    scene: str = "texture",
) -> Truth:
    """Write a video with one kind of fault, and say the truth about it.

    Each frame carries its number as a barcode in the top left corner (see `read_barcode`); below it the
    picture is a moving texture, so that a wrong picture shows in the pixels too.  Equal calls write equal
    bytes, and the file before the damage is that of the kind ``clean`` with the same arguments.

    Parameters
    ----------
    path : str or Path
        The file to write; the suffix does not decide the container.
    kind : str
        One of `faulty_kinds()`.
    container, codec : str, optional
        Container and codec; kinds that exist in one form only take that form (`Truth` tells).
    n_frames : int, optional
        Number of frames to write.
    size : tuple of int, optional
        Width and height as displayed [px]; a barcode needs 36 x 24.
    rate : Fraction, optional
        Frames per second.
    seed : int, optional
        Of texture, noise, movement and the place of damage.
    key_interval, b_frames : int, optional
        Distance of key frames; pictures between two references that are stored out of order.
    scene : str, optional
        ``texture``, ``face`` (fur, whisker pad, eye with pupil) or another of `faulty_scenes.SCENES`.

    Returns
    -------
    Truth
        Times, frames, damage, and the codes that a right reader gives.

    Raises
    ------
    RecipeError
        P403, if there is no such kind, container, codec or scene, or they do not go together.

    Examples
    --------
    >>> truth = faulty_video("cut.mkv", "cut_50", container="mkv")  # doctest: +SKIP
    >>> truth.n_frames, sorted(truth.codes)  # doctest: +SKIP
    (149, ['V101'])
    """
    for what, name, known in (
        ("kind", kind, faulty_kinds()),
        ("container", container, CONTAINERS),
        ("scene", scene, SCENES),
    ):
        if name not in known:
            raise RecipeError(
                "P403", f"faulty video {Path(path).name!r}", f"no {what} {name!r}{nearest(name, known)}"
            )
    plan = Plan(
        path=Path(path),
        kind=kind,
        container=container,
        codec=codec,
        n_frames=n_frames,
        size=size,
        rate=Fraction(rate),
        seed=seed,
        key_interval=key_interval,
        b_frames=b_frames,
        scene=scene,
    )
    plan.use(codec)
    if kind != "clean":
        _KINDS[kind](plan)
    return write_plan(plan)
