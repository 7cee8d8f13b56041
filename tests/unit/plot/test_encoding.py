"""The chapter of `encoding`: figures from a small outcome, and no ratio without its baseline."""

import re
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.core.encoding_words import peer_share, ratio_sentence, verdict
from mystax.plot.chapters import facts_of, figures_of
from mystax.plot.pictures import View
from mystax.plot.style import NamedFigure
from tests.fixtures.brains import follower, two_parts


@pytest.fixture(scope="module")
def outcome() -> Any:
    return mystax.encoding(two_parts(), follower(), model="linear", folds=2, shifts=19, scales="one")


@pytest.fixture(scope="module")
def figures(outcome: Any) -> dict[str, NamedFigure]:
    return {item.name: item for item in figures_of("encoding", [View("", outcome)])}


def test_every_figure_is_drawn_with_its_numbers(figures: dict[str, NamedFigure]) -> None:
    assert set(figures) == {
        *("encoding_raster", "encoding_histogram", "encoding_gain", "encoding_ceiling", "encoding_parts"),
        *("encoding_lags", "encoding_components", "encoding_traces", "encoding_latents"),
    }
    for item in figures.values():
        assert item.svg().startswith(b"<?xml")
        assert len(item.csv().splitlines()) > 1


def test_histogram_holds_the_numbers_of_the_outcome(outcome: Any, figures: dict[str, NamedFigure]) -> None:
    shown = np.asarray(figures["encoding_histogram"].numbers["stacked"])
    assert np.allclose(shown, outcome["explained_variance"].sel(model="stacked").values)


def test_table_lists_every_model_with_its_interval(outcome: Any) -> None:
    said, models = facts_of("encoding", [View("", outcome)])
    assert said.rows[0][0] == verdict(outcome)
    assert [row[0] for row in models.rows] == [str(name) for name in outcome["model"].values]
    stacked = outcome["population"].sel(model="stacked", statistic="mean")
    assert float(models.rows[-1][1]) == pytest.approx(100 * float(stacked), abs=0.01)


def test_places_of_neurons_have_a_map() -> None:
    neural = follower()
    rng = np.random.default_rng(0)
    for axis in "xy":
        neural = neural.assign_coords(
            {
                f"neuron_{axis}": (
                    "neuron",
                    rng.uniform(0, 500, 12).astype(np.float32),
                    neural[f"neuron_{axis}"].attrs,
                )
            }
        )
    quick: dict[str, Any] = {"null": "none", "parts": False, "lags": False, "ceiling": "none"}
    made = mystax.encoding(two_parts(), neural, model="linear", folds=2, scales="one", **quick)
    names = [item.name for item in figures_of("encoding", [View("", made)])]
    assert "encoding_map" in names
    assert "encoding_parts" not in names
    assert "encoding_ceiling" not in names


def test_a_ratio_has_baseline_interval_and_numbers_in_its_sentence(
    outcome: Any, figures: dict[str, NamedFigure]
) -> None:
    texts = [item.text + item.alternative + item.title for item in figures.values()]
    texts += [" ".join(row) for table in facts_of("encoding", [View("", outcome)]) for row in table.rows]
    for text in texts:
        for sentence in re.split(r"(?<=[.;]) ", text):
            if re.search(r"\d x |\btwice\b|\d times\b", sentence):
                assert "lagged-ridge" in text
                assert "interval" in text
                assert "neurons" in text


def test_peer_share_is_unknown_where_peers_predict_nothing(outcome: Any) -> None:
    assert peer_share(outcome.drop_vars("ceiling_peer")) is None
    nothing = outcome.assign(ceiling_peer=outcome["ceiling_peer"] * 0)
    assert peer_share(nothing) is None
    assert "peer-predictable" not in verdict(nothing)
    found = peer_share(outcome)
    mean = float(outcome["population"].sel(model="stacked", statistic="mean"))
    assert found == pytest.approx(mean / float(outcome["ceiling_peer"].mean()))


def test_without_a_ratio_there_is_no_sentence(outcome: Any) -> None:
    silent = outcome.copy()
    silent.attrs = {name: value for name, value in outcome.attrs.items() if not name.startswith("ratio")}
    assert ratio_sentence(silent) == ""
