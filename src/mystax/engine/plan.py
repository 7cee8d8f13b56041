"""The plan of a run: which outcomes are wanted, current, or cannot be had; nothing is read yet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from mystax.core.analysis import Analysis, get_analysis
from mystax.core.canonical import outcome_key, pass_key, result_parameters
from mystax.core.clock import clock_id
from mystax.core.geometry import Roi
from mystax.core.params import Params, check_params, parameters_of
from mystax.core.recording import FrameSource, Recording
from mystax.engine.recipe import ANY_CAMERA, UNNAMED, Recipe, Step
from mystax.engine.roi_rules import check_bins, check_rois, place_rois, rois_for
from mystax.errors import RecipeError, RoiError, nearest

__all__ = ["CameraPart", "Plan", "PlannedOutcome", "Proposals", "Request", "make_plan"]

State = Literal["wanted", "current", "not applicable"]
PROPOSER = "rois"
PROPOSED_KINDS = ("pupil", "blink")
MIN_PROPOSAL = 0.5
"""Pupil and blink are measured by themselves only where an eye proposal is at least this sure."""

NO_KEY = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What a run is asked for.

    Attributes
    ----------
    recipe : Recipe
        Analyses and parameters.
    rois : tuple of Roi, optional
        The regions; None when none were given.
    propose : bool
        Propose regions although some are given.
    force : bool
        Make outcomes again that are current.
    """

    recipe: Recipe
    rois: tuple[Roi, ...] | None = None
    propose: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True)
class Proposals:
    """Proposed regions and the `content_sha256` of the outcome that they come from."""

    rois: tuple[Roi, ...]
    content: str


@dataclass(frozen=True, slots=True)
class CameraPart:
    """The part of an outcome that one camera gives."""

    camera: str
    rois: tuple[Roi, ...]
    params: Params


@dataclass(frozen=True, slots=True)
class PlannedOutcome:
    """One outcome of a plan.

    Attributes
    ----------
    analysis : Analysis
        The declaration.
    state : {"wanted", "current", "not applicable"}
        What is to be done about it.
    reason : str
        Why, in words.
    key : str
        Its key; "" while proposals that it depends on are not made yet.
    parts : tuple of CameraPart
        What is done on which camera.
    parameters : dict
        All parameters: of the only camera, or of all if equal, else per camera.
    inputs : tuple of dict
        Fingerprints, as they stand in the key.
    """

    analysis: Analysis
    state: State
    reason: str = ""
    key: str = NO_KEY
    parts: tuple[CameraPart, ...] = ()
    parameters: Mapping[str, object] = field(default_factory=dict)
    inputs: tuple[Mapping[str, object], ...] = ()

    @property
    def name(self) -> str:
        """Name of the analysis."""
        return self.analysis.name

    def as_dict(self) -> dict[str, object]:
        """Return the JSON object of the outcome."""
        return {
            "analysis": self.name,
            "state": self.state,
            "reason": self.reason,
            "key": self.key,
            "cameras": {part.camera: [roi.name for roi in part.rois] for part in self.parts},
            "parameters": dict(self.parameters),
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will do.

    Attributes
    ----------
    recording : str
        Name of the recording.
    recipe : Recipe
        The recipe in use.
    outcomes : tuple of PlannedOutcome
        All outcomes, in the order of the recipe.
    rois : tuple of Roi
        All regions in use: given and proposed.
    notes : tuple of str
        Remarks, such as regions that are clipped.
    awaits_proposals : bool
        Whether regions must be proposed before the rest of the plan is known exactly.
    """

    recording: str
    recipe: Recipe
    outcomes: tuple[PlannedOutcome, ...]
    rois: tuple[Roi, ...] = ()
    notes: tuple[str, ...] = ()
    awaits_proposals: bool = False

    @property
    def wanted(self) -> tuple[PlannedOutcome, ...]:
        """The outcomes to be made."""
        return tuple(item for item in self.outcomes if item.state == "wanted")

    @property
    def applicable(self) -> tuple[PlannedOutcome, ...]:
        """The outcomes that are or will be there."""
        return tuple(item for item in self.outcomes if item.state != "not applicable")

    @property
    def key(self) -> str:
        """The key of the pass that makes the wanted outcomes."""
        return pass_key(item.key for item in self.wanted)

    def outcome(self, name: str) -> PlannedOutcome:
        """Return the planned outcome of one analysis."""
        return next(item for item in self.outcomes if item.name == name)


def make_plan(
    recording: Recording,
    request: Request,
    *,
    current: Callable[[str], str] = lambda _: NO_KEY,
    proposals: Proposals | None = None,
) -> Plan:
    """Plan a run; reads nothing but what the recording already knows.

    Parameters
    ----------
    recording : Recording
        The cameras.
    request : Request
        Recipe and regions.
    current : callable, optional
        Name of an analysis to the key of its outcome in the folder, "" if there is none.
    proposals : Proposals, optional
        The proposed regions, once they are known.

    Returns
    -------
    Plan
        The outcomes with their states and keys.

    Raises
    ------
    RoiError
        P402, if a region or a face box cannot be used, or a required region is missing.
    RecipeError
        P403, if a camera or point is unknown, or two analyses ask for different bins on one camera.
    ParameterError
        P401, if a parameter cannot be used.
    """
    proposing = _is_proposing(request)
    recipe = _with_proposer(request.recipe, proposing)
    _check_cameras(recipe, recording)
    given = place_rois(request.rois or (), recording)
    notes = check_rois(given, recording)
    if request.rois == () and not proposing:
        notes.append("no region is given, and none is proposed: only the whole frame is measured")
    rois = given
    if proposing and proposals is not None:
        taken = {roi.name for roi in given}
        rois += tuple(roi for roi in _sure(proposals.rois) if roi.name not in taken)
    bins = _bins(recipe, recording)
    pending = proposing and proposals is None
    context = _Context(
        recording, recipe, rois, proposals if proposing else None, bins, current, request.force
    )
    outcomes = [
        context.proposer(proposing) if name == PROPOSER else context.outcome(name) for name in recipe.names
    ]
    if pending:
        outcomes = [_awaiting(item) for item in outcomes]
    else:
        _check_required(outcomes, recipe, proposing)
    return Plan(recording.name, recipe, tuple(outcomes), rois, tuple(notes), awaits_proposals=pending)


def _is_proposing(request: Request) -> bool:
    """Tell whether regions are to be proposed: when none are given, or when it is asked for."""
    names = request.recipe.names
    asked = request.propose or (request.recipe.name == UNNAMED and PROPOSER in names)
    needs_eye = request.recipe.name == UNNAMED and any(_kind(name) in PROPOSED_KINDS for name in names)
    return asked or (request.rois is None and (PROPOSER in names or needs_eye))


def _kind(name: str) -> str:
    wanted = get_analysis(name).roi_input
    return wanted.kind if wanted is not None else ""


def _with_proposer(recipe: Recipe, proposing: bool) -> Recipe:
    """Put the proposals in front of the recipe where they are needed."""
    if not proposing:
        return recipe
    steps = [step for step in recipe.analysis if step.name == PROPOSER] or [Step(name=PROPOSER)]
    rest = [step for step in recipe.analysis if step.name != PROPOSER]
    return recipe.model_copy(update={"analysis": (*steps, *rest)})


def _sure(rois: Sequence[Roi]) -> tuple[Roi, ...]:
    """Leave out proposals that are not sure enough to be measured."""
    return tuple(
        roi
        for roi in rois
        if roi.kind not in PROPOSED_KINDS or roi.confidence is None or roi.confidence >= MIN_PROPOSAL
    )


def _check_cameras(recipe: Recipe, recording: Recording) -> None:
    for step in recipe.analysis:
        if step.camera != ANY_CAMERA and step.camera not in recording.cameras:
            raise RecipeError(
                "P403",
                f"recipe {recipe.name!r}",
                f"{step.name!r} names the unknown camera {step.camera!r}"
                + nearest(step.camera, recording.cameras),
            )


def _bins(recipe: Recipe, recording: Recording) -> dict[str, int]:
    """Return the size of bins that is asked for on each camera; cameras without a wish are left out.

    Where one analysis names a size and another says "auto", both take the named one: block sums are made
    once per camera.
    """
    chosen: dict[str, int] = {}
    by: dict[str, str] = {}
    for camera in recording.cameras:
        for name in recipe.names:
            step = recipe.step_for(name, camera)
            size = step.params().model_dump().get("bin") if step is not None else None
            if not isinstance(size, int):
                continue
            if camera in chosen and chosen[camera] != size:
                raise RecipeError(
                    "P403",
                    f"recipe {recipe.name!r}",
                    f"two sizes of bins are asked for on camera {camera!r}",
                    expected="one bin per camera",
                    got=f"{by[camera]}: {chosen[camera]}, {name}: {size}",
                    hint="give both analyses the same bin, or leave one at auto",
                )
            chosen[camera], by[camera] = size, name
    return chosen


def _awaiting(item: PlannedOutcome) -> PlannedOutcome:
    """Mark an outcome that can change with the proposals."""
    wanted = item.analysis.roi_input
    if wanted is None or item.state == "current":
        return item if item.name == PROPOSER else replace(item, key=NO_KEY, state="wanted")
    if wanted.whole_frame:
        return replace(item, key=NO_KEY, state="wanted", reason="whole frame, and what is proposed")
    if wanted.kind in PROPOSED_KINDS:
        return replace(item, key=NO_KEY, state="wanted", reason="if an eye is found")
    return item


def _check_required(outcomes: Sequence[PlannedOutcome], recipe: Recipe, proposing: bool) -> None:
    """Refuse a plan that lacks what was asked for by name."""
    measured = [item for item in outcomes if item.name != PROPOSER]
    nothing = bool(measured) and all(item.state == "not applicable" for item in measured)
    for item in measured:
        asked = any(step.required for step in recipe.steps(item.name))
        named = recipe.name == UNNAMED and (nothing or not proposing)
        if item.state == "not applicable" and (asked or named):
            kind = _kind(item.name)
            raise RoiError(
                "P402",
                f"analysis {item.name!r}",
                f"there is no region of kind {kind!r}",
                expected="at least one",
                got="none" + (", and no eye was found" if proposing and kind in PROPOSED_KINDS else ""),
                hint=f"draw one: --roi {kind}:rectangle:X,Y,WIDTH,HEIGHT, or a rois.toml",
            )


@dataclass(frozen=True, slots=True)
class _Context:
    """What all outcomes of a plan share."""

    recording: Recording
    recipe: Recipe
    rois: tuple[Roi, ...]
    proposals: Proposals | None
    bins: Mapping[str, int]
    current: Callable[[str], str]
    force: bool

    def proposer(self, proposing: bool) -> PlannedOutcome:
        """Plan the outcome of the proposals."""
        analysis = get_analysis(PROPOSER)
        if not proposing:
            reason = "regions are given" if self.rois else "the list of regions that is given is empty"
            return PlannedOutcome(analysis, "not applicable", reason)
        return self._planned(analysis, with_proposals=False)

    def outcome(self, name: str) -> PlannedOutcome:
        """Plan the outcome of one analysis."""
        return self._planned(get_analysis(name), with_proposals=True)

    def _planned(self, analysis: Analysis, *, with_proposals: bool) -> PlannedOutcome:
        parts = []
        for camera in self.recording.cameras:
            step = self.recipe.step_for(analysis.name, camera)
            if step is None or not analysis.reads_frames:
                continue
            shape = self.recording.video(camera).shape
            rois = rois_for(analysis, self.rois, camera, shape)
            if analysis.roi_input is not None and not rois:
                continue
            params = self._params(analysis, step, camera)
            self._check_bins(params, rois, shape)
            if analysis.check is not None:
                analysis.check(params, camera, shape)
            parts.append(CameraPart(camera, rois, params))
        if not parts:
            kind = analysis.roi_input.kind if analysis.roi_input is not None else ""
            return PlannedOutcome(analysis, "not applicable", f"there is no region of kind {kind!r}")
        return self._keyed(analysis, tuple(parts), with_proposals=with_proposals)

    def _params(self, analysis: Analysis, step: Step, camera: str) -> Params:
        """Return the parameters of a step, with the bin that the camera has."""
        values = dict(step.parameters)
        if "bin" in parameters_of(analysis.params) and camera in self.bins:
            values["bin"] = self.bins[camera]
        return check_params(analysis.params, values, analysis.name)

    @staticmethod
    def _check_bins(params: Params, rois: Sequence[Roi], shape: tuple[int, int]) -> None:
        size = params.model_dump().get("bin")
        if size is None:
            return
        if not isinstance(size, int):
            from mystax.compute.bins import auto_bin

            size = auto_bin(shape)
        check_bins(rois, shape, size)

    def _keyed(
        self, analysis: Analysis, parts: tuple[CameraPart, ...], *, with_proposals: bool
    ) -> PlannedOutcome:
        """Give an outcome its key and its state."""
        each = {part.camera: result_parameters(part.params) for part in parts}
        same = all(values == each[parts[0].camera] for values in each.values())
        parameters: dict[str, object] = dict(each[parts[0].camera] if same else each)
        inputs: list[Mapping[str, object]] = []
        clocks: dict[str, object] = {}
        joint = analysis.make_joint is not None and any(
            getattr(part.params, "all_cameras", False) for part in parts
        )
        cameras = list(self.recording.cameras) if joint else [part.camera for part in parts]
        for camera in cameras:
            video = self.recording.video(camera)
            inputs += [
                {"role": "frames", "camera": camera, "position": position, "id": mark}
                for position, mark in enumerate(video.identity)
            ]
            clocks[camera] = known_clock_id(video)
        if joint:
            clocks["timeline"] = self.recording.reference
        if analysis.more_inputs is not None:
            inputs += [
                {**entry, "camera": part.camera}
                for part in parts
                for entry in analysis.more_inputs(part.params)
            ]
        if with_proposals and self.proposals is not None and analysis.roi_input is not None:
            inputs.append({"role": PROPOSER, "camera": "", "position": 0, "id": self.proposals.content})
        key = outcome_key(
            analysis.name,
            analysis.version,
            parameters,
            inputs,
            rois=[roi for part in parts for roi in part.rois],
            clock=clocks,
        )
        is_current = not self.force and self.current(analysis.name) == key
        state: State = "current" if is_current else "wanted"
        return PlannedOutcome(analysis, state, "", key, parts, parameters, tuple(inputs))


def known_clock_id(video: FrameSource) -> str:
    """Return the fingerprint of the times of a camera; a source that only knows it says so itself."""
    known = getattr(video, "clock_id", None)
    return known if isinstance(known, str) else clock_id(video.clock)
