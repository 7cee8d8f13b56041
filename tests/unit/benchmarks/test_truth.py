import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks import truth_table
from benchmarks.exact import block_sums, captured_share, exact_values, motion_rows
from benchmarks.truth_rows import ROWS, TruthRow
from benchmarks.truth_table import MUST_AGREE, RECORDED, as_json, as_markdown, differs
from benchmarks.truth_worlds import (
    SHIFTS,
    World,
    block_sums_of,
    flicker_movie,
    jump_movie,
    moving_movie,
    wheel_movie,
    write_movie,
)

from mystax.io.video import Video

GOOD = TruthRow(1, "a wheel", "(1,2)", "(1.0,2.0)", "within 0.1 px", True, (1.0, 2.0))
BAD = TruthRow(2, "a jump", "300", "299", "exact", False, (299.0,))
PEER = {"1": {"values": [0.0, 1.0], "text": "(0,1)"}}


def test_the_table_has_seventeen_rows_and_so_has_the_record() -> None:
    recorded = json.loads(RECORDED.read_text("utf-8"))
    assert len(ROWS) == 17
    assert recorded["facemap"] == "1.0.8"
    assert list(recorded["rows"]) == [str(number) for number in range(1, 18)]
    assert all(row["text"] for row in recorded["rows"].values())


@pytest.mark.parametrize("number", [1, 2, 9, 12], ids=str)
def test_cheap_rows_are_within_their_bounds(number: int, tmp_path: Path) -> None:
    row = ROWS[number - 1](World(tmp_path))
    assert row.number == number
    assert row.ok, f"{row.what}: {row.ours}, expected {row.bound}"


def test_a_row_that_misses_its_bound_is_marked() -> None:
    lines = as_markdown([GOOD, BAD], PEER, "recorded").splitlines()
    assert "(0,1)" in lines[2]
    assert "missed" not in lines[2]
    assert "**missed:** exact" in lines[3]


def test_the_json_object_holds_every_row() -> None:
    made = as_json([GOOD, BAD], PEER, "measured")
    assert json.loads(json.dumps(made)) == made
    assert [(row["row"], row["ok"], row["peer"]) for row in made["rows"]] == [
        (1, True, "(0,1)"),
        (2, False, ""),
    ]


@pytest.mark.parametrize(
    ("factor", "wrong"), [(1.0, False), (1.04, False), (1.06, True)], ids=["equal", "near", "far"]
)
def test_values_of_the_peer_must_come_again_within_five_per_cent(factor: float, wrong: bool) -> None:
    recorded: dict[str, Any] = {str(number): {"values": [100.0, 2.0]} for number in MUST_AGREE}
    measured = {key: {"values": [100.0 * factor, 2.0]} for key in recorded}
    assert differs(measured, recorded) == (list(MUST_AGREE) if wrong else [])


def test_another_number_of_values_differs() -> None:
    recorded: dict[str, Any] = {str(number): {"values": [1.0]} for number in MUST_AGREE}
    assert differs({**recorded, "9": {"values": []}}, recorded) == [9]


@pytest.mark.parametrize(("rows", "status"), [([GOOD], 0), ([GOOD, BAD], 1)], ids=["good", "missed"])
def test_the_exit_status_tells_whether_a_bound_is_missed(
    rows: list[TruthRow],
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(truth_table, "ROWS", [lambda _, row=row: row for row in rows])
    page = tmp_path / "truth.md"
    assert truth_table.main(["--json", "--markdown", str(page)]) == status
    assert len(json.loads(capsys.readouterr().out)["rows"]) == len(rows)
    assert page.read_text("utf-8").startswith("# Truth")


def test_the_wheel_moves_as_it_says() -> None:
    frames = wheel_movie(noise=0.0).astype(int)
    for (dy, dx), before, after in zip(SHIFTS, frames, frames[1:], strict=False):
        inner = before[16:-16, 16:-16]
        assert (after[16 + dy : 80 + dy, 16 + dx : 120 + dx] == inner).all()


def test_the_jumps_are_where_they_should_be() -> None:
    change = np.abs(np.diff(jump_movie(20, (5, 9)).astype(int), axis=0)).sum((1, 2))
    assert np.flatnonzero(change).tolist() == [4, 8]


def test_worlds_are_the_same_every_time() -> None:
    assert np.array_equal(moving_movie(5), moving_movie(5))
    assert np.array_equal(flicker_movie(5), flicker_movie(5))


def test_half_the_rate_is_the_same_movement_in_time() -> None:
    full, half = moving_movie(40, noise=0.0), moving_movie(20, noise=0.0, rate=50)
    assert np.array_equal(full[::2], half)


def test_block_sums_of_a_file_are_those_of_its_frames(tmp_path: Path) -> None:
    frames = moving_movie(6, shape=(50, 70))
    path = write_movie(tmp_path / "a.mkv", frames)
    assert np.array_equal(block_sums(path, 4), block_sums_of(frames))
    part = block_sums(path, 4, (8, 4, 20, 12))
    assert np.array_equal(part, block_sums_of(frames[:, 4:16, 8:28]))


def test_a_written_movie_has_the_same_pixels(tmp_path: Path) -> None:
    frames = jump_movie(4, (2,))
    with Video(write_movie(tmp_path / "a.mkv", frames)) as video:
        assert np.array_equal(next(video.chunks()).data, frames)


@pytest.mark.parametrize("shape", [(30, 50), (50, 30)], ids=["wide", "tall"])
def test_exact_values_are_the_squares_of_singular_values(shape: tuple[int, int]) -> None:
    sums = np.random.default_rng(0).integers(0, 4000, shape).astype(np.uint16)
    rows = motion_rows(sums)
    truth = np.linalg.svd(rows.astype(np.float64), compute_uv=False) ** 2
    values = exact_values(rows)
    assert np.allclose(values[: len(truth)], truth, rtol=1e-9, atol=1e-3)


def test_exact_values_are_kept(tmp_path: Path) -> None:
    rows = np.eye(4, dtype=np.float32)
    first = exact_values(rows, tmp_path / "v.npz")
    assert np.array_equal(exact_values(rows * 9, tmp_path / "v.npz"), first)


def test_the_best_masks_capture_everything_and_others_less() -> None:
    rows = motion_rows(np.random.default_rng(1).integers(0, 900, (40, 12)).astype(np.uint16))
    masks = np.linalg.svd(rows, full_matrices=False)[2].T
    values = exact_values(rows)
    assert captured_share(rows, masks, values, 3) == pytest.approx(1.0, abs=1e-6)
    assert captured_share(rows, masks[:, ::-1], values, 3) < 0.9
