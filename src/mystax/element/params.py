"""`facemap_params` of a task as a recipe and regions: our own form, or a dict of Facemap."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mystax.core.geometry import Rectangle, Roi, roi_from_dict
from mystax.engine.recipe import Recipe, Step, recipe_from_values
from mystax.errors import ParameterError, nearest
from mystax.io.formats.facemap_rois import facemap_rois

__all__ = ["TaskPlan", "params_of", "task_plan"]

OUR_KEYS = ("recipe", "rois")
USED = ("rois", "fullSVD", "pupil_sigma", "saturation")
"""Keys of Facemap that say what to do under the same name."""
RENAMED = {"sbin": "bin", "motSVD": "do_mot_svd", "movSVD": "do_mov_svd", "savepath": "facemap_output_dir"}
"""Keys of Facemap that say what to do, and what they are called here."""
FROM_VIDEO = (
    "filenames",
    "Ly",
    "Lx",
    "LY",
    "LX",
    "Lybin",
    "Lxbin",
    "LYbin",
    "LXbin",
    "sy",
    "sx",
    "sybin",
    "sxbin",
    "iframes",
    "cumframes",
    "nframes",
)
"""Facts about the videos: read from the videos instead."""
RESULTS = (
    "avgframe",
    "avgmotion",
    "avgframe_reshape",
    "avgmotion_reshape",
    "motion",
    "motSv",
    "movSv",
    "motMask",
    "movMask",
    "motMask_reshape",
    "movMask_reshape",
    "pupil",
    "blink",
    "running",
)
"""Results of an earlier analysis: no parameters."""
WINDOW = ("save_path", "save_mat", "proc")
KNOWN = (*USED, *RENAMED, *FROM_VIDEO, *RESULTS, *WINDOW)
STEPS = ("motion", "svd", "pupil", "blink", "running")
FRAME = "frame"


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """What a task asks for.

    Attributes
    ----------
    recipe : Recipe or None
        Analyses and parameters; None where the task names none (whatever is there is loaded).
    rois : tuple of Roi or None
        Regions; None where none are given.
    answers : dict of str to str
        Key of the task's parameters to what was done with it.
    full : bool
        Whether the whole frame is measured besides regions of motion.
    """

    recipe: Recipe | None
    rois: tuple[Roi, ...] | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    full: bool = False

    def regions(self, shape: tuple[int, int]) -> tuple[Roi, ...] | None:
        """Return the regions on pictures of `shape` (rows, columns): the whole frame first, if asked for."""
        if self.rois is None or not self.full or not any(roi.kind == "motion" for roi in self.rois):
            return self.rois
        frame = Roi(FRAME, "motion", Rectangle(0, 0, shape[1], shape[0]))
        return (frame, *self.rois)


def params_of(recipe: Recipe, rois: Sequence[Roi] | None) -> dict[str, Any]:
    """Return a recipe and regions in the form of `facemap_params`."""
    entries = None if rois is None else [roi.as_dict() for roi in rois]
    return {"recipe": recipe.model_dump(exclude_none=True), "rois": entries}


def task_plan(
    params: Mapping[str, Any] | None, *, do_mot_svd: bool, do_mov_svd: bool, where: str = "facemap_params"
) -> TaskPlan:
    """Return what a task asks for.

    Parameters
    ----------
    params : mapping or None
        ``{"recipe": {...}, "rois": [...]}``, or a dict of Facemap.
    do_mot_svd, do_mov_svd : bool
        Whether the components of motion and of the pictures are wanted.
    where : str, optional
        What error messages name.

    Returns
    -------
    TaskPlan
        Recipe, regions, and an answer to each key.

    Raises
    ------
    ParameterError
        P401, if a key is unknown (with the nearest one), or a value cannot be used.
    RecipeError
        P403, if the recipe cannot be used.
    RoiError
        P402, if a region cannot be used.
    """
    values = dict(params or {})
    if not values:
        return TaskPlan(None)
    ours = "recipe" in values
    known = OUR_KEYS if ours else KNOWN
    unknown = [key for key in values if key not in known]
    if unknown:
        raise ParameterError(
            "P401",
            where,
            f"unknown key {unknown[0]!r}{nearest(str(unknown[0]), known)}",
            expected="recipe and rois, or the keys of a Facemap file",
            got=", ".join(map(str, unknown[:8])),
        )
    plan = _of_ours(values, where) if ours else _of_facemap(values, where)
    assert plan.recipe is not None  # noqa: S101 - both make one; narrows the type
    # Facemap decomposes nothing where neither the frame nor a region of motion is asked for.
    any_svd = ours or "svd" in plan.recipe.names
    motion = any_svd and do_mot_svd and _flag(values.get("motSVD"))
    movie = any_svd and do_mov_svd and _flag(values.get("movSVD"))
    return replace(plan, recipe=_with_svd(plan.recipe, motion, movie))


def _flag(value: Any) -> bool:
    """Tell whether a key of Facemap does not forbid a decomposition; in its files it holds results."""
    return not (isinstance(value, bool | int | np.bool_) and not value)


def _of_ours(values: Mapping[str, Any], where: str) -> TaskPlan:
    recipe = recipe_from_values(values["recipe"], where)
    entries = values.get("rois")
    rois = None if entries is None else tuple(roi_from_dict(entry, where) for entry in entries)
    return TaskPlan(recipe, rois, dict.fromkeys(values, "used"))


def _of_facemap(values: Mapping[str, Any], where: str) -> TaskPlan:
    """Translate a dict of Facemap; every key gets an answer."""
    answers = {key: _answer(key) for key in values}
    found = facemap_rois(values)
    rois = [item.roi.at("") for item in found]
    full = bool(np.any(values.get("fullSVD", False)))
    parameters: dict[str, dict[str, Any]] = {}
    if "sbin" in values:
        size = int(np.ravel(values["sbin"])[0])
        parameters = {"motion": {"bin": size}, "svd": {"bin": size}}
    sigma = values.get("pupil_sigma")
    if sigma is None:
        sigma = next((item.sigma for item in found if item.sigma is not None), None)
    if sigma is not None:
        parameters["pupil"] = {"sigma": float(np.ravel(sigma)[0])}
    steps = tuple(
        Step(name=name, parameters=parameters.get(name, {})) for name in STEPS if _is_asked(name, rois, full)
    )
    recipe = recipe_from_values({"name": "facemap", "analysis": [step.model_dump() for step in steps]}, where)
    return TaskPlan(recipe, tuple(rois), answers, full)


def _is_asked(name: str, rois: Sequence[Roi], full: bool) -> bool:
    kinds = {roi.kind for roi in rois}
    if name in ("motion", "svd"):
        return full or "motion" in kinds or not rois
    return name in kinds


def _answer(key: str) -> str:
    if key in RENAMED:
        return f"renamed: {RENAMED[key]}"
    if key in USED:
        return "used"
    if key in FROM_VIDEO:
        return "not used: read from the video"
    return "not used: no parameter of the analysis"


def _with_svd(recipe: Recipe, do_mot_svd: bool, do_mov_svd: bool) -> Recipe:
    """Return the recipe with exactly the decompositions that the task asks for."""
    rest = [step for step in recipe.analysis if step.name != "svd"]
    own = [step for step in recipe.analysis if step.name == "svd"] or [Step(name="svd")]
    if not (do_mot_svd or do_mov_svd):
        return recipe.model_copy(update={"analysis": tuple(rest)})
    asked = {"with_motion": do_mot_svd, "with_movie": do_mov_svd}
    place = next((k for k, step in enumerate(recipe.analysis) if step.name == "svd"), len(recipe.analysis))
    steps = [step.model_copy(update={"parameters": {**step.parameters, **asked}}) for step in own]
    return recipe.model_copy(update={"analysis": (*rest[:place], *steps, *rest[place:])})
