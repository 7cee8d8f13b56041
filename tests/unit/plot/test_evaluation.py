"""The page of an evaluation: its figures hold the numbers, and texts from outside do no harm."""

from html.parser import HTMLParser

import numpy as np
import pytest

from mystax.plot.evaluation import (
    WorstFrame,
    errors_figure,
    evaluation_page,
    reliability_figure,
    worst_figure,
)

NAMES = ["nose_tip", "eye_top"]


def frame(name: str = "img.png", seed: int = 0) -> WorstFrame:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 255, (24, 32), dtype=np.uint8)
    return WorstFrame(name, pixels, rng.uniform(0, 20, (2, 2)), rng.uniform(0, 20, (2, 2)), 3.25)


def summary(**more: object) -> dict[str, object]:
    found: dict[str, object] = {"n": 4, "mean": 1.5, "mean_interval": [1.0, 2.0], "median": 1.25, "p95": 3.0}
    return {**found, "pck": {"2": 0.5, "5": 0.75, "10": 1.0, "20": 1.0}, **more}


def found(model: str = "mine") -> dict[str, object]:
    figures = {"all": summary(), "keypoints": {name: summary() for name in NAMES}, "ece": 0.0421}
    return {"n_frames": 2, "models": {model: figures}}


def test_errors_are_drawn_by_quarters() -> None:
    errors = {"mine": np.array([[1.0, np.nan], [2.0, np.nan], [3.0, np.nan], [4.0, np.nan]])}
    numbers = errors_figure(errors, NAMES).numbers
    assert list(numbers["keypoint"]) == NAMES
    assert [numbers[f"mine_{name}"][0] for name in ("q25", "median", "q75")] == [1.75, 2.5, 3.25]
    assert np.isnan(float(numbers["mine_median"][1]))  # type: ignore[arg-type] # a number


def test_reliability_is_drawn_as_given() -> None:
    drawn = reliability_figure({"mine": [[0.2, 0.3, 10], [0.8, 0.7, 10]]})
    assert list(drawn.numbers["mine_right"]) == [0.3, 0.7]
    assert drawn.png().startswith(b"\x89PNG")


@pytest.mark.parametrize("n", [1, 4, 5, 12])
def test_worst_frames_are_drawn_four_to_a_row(n: int) -> None:
    drawn = worst_figure([frame(f"img{k}", k) for k in range(n)])
    shown = [axes for axes in drawn.figure.axes if axes.images]
    assert len(shown) == n
    assert len(drawn.figure.axes) == -(-n // 4) * 4
    assert list(drawn.numbers["mean_error"]) == [3.25] * n


def test_flat_frame_and_missing_points_are_no_error() -> None:
    flat = WorstFrame(
        "flat", np.zeros((8, 8), np.uint8), np.full((2, 2), np.nan), np.full((2, 2), np.nan), 1.0
    )
    assert worst_figure([flat]).png()


def test_page_says_the_verdict_and_holds_the_tables() -> None:
    page = evaluation_page("mouse-face-13", found(), [errors_figure({"mine": np.ones((3, 2))}, NAMES)])
    assert "median 1.25, mean 1.50 px@256 on 2 frames; 100.0% of the points within 10." in page
    assert "<td>0.042</td>" in page
    assert page.count("<tr>") == 2 + 1 + len(NAMES)
    assert "<script" not in page


def test_unknown_numbers_are_dashes() -> None:
    figures = found()
    figures["models"]["mine"]["all"] = summary(median=None, mean=None)  # type: ignore[index] # a dict
    assert "median -, mean - px@256" in evaluation_page("set", figures, [])


def test_names_from_outside_are_text() -> None:
    evil = "<script>alert(1)</script>\x07"
    drawn = errors_figure({evil: np.ones((3, 2))}, [evil, "b"])
    page = evaluation_page(evil, found(evil), [drawn, worst_figure([frame(evil)])])
    assert "<script" not in page
    assert "\x07" not in page

    class Tags(HTMLParser):
        seen: set[str] = set()  # noqa: RUF012 - one parser

        def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
            self.seen.add(tag)

    parser = Tags()
    parser.feed(page)
    assert "script" not in parser.seen
