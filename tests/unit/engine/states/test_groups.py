"""Groups of recordings: tables, tests between them, and what does not fit."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from mystax.engine.states.groups import compare_recordings, group_difference, group_rows, read_groups
from mystax.errors import RecipeError


def recording(name: str, occupancy: list[float], seed: int) -> xr.Dataset:
    generator = np.random.default_rng(seed)
    share = np.array(occupancy)
    return xr.Dataset(
        {
            "occupancy": ("state", share),
            "bout_rate": ("state", generator.uniform(1, 2, 2)),
            "dwell_median": ("state", generator.uniform(1, 2, 2)),
            "transition_count": (("state", "next_state"), np.array([[50, 15], [15, 50]], np.int32)),
            "kinematics": (("time", "kinematic"), generator.normal(size=(9, 1)).astype(np.float32)),
        },
        coords={"state": [1, 2], "kinematic": ["head_speed"]},
        attrs={"recording": name},
    )


def twelve(shift: float) -> list[xr.Dataset]:
    generator = np.random.default_rng(3)
    shares = 0.4 + 0.04 * generator.normal(size=12) + shift * (np.arange(12) >= 6)
    return [recording(f"r{k}", [share, 1 - share], k) for k, share in enumerate(shares)]


TABLE = [{"recording": f"r{k}", "group": "ab"[k >= 6]} for k in range(12)]
FOUR = [{"recording": f"r{k}", "group": "ab"[k >= 2]} for k in range(4)]


def test_clear_difference_of_occupancy_is_found() -> None:
    found = compare_recordings(twelve(0.2), TABLE)
    assert found.groups == ["a"] * 6 + ["b"] * 6
    at = found.names.index("occupancy of 1")
    assert found.test.p_family[at] < 0.05
    assert found.test.effect[at] > 2


def test_transitions_are_compared_only_with_enough_moves() -> None:
    names = compare_recordings(twelve(0), TABLE).names
    assert "transition 1 to 2" in names
    few = [item.assign(transition_count=item["transition_count"] * 0 + 1) for item in twelve(0)]
    assert not [name for name in compare_recordings(few, TABLE).names if name.startswith("transition")]


def test_individuals_are_the_units_where_they_are_named() -> None:
    table = [{**row, "individual": f"m{k // 2}"} for k, row in enumerate(TABLE)]
    found = compare_recordings(twelve(0), table)
    assert found.groups == ["a"] * 3 + ["b"] * 3
    assert len(found.values) == 6
    assert found.test.n_arrangements == 20


def test_individual_in_two_groups_is_refused() -> None:
    table = [{**row, "individual": f"m{k % 6}"} for k, row in enumerate(TABLE)]
    with pytest.raises(RecipeError, match="in two groups"):
        compare_recordings(twelve(0), table)


def test_table_tells_means_effects_and_reason() -> None:
    rows = group_rows(compare_recordings(twelve(0)[:4], FOUR))
    assert rows[0][1] == "mean of a (n = 2)"
    assert "3 are the fewest" in rows[1][-1]
    assert rows[1][3] == ""


def test_figure_gets_second_minus_first_in_the_places_of_the_states() -> None:
    made = twelve(0.2)
    found = compare_recordings(made, TABLE)
    shown = group_difference(found)
    assert shown is not None
    share = np.array([item["occupancy"].values for item in made])
    np.testing.assert_allclose(shown.difference[0], share[6:].mean(0) - share[:6].mean(0))
    assert shown.p_family[0, 0] == found.test.p_family[found.names.index("occupancy of 1")]
    assert shown.p_family[2, 1] == found.test.p_family[found.names.index("median dwell [s] of 2")]
    assert shown.moves[0, 1] == pytest.approx(0.0)
    assert np.isnan(np.diag(shown.moves)).all()
    assert (shown.groups, shown.n_units) == (("a", "b"), (6, 6))


def test_three_groups_have_a_table_but_no_figure_of_differences() -> None:
    table = [{"recording": f"r{k}", "group": "abc"[k // 4]} for k in range(12)]
    found = compare_recordings(twelve(0), table)
    assert group_difference(found) is None
    assert len(group_rows(found)) == 1 + len(found.names)


def test_groups_are_read_in_the_order_of_the_recordings(tmp_path: Path) -> None:
    (tmp_path / "g.csv").write_text("recording,group\nb,two\na,one\n")
    assert [row["group"] for row in read_groups(tmp_path / "g.csv", ["a", "b"])] == ["one", "two"]
    with pytest.raises(RecipeError, match="recording 'c' has no group"):
        read_groups(tmp_path / "g.csv", ["a", "c"])
    (tmp_path / "h.csv").write_text("name,group\nb,two\n")
    with pytest.raises(RecipeError, match="columns recording, group"):
        read_groups(tmp_path / "h.csv", ["b"])
