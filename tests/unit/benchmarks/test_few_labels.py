"""The protocol of few labels: who teaches, who judges, and the table."""

from pathlib import Path

import numpy as np
import pytest
from benchmarks import few_labels
from benchmarks.few_labels import WISHES, choose_rows, find_done, keep, rendered_growth, table

from tests.fixtures.networks import tiny_weights


@pytest.mark.parametrize("n", [10, 20, 67])
@pytest.mark.parametrize("seed", range(5))
def test_last_frames_judge_and_never_teach(n: int, seed: int) -> None:
    teach, judge = choose_rows("mouse_faces", 112, n, seed)
    assert judge == list(range(67, 112))
    assert len(set(teach)) == n
    assert max(teach) < 67


def test_fewer_labels_are_part_of_more_and_seeds_differ() -> None:
    few, more = (choose_rows("mouse_faces", 112, n, 3)[0] for n in (10, 20))
    assert more[:10] == few
    assert choose_rows("mouse_faces", 112, 10, 4)[0] != few


@pytest.mark.parametrize("name", ["openfield", "mirror"])
def test_halves_share_no_frame(name: str) -> None:
    teach, judge = choose_rows(name, 91, 0, 1)
    assert sorted(teach + judge) == list(range(91))
    assert len(teach) == 45


def _row(**changes: object) -> dict[str, object]:
    return {
        "set": "mouse_faces",
        "n": 20,
        "seed": 0,
        "base": "mouse-face",
        "members": 1,
        "mean": 2.0,
        "mean_shape": 3.5,
        "forgetting": 1.1,
        "wall": 90.0,
        "cpu": 150.0,
        **changes,
    }


def test_table_gives_means_and_ranges_of_seeds() -> None:
    full = {"rendered_500": 1.2, "ece": 0.03, "rank_correlation": -0.2, "promised": 80.0}
    lines = table(
        [_row(**full), _row(seed=1, mean=1.8, **full), _row(base="none", forgetting=float("nan"))]
    ).splitlines()
    assert len(lines) == 4
    assert (
        "| 2 | 1.90 (1.80-2.00) | 1.95 | 3.50 | x 1.10, x 1.20 | 0.030, -0.20 | 90 s (80 s promised), 150 s |"
        in lines[2]
    )
    assert "| none | 1 | 2.00 (2.00-2.00) | 1.95 | 3.50 |  |  |" in lines[3]


def test_growth_of_the_error_is_one_for_the_same_weights_and_more_for_worse_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(few_labels, "N_RENDERED", 2)
    points = ("nose_tip", "eye_top", "no_such_point")
    same = rendered_growth("mouse-face", "mouse-face", points, ())
    assert same == {"rendered_500": 1.0, "rendered_500_kept": 1.0}
    other = str(tiny_weights(tmp_path))
    worse = rendered_growth("mouse-face", other, points, ("eye_top",))
    assert worse["rendered_500"] > 2
    alone = rendered_growth("mouse-face", other, points[:1], ())
    assert worse["rendered_500_kept"] == pytest.approx(alone["rendered_500"])
    for nothing in (("none", points), ("mouse-face", points[2:])):
        base, names = nothing
        assert np.isnan(list(rendered_growth(base, base, names, ()).values())).all()


def test_runs_with_the_same_wishes_are_found_again(tmp_path: Path) -> None:
    notes = tmp_path / "bench" / "few_labels.json"
    wishes = {**dict.fromkeys(WISHES, 1), "set": "mouse_faces", "base": "none", "digest": ""}
    assert find_done(notes, wishes) is None
    for seed in (1, 2):
        keep(notes, _row(**{**wishes, "seed": seed, "mean": float(seed)}))
    found = find_done(notes, {**wishes, "seed": 2, "out": "elsewhere"})
    assert found is not None
    assert found["mean"] == 2.0
    assert find_done(notes, {**wishes, "minutes": 5}) is None
