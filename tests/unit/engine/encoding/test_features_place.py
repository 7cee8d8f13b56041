"""Where exported features may go."""

from pathlib import Path

import pytest

from mystax.engine.encoding.features import check_features_place
from mystax.errors import ParameterError, RecipeError
from tests.fixtures.exchange_outcomes import publish_known


def test_features_replace_no_outcome_and_no_other_file(tmp_path: Path) -> None:
    pose = publish_known(tmp_path / "face.mystax", "pose") / "pose.nc"
    before = pose.read_bytes()
    other = tmp_path / "mine.nc"
    other.write_bytes(b"CDF")
    for place in (pose, other):
        with pytest.raises(RecipeError, match="P403"):
            check_features_place(place)
    assert pose.read_bytes() == before
    check_features_place(tmp_path / "new.nc")
    with pytest.raises(ParameterError, match="P401"):
        check_features_place(tmp_path / "new.csv")
