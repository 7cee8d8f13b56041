"""One function per analysis, for notebooks: frames in, Dataset out, in the caller's process.

The signatures and docstrings are made from the declarations, so a parameter is written once.
"""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mystax.core.analysis import Analysis, get_analysis
from mystax.core.params import Parameter, Params, parameters_of
from mystax.core.recording import Recording
from mystax.engine.machine import check_cores
from mystax.engine.places import MemoryPlace
from mystax.engine.plan import Request
from mystax.engine.recipe import Recipe, Step
from mystax.engine.roi_rules import RoisLike, place_rois, rois_from
from mystax.engine.runner import RunOptions, run_plan
from mystax.engine.sources import VideoLike, recording_from
from mystax.errors import RecipeError, nearest

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["analysis_function", "blink", "motion", "pupil", "running", "svd"]

blink: Callable[..., Dataset]
motion: Callable[..., Dataset]
pupil: Callable[..., Dataset]
running: Callable[..., Dataset]
svd: Callable[..., Dataset]


def analysis_function(name: str) -> Callable[..., Dataset]:
    """Make the function of one declared analysis.

    Parameters
    ----------
    name : str
        Name of the analysis; those of plug-ins too.

    Returns
    -------
    callable
        ``function(video, *, rois=None, camera="", cores=1, **parameters) -> Dataset``.

    Raises
    ------
    RecipeError
        P403, if there is no such analysis.
    """
    analysis = get_analysis(name)
    declared = parameters_of(analysis.params)

    def function(
        video: VideoLike, *, rois: RoisLike | None = None, camera: str = "", cores: int = 1, **parameters: Any
    ) -> Dataset:
        return _call(analysis, video, rois, camera, cores, parameters)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = _docstring(analysis, declared)
    function.__signature__ = _signature(function, analysis.params)  # type: ignore[attr-defined] # functions may carry one
    return function


def _call(
    analysis: Analysis,
    video: VideoLike,
    rois: RoisLike | None,
    camera: str,
    cores: int,
    parameters: dict[str, Any],
) -> Dataset:
    """Run one analysis on one camera, in this process."""
    check_cores(cores)
    recording = recording_from(video)
    name = camera or recording.reference
    if name not in recording.cameras:
        raise RecipeError("P403", recording.name, f"no camera {name!r}{nearest(name, recording.cameras)}")
    chosen = rois_from(rois)
    if chosen is not None:
        # A region without a camera is meant for the camera of this call.
        chosen = place_rois([roi if roi.camera else roi.at(name) for roi in chosen], recording)
        chosen = tuple(roi for roi in chosen if roi.camera == name)
    one = Recording(recording.name, {name: recording.cameras[name]}, name, recording.flags)
    recipe = Recipe(
        name=analysis.name, analysis=(Step(name=analysis.name, required=True, parameters=parameters),)
    )
    place = MemoryPlace()
    run_plan(one, Request(recipe, chosen), place, RunOptions(cores=cores))
    return place.outcomes[analysis.name]


def _signature(function: Callable[..., Dataset], params: type[Params]) -> inspect.Signature:
    """Return the signature with every declared parameter, its type and its default."""
    written = [item for name, item in inspect.signature(function).parameters.items() if name != "parameters"]
    keyword = inspect.Parameter.KEYWORD_ONLY
    declared = [
        inspect.Parameter(
            name, keyword, default=item.default, annotation=params.model_fields[name].annotation
        )
        for name, item in parameters_of(params).items()
    ]
    return inspect.Signature([*written, *declared], return_annotation="Dataset")


def _docstring(analysis: Analysis, declared: dict[str, Parameter]) -> str:
    """Write the docstring from the declaration."""
    wanted = analysis.roi_input
    if wanted is None:
        rois = "Not used."
    elif wanted.whole_frame:
        rois = f"Regions of kind {wanted.kind!r}; the whole frame if there are none."
    else:
        rois = f"Regions of kind {wanted.kind!r}, at least one."
    lines = [
        analysis.help or f"Run the analysis {analysis.name}.",
        "",
        "Parameters",
        "----------",
        "video : path, Recording, FrameSource or array (time, y, x)",
        "    The frames.",
        "rois : Roi, sequence of Roi, or path of a rois.toml, optional",
        f"    {rois}",
        "camera : str, optional",
        "    Which camera of a recording; by default its reference.",
        "cores : int, optional",
        "    Threads for independent pieces of work; the result does not depend on it.",
    ]
    for name, item in declared.items():
        unit = f" [{item.unit}]" if item.unit else ""
        lines += [f"{name} : {item.range_text}, default {item.default!r}{unit}", f"    {item.help}"]
    lines += ["", "Returns", "-------", "Dataset", "    " + ", ".join(analysis.outputs.variables) + "."]
    lines += [
        "",
        "Raises",
        "------",
        "ParameterError",
        "    P401, if a parameter is unknown or out of its range.",
    ]
    lines += ["RoiError", "    P402, if a region is missing or cannot be used."]
    return "\n".join(lines) + "\n"


def __getattr__(name: str) -> Callable[..., Dataset]:
    """Make a function when it is first used, so that one analysis never loads the others."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{nearest(name, __all__)}")
    globals()[name] = analysis_function(name)
    found: Callable[..., Dataset] = globals()[name]
    return found
