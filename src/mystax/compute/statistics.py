"""Agreement of labels, and permutation tests between groups of independent units."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import comb

import numpy as np

from mystax.core.typing import Bool, Float64, Int64

__all__ = [
    "GroupTest",
    "adjusted_rand",
    "compare_groups",
    "hedges_g",
    "matched_states",
    "mutual_information",
]

EXACT = 1e-7
"""Errors below this share of a quantity's spread are rounding: its groups do not vary at all."""
MOST_ARRANGEMENTS = 20_000
N_BOOTSTRAP = 2_000


def contingency(
    a: Int64[np.ndarray, " frame"], b: Int64[np.ndarray, " frame"]
) -> Int64[np.ndarray, "row column"]:
    """Count the frames of each pair of labels; frames where either is negative are left out."""
    good = (a >= 0) & (b >= 0)
    one, two = np.unique(a[good], return_inverse=True)[1], np.unique(b[good], return_inverse=True)[1]
    shape = (int(one.max(initial=-1)) + 1, int(two.max(initial=-1)) + 1)
    table = np.zeros(shape, np.int64)
    np.add.at(table, (one, two), 1)
    return table


def adjusted_rand(a: Int64[np.ndarray, " frame"], b: Int64[np.ndarray, " frame"]) -> float:
    """Return the adjusted Rand index of two labellings: 1 is the same partition, 0 is chance.

    Parameters
    ----------
    a, b : array (frame,)
        Labels; negative ones are left out.

    Returns
    -------
    float
        NaN if nothing is left.

    References
    ----------
    .. [1] Hubert & Arabie (1985), doi:10.1007/BF01908075

    Examples
    --------
    >>> adjusted_rand(np.array([0, 0, 1, 1]), np.array([5, 5, 3, 3]))
    1.0
    """
    table = contingency(a, b).astype(float)
    n = table.sum()
    if n == 0:
        return float("nan")

    def pairs(counts: Float64[np.ndarray, "..."]) -> float:
        return float((counts * (counts - 1) / 2).sum())

    both, rows, columns = pairs(table), pairs(table.sum(1)), pairs(table.sum(0))
    expected = rows * columns / (n * (n - 1) / 2) if n > 1 else 0.0
    highest = (rows + columns) / 2
    return 1.0 if highest == expected else float((both - expected) / (highest - expected))


def mutual_information(a: Int64[np.ndarray, " frame"], b: Int64[np.ndarray, " frame"]) -> float:
    """Return the mutual information of two labellings over the mean of their entropies, 0..1."""
    table = contingency(a, b).astype(float)
    if table.sum() == 0:
        return float("nan")
    joint = table / table.sum()
    rows, columns = joint.sum(1), joint.sum(0)
    expected = np.outer(rows, columns)
    some = joint > 0
    shared = float((joint[some] * np.log(joint[some] / expected[some])).sum())
    entropy = [-float((p[p > 0] * np.log(p[p > 0])).sum()) for p in (rows, columns)]
    return 1.0 if sum(entropy) == 0 else max(0.0, 2 * shared / sum(entropy))


def matched_states(overlap: Float64[np.ndarray, "a b"]) -> list[tuple[int, int]]:
    """Pair rows with columns so that the sum of their likeness is greatest (Hungarian assignment)."""
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(-overlap)
    return [(int(a), int(b)) for a, b in zip(rows, columns, strict=True)]


def hedges_g(a: Float64[np.ndarray, " unit"], b: Float64[np.ndarray, " unit"]) -> float:
    """Return the difference of means over the pooled SD, corrected for small samples."""
    n, m = len(a), len(b)
    pooled = np.sqrt(((n - 1) * a.var(ddof=1) + (m - 1) * b.var(ddof=1)) / (n + m - 2))
    if pooled == 0:
        return float("nan")
    return float((b.mean() - a.mean()) / pooled * (1 - 3 / (4 * (n + m) - 9)))


@dataclass(frozen=True, eq=False)
class GroupTest:
    """Comparison of groups over a family of quantities.

    Attributes
    ----------
    p : array (quantity,)
        Of each quantity alone; NaN where nothing can be said.
    p_family : array (quantity,)
        Corrected for the whole family, stepping down from the clearest quantity, by the most extreme one of
        each arrangement.
    q : array (quantity,)
        False discovery rate (Benjamini and Hochberg).
    effect, low, high : array (quantity,)
        Hedges g (second group minus first) with its 95 % bootstrap interval; NaN for more than two groups.
    smallest : float
        The smallest p that the design can give.
    n_arrangements : int
        Arrangements that were looked at.
    reason : str
        Why there is no p, else empty.
    """

    p: Float64[np.ndarray, " quantity"]
    p_family: Float64[np.ndarray, " quantity"]
    q: Float64[np.ndarray, " quantity"]
    effect: Float64[np.ndarray, " quantity"]
    low: Float64[np.ndarray, " quantity"]
    high: Float64[np.ndarray, " quantity"]
    smallest: float
    n_arrangements: int
    reason: str = ""


def _arrangements(codes: Int64[np.ndarray, " unit"]) -> Int64[np.ndarray, "arrangement unit"]:
    """Return the first and all other ways to give the labels to the units, or as many drawn ones."""
    n, sizes = len(codes), np.bincount(codes)
    if len(sizes) == 2 and comb(n, int(sizes[1])) <= MOST_ARRANGEMENTS:
        found = np.zeros((comb(n, int(sizes[1])), n), np.int64)
        for row, chosen in enumerate(combinations(range(n), int(sizes[1]))):
            found[row, list(chosen)] = 1
        return found
    generator = np.random.default_rng(0x9E0)
    drawn = [generator.permutation(codes) for _ in range(MOST_ARRANGEMENTS - 1)]
    return np.stack([codes, *drawn])


@dataclass(frozen=True, eq=False)
class _Kinds:
    """Quantities by what they are of.

    Attributes
    ----------
    code : array (quantity,)
        Kind of each quantity; without kinds each is one for itself.
    members : array (quantity,)
        How many share its part of the error.
    """

    code: Int64[np.ndarray, " quantity"]
    members: Float64[np.ndarray, " quantity"]

    @classmethod
    def of(cls, kinds: Sequence[str] | None, good: Bool[np.ndarray, " quantity"]) -> "_Kinds":
        """Return the kinds of the quantities that are used."""
        if kinds is None:
            n = int(good.sum())
            return cls(np.arange(n), np.ones(n))
        used = [kind for kind, is_good in zip(kinds, good, strict=True) if is_good]
        _, code, counts = np.unique(used, return_inverse=True, return_counts=True)
        return cls(np.asarray(code, np.int64), counts[code].astype(np.float64))

    def shared(
        self, variance: Float64[np.ndarray, "arrangement quantity"]
    ) -> Float64[np.ndarray, "arrangement quantity"]:
        """Return variances half of their own, half of the mean of their kind."""
        size = int(self.code.max(initial=-1)) + 1
        member = np.zeros((len(self.code), size))
        member[np.arange(len(self.code)), self.code] = 1
        mean = (variance @ member) / np.maximum(member.sum(0), 1)
        return np.asarray((variance + mean[:, self.code]) / 2)

    def error_shares(
        self,
        statistics: Float64[np.ndarray, "arrangement quantity"],
        free: tuple[int, int],
        *,
        is_squared: bool,
    ) -> Float64[np.ndarray, "arrangement quantity"]:
        """Return how seldom normal values give such statistics, times the members.

        A variance that is shared by m quantities is known as by 1 / (1/4 + 3/(4 m)) times the units.
        """
        from scipy.special import fdtrc, stdtr

        size = np.bincount(self.code)[self.code]
        known = free[1] / (0.25 + 0.75 / size)
        shares = fdtrc(free[0], known, statistics) if is_squared else 2 * stdtr(known, -statistics)
        return np.asarray(shares * self.members)


def _two_groups(
    values: Float64[np.ndarray, "unit quantity"],
    arrangements: Int64[np.ndarray, "arrangement unit"],
    kinds: _Kinds,
) -> Float64[np.ndarray, "arrangement quantity"]:
    """Return |difference of means| over its standard error, for each arrangement."""
    values = values - values.mean(0)  # large numbers would leave nothing but rounding in the squares
    second = arrangements.astype(float)
    n2 = second.sum(1)[:, None]
    n1 = values.shape[0] - n2
    total, squares = values.sum(0), (values**2).sum(0)
    sum2, square2 = second @ values, second @ values**2
    mean1, mean2 = (total - sum2) / n1, sum2 / n2
    within = (squares - square2 - n1 * mean1**2) + (square2 - n2 * mean2**2)
    variance = kinds.shared(np.maximum(within, 0) / (n1 + n2 - 2))
    error = np.sqrt(variance * (1 / n1 + 1 / n2))
    return _in_errors(np.abs(mean2 - mean1), error, EXACT * np.sqrt(squares / len(values)))


def _in_errors(
    size: Float64[np.ndarray, "arrangement quantity"],
    error: Float64[np.ndarray, "arrangement quantity"],
    rounding: Float64[np.ndarray, " quantity"],
) -> Float64[np.ndarray, "arrangement quantity"]:
    """Return sizes over their errors: infinite where only the error is nothing, 0 where both are."""
    none = error <= rounding
    found = size / np.where(none, 1.0, error)
    return np.where(none, np.where(size > rounding, np.inf, 0.0), found)


def _many_groups(
    values: Float64[np.ndarray, "unit quantity"],
    arrangements: Int64[np.ndarray, "arrangement unit"],
    kinds: _Kinds,
) -> Float64[np.ndarray, "arrangement quantity"]:
    """Return the variance between groups over that within, for each arrangement."""
    n_groups, n = int(arrangements.max()) + 1, len(values)
    values = values - values.mean(0)
    between = np.zeros((len(arrangements), values.shape[1]))
    for group in range(n_groups):
        inside = (arrangements == group).astype(float)
        size = inside.sum(1)[:, None]
        between += size * ((inside @ values) / size) ** 2
    total = (values**2).sum(0)
    within = kinds.shared(np.maximum(total - between, 0) / (n - n_groups))
    return _in_errors(between / (n_groups - 1), within, EXACT**2 * total / n)


def _pairs(
    values: Float64[np.ndarray, "pair quantity"], kinds: _Kinds
) -> Float64[np.ndarray, "arrangement quantity"]:
    """Return |mean| over its standard error of paired differences for all signs."""
    n = len(values)
    if 2**n <= MOST_ARRANGEMENTS:
        signs = np.array(list(product((1.0, -1.0), repeat=n)))
    else:
        drawn = np.random.default_rng(0x9E1).choice((1.0, -1.0), (MOST_ARRANGEMENTS - 1, n))
        signs = np.concatenate([np.ones((1, n)), drawn])
    mean = signs @ values / n
    variance = kinds.shared(np.maximum((values**2).mean(0) - mean**2, 0) * n / (n - 1))
    return _in_errors(np.abs(mean), np.sqrt(variance / n), EXACT * np.sqrt((values**2).mean(0)))


def _family_p(
    shares: Float64[np.ndarray, "arrangement quantity"], observed: Float64[np.ndarray, " quantity"]
) -> Float64[np.ndarray, " quantity"]:
    """Correct for the family: the smallest share of each arrangement, quantity after quantity left out."""
    order = np.argsort(observed, kind="stable")
    least = np.minimum.accumulate(shares[:, order[::-1]], axis=1)[:, ::-1]
    p = (least <= observed[order] * (1 + 1e-6)).mean(0)
    found = np.empty(len(observed))
    found[order] = np.maximum.accumulate(p)
    return found


def compare_groups(
    values: Float64[np.ndarray, "unit quantity"],
    groups: Sequence[str],
    pairs: Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
    effects_of: Float64[np.ndarray, "unit quantity"] | None = None,
) -> GroupTest:
    """Compare groups of independent units by permutation of their labels.

    Parameters
    ----------
    values : array (unit, quantity)
        One row per individual or recording; a quantity with a NaN is left out (p NaN).
    groups : sequence of str
        Group of each unit.
    pairs : sequence of str, optional
        Name of the pair of each unit: both members once, in two groups.
    kinds : sequence of str, optional
        What each quantity is of.  Quantities of a kind vary about alike: each takes half of its variance from
        the others.  Each kind takes the same part of the error of the family: many transitions do not take
        away what a few occupancies can show.  By default each has its own variance, and all share the error.
    effects_of : array (unit, quantity), optional
        Values that effects are told of, where `values` are on a scale made for testing.

    Returns
    -------
    GroupTest
        p alone, corrected for the family (under any dependence between its quantities), false discovery
        rate, effect sizes; without p where a group has fewer than 3 units, with the reason.

    References
    ----------
    .. [1] Westfall & Young (1993), Resampling-based multiple testing
    .. [2] Hedges (1981), doi:10.3102/10769986006002107
    .. [3] Smyth (2004), doi:10.2202/1544-6115.1027 (variances that quantities share)
    """
    names = sorted(set(groups))
    codes = np.array([names.index(group) for group in groups], np.int64)
    n_quantities = values.shape[1]
    empty = np.full(n_quantities, np.nan)
    sizes = np.bincount(codes, minlength=len(names))
    reason = ""
    if len(names) < 2:
        reason = "there is only one group"
    elif sizes.min() < 3:
        reason = f"the group {names[int(sizes.argmin())]!r} has {int(sizes.min())} units; 3 are the fewest"
    if reason:
        return GroupTest(empty, empty, empty, empty, empty, empty, float("nan"), 0, reason)
    good = np.isfinite(values).all(0)
    used, of_kinds = values[:, good], _Kinds.of(kinds, good)
    if pairs is not None:
        differences = _differences(used, codes, pairs)
        statistics = _pairs(differences, of_kinds)
        observed, free = statistics[0], (1, len(differences) - 1)
        n_distinct, two_sided = min(2 ** len(differences), len(statistics)), True
    else:
        arrangements, statistic = _arrangements(codes), _two_groups if len(names) == 2 else _many_groups
        statistics = statistic(used, arrangements, of_kinds)
        observed, free = statistic(used, codes[None], of_kinds)[0], (len(names) - 1, len(used) - len(names))
        n_distinct = len(arrangements)
        two_sided = len(names) == 2 and sizes[0] == sizes[-1]
    p, family, q = empty.copy(), empty.copy(), empty.copy()
    slack = 1e-9
    if used.shape[1]:
        p[good] = (statistics >= observed * (1 - slack)).mean(0)
        is_squared = pairs is None and len(names) > 2
        family[good] = _family_p(
            of_kinds.error_shares(statistics, free, is_squared=is_squared),
            of_kinds.error_shares(observed[None], free, is_squared=is_squared)[0],
        )
        from scipy.stats import false_discovery_control

        q[good] = false_discovery_control(p[good])
    told = values if effects_of is None else effects_of
    effect, low, high = _effects(told, codes, len(names), np.isfinite(told).all(0))
    return GroupTest(p, family, q, effect, low, high, (2 if two_sided else 1) / n_distinct, n_distinct)


def _differences(
    values: Float64[np.ndarray, "unit quantity"], codes: Int64[np.ndarray, " unit"], pairs: Sequence[str]
) -> Float64[np.ndarray, "pair quantity"]:
    found = []
    for name in dict.fromkeys(pairs):
        members = [k for k, other in enumerate(pairs) if other == name]
        if len(members) != 2 or codes[members[0]] == codes[members[1]]:
            raise ValueError(f"the pair {name!r} needs one member in each of two groups")
        first, second = sorted(members, key=lambda k: int(codes[k]))
        found.append(values[second] - values[first])
    return np.stack(found)


def _effects(
    values: Float64[np.ndarray, "unit quantity"],
    codes: Int64[np.ndarray, " unit"],
    n_groups: int,
    good: Bool[np.ndarray, " quantity"],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return Hedges g of each quantity with its bootstrap interval."""
    effect, low, high = (np.full(values.shape[1], np.nan) for _ in range(3))
    if n_groups != 2:
        return effect, low, high
    a, b = values[codes == 0], values[codes == 1]
    generator = np.random.default_rng(0x9E2)
    rows_a = generator.integers(len(a), size=(N_BOOTSTRAP, len(a)))
    rows_b = generator.integers(len(b), size=(N_BOOTSTRAP, len(b)))
    correction = 1 - 3 / (4 * (len(a) + len(b)) - 9)
    for k in np.flatnonzero(good):
        effect[k] = hedges_g(a[:, k], b[:, k])
        one, two = a[rows_a, k], b[rows_b, k]
        free = len(a) + len(b) - 2
        pooled = ((len(a) - 1) * one.var(1, ddof=1) + (len(b) - 1) * two.var(1, ddof=1)) / free
        some = pooled > 1e-12
        if some.any():
            drawn = correction * (two.mean(1) - one.mean(1))[some] / np.sqrt(pooled[some])
            low[k], high[k] = np.percentile(drawn, [2.5, 97.5])
    return effect, low, high
