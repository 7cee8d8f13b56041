"""Routes, readings, checkpoints: the decomposer fed by hand."""

import numpy as np
import pytest

from mystax.compute import decompose as decompose_module
from mystax.compute import svd_subspace, svd_whole
from mystax.compute.decompose import Decomposer
from mystax.compute.svd_routes import Route, SvdSettings
from mystax.compute.svd_rows import Matrix
from mystax.compute.tiles import TilePool
from mystax.errors import DamagedError, InternalError
from tests.fixtures.measure import Shelf, no_scratch

ROUTES: tuple[Route, ...] = ("gram_bins", "gram_frames", "subspace", "subspace_streamed")
N, P = 600, 300


def bins_of_rank(rank: int, seed: int = 0) -> np.ndarray:
    """Make whole-number rows whose variance about the mean has a given rank, at grey 200."""
    generator = np.random.default_rng(seed)
    parts = generator.integers(-20, 21, (N, rank)) @ generator.integers(-3, 4, (rank, P))
    return np.asarray(3200 + parts, np.uint16)


def decompose(
    bins: np.ndarray,
    route: Route | None,
    *,
    shelf: Shelf | None = None,
    valid: np.ndarray | None = None,
    moving: bool = False,
    chunk: int = 100,
    **settings: object,
) -> Decomposer:
    """Feed bins to a decomposer until it is done."""
    made = decomposer(route, shelf, moving=moving, dtype=bins.dtype, **settings)
    good = np.ones(N, bool) if valid is None else valid
    while made.n_passes > _passes(made):
        for first in range(0, N, chunk):
            part = slice(first, min(first + chunk, N))
            made.feed(bins[part], good[part], np.arange(N)[part] > 0)
        made.end_pass()
    while made.work() is not None:
        pass
    return made


def _passes(made: Decomposer) -> int:
    return int(made.state()["place"][1])


def decomposer(
    route: Route | None,
    shelf: Shelf | None = None,
    *,
    moving: bool = False,
    dtype: np.typing.DTypeLike = np.uint16,
    **settings: object,
) -> Decomposer:
    values: dict[str, object] = {"n_components": 20, "route": route, **settings}
    return Decomposer(
        [Matrix("m", moving, None, P)],
        N,
        P,
        np.dtype(dtype),
        SvdSettings(**values),  # type: ignore[arg-type] # plain values from the tests
        TilePool(1),
        shelf if shelf is not None else Shelf(),
    )


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("rank", [1, 2, 3, 12])
def test_rows_of_a_rank_have_as_many_components(route: Route, rank: int) -> None:
    bins = bins_of_rank(rank)
    ((found, scores),) = decompose(bins, route).results()
    exact = np.linalg.svd(bins - bins.mean(0), compute_uv=False)[:rank]
    assert found.n_components == rank
    np.testing.assert_allclose(found.singular_value, exact, rtol=1e-5 if "subspace" in route else 1e-10)
    assert found.captured[-1] == pytest.approx(1, rel=1e-5)
    rebuilt = scores.read(0, N) @ found.mask.T + found.mean
    np.testing.assert_allclose(rebuilt, bins, atol=0.01)


@pytest.mark.parametrize("route", ROUTES)
def test_rows_that_never_change_have_no_component(route: Route) -> None:
    ((found, scores),) = decompose(np.full((N, P), 77, np.uint16), route).results()
    assert found.n_components == 0
    assert found.variance == found.shortfall == found.norm_error == 0
    assert scores.read(0, N).shape == (N, 0)
    np.testing.assert_allclose(found.mean, 77)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("n_good", [0, 1])
def test_fewer_than_two_rows_have_no_component(route: Route, n_good: int) -> None:
    valid = np.arange(N) < n_good
    ((found, _),) = decompose(bins_of_rank(3), route, valid=valid).results()
    assert (found.n_components, found.n_rows) == (0, n_good)


@pytest.mark.parametrize("route", ROUTES)
def test_without_scratch_the_bits_are_the_same(route: Route) -> None:
    bins = np.random.default_rng(0).integers(0, 4080, (N, P)).astype(np.uint16)
    with_scratch = decompose(bins, route, moving=True, tolerance=0.001)
    made = Decomposer(
        [Matrix("m", True, None, P)],
        N,
        P,
        np.dtype(np.uint16),
        SvdSettings(n_components=20, route=route, tolerance=0.001),
        TilePool(2),
        no_scratch,
    )
    while made.n_passes > _passes(made):
        for first in range(0, N, 7):
            part = slice(first, min(first + 7, N))
            made.feed(bins[part], np.ones(N, bool)[part], np.arange(N)[part] > 0)
        made.end_pass()
    while made.work() is not None:
        pass
    for (one, rows), (two, more) in zip(with_scratch.results(), made.results(), strict=True):
        assert one.n_readings == two.n_readings
        np.testing.assert_array_equal(one.mask, two.mask)
        np.testing.assert_array_equal(one.singular_value, two.singular_value)
        np.testing.assert_array_equal(rows.read(0, N), more.read(0, N))


@pytest.mark.parametrize(("route", "n_passes"), [("gram_bins", 2), ("subspace", 5), ("subspace_streamed", 2)])
def test_decodes_without_scratch_are_known_at_the_start(route: Route, n_passes: int) -> None:
    made = Decomposer(
        [Matrix("m", True, None, P)],
        N,
        P,
        np.dtype(np.uint16),
        SvdSettings(route=route),
        TilePool(1),
        no_scratch,
    )
    assert made.n_passes == n_passes


def test_streamed_bins_are_never_kept() -> None:
    shelf = Shelf()
    decompose(bins_of_rank(3), "subspace_streamed", shelf=shelf)
    assert "bins" not in shelf.spools


def test_bins_beyond_the_largest_scratch_are_not_kept() -> None:
    shelf = Shelf()
    made = decompose(bins_of_rank(3), "gram_bins", shelf=shelf, max_spool=1e-9)
    assert "bins" not in shelf.spools
    assert made.n_passes == 2


def test_kept_bins_of_missing_frames_are_zero() -> None:
    shelf = Shelf()
    decompose(bins_of_rank(3), "gram_bins", shelf=shelf, valid=np.arange(N) % 10 != 3)
    kept = shelf.spools["bins"].read(0, N)
    np.testing.assert_array_equal(kept[3::10], 0)
    assert (kept[4::10] > 0).all()


def test_more_readings_are_made_while_too_much_variance_is_missing() -> None:
    bins = np.random.default_rng(0).integers(0, 4080, (N, P)).astype(np.uint16)
    ((loose, _),) = decompose(bins, "subspace", n_components=10, tolerance=0.2).results()
    ((tight, _),) = decompose(bins, "subspace", n_components=10, tolerance=0.0001).results()
    assert loose.n_readings == 5
    assert tight.n_readings == 7
    assert tight.captured[-1] > loose.captured[-1]
    assert tight.shortfall < loose.shortfall


def test_the_estimated_shortfall_is_near_the_true_one() -> None:
    bins = np.random.default_rng(1).integers(0, 4080, (N, P)).astype(np.uint16)
    ((found, _),) = decompose(bins, "subspace_streamed", n_components=20).results()
    exact = np.linalg.svd(bins - bins.mean(0), compute_uv=False)[:20]
    missing = 1 - (found.singular_value**2).sum() / (exact**2).sum()
    assert 0.3 * missing < found.shortfall < 3 * missing


@pytest.mark.parametrize("decay", [0.2, 0.3, 0.4])
def test_the_shortfall_of_kept_bins_is_neither_hidden_nor_blown_up(decay: float) -> None:
    generator = np.random.default_rng(3)
    left, right = (np.linalg.qr(generator.normal(size=(n, P)))[0] for n in (N, P))
    rows = (left * np.arange(1, P + 1) ** -decay) @ right.T
    bins = np.rint(2000 + 1000 * rows / np.abs(rows).max()).astype(np.uint16)
    ((found, _),) = decompose(bins, "subspace", n_components=30, tolerance=0.2).results()
    exact = np.linalg.svd(bins - bins.mean(0), compute_uv=False)[:30]
    missing = 1 - (found.singular_value**2).sum() / (exact**2).sum()
    assert missing > 1e-4
    assert 0.8 * missing < found.shortfall < 3 * missing


@pytest.fixture
def basis_of_two_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let two of the three blocks make the basis, as 256 do of a long recording."""
    monkeypatch.setattr(svd_subspace, "Z_BLOCKS", 2)


@pytest.mark.usefixtures("basis_of_two_blocks")
@pytest.mark.parametrize("route", ["subspace", "subspace_streamed"])
def test_a_basis_from_a_part_of_the_blocks_is_turned_to_fit_all_rows(route: Route) -> None:
    bins = bins_of_rank(5)
    ((found, scores),) = decompose(bins, route, moving=True).results()
    rows = np.abs(np.diff(bins.astype(np.int64), axis=0))
    exact = np.linalg.svd(rows - rows.mean(0), compute_uv=False)
    assert found.n_readings == (6 if route == "subspace" else 2)
    assert found.captured[-1] > 0.97 * (exact[:20] ** 2).sum() / (exact**2).sum()
    values = scores.read(0, N)[1:].astype(np.float64)
    np.testing.assert_allclose(values, (rows - found.mean) @ found.mask, atol=1e-2)
    inner = values.T @ values
    np.testing.assert_allclose(inner, np.diag(found.singular_value**2), atol=1e-6 * inner.max())


@pytest.mark.usefixtures("basis_of_two_blocks")
@pytest.mark.parametrize("route", ["subspace", "subspace_streamed"])
def test_the_rows_that_make_no_basis_enter_mean_and_variance(route: Route) -> None:
    bins = bins_of_rank(5)
    ((found, _),) = decompose(bins, route).results()
    np.testing.assert_allclose(found.mean, bins.mean(0), rtol=1e-12)
    assert found.variance == pytest.approx(((bins - bins.mean(0)) ** 2).sum(), rel=1e-12)
    assert found.norm_error < 1e-5


@pytest.mark.usefixtures("basis_of_two_blocks")
@pytest.mark.parametrize("stop", range(1, 24, 3))
@pytest.mark.parametrize("route", ["subspace", "subspace_streamed"])
def test_an_interruption_of_a_sampled_basis_changes_no_bit(
    route: Route, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decompose_module, "SLICE", 0.0)
    bins = np.random.default_rng(2).integers(0, 4080, (N, P)).astype(np.uint16)
    ((whole, rows),) = decompose(bins, route, moving=True).results()
    shelf = Shelf()
    first = decomposer(route, shelf, moving=True)
    _feed_all(first, bins)
    for _ in range(stop):
        first.work()
    state, sizes = {name: array.copy() for name, array in first.state().items()}, shelf.sizes()
    again = decomposer(route, shelf.cut(sizes), moving=True)
    again.restore(state)
    _feed_all(again, bins)
    while again.work() is not None:
        pass
    ((found, more),) = again.results()
    np.testing.assert_array_equal(found.mask, whole.mask)
    np.testing.assert_array_equal(rows.read(0, N), more.read(0, N))


def _feed_all(made: Decomposer, bins: np.ndarray) -> None:
    """Feed whole passes until no more is asked for."""
    while made.n_passes > _passes(made):
        made.feed(bins, np.ones(N, bool), np.arange(N) > 0)
        made.end_pass()


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("frame", [1, 255, 256, 399])
def test_an_interrupted_pass_goes_on_with_the_same_bits(route: Route, frame: int) -> None:
    bins = np.random.default_rng(2).integers(0, 4080, (N, P)).astype(np.uint16)
    good = np.ones(N, bool)
    whole = decompose(bins, route, moving=True)
    shelf = Shelf()
    first = decomposer(route, shelf, moving=True)
    first.feed(bins[:frame], good[:frame], np.arange(frame) > 0)
    state, sizes = first.state(), shelf.sizes()
    first.feed(bins[frame:], good[frame:], good[frame:])
    again = decomposer(route, shelf.cut(sizes), moving=True)
    again.restore(state)
    again.feed(bins[frame:], good[frame:], good[frame:])
    again.end_pass()
    while again.n_passes > _passes(again):
        again.feed(bins, good, np.arange(N) > 0)
        again.end_pass()
    while again.work() is not None:
        pass
    ((one, rows),), ((two, more),) = whole.results(), again.results()
    np.testing.assert_array_equal(one.mask, two.mask)
    np.testing.assert_array_equal(rows.read(0, N), more.read(0, N))


def test_scratch_that_is_gone_is_made_good_by_decoding() -> None:
    bins = np.random.default_rng(2).integers(0, 4080, (N, P)).astype(np.uint16)
    good, adjacent = np.ones(N, bool), np.arange(N) > 0
    whole = decompose(bins, "subspace", moving=True)
    shelf = Shelf()
    first = decomposer("subspace", shelf, moving=True)
    first.feed(bins, good, adjacent)
    first.end_pass()
    state, sizes = first.state(), shelf.sizes()
    sizes.pop("bins")
    again = decomposer("subspace", shelf.cut(sizes), moving=True)
    again.restore(state)
    assert again.n_passes == 2
    while again.n_passes > _passes(again):
        again.feed(bins, good, adjacent)
        again.end_pass()
    while again.work() is not None:
        pass
    ((one, _),), ((two, _),) = whole.results(), again.results()
    np.testing.assert_array_equal(one.mask, two.mask)


@pytest.mark.parametrize("route", ["gram_bins", "gram_frames"])
@pytest.mark.parametrize("wild_from", [None, 0, 400])
def test_gram_matrices_are_exact_in_single_precision_or_made_in_double(
    route: Route, wild_from: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outcome is that of float64, bit by bit; float32 alone would round the wild frames."""
    bins = np.random.default_rng(3).integers(3000, 3060, (N, P)).astype(np.uint16)
    if wild_from is not None:
        bins[wild_from:, ::2] = 65_535 - bins[wild_from:, ::2]
        bins[-1] = 1

    def outcome(limit: float) -> tuple[np.ndarray, ...]:
        monkeypatch.setattr(svd_whole, "MOST_SQUARES", limit)
        ((found, scores),) = decompose(bins, route).results()
        return found.singular_value, found.mask, found.captured, scores.read(0, N)

    ours, double, single = outcome(svd_whole.MOST_SQUARES), outcome(-1.0), outcome(np.inf)
    for one, other in zip(ours, double, strict=True):
        np.testing.assert_array_equal(one, other)
    assert np.array_equal(single[0], double[0]) == (wild_from is None)


@pytest.mark.parametrize("route", ["gram_bins", "gram_frames"])
def test_sums_of_more_than_16_bits_are_never_multiplied_in_single_precision(route: Route) -> None:
    """Differences of 28 bits, as of 16-bit pixels in large bins, cannot be written down in float32."""
    bins = (bins_of_rank(3).astype(np.int64) - 3200) * (2**20 + 1) + 2**30
    ((found, _),) = decompose(bins.astype(np.uint32), route).results()
    exact = np.linalg.svd(bins - bins.mean(0), compute_uv=False)[:3]
    assert found.n_components == 3, "rounded rows have more"
    np.testing.assert_allclose(found.singular_value, exact, rtol=1e-10)


def test_bins_that_a_route_cannot_do_without_must_be_there() -> None:
    shelf = Shelf()
    first = decomposer("gram_frames", shelf)
    first.feed(bins_of_rank(3), np.ones(N, bool), np.arange(N) > 0)
    first.end_pass()
    again = decomposer("gram_frames", Shelf())
    with pytest.raises(DamagedError, match=r"S502.*kept bins are gone"):
        again.restore(first.state())


def test_an_outcome_before_the_end_is_a_bug() -> None:
    made = decomposer("gram_bins")
    made.feed(bins_of_rank(3), np.ones(N, bool), np.arange(N) > 0)
    made.end_pass()
    with pytest.raises(InternalError, match="before all readings"):
        made.results()


def test_a_pass_that_ends_early_is_a_bug() -> None:
    made = decomposer("gram_bins")
    made.feed(bins_of_rank(3)[:10], np.ones(10, bool), np.ones(10, bool))
    with pytest.raises(InternalError, match="frames are missing"):
        made.end_pass()


def test_matrices_on_different_routes_share_one_pass() -> None:
    bins = np.random.default_rng(2).integers(0, 4080, (N, P)).astype(np.uint16)
    columns = np.arange(0, P, 3)
    shelf = Shelf()
    made = Decomposer(
        [Matrix("a", True, None, P), Matrix("b", True, columns, len(columns))],
        N,
        P,
        np.dtype(np.uint16),
        SvdSettings(n_components=5, route="gram_bins"),
        TilePool(1),
        shelf,
    )
    made.feed(bins, np.ones(N, bool), np.arange(N) > 0)
    made.end_pass()
    while made.work() is not None:
        pass
    (_, (found, _)) = made.results()
    change = np.abs(np.diff(bins[:, columns].astype(float), axis=0))
    exact = np.linalg.svd(change - change.mean(0), compute_uv=False)[:5]
    np.testing.assert_allclose(found.singular_value, exact, rtol=1e-10)
    assert made.n_passes == 1


def test_the_share_of_work_grows_and_stays_below_one() -> None:
    made = decomposer("subspace", tolerance=0.0001)
    made.feed(bins_of_rank(3), np.ones(N, bool), np.arange(N) > 0)
    made.end_pass()
    share = made.work()
    assert share is None or 0 <= share < 1
