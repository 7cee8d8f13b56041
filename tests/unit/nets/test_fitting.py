"""Steps of training: rate, lanes, averages, and going on after a stop."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='pip install "mystax[train]"')

from mystax.nets.fitting import Batch, Fitter, one_cycle  # noqa: E402 - torch may be absent
from mystax.nets.tracker import Dense, build_tracker  # noqa: E402
from tests.fixtures.dots import random_dots  # noqa: E402

pytestmark = pytest.mark.extra("train")


def _batch(step: int, lane: int, n: int = 4) -> Batch:
    image, xy, state = random_dots(np.random.default_rng([step, lane]), n, 64, 3)
    return image.astype(np.float32) / 255, xy, state


def _fitter(**options: object) -> Fitter:
    return Fitter(build_tracker(3, width=0.25, seed=1), peak=3e-3, **options)  # type: ignore[arg-type]  # options


def _run(fitter: Fitter, first: int, last: int) -> list[float]:
    return [fitter.step(lambda lane, s=s: _batch(s, lane), s / 20) for s in range(first, last)]  # type: ignore[misc]  # default


def _weights(net: Dense) -> dict[str, object]:
    return dict(net.state_dict())


def test_rate_rises_then_falls_and_never_is_zero() -> None:
    rates = [one_cycle(p) for p in np.linspace(0, 1, 101)]
    top = int(np.argmax(rates))
    assert top == 15
    assert np.all(np.diff(rates[: top + 1]) > 0)
    assert np.all(np.diff(rates[top:]) < 0)
    assert min(rates) > 0
    assert one_cycle(1.5) == pytest.approx(one_cycle(1.0))


def test_steps_lower_the_loss() -> None:
    fitter = _fitter()
    losses = _run(fitter, 0, 16)
    fitter.close()
    # From even odds, log(257) = 5.55; the targets' own entropy leaves 3.3.
    assert np.mean(losses[-3:]) < np.mean(losses[:3]) - 0.3


def test_same_batches_give_the_same_bits() -> None:
    nets = []
    for _ in range(2):
        fitter = _fitter(lanes=2)
        _run(fitter, 0, 4)
        fitter.close()
        nets.append(_weights(fitter.averaged()))
    assert all(torch.equal(nets[0][name], nets[1][name]) for name in nets[0])


@pytest.mark.parametrize("lanes", [1, 2])
def test_fixed_norms_keep_their_figures_and_others_do_not(lanes: int) -> None:
    for fixed in (True, False):
        fitter = _fitter(lanes=lanes, has_fixed_norms=fixed)
        before = {name: value.clone() for name, value in fitter.net.named_buffers() if "running" in name}
        weight = fitter.net.get_parameter("stem.0.1.weight").detach().clone()
        _run(fitter, 0, 2)
        fitter.close()
        same = [torch.equal(fitter.net.get_buffer(name), value) for name, value in before.items()]
        assert all(same) == fixed
        assert any(same) == fixed
        assert not torch.equal(fitter.net.get_parameter("stem.0.1.weight"), weight)


@pytest.mark.parametrize("lanes", [1, 2])
def test_a_stopped_run_goes_on_with_the_same_bits(lanes: int) -> None:
    whole = _fitter(lanes=lanes)
    _run(whole, 0, 6)
    first = _fitter(lanes=lanes)
    _run(first, 0, 3)
    second = Fitter(build_tracker(3, width=0.25, seed=9), peak=3e-3, lanes=lanes)
    second.restore(first.tensors())
    _run(second, 3, 6)
    for fitter in (whole, first, second):
        fitter.close()
    assert second.steps == 6
    expected, got = whole.tensors(), second.tensors()
    assert expected.keys() == got.keys()
    assert all(torch.equal(expected[name], got[name]) for name in expected)


def test_two_lanes_step_along_the_mean_of_their_gradients() -> None:
    # With the norms in evaluation mode a batch of 8 and two of 4 are the same sum in another order.
    joint, split = _fitter(), _fitter(lanes=2)
    parts = [_batch(0, lane) for lane in range(2)]
    for fitter in (joint, split):
        for net in fitter._replicas:
            net.eval()
    joint.step(lambda _: tuple(np.concatenate(v) for v in zip(*parts, strict=True)), 0.5)  # type: ignore[arg-type,return-value]  # tuple of 3
    split.step(lambda lane: parts[lane], 0.5)
    for fitter in (joint, split):
        fitter.close()
    for name, value in joint.net.named_parameters():
        # Adam's first step is the gradient's sign times the rate: compare the gradients themselves.
        torch.testing.assert_close(value.grad, split.net.get_parameter(name).grad, rtol=2e-3, atol=1e-6)


def test_average_follows_by_its_decay() -> None:
    fitter = _fitter(average=0.05)
    _run(fitter, 0, 1)
    start = build_tracker(3, width=0.25, seed=1).get_parameter("head.weight")
    now = fitter.net.get_parameter("head.weight")
    fitter.close()
    expected = 0.05 * start + 0.95 * now
    torch.testing.assert_close(fitter.averaged().get_parameter("head.weight"), expected.detach())


def test_heads_may_learn_faster() -> None:
    slow, fast = _fitter(), _fitter(head_factor=3.0)
    start = build_tracker(3, width=0.25, seed=1)
    for fitter in (slow, fast):
        _run(fitter, 0, 1)
        fitter.close()
    moved = [
        float((f.net.get_parameter("head.bias") - start.get_parameter("head.bias")).abs().max().detach())
        for f in (slow, fast)
    ]
    assert moved[1] == pytest.approx(3 * moved[0], rel=1e-3)


def test_half_precision_trunk_learns_too() -> None:
    fitter = _fitter(is_half=True)
    losses = _run(fitter, 0, 12)
    fitter.close()
    assert np.mean(losses[-3:]) < np.mean(losses[:3]) - 0.2
    assert fitter.net.get_parameter("stem.0.0.weight").dtype == torch.float32
