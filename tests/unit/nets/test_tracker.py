"""The network in torch: its size, its shapes, its start."""

import pytest

torch = pytest.importorskip("torch", reason='pip install "mystax[train]"')

from mystax.nets.tracker import Dense, build_tracker  # noqa: E402 - torch may be absent


def count_parameters(net: Dense) -> int:
    return sum(values.numel() for values in net.parameters())


pytestmark = pytest.mark.extra("train")


def test_width_one_has_the_stated_number_of_parameters() -> None:
    # Summed by hand from the layers: convolutions 9 c c', norms 2 c, laterals and heads with biases.
    stem = 9 * 16 + 32 + 9 * 16 * 32 + 64 + 2 * (2 * 9 * 32 * 32 + 128)
    stages = sum(9 * a * b + 2 * b + 2 * 9 * b * b + 4 * b for a, b in ((32, 64), (64, 96), (96, 128)))
    pyramid = sum(48 * c + 48 for c in (32, 64, 96, 128)) + 3 * (9 * 48 * 48 + 96)
    heads = 48 * 22 + 22 + 128 * 22 + 22
    assert count_parameters(build_tracker(22)) == stem + stages + pyramid + heads == 844_508


@pytest.mark.parametrize("size", [128, 160])
def test_maps_have_a_quarter_of_the_crop_size(size: int) -> None:
    logits, null = build_tracker(5, width=0.5).eval()(torch.zeros(2, 1, size, size))
    assert logits.shape == (2, 5, size // 4, size // 4)
    assert null.shape == (2, 5)


def test_same_seed_gives_same_weights_and_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(3)
    before = torch.rand(1)
    torch.manual_seed(3)
    first, second, other = (build_tracker(3, width=0.5, seed=s).state_dict() for s in (1, 1, 2))
    assert torch.equal(torch.rand(1), before)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["stem.0.0.weight"], other["stem.0.0.weight"])


def test_receptive_field_reaches_over_the_whole_crop() -> None:
    net = build_tracker(1).eval()
    crop = torch.rand(1, 1, 256, 256, requires_grad=True)
    logits, _ = net(crop)
    logits[0, 0, 32, 32].backward()
    assert crop.grad is not None
    reached = crop.grad[0, 0].abs() > 0
    rows = torch.nonzero(reached.any(dim=1))[:, 0]
    assert int(rows.max() - rows.min()) + 1 >= 250


def test_width_changes_channels_to_multiples_of_eight() -> None:
    narrow = build_tracker(4, width=0.3)
    assert all(m.out_channels % 8 == 0 for m in narrow.stem.modules() if isinstance(m, torch.nn.Conv2d))
    assert count_parameters(narrow) < count_parameters(build_tracker(4)) / 4
