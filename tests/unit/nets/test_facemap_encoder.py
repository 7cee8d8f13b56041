"""The published network: the fast scheme is the plain convolution."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mystax.core.behaviour import BehaviourGrid
from tests.fixtures.grids import grid, part, wander

pytestmark = pytest.mark.extra("train")
torch = pytest.importorskip("torch", reason='pip install "mystax[train]"')

from mystax.nets.encoder_settings import FacemapSettings  # noqa: E402
from mystax.nets.facemap_encoder import (  # noqa: E402 - needs torch
    TAPS,
    FacemapNetwork,
    first_filters,
    fit_facemap,
    gather_windows,
    plan_rates,
)

FRAMES, COLUMNS, COMPONENTS = 900, 4, 6


def plain(network: FacemapNetwork, behaviour: np.ndarray, centres: np.ndarray) -> Any:
    """Do it as published: mix every frame, convolve every frame, then take the rows."""
    mixed = torch.from_numpy(behaviour) @ network.mix.T + network.mix_bias
    filtered = torch.nn.functional.conv1d(mixed.T[:, None], network.filters[:, None], padding=TAPS // 2)
    rows = torch.relu(filtered).permute(2, 0, 1).reshape(len(behaviour), -1)
    return network.read_out(rows[torch.from_numpy(centres)])


def train(network: FacemapNetwork, say: Callable[[], Any], y: Any, steps: int = 20) -> list[float]:
    optimizer = torch.optim.AdamW(network.parameters, lr=1e-3, weight_decay=1e-4)
    losses = []
    for _ in range(steps):
        loss = (say() - y).square().mean() + network.penalty()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def test_losses_of_twenty_steps_equal_those_of_the_plain_convolution() -> None:
    rng = np.random.default_rng(0)
    behaviour = rng.normal(size=(FRAMES, COLUMNS)).astype(np.float32)
    centres = np.arange(4, FRAMES, 17)
    y = torch.from_numpy(rng.normal(size=(len(centres), COMPONENTS)).astype(np.float32))
    windows = gather_windows(behaviour, centres)
    x, valid = torch.from_numpy(windows.x), torch.from_numpy(windows.valid)
    fast, slow = FacemapNetwork(COLUMNS, COMPONENTS), FacemapNetwork(COLUMNS, COMPONENTS)
    found = train(fast, lambda: fast.forward(x, valid), y)
    wanted = train(slow, lambda: plain(slow, behaviour, centres), y)
    assert np.allclose(found, wanted, rtol=1e-5)
    assert found[-1] < found[0]


def test_22_columns_have_59518_weights() -> None:
    assert FacemapNetwork(22, 128).n_weights == 59_518


def test_filters_begin_as_wavelets_of_unit_norm() -> None:
    found = first_filters()
    assert found.shape == (10, 201)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    crossings = (np.diff(np.sign(found), axis=1) != 0).sum(1)
    assert (np.diff(crossings[::2]) >= 0).all()
    assert crossings[-2] > crossings[0]


def test_windows_are_zero_outside_of_their_segment() -> None:
    behaviour = np.ones((500, 2), np.float32)
    windows = gather_windows(behaviour, np.array([100, 250]), 100, 400)
    assert windows.valid[0, :100].sum() == 0
    assert windows.valid[0, 100:].all()
    assert windows.valid[1].all()
    assert (windows.x[0, :, :100] == 0).all()
    assert (windows.x[0, :, 100:] == 1).all()


def test_published_rules_depend_on_the_size_of_the_data() -> None:
    large, few, short = (
        plan_rates("published", 5000, 20_000),
        plan_rates("published", 500, 20_000),
        plan_rates("published", 500, 5000),
    )
    assert (large.rate, large.decay, large.epochs) == (1e-3, 1e-4, 300)
    assert (few.rate, few.decay) == pytest.approx((1e-4, 1e-5))
    assert short.rate == pytest.approx(5e-5)
    assert short.epochs == 200
    assert plan_rates("validated", 500, 5000).drops == ()


def lagging(shift: float) -> tuple[BehaviourGrid, np.ndarray, np.ndarray]:
    """Make components that are the nose `shift` seconds before."""
    values = wander(300 * 50, 2, 0, smooth=12)
    made = grid(part(values))
    times = np.arange(900) / 3 + 1 / 6
    nose = np.interp(times - shift, made.seconds, values[:, 0])
    return made, times, nose[:, None].astype(np.float32)


def test_outputs_are_shifted_back_to_their_bins() -> None:
    made, times, y = lagging(0.5)
    train, held = times < 200, (times >= 203) & (times < 250)
    found = fit_facemap(made, times, y, train | held, (train, held), FacemapSettings(), n_neurons=100)
    rest = times > 255
    ties = [
        np.corrcoef(np.roll(found.scores[:, 0], k)[rest][5:-5], y[rest, 0][5:-5])[0, 1] for k in (-1, 0, 1)
    ]
    assert int(np.argmax(ties)) == 1
    assert ties[1] > 0.7
    assert found.epoch % 5 == 0
    assert found.predict(rest).shape == (int(rest.sum()), 1)
