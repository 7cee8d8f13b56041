"""Several recordings in one figure: the numbers that are drawn are those of the outcome."""

import numpy as np
import pytest

from mystax.analyses.encoding_summary import summarise_encodings
from mystax.plot.encoding_summary import summary_figure
from tests.unit.analyses.test_encoding_summary import several


def test_the_points_are_the_recordings_and_the_bars_their_intervals() -> None:
    dataset = summarise_encodings(several(4))
    made = summary_figure(dataset)
    left, right = made.figure.axes
    models = [str(model) for model in dataset["model"].values]
    for place, model in enumerate(models):
        points = np.asarray(left.collections[place].get_offsets())
        np.testing.assert_allclose(points[:, 1], dataset["explained_variance"].sel(model=model).values)
        low, high = np.asarray(left.lines[2 * place].get_ydata())
        mean = np.asarray(left.lines[2 * place + 1].get_ydata())[0]
        assert [mean, low, high] == pytest.approx(dataset["summary"].sel(model=model).values)
        np.testing.assert_array_equal(
            made.numbers[f"explained_variance_{model}"], dataset["explained_variance"].sel(model=model).values
        )
    assert [text.get_text() for text in right.get_xticklabels()] == [m for m in models if m != "lagged-ridge"]
    assert "4 recordings" in made.text


def test_recordings_of_one_individual_have_one_colour() -> None:
    found = several(3)
    owners = dict(zip(found, ("m1", "m2", "m1"), strict=True))
    made = summary_figure(summarise_encodings(found, owners))
    colours = np.asarray(made.figure.axes[0].collections[0].get_facecolor())
    assert colours[0].tolist() == colours[2].tolist()
    assert colours[0].tolist() != colours[1].tolist()
    assert "of 2 individuals" in made.text
