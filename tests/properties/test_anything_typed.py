"""Whatever is typed or written into a file of settings: an answer or a refusal with a code, never a bug."""

from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mystax.core.analysis import get_analysis
from mystax.core.params import parameters_of
from mystax.engine.recipe import read_recipe, recipe_from, recipe_from_values, recipe_to_toml
from mystax.io.rois import rois_from_toml, rois_to_toml
from tests.fixtures.commands import call
from tests.fixtures.refusals import attempt, code_of
from tests.fixtures.videos import Shelf

ANALYSES = ("rois", "motion", "svd", "pupil", "blink", "running")
PARAMETERS = {name: sorted(parameters_of(get_analysis(name).params)) for name in ANALYSES}

ODD = st.sampled_from(
    [
        *("", " ", "0", "-1", "nan", "inf", "1e400", "9" * 400, "auto", "none", "None", "true", "False"),
        *("a=b", "=", "face=", "=1", "face=rate:30", "face=csv:none.csv", "rate:30", "rate:1/0"),
        *("pts", "csv:", "csv::", "npy:*", "npz:a", "ttl:a", "events:a", "events:a:b", "h5:a:", "mat:a:b.c"),
        *("motion:rectangle:0,0,20,20", "pupil:ellipse:20,20,9,8@face=e", "motion:polygon:0,0,1,1"),
        *("mark", "keep", "full", "quick", "standard", "motion", "motion,", ",", "motion,svd", "../..", "/"),
        *(
            "\u00e9",
            "\u202e",
            "a\nb",
            "$(touch X)",
            "%s",
            "{}",
            "drop_tail",
            "counter:",
            "counter:a",
            "match",
        ),
    ]
)
OPTIONS = [
    *("--camera", "--recipe", "--analyses", "--roi", "--rois", "--clock", "--clock-policy", "--offset"),
    *("--reference", "--damage", "--grey-range", "--cores", "--memory", "--scratch", "--out"),
    *("--motion-bin", "--motion-floor", "--svd-n-components", "--svd-all-cameras", "--svd-seed"),
    *("--pupil-method", "--pupil-sigma", "--blink-level", "--running-direction", "--svd-tolerance"),
]
FLAGS = ["--join", "--propose", "--force", "--yes", "--no-report", "--quiet", "--verbose", "--no-color"]

words = st.lists(
    st.one_of(st.tuples(st.sampled_from(OPTIONS), ODD), st.sampled_from(FLAGS).map(lambda flag: (flag,))),
    max_size=4,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=words, has_file=st.booleans())
def test_any_words_for_run_are_answered_or_refused(
    words: list[tuple[str, ...]],
    has_file: bool,
    shelf: Shelf,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    given_words = [word for group in words for word in group]
    files = [shelf.take(n_frames=12)] if has_file else []
    found = call(capsys, "run", *files, *given_words, "--dry-run", "--json")
    assert found.status in (0, 1, 2), found.err
    answer = found.json
    assert (found.status == 0) == (answer["errors"] == [])
    for error in answer["errors"]:
        assert error["code"] != "B999", error
        assert error["where"] or error["what"]
    if found.status == 2:
        assert all(error["code"].startswith("P") for error in answer["errors"])
    assert list(tmp_path.iterdir()) == []


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(command="import", words=[""])
@given(
    command=st.sampled_from(["probe", "import", "export", "doctor", "demo", "rnu"]),
    words=st.lists(
        st.one_of(ODD, st.sampled_from(["--json", "--fix", "--verify", "--seed", "--facemap", "--out"]))
    ),
)
def test_any_words_for_other_commands_are_answered_or_refused(
    command: str,
    words: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What would do real work is left out: `demo` films, `doctor` walks whatever folder it is given.
    if command in ("demo", "doctor"):
        words = ["--nothing", *words]
    monkeypatch.chdir(tmp_path)
    found = call(capsys, command, *[word for word in words if word not in ("/", "../..", " ")])
    assert found.status in (0, 1, 2, 3), found.err
    assert "B999" not in found.err
    assert "Traceback" not in found.err


# recipes -------------------------------------------------------------------------------------------------

LEAVES = st.one_of(
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(["auto", "none", *ANALYSES]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(["name", "analysis", "resources", "camera", "required", "parameters", "cores", "x"])


@settings(max_examples=80)
@given(st.dictionaries(FIELDS, VALUES, max_size=4))
def test_any_values_are_a_recipe_or_refused(values: dict[str, Any]) -> None:
    recipe, refusal = attempt(lambda: recipe_from_values(values, "test"))
    if refusal is not None:
        assert refusal.code in ("P401", "P403")
    else:
        assert recipe is not None
        assert recipe.analysis


@st.composite
def steps(draw: st.DrawFn) -> dict[str, Any]:
    """Make a step of a known analysis with odd values for known and unknown parameters."""
    name = draw(st.sampled_from(ANALYSES))
    keys = st.sampled_from([*PARAMETERS[name], "nothing"])
    return {"name": name, "parameters": draw(st.dictionaries(keys, VALUES, max_size=3))}


@settings(max_examples=100)
@given(entries=st.lists(steps(), min_size=1, max_size=3))
def test_a_recipe_that_is_taken_is_complete_and_survives_its_file(
    entries: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    recipe, refusal = attempt(lambda: recipe_from_values({"name": "r", "analysis": entries}, "test"))
    if refusal is not None:
        assert refusal.code in ("P401", "P403")
        return
    assert recipe is not None
    path = tmp_path_factory.mktemp("recipe") / "r.toml"
    path.write_text(recipe_to_toml(recipe), "utf-8")
    again = read_recipe(path)
    assert again.complete() == recipe.complete()
    assert recipe_from(again).names == recipe.names


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(["format", "roi", "rois"]), VALUES, max_size=3))
def test_any_values_are_regions_or_refused(values: dict[str, Any]) -> None:
    text, refusal = attempt(lambda: tomli_w.dumps(values))
    assert refusal is None
    assert text is not None
    assert code_of(lambda: rois_from_toml(text)) in ("", "P402")


@settings(max_examples=60)
@given(st.text(max_size=60))
def test_any_text_is_regions_or_refused(text: str) -> None:
    regions, refusal = attempt(lambda: rois_from_toml(text))
    if refusal is not None:
        assert refusal.code == "P402"
    else:
        assert regions is not None
        assert rois_from_toml(rois_to_toml(regions)) == regions
