"""Agreement of labels and permutation tests, against counting and against scikit-learn."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import t as student

from mystax.compute.statistics import (
    adjusted_rand,
    compare_groups,
    hedges_g,
    matched_states,
    mutual_information,
)


@pytest.mark.parametrize("seed", range(5))
def test_agreement_equals_scikit_learn(seed: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason='pip install "mystax[dev]"')
    generator = np.random.default_rng(seed)
    a, b = generator.integers(4, size=60), generator.integers(3, size=60)
    assert adjusted_rand(a, b) == pytest.approx(metrics.adjusted_rand_score(a, b), abs=1e-12)
    assert mutual_information(a, b) == pytest.approx(metrics.normalized_mutual_info_score(a, b), abs=1e-12)


def test_names_of_labels_do_not_matter_and_missing_ones_are_left_out() -> None:
    a = np.array([0, 0, 1, 1, 2, -1])
    assert adjusted_rand(a, np.array([7, 7, 3, 3, 5, 9])) == 1.0
    assert np.isnan(adjusted_rand(np.full(3, -1), np.zeros(3, np.int64)))


def test_best_pairs_are_found() -> None:
    overlap = np.array([[1.0, 5.0, 0.0], [5.0, 4.0, 0.0], [0.0, 0.0, 2.0]])
    assert matched_states(overlap) == [(0, 1), (1, 0), (2, 2)]


def test_p_is_the_share_of_all_arrangements() -> None:
    generator = np.random.default_rng(0)
    values = generator.normal(size=8) + np.repeat([0.0, 1.5], 4)
    groups = ["a"] * 4 + ["b"] * 4
    found = compare_groups(values[:, None], groups)

    def t(chosen: tuple[int, ...]) -> float:
        inside = np.isin(np.arange(8), chosen)
        a, b = values[~inside], values[inside]
        pooled = (((a - a.mean()) ** 2).sum() + ((b - b.mean()) ** 2).sum()) / 6
        return float(abs(b.mean() - a.mean()) / np.sqrt(pooled * 0.5))

    observed = t((4, 5, 6, 7))
    every = [t(chosen) for chosen in combinations(range(8), 4)]
    assert found.p[0] == pytest.approx(np.mean([value >= observed * (1 - 1e-9) for value in every]))
    assert found.n_arrangements == 70
    assert found.smallest == pytest.approx(2 / 70)


def test_smallest_p_of_six_against_six() -> None:
    found = compare_groups(np.random.default_rng(0).normal(size=(12, 1)), ["a"] * 6 + ["b"] * 6)
    assert found.smallest == pytest.approx(0.0021645, abs=1e-6)


def test_too_few_units_give_no_p_but_a_reason() -> None:
    found = compare_groups(np.arange(4.0)[:, None], ["a", "a", "b", "b"])
    assert np.isnan(found.p).all()
    assert "3 are the fewest" in found.reason


def test_family_p_is_at_least_that_of_the_quantity_alone() -> None:
    generator = np.random.default_rng(2)
    found = compare_groups(generator.normal(size=(10, 5)), ["a"] * 5 + ["b"] * 5)
    assert (found.p_family >= found.p - 1e-12).all()
    assert (found.q >= found.p - 1e-12).all()


def plain_family(values: np.ndarray, kinds: list[str]) -> np.ndarray:
    """Correct a family of 4 against 4 by its definition: shares of error, the clearest left out in turn."""
    sizes = np.array([kinds.count(kind) for kind in kinds])

    def shares(second: tuple[int, ...]) -> np.ndarray:
        inside = np.isin(np.arange(8), second)
        own = (values[inside].var(0, ddof=1) + values[~inside].var(0, ddof=1)) / 2
        of_kind = np.array(
            [np.mean([own[j] for j, other in enumerate(kinds) if other == kind]) for kind in kinds]
        )
        error = np.sqrt((own + of_kind) / 2 * (1 / 4 + 1 / 4))
        statistic = np.abs(values[inside].mean(0) - values[~inside].mean(0)) / error
        return np.asarray(2 * student.sf(statistic, 6 / (0.25 + 0.75 / sizes)) * sizes)

    every = np.stack([shares(chosen) for chosen in combinations(range(8), 4)])
    observed = shares((4, 5, 6, 7))
    left, highest, found = list(range(len(kinds))), 0.0, np.zeros(len(kinds))
    for k in np.argsort(observed):
        highest = max(highest, float((every[:, left].min(1) <= observed[k] * (1 + 1e-6)).mean()))
        found[k] = highest
        left.remove(int(k))
    return found


def test_family_p_is_that_of_its_definition() -> None:
    generator = np.random.default_rng(8)
    values = generator.normal(size=(8, 6)) + np.repeat([[0.0] * 6, [3.0, 1.5, 0, 0, 0, 0]], 4, axis=0)
    kinds = ["few", "many", "many", "many", "many", "many"]
    found = compare_groups(values, ["a"] * 4 + ["b"] * 4, kinds=kinds)
    np.testing.assert_allclose(found.p_family, plain_family(values, kinds), atol=1e-12)


def test_many_quantities_of_one_kind_do_not_hide_one_of_another() -> None:
    generator = np.random.default_rng(9)
    values = generator.normal(size=(12, 31))
    values[6:, 0] += 2
    groups = ["a"] * 6 + ["b"] * 6
    plain = compare_groups(values, groups).p_family[0]
    shared = compare_groups(values, groups, kinds=["one"] + ["many"] * 30).p_family[0]
    assert shared < plain


def test_what_is_clear_makes_the_rest_easier_to_see() -> None:
    generator = np.random.default_rng(10)
    values = generator.normal(size=(12, 5))
    values[6:, :2] += [9.0, 2.2]
    groups = ["a"] * 6 + ["b"] * 6
    both = compare_groups(values, groups).p_family[1]
    without = compare_groups(values[:, 1:], groups).p_family[0]
    assert both == pytest.approx(without)


def test_quantities_of_a_kind_share_what_they_know_of_the_variance() -> None:
    generator = np.random.default_rng(11)
    groups, alone, shared = ["a"] * 4 + ["b"] * 4, 0, 0
    for _ in range(20):
        values = generator.normal(size=(8, 8))
        values[4:, 0] += 2.5
        alone += bool(compare_groups(values, groups).p_family[0] <= 0.05)
        shared += bool(compare_groups(values, groups, kinds=["one"] * 8).p_family[0] <= 0.05)
    assert shared > alone


def test_false_positives_stay_few_where_kinds_hold_unlike_variances() -> None:
    generator = np.random.default_rng(12)
    scale = np.exp(generator.normal(size=9))
    kinds, groups = ["x"] * 4 + ["y"] * 4 + ["z"], ["a"] * 5 + ["b"] * 5
    hits = sum(
        bool(
            (
                compare_groups(generator.normal(size=(10, 9)) * scale, groups, kinds=kinds).p_family <= 0.05
            ).any()
        )
        for _ in range(40)
    )
    assert hits <= 6  # binomial: 40 at 5 % is 2 +- 1.4


def test_effects_are_of_the_values_that_are_told() -> None:
    values = np.random.default_rng(13).uniform(1, 2, size=(8, 2))
    groups = ["a"] * 4 + ["b"] * 4
    found = compare_groups(np.log(values), groups, kinds=["x", "y"], effects_of=values)
    assert found.effect[1] == pytest.approx(hedges_g(values[:4, 1], values[4:, 1]))


def test_three_groups_and_pairs_are_tested() -> None:
    generator = np.random.default_rng(3)
    shift = np.repeat([0.0, 0.0, 4.0], 4)[:, None]
    found = compare_groups(generator.normal(size=(12, 1)) + shift, list("aaaabbbbcccc"))
    assert found.p[0] < 0.01
    person = generator.normal(size=7) * 10
    values = np.concatenate([person, person + 1 + 0.1 * generator.normal(size=7)])[:, None]
    paired = compare_groups(values, ["a"] * 7 + ["b"] * 7, [str(k) for k in range(7)] * 2)
    assert paired.p[0] == pytest.approx(2 / 128)
    assert compare_groups(values, ["a"] * 7 + ["b"] * 7).p[0] > 0.5


def test_quantity_with_a_hole_is_left_out() -> None:
    values = np.random.default_rng(4).normal(size=(8, 2))
    values[3, 1] = np.nan
    found = compare_groups(values, ["a"] * 4 + ["b"] * 4)
    assert np.isfinite(found.p[0])
    assert np.isnan(found.p[1])


def test_effect_size_is_that_of_the_formula() -> None:
    a, b = np.array([1.0, 2.0, 3.0]), np.array([3.0, 4.0, 5.0])
    assert hedges_g(a, b) == pytest.approx(2.0 * (1 - 3 / 15))
    found = compare_groups(np.concatenate([a, b])[:, None], list("aaabbb"))
    assert found.low[0] < found.effect[0] < found.high[0]


def test_false_positives_of_a_family_are_those_that_were_promised() -> None:
    generator = np.random.default_rng(5)
    groups = ["a"] * 6 + ["b"] * 6
    hits = 0
    for _ in range(60):
        found = compare_groups(generator.normal(size=(12, 4)), groups)
        hits += bool((found.p_family <= 0.05).any())
    assert hits <= 9  # binomial: 60 at 5 % is 3 +- 1.7


@pytest.mark.slow
def test_family_wise_error_of_500_simulations() -> None:
    generator = np.random.default_rng(6)
    groups = ["a"] * 6 + ["b"] * 6
    hits = sum(
        bool((compare_groups(generator.normal(size=(12, 9)), groups).p_family <= 0.05).any())
        for _ in range(500)
    )
    assert 0.03 <= hits / 500 <= 0.07


@pytest.mark.slow
def test_difference_of_three_sd_is_found() -> None:
    generator = np.random.default_rng(7)
    groups, hits = ["a"] * 6 + ["b"] * 6, 0
    for _ in range(100):
        values = generator.normal(size=(12, 9)) * 4
        values[6:, 0] += 12
        hits += bool(compare_groups(values, groups).p_family[0] <= 0.05)
    assert hits >= 80


def test_groups_that_do_not_vary_differ_as_clearly_as_can_be() -> None:
    """Nothing within the groups, all between them: as rare as an arrangement can be, not p = 1."""
    steady = np.repeat([0.1, 0.7], 4)[:, None]
    found = compare_groups(
        np.hstack([steady, np.random.default_rng(0).normal(size=(8, 1))]), list("aaaabbbb")
    )
    assert found.p[0] == pytest.approx(2 / 70)
    assert found.p_family[0] < found.p_family[1]
    three = compare_groups(np.repeat([0.1, 0.3, 0.7], 3)[:, None], list("aaabbbccc"))
    assert three.p[0] < 0.01  # 6 of 1,680 arrangements


def test_pairs_that_all_change_alike_change_as_clearly_as_can_be() -> None:
    before = np.random.default_rng(0).normal(size=6)
    values = np.concatenate([before, before + 1.0])[:, None]
    found = compare_groups(values, ["a"] * 6 + ["b"] * 6, [str(k) for k in range(6)] * 2)
    assert found.p[0] == pytest.approx(2 / 64)


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, 1e6])
def test_groups_that_are_equal_do_not_differ(value: float) -> None:
    """Neither do they where the sum of their values is rounded."""
    equal = np.full((12, 1), value)
    assert compare_groups(equal, ["a"] * 6 + ["b"] * 6).p[0] == 1.0
    assert compare_groups(equal, ["a"] * 4 + ["b"] * 4 + ["c"] * 4).p[0] == 1.0
    pairs = [str(k) for k in range(6)] * 2
    assert compare_groups(equal, ["a"] * 6 + ["b"] * 6, pairs).p[0] == 1.0


@pytest.mark.parametrize(("factor", "base"), [(1e-14, 0.0), (1e9, 0.0), (1.0, 1e9)])
def test_p_does_not_depend_on_the_unit(factor: float, base: float) -> None:
    values = np.random.default_rng(1).normal(size=(12, 2)) + np.repeat([0.0, 1.2], 6)[:, None]
    groups = ["a"] * 6 + ["b"] * 6
    found, other = compare_groups(values, groups), compare_groups(base + factor * values, groups)
    np.testing.assert_allclose(other.p, found.p)
    np.testing.assert_allclose(other.p_family, found.p_family)
