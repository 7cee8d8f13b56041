"""Refining on labels: learns, is repeatable, judges itself, keeps what it must."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='pip install "mystax[train]"')

from mystax.core.events import Event  # noqa: E402 - torch may be absent
from mystax.errors import Cancelled, RecipeError, WeightsError  # noqa: E402
from mystax.nets.confidence import Calibration  # noqa: E402
from mystax.nets.crop import normalise_crops  # noqa: E402
from mystax.nets.decode import Decoded  # noqa: E402
from mystax.nets.fitting import predict  # noqa: E402
from mystax.nets.refined import RefineResult  # noqa: E402
from mystax.nets.tracker import Dense, build_tracker  # noqa: E402
from mystax.nets.training import refine  # noqa: E402
from mystax.nets.training_data import Base, Batches, Labelled, Plan, Replay  # noqa: E402
from mystax.nets.unfinished import Unfinished  # noqa: E402
from tests.fixtures.dots import random_dots  # noqa: E402

pytestmark = pytest.mark.extra("train")
POINTS = ("a", "b", "c")
SMALL = Plan(steps=4, size=64, width=0.25)


def _labelled(n: int = 12, seed: int = 0, **changes: object) -> Labelled:
    crops, xy, state = random_dots(np.random.default_rng(seed), n, 64, 3)
    return replace(Labelled(crops, xy, state), **changes)  # type: ignore[arg-type]  # named by the tests


def _base(points: tuple[str, ...] = POINTS, *, calibration: Calibration | None = None) -> Base:
    net = build_tracker(len(points), width=0.25, seed=5)
    return Base({name: v.numpy().copy() for name, v in net.state_dict().items()}, points, 0.25, calibration)


@pytest.fixture(scope="module")
def usual() -> RefineResult:
    """The usual labels learned from nothing; tests only look at it."""
    return refine(_labelled(), POINTS, plan=SMALL)


@pytest.fixture(scope="module")
def twofold() -> RefineResult:
    """The usual labels learned by two networks; tests only look at it."""
    return refine(_labelled(), POINTS, plan=replace(SMALL, members=2))


def _same(one: RefineResult, other: RefineResult) -> bool:
    nets = zip(one.nets, other.nets, strict=True)
    pairs = [
        pair for a, b in nets for pair in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    ]
    return all(torch.equal(a, b) for a, b in pairs)


def test_same_labels_and_seed_give_the_same_bits_and_another_seed_does_not() -> None:
    first, second, other = (refine(_labelled(), POINTS, plan=replace(SMALL, seed=s)) for s in (1, 1, 2))
    assert _same(first, second)
    np.testing.assert_array_equal(first.held_out_error, second.held_out_error)
    assert not _same(first, other)


def test_every_label_is_held_out_once_and_no_frame_is_judged_by_a_network_that_saw_it(
    usual: RefineResult,
) -> None:
    labelled, whole = _labelled(), usual
    assert np.isfinite(whole.held_out_error).all()
    # The first block's error comes from a fit on the others: their labels move it, its own do not.
    moved = labelled.xy.copy()
    moved[:4] += 20
    spoiled = refine(replace(labelled, xy=moved), POINTS, plan=SMALL)
    shift = np.linalg.norm(moved[:4] - labelled.xy[:4], axis=-1) * 4
    assert (np.abs(spoiled.held_out_error[:4] - whole.held_out_error[:4]) <= shift + 1e-3).all()
    assert (spoiled.held_out_error[4:] != whole.held_out_error[4:]).any()


@pytest.mark.parametrize("n", [0, 9])
def test_too_few_labelled_frames_are_refused(n: int) -> None:
    labelled = _labelled(12)
    state = labelled.state.copy()
    state[n:] = 255
    with pytest.raises(RecipeError, match=rf"P403.*at least 10, got {n}"):
        refine(replace(labelled, state=state), POINTS, plan=SMALL)


def test_frames_without_labels_are_left_out() -> None:
    labelled = _labelled(14)
    state = labelled.state.copy()
    state[3] = 255
    result = refine(replace(labelled, state=state), POINTS, plan=SMALL)
    assert np.isnan(result.held_out_error[3]).all()


def test_points_with_few_labels_are_weak() -> None:
    labelled = _labelled()
    state = labelled.state.copy()
    state[4:, 1] = 255
    assert refine(replace(labelled, state=state), POINTS, plan=SMALL).weak == ("b",)


def test_base_gives_trunk_and_known_heads_and_new_points_start_at_random() -> None:
    base = _base(("c", "x", "a"))
    result = refine(_labelled(), ("a", "new", "c"), base=base, plan=replace(SMALL, steps=1, rate=1e-9))
    head = result.net.get_parameter("head.weight").detach().numpy()
    np.testing.assert_allclose(head[0], base.tensors["head.weight"][2], atol=1e-6)
    np.testing.assert_allclose(head[2], base.tensors["head.weight"][0], atol=1e-6)
    assert all(np.abs(head[1] - row).max() > 1e-3 for row in base.tensors["head.weight"])
    trunk = result.net.get_parameter("stem.0.0.weight").detach().numpy()
    np.testing.assert_allclose(trunk, base.tensors["stem.0.0.weight"], atol=1e-6)
    assert np.isnan(result.base_error[:, 1]).all()
    assert np.isfinite(result.base_error[:, [0, 2]]).all()


def test_rows_of_the_base_may_be_named_by_the_caller() -> None:
    base = _base(("p", "q", "r"))
    result = refine(
        _labelled(), POINTS, base=base, base_rows=[2, -1, 0], plan=replace(SMALL, steps=1, rate=1e-9)
    )
    null = result.net.get_parameter("null.weight").detach().numpy()
    np.testing.assert_allclose(null[[0, 2]], base.tensors["null.weight"][[2, 0]], atol=1e-6)


def test_base_of_another_width_is_refused() -> None:
    with pytest.raises(WeightsError, match="M702"):
        refine(_labelled(), POINTS, base=replace(_base(), width=0.5), plan=SMALL)


def test_base_without_a_tensor_is_refused() -> None:
    base = _base()
    rest = {name: value for name, value in base.tensors.items() if name != "stem.0.0.weight"}
    with pytest.raises(WeightsError, match=r"M702.*stem.0.0.weight"):
        refine(_labelled(), POINTS, base=replace(base, tensors=rest), plan=SMALL)


def test_a_network_that_is_worse_than_its_base_is_not_accepted() -> None:
    good = refine(_labelled(12), POINTS, plan=replace(SMALL, steps=12, rate=3e-3)).net
    base = Base({name: v.numpy() for name, v in good.state_dict().items()}, POINTS, 0.25)
    result = refine(_labelled(12, seed=3), POINTS, base=base, plan=replace(SMALL, rate=1.0))
    assert result.comparison.new > result.comparison.old
    assert not result.is_accepted
    assert "held-out error" in result.reasons[0]


def test_from_nothing_there_is_nothing_to_be_worse_than(usual: RefineResult) -> None:
    assert usual.is_accepted
    assert np.isnan(usual.base_error).all()
    assert np.isnan(usual.forgetting)


def test_rendered_crops_are_mixed_in_and_forgetting_is_measured() -> None:
    crops, xy, state = random_dots(np.random.default_rng(9), 400, 64, 2)
    replay = Replay(crops, xy, state, ("b", "z"))
    labelled = _labelled()
    few = labelled.state.copy()
    few[4:, 1] = 255  # too few labels of b to say that it lies elsewhere
    labelled = replace(labelled, state=few)
    alone = refine(labelled, POINTS, base=_base(), plan=SMALL)
    mixed = refine(labelled, POINTS, base=_base(), replay=replay, plan=SMALL)
    assert not _same(alone, mixed)
    assert np.isnan(alone.forgetting)
    assert np.isfinite(mixed.forgetting)


def test_points_of_another_definition_are_told_and_rendered_truth_does_not_teach_them() -> None:
    # A base that knows nothing says the same place everywhere: off in one direction in most frames.
    crops, xy, state = random_dots(np.random.default_rng(9), 400, 64, 3)
    labelled, base = _labelled(), _base()
    mixed = refine(labelled, POINTS, base=base, replay=Replay(crops, xy, state, POINTS), plan=SMALL)
    assert mixed.redefined
    elsewhere = xy.copy()
    elsewhere[:, [POINTS.index(name) for name in mixed.redefined]] += 15
    moved = refine(labelled, POINTS, base=base, replay=Replay(crops, elsewhere, state, POINTS), plan=SMALL)
    assert _same(mixed, moved)


def test_labels_whose_names_are_exchanged_do_not_replace_the_base(monkeypatch: pytest.MonkeyPatch) -> None:
    # A base that knows the points says b where the labels have a, and a where they have b.
    labelled = _labelled()

    def knowing(net: Dense, crops: np.ndarray) -> Decoded:
        said = predict(net, crops)
        return replace(said, xy=labelled.xy[:, [1, 0, 2]]) if len(crops) == len(labelled.crops) else said

    monkeypatch.setattr("mystax.nets.training.predict", knowing)
    result = refine(labelled, POINTS, base=_base(), plan=replace(SMALL, steps=1))
    assert not result.is_accepted
    told = "names of points seem to be exchanged: labels of a lie where the base finds b, of b lie where"
    assert told in result.reasons[-1]


@pytest.mark.parametrize("lanes", [1, 2, 4, 8])
@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (0.25, 2), (0.5, 4), (0.9, 7)])
def test_share_of_rendered_crops_does_not_depend_on_lanes(lanes: int, share: float, expected: int) -> None:
    labelled = _labelled()
    dark = np.zeros((3, 64, 64), np.uint8)  # without contrast: augmented it stays all 0
    replay = Replay(dark, np.zeros((3, 3, 2), np.float32), np.zeros((3, 3), np.uint8), POINTS)
    plan = replace(SMALL, lanes=lanes, replay=share, replay_ranges=replace(SMALL.ranges, degrade=0.0))
    batches = Batches(labelled, replay, plan, np.arange(3))
    states = np.concatenate([batches.make(np.arange(12), (0,), 0, lane)[2] for lane in range(lanes)])
    assert len(states) == 8
    assert (states == 0).all(axis=1).sum() == expected


def test_rendered_crops_of_other_points_are_left_out(usual: RefineResult) -> None:
    crops, xy, state = random_dots(np.random.default_rng(9), 20, 64, 2)
    foreign = Replay(crops, xy, state, ("y", "z"))
    assert _same(usual, refine(_labelled(), POINTS, replay=foreign, plan=SMALL))


def test_events_count_all_steps_and_tell_the_folds() -> None:
    events: list[Event] = []
    result = refine(_labelled(), POINTS, plan=SMALL, report=events.append)
    progress = [event for event in events if event.kind == "progress"]
    assert [event.done for event in progress] == list(range(1, len(progress) + 1))
    assert progress[-1].done == progress[-1].total == 3 * 2 + result.steps
    notes = [event for event in events if event.kind == "note"]
    assert {event.data["fold"] for event in notes} == {0, 1, 2}


def test_a_watcher_may_stop_the_work() -> None:
    def stop(event: Event) -> None:
        if event.done == 3:
            raise Cancelled("train")

    with pytest.raises(Cancelled):
        refine(_labelled(), POINTS, plan=SMALL, report=stop)


def test_enough_held_out_labels_calibrate_the_confidence() -> None:
    few, many = (refine(_labelled(n), POINTS, plan=replace(SMALL, steps=2)) for n in (15, 24))
    assert few.calibration.origin == "none"
    assert many.calibration.origin == "labels:n=72"
    based = refine(
        _labelled(24),
        POINTS,
        base=_base(calibration=replace(Calibration.uncalibrated(3), origin="synthetic")),
        plan=replace(SMALL, steps=2),
    )
    assert based.calibration.origin == "labels:n=72"
    assert based.prior is not None or len(POINTS) < 4


def test_members_differ_and_are_judged_as_one(usual: RefineResult, twofold: RefineResult) -> None:
    single, both = usual, twofold
    assert len(both.nets) == 2
    first, second = (net.state_dict()["head.weight"] for net in both.nets)
    assert not torch.equal(first, second)
    assert {look.member for look in both.looks} == {0, 1}
    # The ensemble's places lie between its members': some error must differ from the first member's own.
    assert (both.held_out_error != single.held_out_error).any()
    assert np.isfinite(both.held_out.xy).all()


def test_members_start_from_the_members_of_the_base() -> None:
    one, other = _base(), _base()
    shifted = {name: v + 0.25 if v.dtype.kind == "f" else v for name, v in other.tensors.items()}
    base = replace(one, others=(shifted,))
    result = refine(_labelled(), POINTS, base=base, plan=replace(SMALL, steps=1, rate=1e-9, members=3))
    starts = [net.get_parameter("stem.0.0.weight").detach().numpy() for net in result.nets]
    for start, tensors in zip(starts, (base.tensors, shifted, base.tensors), strict=True):
        np.testing.assert_allclose(start, tensors["stem.0.0.weight"], atol=1e-6)


@pytest.mark.parametrize("stop_at", [7, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 3, 11))])
def test_a_training_that_was_stopped_ends_with_the_same_bits(
    tmp_path: Path, stop_at: int, twofold: RefineResult
) -> None:
    plan, whole = replace(SMALL, members=2), twofold

    def stop(event: Event) -> None:
        if event.kind == "progress" and event.done == stop_at:
            raise Cancelled("train")

    with pytest.raises(Cancelled):
        refine(_labelled(), POINTS, plan=plan, kept=Unfinished(tmp_path / "a", "d"), report=stop)
    again = Unfinished(tmp_path / "a", "d")
    assert again.n_steps == stop_at
    seen: list[int] = []

    def watch(event: Event) -> None:
        if event.kind == "progress":
            seen.append(event.done)

    result = refine(_labelled(), POINTS, plan=plan, kept=again, report=watch)
    assert _same(whole, result)
    np.testing.assert_array_equal(result.held_out_error, whole.held_out_error)
    assert result.looks == whole.looks
    assert seen[0] == stop_at + 1


def test_confidence_and_covariance_of_held_out_frames_are_given() -> None:
    result = refine(_labelled(24), POINTS, base=_base(("a", "x", "c")), plan=replace(SMALL, steps=2))
    error = np.linalg.norm(result.held_out.xy - _labelled(24).xy, axis=-1) * 4
    np.testing.assert_allclose(error, result.held_out_error, rtol=1e-5)
    assert ((result.held_out.confidence >= 0) & (result.held_out.confidence <= 1)).all()
    assert (result.held_out.covariance[..., 0] > 0).all()
    assert result.base_found is not None
    assert np.isnan(result.base_found.xy[:, 1]).all()
    known = np.linalg.norm(result.base_found.xy - _labelled(24).xy, axis=-1)[:, [0, 2]] * 4
    np.testing.assert_allclose(known, result.base_error[:, [0, 2]], rtol=1e-5)


@pytest.mark.slow
def test_twenty_labels_teach_dots_from_nothing() -> None:
    labelled = _labelled(20)
    result = refine(labelled, POINTS, plan=replace(SMALL, steps=300, width=0.5))
    crops, xy, _ = random_dots(np.random.default_rng(77), 40, 64, 3)
    error = np.linalg.norm(predict(result.net, normalise_crops(crops)).xy - xy, axis=-1)
    mean_shape = np.linalg.norm(labelled.xy.mean(axis=0) - xy, axis=-1)
    assert error.mean() < 0.25 * mean_shape.mean()
    assert np.nanmean(result.held_out_error) / 4 < 0.5 * mean_shape.mean()
