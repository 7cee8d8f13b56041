"""The loss against the same sums written out cell by cell."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='pip install "mystax[train]"')

from mystax.nets.loss import tracker_loss  # noqa: E402 - torch may be absent

pytestmark = pytest.mark.extra("train")


def _by_hand(logits: np.ndarray, null: np.ndarray, xy: np.ndarray, state: np.ndarray) -> float:
    """Return the loss by plain sums over all cells and the null cell."""
    n, n_keypoints, height, width = logits.shape
    total, labelled = 0.0, 0
    y, x = np.mgrid[:height, :width]
    for i in range(n):
        for k in range(n_keypoints):
            if state[i, k] == 255:
                continue
            labelled += 1
            cells = np.append(logits[i, k].ravel(), null[i, k])
            p = np.exp(cells - cells.max())
            p /= p.sum()
            cx, cy = (xy[i, k] - 1.5) / 4
            sigma = 2.5 if state[i, k] == 1 else 1.25
            g = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * sigma**2))
            share = {0: 0.0, 1: 0.5, 2: 1.0}[int(state[i, k])]
            target = np.append(share * (g / g.sum()).ravel(), 1 - share)
            total -= float((target * np.log(p)).sum())
            if state[i, k] == 2:
                w = np.clip(3.5 - abs(x - cx), 0, 1) * np.clip(3.5 - abs(y - cy), 0, 1)
                q = w * p[:-1].reshape(height, width)
                total += 0.1 * (abs((q * x).sum() / q.sum() - cx) + abs((q * y).sum() / q.sum() - cy))
    return total / labelled


def _case(seed: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    return (
        rng.normal(0, 2, (3, 4, 8, 10)),
        rng.normal(0, 2, (3, 4)),
        rng.uniform(0, 32, (3, 4, 2)),
        rng.choice(np.array([0, 1, 2, 255], np.uint8), (3, 4)),
    )


def _loss(logits: np.ndarray, null: np.ndarray, xy: np.ndarray, state: np.ndarray) -> float:
    a, b, c = (torch.tensor(v, dtype=torch.float32) for v in (logits, null, xy))
    return float(tracker_loss(a, b, c, torch.tensor(state)))


@pytest.mark.parametrize("seed", range(5))
def test_loss_equals_the_sums_over_cells(seed: int) -> None:
    case = _case(seed)
    assert _loss(*case) == pytest.approx(_by_hand(*case), rel=1e-5)


def test_points_without_label_have_no_gradient() -> None:
    logits, null, xy, state = _case(1)
    state[:] = 2
    state[:, 1] = 255
    maps = torch.tensor(logits, dtype=torch.float32, requires_grad=True)
    other, places = (torch.tensor(v, dtype=torch.float32) for v in (null, xy))
    tracker_loss(maps, other, places, torch.tensor(state)).backward()  # type: ignore[no-untyped-call]  # torch
    assert maps.grad is not None
    assert float(maps.grad[:, 1].abs().max()) == 0.0
    assert float(maps.grad[:, 0].abs().max()) > 0.0


def test_absent_point_is_least_costly_when_the_null_cell_takes_all() -> None:
    logits, xy, state = np.zeros((1, 1, 8, 8)), np.zeros((1, 1, 2)), np.zeros((1, 1), np.uint8)
    sure, unsure = (_loss(logits, np.full((1, 1), null), xy, state) for null in (30.0, 0.0))
    assert sure == pytest.approx(0.0, abs=1e-5)
    assert unsure == pytest.approx(np.log(65), rel=1e-5)


def test_no_label_at_all_gives_zero() -> None:
    logits, null, xy, state = _case(2)
    assert _loss(logits, null, xy, np.full_like(state, 255)) == 0.0
