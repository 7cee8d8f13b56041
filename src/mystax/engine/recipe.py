"""Recipes: which analyses to run with which parameters, as TOML or as plain values."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import pydantic
import tomli_w

from mystax.core.analysis import Analysis, get_analysis, names_on_outcomes
from mystax.core.params import Params, check_params
from mystax.core.safe_names import is_there
from mystax.errors import ParameterError, RecipeError, nearest

__all__ = ["Recipe", "Resources", "Step", "read_recipe", "recipe_from", "recipe_to_toml", "shipped_recipes"]

ANY_CAMERA = "*"
UNNAMED = "unnamed"
MAX_BYTES = 64 << 20
NO_VALUE = "none"
QUEUED = ("states", "encoding")
"""Analyses of outcomes that the queue runs."""

LIST, EXAMPLE = "a list of tables [[analysis]]", 'analysis = [{ name = "motion", parameters = { bin = 4 } }]'
TABLES = dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "a table")
"""Kinds of complaints of the model about what should be a table."""

READING = (*("format", "clock", "clock_policy", "signal", "bin", "neurons", "axes", "series", "sample_rate"),)
"""What a recipe can say of neural files."""


class _Entry(pydantic.BaseModel):
    """Base of the tables of a recipe: frozen, and unknown names are refused."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")


class Resources(_Entry):
    """What a run may take.

    Attributes
    ----------
    cores : int, optional
        Threads; by default all that the process may use.
    memory : int, optional
        Limit of the resident memory [MiB]; by default 75 % of the machine.
    gpus : int
        Devices; none of the present analyses uses one.
    """

    cores: int | None = pydantic.Field(default=None, ge=1)
    memory: int | None = pydantic.Field(default=None, ge=128)
    gpus: int = pydantic.Field(default=0, ge=0)


class Step(_Entry):
    """One analysis of a recipe.

    Attributes
    ----------
    name : str
        Name of the analysis.
    camera : str
        The camera that it is for; ``"*"`` for all.
    required : bool
        Whether a missing region is refused (P402) instead of leaving the analysis out.
    parameters : dict
        Values that differ from the defaults.
    resources : Resources, optional
        What this analysis may take.
    fit : str
        Of an analysis of outcomes (`states`): ``recording`` (each for itself), ``group`` (one model for all
        that are planned together; of `encoding` a summary of all beside them), or, of `states`, a fit that
        is there: its name in the catalogue, or the path of its outcome.
    neural : dict
        Of `encoding`: how the neural files of the catalogue are read, as for `mystax.read_neural`.
    """

    name: str
    camera: str = ANY_CAMERA
    required: bool = False
    parameters: dict[str, Any] = pydantic.Field(default_factory=dict)
    resources: Resources | None = None
    fit: str = pydantic.Field(default="recording", min_length=1)
    neural: dict[str, Any] = pydantic.Field(default_factory=dict)

    @property
    def stored_fit(self) -> str:
        """The fit that is there already and is to be applied; "" for none."""
        return "" if self.fit in ("recording", "group") else self.fit

    @property
    def analysis(self) -> Analysis:
        """The declaration of the analysis."""
        return get_analysis(self.name)

    @property
    def is_on_outcomes(self) -> bool:
        """Whether it takes outcomes instead of frames."""
        return self.name in names_on_outcomes()

    def params(self) -> Params:
        """Return the checked parameters, complete with defaults."""
        return check_params(self.analysis.params, self.parameters, self.name)


class Recipe(_Entry):
    """What to run: analyses in order, with their parameters.

    Attributes
    ----------
    name : str
        Name; with several levels of folders it is the name of the folder.
    analysis : tuple of Step
        The analyses in the order in which they are fed.
    resources : Resources
        What the run may take.
    """

    name: str = UNNAMED
    analysis: tuple[Step, ...]
    resources: Resources = Resources()

    def steps(self, name: str) -> tuple[Step, ...]:
        """Return the steps of one analysis (several only if they are for different cameras)."""
        return tuple(step for step in self.analysis if step.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the analyses, each once, in order."""
        return tuple(dict.fromkeys(step.name for step in self.analysis))

    def step_for(self, name: str, camera: str) -> Step | None:
        """Return the step of an analysis for one camera, if there is one."""
        found = self.steps(name)
        return next(
            (step for step in found if step.camera == camera),
            next((step for step in found if step.camera == ANY_CAMERA), None),
        )

    def frames(self) -> "Recipe":
        """Return the recipe of the analyses that take frames."""
        steps = tuple(step for step in self.analysis if not step.is_on_outcomes)
        return self.model_copy(update={"analysis": steps})

    def as_dict(self) -> dict[str, Any]:
        """Return the plain values with every default written out, but for what only some analyses have."""
        values: dict[str, Any] = self.complete().model_dump()
        for entry, step in zip(values["analysis"], self.analysis, strict=True):
            if not step.is_on_outcomes:
                del entry["fit"]
            if step.name != "encoding":
                del entry["neural"]
        return values

    def complete(self) -> "Recipe":
        """Return the recipe with every default written out."""
        steps = tuple(
            step.model_copy(update={"parameters": step.params().model_dump()}) for step in self.analysis
        )
        return self.model_copy(update={"analysis": steps})


def shipped_recipes() -> list[str]:
    """List the names of the recipes that come with the package."""
    folder = files("mystax.engine") / "recipes"
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def _fields(place: Sequence[int | str]) -> list[str]:
    """List the field names that are known at a place of the recipe."""
    tables: dict[str, type[_Entry]] = {"analysis": Step, "resources": Resources}
    names = [str(item) for item in place if not isinstance(item, int)]
    model: type[_Entry] = Recipe
    for name in names[:-1]:
        model = tables.get(name, model)
    return list(model.model_fields)


def _refusal(error: pydantic.ValidationError, where: str) -> RecipeError:
    """Turn the first complaint of the model into P403 with the nearest name."""
    every = error.errors(include_url=False)
    # A misspelt name is both unknown and missing: the unknown one says more.
    first = next((item for item in every if item["type"] == "extra_forbidden"), every[0])
    path = "".join(f"[{item}]" if isinstance(item, int) else f".{item}" for item in first["loc"]).lstrip(".")
    if first["type"] == "extra_forbidden":
        name = str(first["loc"][-1])
        return RecipeError("P403", where, f"unknown field {path!r}{nearest(name, _fields(first['loc']))}")
    is_list = first["loc"][0] == "analysis" and len(first["loc"]) <= 2
    expected = LIST if is_list else TABLES.get(first["type"], first["msg"][0].lower() + first["msg"][1:])
    return RecipeError(
        "P403",
        where,
        f"the field {path!r} cannot be used",
        expected=expected,
        got=repr(first["input"])[:200],
        hint=f"for example {EXAMPLE}" if is_list else "",
    )


def recipe_from_values(values: Mapping[str, object], where: str, *, with_fits: bool = False) -> Recipe:
    """Make a recipe from the plain values of a TOML file.

    Parameters
    ----------
    values : mapping
        The values.
    where : str
        What they are, for messages.
    with_fits : bool, optional
        Whether it may have analyses of outcomes, as the queue runs them.

    Raises
    ------
    RecipeError
        P403, if a field or an analysis is unknown (with the nearest name) or cannot be used.
    ParameterError
        P401, if a parameter is unknown or out of its range.
    """
    try:
        recipe = Recipe.model_validate(dict(values))
    except pydantic.ValidationError as error:
        raise _refusal(error, where) from error
    if not recipe.analysis:
        raise RecipeError("P403", where, "the recipe names no analysis")
    seen: set[tuple[str, str]] = set()
    for step in recipe.analysis:
        _check_place(step, where, with_fits=with_fits)
        step.params()
        if (step.name, step.camera) in seen:
            raise RecipeError(
                "P403", where, f"the analysis {step.name!r} stands twice for camera {step.camera!r}"
            )
        seen.add((step.name, step.camera))
    return recipe


def _check_place(step: Step, where: str, *, with_fits: bool) -> None:
    """Refuse a step that this recipe cannot have."""
    if step.fit != "recording" and not step.is_on_outcomes:
        raise RecipeError("P403", where, f"{step.name!r} takes frames: it has no fit of a group")
    if step.stored_fit and step.name != "states":
        known = nearest(step.fit, ["recording", "group"])
        raise RecipeError("P403", where, f"{step.name!r} has no fit {step.fit!r}{known}")
    if step.neural and step.name != "encoding":
        raise RecipeError("P403", where, f"{step.name!r} takes no neural data")
    for name in step.neural:
        if name not in READING:
            raise RecipeError("P403", where, f"neural: unknown field {name!r}{nearest(name, READING)}")
    if step.is_on_outcomes and not (with_fits and step.name in QUEUED):
        hint = f"mystax --help names its command; mystax.{step.name} is its call"
        if step.name in QUEUED:
            hint = f"mystax queue add runs it; {hint}"
        text = "it takes outcomes and further data, and no run of one recording has it"
        raise RecipeError("P403", f"analysis {step.name!r}", text, hint=hint)


def read_recipe(name: str | Path, *, with_fits: bool = False) -> Recipe:
    """Read a recipe: a shipped one by its name, or a TOML file.

    Parameters
    ----------
    name : str or Path
        ``"quick"``, ``"standard"``, or the path of a file that ends in ``.toml``.
    with_fits : bool, optional
        Whether it may have analyses of outcomes, as the queue runs them.

    Returns
    -------
    Recipe
        The checked recipe.

    Raises
    ------
    RecipeError
        P403, if there is no such recipe or it cannot be used.
    ParameterError
        P401, if a parameter is unknown or out of its range.

    Examples
    --------
    >>> read_recipe("quick").names
    ('motion',)
    """
    where = f"recipe {str(name)!r}"
    if isinstance(name, str) and name in shipped_recipes():
        text = (files("mystax.engine") / "recipes" / f"{name}.toml").read_text("utf-8")
    else:
        path = Path(name)
        if path.suffix != ".toml" or not is_there(path):
            raise RecipeError(
                "P403",
                where,
                "there is no such recipe" + nearest(str(name), shipped_recipes()),
                hint="give the name of a shipped recipe or the path of a .toml file",
            )
        if path.stat().st_size > MAX_BYTES:
            raise RecipeError("P403", where, "the file is too large for a recipe")
        text = _text_of(path, where)
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RecipeError("P403", where, expected="a TOML file", got=str(error)) from error
    values.setdefault("name", Path(name).stem)
    return recipe_from_values(values, where, with_fits=with_fits)


def _text_of(path: Path, where: str) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError("P403", where, "the file cannot be read as UTF-8 text", got=str(error)) from error


def recipe_from(
    recipe: "str | Path | Recipe" = "standard",
    *,
    analyses: Sequence[str] | str | None = None,
    parameters: Mapping[str, Mapping[str, object]] | None = None,
    with_fits: bool = False,
) -> Recipe:
    """Make the recipe of a run.

    Parameters
    ----------
    recipe : str, Path or Recipe, optional
        A shipped name, a file, or a recipe; it is not looked at when `analyses` are named.
    analyses : sequence of str, optional
        Names of analyses: they make an unnamed recipe.
    parameters : mapping, optional
        Analysis to parameters; they go before the values of the recipe.
    with_fits : bool, optional
        Whether it may have analyses of outcomes, as the queue runs them.

    Returns
    -------
    Recipe
        The checked recipe.

    Raises
    ------
    RecipeError
        P403, if a name is unknown, or parameters are given for an analysis that is not in the recipe.
    ParameterError
        P401, if a parameter is unknown or out of its range, or one of these is something else.

    Examples
    --------
    >>> recipe_from(analyses=["motion"], parameters={"motion": {"bin": 8}}).analysis[0].parameters
    {'bin': 8}
    """
    _check_kinds(recipe, analyses, parameters)
    if analyses is not None:
        names = [analyses] if isinstance(analyses, str) else list(analyses)
        found = recipe_from_values({"analysis": [{"name": name} for name in names]}, "analyses")
    elif isinstance(recipe, Recipe):
        found = recipe
    else:
        found = read_recipe(recipe, with_fits=with_fits)
    for name in parameters or {}:
        if not found.steps(name):
            get_analysis(name)
            raise RecipeError(
                "P403",
                f"parameters of {name!r}",
                f"the analysis is not in the recipe{nearest(name, found.names)}",
            )
    if not parameters:
        return found
    steps = tuple(
        step.model_copy(update={"parameters": {**step.parameters, **parameters.get(step.name, {})}})
        for step in found.analysis
    )
    for step in steps:
        step.params()
    return found.model_copy(update={"analysis": steps})


def _check_kinds(recipe: object, analyses: object, parameters: object) -> None:
    """Refuse what is no recipe, no names, or no parameters, before it is taken apart."""
    wrong: list[tuple[str, str, object]] = []
    if not isinstance(recipe, str | Path | Recipe):
        expected = "a shipped name, the path of a .toml file, or a Recipe"
        wrong.append(("parameter 'recipe'", expected, recipe))
    if analyses is not None and not isinstance(analyses, Iterable):
        wrong.append(("parameter 'analyses'", "names of analyses", analyses))
    if parameters is not None and not isinstance(parameters, Mapping):
        wrong.append(("parameter 'parameters'", "analysis -> {name: value}", parameters))
    elif parameters:
        several = parameters.items()
        wrong += [
            (f"parameters of {k!r}", "{name: value}", v) for k, v in several if not isinstance(v, Mapping)
        ]
    for where, expected, value in wrong:
        raise ParameterError("P401", where, expected=expected, got=repr(value)[:80])


def recipe_to_toml(recipe: Recipe) -> str:
    """Write a recipe as TOML text, with every default written out.

    Parameters
    ----------
    recipe : Recipe
        The recipe.

    Returns
    -------
    str
        Text that `read_recipe` gives back as the same recipe.
    """
    values = recipe.as_dict()
    steps = []
    for entry in values["analysis"]:
        step = {key: value for key, value in entry.items() if value is not None}
        step["parameters"] = {
            name: NO_VALUE if value is None else value for name, value in entry["parameters"].items()
        }
        if entry["resources"] is not None:
            step["resources"] = _without_none(entry["resources"])
        steps.append(step)
    return tomli_w.dumps(
        {"name": values["name"], "resources": _without_none(values["resources"]), "analysis": steps}
    )


def _without_none(values: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in values.items() if value is not None}
