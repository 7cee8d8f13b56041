"""How well cameras agree on points in space: medians of what the triangulation says."""

import numpy as np
import pytest

from mystax.core.analysis import get_analysis
from mystax.io.provenance import Provenance
from mystax.io.store import Store
from tests.fixtures.asgi import Application
from tests.fixtures.exchange_outcomes import known_outcome, publish_known

N = 5001
"""With two cameras and three points more numbers than are given whole."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Application:
    rng = np.random.default_rng(1)
    folder = tmp_path_factory.mktemp("space")
    dataset = known_outcome("pose3d", times=np.arange(N) / 30.0)
    shape = dataset["residual"].shape
    residual = rng.gamma(2.0, [[[[0.2]], [[0.7]]]], shape).astype(np.float32)
    residual[rng.random(shape) < 0.3] = np.nan
    dataset["residual"] = dataset["residual"].copy(data=residual)
    dataset["residual_left_out"] = dataset["residual"].copy(data=np.full(shape, np.nan, np.float32))
    angle = rng.uniform(0.1, 0.9, dataset["ray_angle"].shape).astype(np.float32)
    angle[:100] = np.nan
    dataset["ray_angle"] = dataset["ray_angle"].copy(data=angle)
    flag = np.zeros(dataset["flag"].shape, np.uint8)
    flag[:600] = 16 | 1
    dataset["flag"] = dataset["flag"].copy(data=flag)
    about = Provenance("pose3d", get_analysis("pose3d").version, "f" * 64)
    Store(folder / "a.mystax").publish(dataset, about)
    publish_known(folder / "a.mystax", "motion")
    return Application(folder)


def ids(app: Application) -> dict[str, str]:
    (row,) = app.get("/api/recordings")
    return {one["analysis"]: one["id"] for one in app.get(f"/api/recordings/{row['id']}")["outcomes"]}


def test_each_camera_has_the_median_over_all_points_that_it_saw(app: Application) -> None:
    found = app.get(f"/api/outcomes/{ids(app)['pose3d']}/agreement")
    outcome = app.get(f"/api/recordings/{app.get('/api/recordings')[0]['id']}")["outcomes"]
    assert {one["analysis"] for one in outcome} == {"pose3d", "motion"}
    assert [one["camera"] for one in found["cameras"]] == ["left", "right"]
    medians = [one["residual"] for one in found["cameras"]]
    # The median of a gamma of shape 2 is 1.678 of its scale.
    np.testing.assert_allclose(medians, [0.2 * 1.678, 0.7 * 1.678], rtol=0.03)
    assert [one["left_out"] for one in found["cameras"]] == [None, None]


def test_rays_are_told_in_degrees_and_weak_ones_as_a_share_of_the_points_there_are(app: Application) -> None:
    found = app.get(f"/api/outcomes/{ids(app)['pose3d']}/agreement")
    assert found["ray_angle"] == pytest.approx(np.degrees(0.5), abs=1.0)
    assert found["weak"] == pytest.approx(500 / (N - 100), rel=1e-9)


def test_an_outcome_of_the_plane_has_none(app: Application) -> None:
    answer = app.ask(f"/api/outcomes/{ids(app)['motion']}/agreement")
    assert (answer.status, answer.json()["code"]) == (404, "W903")
