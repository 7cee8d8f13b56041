"""Points of outcomes as the page gets them."""

from pathlib import Path

import numpy as np
import pytest

from mystax.app.collection import OutcomeItem
from mystax.app.envelope import unpack
from mystax.app.routes import outcomes
from mystax.core.point_flags import FLAG_MASKS
from tests.fixtures.app_client import AppClient

xarray = pytest.importorskip("xarray")


@pytest.mark.parametrize("has_flags", [True, False])
def test_points_come_with_the_remarks_that_were_made_on_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_flags: bool
) -> None:
    dims = ("time", "individual", "keypoint")
    flag = np.arange(12, dtype=np.uint8).reshape(4, 1, 3)
    data = {
        "position": ((*dims, "space"), np.zeros((4, 1, 3, 2))),
        "confidence": (dims, np.ones((4, 1, 3))),
        "flag": (("keypoint", *dims[:2]), flag.transpose(2, 0, 1)),
    }
    kept = {name: value for name, value in data.items() if has_flags or name != "flag"}
    made = xarray.Dataset(kept, coords={"keypoint": ["a", "b", "c"]})
    monkeypatch.setattr(outcomes, "outcome_of", lambda *_: OutcomeItem("o", tmp_path, "pose"))
    monkeypatch.setattr(outcomes, "outcomes_in", lambda _: {"pose": made})
    with AppClient(tmp_path) as client:
        arrays, header = unpack(client.ask("/api/outcomes/o/points?i0=1&i1=3").body)
    assert header["flags"] == FLAG_MASKS
    if has_flags:
        np.testing.assert_array_equal(arrays["flag"], flag[1:3])
    else:
        assert "flag" not in arrays
