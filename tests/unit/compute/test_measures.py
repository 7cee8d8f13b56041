"""Named measures against closed forms, and their deviations against simulation."""

import numpy as np
import pytest

from mystax.compute.measures import measure_all
from mystax.core.keypoint_measures import Measure
from mystax.errors import RecipeError

NAMES = ("a", "b", "c", "d", "e")
CUBE = np.array([[0.0, 0, 0], [3, 0, 0], [0, 4, 0], [0, 0, 5], [3, 4, 5]])
TIMES = np.arange(3) / 10


def value_of(measure: Measure, points: np.ndarray = CUBE, names: tuple[str, ...] = NAMES) -> float:
    position = np.repeat(points.T[None], 3, axis=0)
    return float(measure_all({"m": measure}, position, None, names, TIMES)["m"].value[0])


def points(*names: str) -> tuple[tuple[str, ...], ...]:
    return tuple((name,) for name in names)


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        (Measure("distance", points("b", "c")), 5),
        (Measure("length", points("a", "b", "c")), 8),
        (Measure("angle", points("b", "a", "c")), np.pi / 2),
        (Measure("line_angle", points("a", "b", "a", "c")), np.pi / 2),
        (Measure("dihedral", points("b", "a", "d", "c")), np.pi / 2),
        (Measure("direction", points("a", "c")), np.pi / 2),
        (Measure("area", points("a", "b", "c")), 6),
        (Measure("ellipse", points("a", "b", "c", "c")), np.pi / 4 * 3 * 2 * np.hypot(1.5, 4)),
        (Measure("volume", points("a", "b", "c", "d")), 10),
        (Measure("volume", points("a", "b", "c", "d", "e")), 30),
        (Measure("height", points("d"), plane=("a", "b", "c")), 5),
        (Measure("plane_angle", points("a", "d"), plane=("a", "b", "c")), np.pi / 2),
        (Measure("along", points("a", "e", "a", "b")), 3),
    ],
)
def test_measures_have_their_closed_form(measure: Measure, expected: float) -> None:
    assert abs(value_of(measure)) == pytest.approx(expected)


def test_hull_is_found_by_decomposition_too() -> None:
    # tetrahedron a b c d and the part beyond its far face
    far = abs(np.linalg.det(np.stack([CUBE[1] - CUBE[4], CUBE[2] - CUBE[4], CUBE[3] - CUBE[4]]))) / 6
    assert value_of(Measure("volume", points(*NAMES))) == pytest.approx(10 + far)


def test_flat_hull_has_no_volume() -> None:
    flat = CUBE * np.array([1, 1, 0])
    assert value_of(Measure("volume", points(*NAMES)), flat) == 0


def test_point_of_several_names_is_their_mean() -> None:
    assert value_of(Measure("distance", (("a", "b"), ("c",)))) == pytest.approx(np.hypot(1.5, 4))


def test_measures_made_of_measures() -> None:
    measures = {
        "left": Measure("distance", points("a", "b")),
        "right": Measure("distance", points("a", "d")),
        "ratio": Measure("ratio", of=("left", "right")),
        "mean": Measure("mean", of=("left", "right")),
        "skew": Measure("asymmetry", of=("left", "right")),
    }
    found = measure_all(measures, np.repeat(CUBE.T[None], 3, axis=0), None, NAMES, TIMES)
    assert found["ratio"].value[0] == pytest.approx(3 / 5)
    assert found["mean"].value[0] == pytest.approx(4)
    assert found["skew"].value[0] == pytest.approx(-2 / 8)
    assert (found["ratio"].unit, found["mean"].unit) == ("1", "mm")


@pytest.mark.parametrize(
    "measure",
    [
        Measure("distance", points("b", "c")),
        Measure("angle", points("b", "a", "c")),
        Measure("area", points("a", "b", "c")),
        Measure("volume", points("a", "b", "c", "d")),
        Measure("height", points("d"), plane=("a", "b", "c")),
    ],
)
def test_deviations_are_those_of_a_simulation(measure: Measure) -> None:
    rng = np.random.default_rng(0)
    n = 20_000
    position = np.repeat(CUBE.T[None], n, axis=0) + rng.normal(0, 0.05, (n, 3, 5))
    cov = np.zeros((n, 6, 5))
    cov[:, [0, 3, 5]] = 0.05**2
    found = measure_all({"m": measure}, position, cov, NAMES, np.arange(n) / 10)["m"]
    assert np.median(found.sd) == pytest.approx(found.value.std(), rel=0.03)


def test_speed_of_a_moving_point() -> None:
    times = np.arange(50) / 10
    position = np.zeros((50, 3, 1))
    position[:, 0, 0] = 3 * times
    found = measure_all({"v": Measure("speed", points("a"))}, position, None, ("a",), times)["v"]
    np.testing.assert_allclose(found.value, 3)
    assert found.unit == "mm/s"


def test_missing_point_makes_the_measure_missing() -> None:
    position = np.repeat(CUBE.T[None], 3, axis=0)
    position[1, :, 0] = np.nan
    found = measure_all({"m": Measure("distance", points("a", "b"))}, position, None, NAMES, TIMES)["m"]
    assert np.isnan(found.value).tolist() == [False, True, False]


def test_measures_of_other_points_are_left_out() -> None:
    position = np.repeat(CUBE.T[None], 3, axis=0)
    assert measure_all({"m": Measure("distance", points("a", "z"))}, position, None, NAMES, TIMES) == {}


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(RecipeError, match="did you mean 'distance'"):
        Measure("distanc", points("a", "b"))


def test_areas_in_the_plane() -> None:
    position = np.repeat(CUBE[:, :2].T[None], 3, axis=0)
    found = measure_all({"m": Measure("area", points("a", "b", "c"))}, position, None, NAMES, TIMES, "px")[
        "m"
    ]
    assert found.value[0] == pytest.approx(6)
    assert found.unit == "px2"


def test_speed_has_the_deviation_that_simulation_shows_also_at_the_ends() -> None:
    generator = np.random.default_rng(3)
    times = np.array([0.0, 0.1, 0.2, 0.35, 0.5])
    place = np.zeros((5, 3, 1))
    place[:, 0, 0] = 40 * times
    covariance = np.zeros((5, 6, 1))
    covariance[:, [0, 3, 5]] = 0.01
    speed = {"v": Measure("speed", points("a"))}
    told = measure_all(speed, place, covariance, ("a",), times)["v"].sd
    drawn = [
        measure_all(speed, place + generator.normal(0, 0.1, place.shape), None, ("a",), times)["v"].value
        for _ in range(500)
    ]
    np.testing.assert_allclose(told, np.std(drawn, axis=0), rtol=0.12)


def test_speed_says_nothing_across_a_gap_of_the_clock() -> None:
    """A point at 3 mm/s; the clock stands still for a minute, in which it comes back."""
    times = np.concatenate([np.arange(10) / 50, 60 + np.arange(10) / 50, [200.0]])
    place = np.zeros((21, 3, 1))
    place[:10, 1, 0], place[10:20, 0, 0] = 3 * times[:10], 3 * (times[10:20] - 60)
    found = measure_all({"v": Measure("speed", (("a",),))}, place, None, ("a",), times)["v"]
    np.testing.assert_allclose(found.value[:20], 3, rtol=1e-9)
    assert np.isnan(found.value[20])  # alone between two gaps
