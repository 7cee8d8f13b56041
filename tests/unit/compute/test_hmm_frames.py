"""Rows with holes, grouped by what is observed."""

import numpy as np

from mystax.compute.hmm_frames import BLOCK, MAX_PATTERNS, make_frames


def test_complete_rows_are_one_pattern_in_blocks() -> None:
    frames = make_frames(np.ones((BLOCK + 5, 2)))
    assert frames.patterns.tolist() == [[True, True]]
    assert [len(rows) for _, rows in frames.parts] == [BLOCK, 5]


def test_every_row_with_a_value_is_in_one_part() -> None:
    generator = np.random.default_rng(0)
    values = generator.normal(size=(500, 4))
    values[generator.random(values.shape) < 0.4] = np.nan
    frames = make_frames(values)
    rows = np.sort(np.concatenate([rows for _, rows in frames.parts]))
    assert np.array_equal(rows, np.flatnonzero(np.isfinite(values).any(1)))
    for pattern, part in frames.parts:
        assert (np.isfinite(values[part]) == frames.patterns[pattern]).all()


def test_rare_patterns_count_as_missing() -> None:
    generator = np.random.default_rng(1)
    values = generator.normal(size=(3000, 10))
    values[generator.random(values.shape) < 0.5] = np.nan
    frames = make_frames(values)
    assert len(frames.patterns) == MAX_PATTERNS
    assert 0 < frames.has_value.sum() < 3000


def test_jump_over_left_out_rows_starts_a_segment() -> None:
    frames = make_frames(np.arange(10.0)[:, None]).taken(np.array([0, 1, 2, 6, 7]))
    assert frames.is_start.tolist() == [True, False, False, True, False]
    assert frames.values[:, 0].tolist() == [0, 1, 2, 6, 7]
