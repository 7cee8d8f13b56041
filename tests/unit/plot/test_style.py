"""Names, numbers and files of figures."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure

from mystax.plot.style import NamedFigure, figure, file_name, palette, series_colour, shown, style
from tests.fixtures.plot_outcomes import svg_root


def _figure(title: str = "energy") -> NamedFigure:
    with style():
        made = figure(40.0, 85.0)
        made.subplots().set_title(title)
    return NamedFigure("energy", made, "Energy", "Words.", "Alternative.", {"time": np.arange(3.0), "n": [1]})


def test_text_in_a_vector_file_is_text() -> None:
    texts = [item.text for item in svg_root(_figure().svg()).iter() if item.tag.endswith("text")]
    assert "energy" in texts


def test_a_vector_file_has_its_size_in_millimetres() -> None:
    width = svg_root(_figure().svg()).attrib["width"]
    assert float(width.removesuffix("pt")) == pytest.approx(85 / 25.4 * 72)


def test_equal_figures_give_equal_files() -> None:
    assert _figure().svg() == _figure().svg()


def test_a_picture_has_twice_the_usual_resolution() -> None:
    data = _figure().png()
    assert data[:4] == b"\x89PNG"
    assert int.from_bytes(data[16:20]) == int(85 / 25.4 * 192)


def test_the_layout_is_the_one_that_drawing_finds() -> None:
    with style():
        made, drawn = figure(40.0, 85.0), figure(40.0, 85.0)
        for each in (made, drawn):
            for axes in each.subplots(2, 2).flat:
                axes.set(xlabel="time [s]", ylabel="a long name of an axis", title="energy")
        drawn.draw_without_rendering()
    NamedFigure("energy", made, "Energy", "Words.", "Alternative.").svg()
    for mine, theirs in zip(made.axes, drawn.axes, strict=True):
        np.testing.assert_allclose(mine.get_position().bounds, theirs.get_position().bounds, atol=1e-12)
        assert mine.get_position().width < 0.4  # there was something to lay out


@pytest.mark.parametrize("form", ["svg", "png"])
def test_a_file_takes_one_drawing(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made, draw = _figure(), Figure.draw
    drawn: list[Figure] = []

    def counted(self: Figure, renderer: RendererBase) -> None:
        drawn.append(self)
        draw(self, renderer)

    monkeypatch.setattr(Figure, "draw", counted)
    assert len(getattr(made, form)()) > 100
    assert drawn == [made.figure]


@pytest.mark.parametrize("name", ["$x_{", "a$b$c", "<img onerror=1>", "鼠", "_hidden"])
def test_any_name_can_be_a_title(name: str) -> None:
    texts = [item.text for item in svg_root(_figure(shown(name)).svg()).iter() if item.tag.endswith("text")]
    assert name in texts


def test_names_from_outside_are_printable_and_short() -> None:
    assert shown("a\x00b\nc") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"
    assert len(shown("x" * 200)) == 40


@pytest.mark.parametrize("name", ["../../x", "a/b", "C:\\x", "CON", "\x00"])
def test_names_of_files_stay_in_their_folder(name: str) -> None:
    assert not set(file_name("svd", name)) & set("/\\:\x00")
    assert ".." not in file_name(name).split("/")


def test_two_regions_never_share_a_file() -> None:
    assert file_name("svd", "a b") != file_name("svd", "a_b")


def test_the_table_of_a_figure_ends_short_columns_with_empty_cells() -> None:
    assert _figure().csv() == "time,n\n0,1\n1,\n2,\n"


def test_missing_numbers_are_empty_cells_and_times_keep_their_digits() -> None:
    made = _figure()
    made.numbers = {"time": np.array([86_400.000125, np.nan]), "energy": np.array([0.1, 2], np.float32)}
    assert made.csv() == "time,energy\n86400.000125,0.100000001\n,2\n"


def test_nothing_global_is_changed() -> None:
    before = dict(mpl.rcParams)
    _figure().svg()
    assert dict(mpl.rcParams) == before


def test_colours_of_series_repeat() -> None:
    assert series_colour(0) == series_colour(len(palette()["series"]["colours"]))


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("name", ["text", "muted", "link", "warning", "error"])
def test_text_can_be_read_on_its_ground(mode: str, name: str) -> None:
    ground, text = (_luminance(str(palette()[mode][key])) for key in ("ground", name))
    assert (max(ground, text) + 0.05) / (min(ground, text) + 0.05) >= 4.5


def _luminance(colour: str) -> float:
    levels = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
