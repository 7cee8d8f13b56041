"""Weights of the deep encoder as arrays and as ONNX."""

from dataclasses import astuple

import numpy as np
import pytest

from mystax.errors import WeightsError
from mystax.nets.encoder_weights import (
    EncoderNetwork,
    MemberWeights,
    evaluate,
    evaluate_members,
    pack_network,
)


def member(seed: int) -> MemberWeights:
    rng = np.random.default_rng(seed)
    shapes = [(16, 7), (16,), (16,), (16,), (5, 16), (5,), (3, 5), (3,)]
    return MemberWeights(*(rng.normal(size=shape).astype(np.float32) for shape in shapes))


@pytest.mark.extra("train")
def test_arrays_say_what_torch_says() -> None:
    torch = pytest.importorskip("torch", reason='pip install "mystax[train]"')
    from torch.nn import functional

    one = member(0)
    x = np.random.default_rng(1).normal(size=(20, 7)).astype(np.float32) * 4
    w = [torch.from_numpy(item) for item in astuple(one)]
    h = functional.linear(torch.from_numpy(np.clip(x, -5, 5)), w[0], w[1])
    h = functional.gelu(functional.layer_norm(h, (16,), w[2], w[3], 1e-5))
    h = functional.gelu(functional.linear(h, w[4], w[5]))
    assert np.allclose(evaluate(one, x), functional.linear(h, w[6], w[7]).numpy(), atol=1e-4)


@pytest.mark.extra("train")
def test_onnx_says_the_mean_of_the_members() -> None:
    pytest.importorskip("onnx", reason='pip install "mystax[train]"')
    members = [member(seed) for seed in range(3)]
    x = np.random.default_rng(1).normal(size=(50, 7)).astype(np.float32)
    network = EncoderNetwork(pack_network(members))
    wanted = np.mean([evaluate(item, x) for item in members], axis=0)
    assert np.allclose(network.predict(x), wanted, atol=1e-5)
    assert np.allclose(evaluate_members(members, x), wanted, atol=1e-6)


def test_bytes_that_are_no_network_are_refused() -> None:
    with pytest.raises(WeightsError, match=r"M701.*not a network"):
        EncoderNetwork(b"nothing of the kind")


@pytest.mark.extra("train")
def test_a_network_of_other_inputs_is_refused() -> None:
    onnx = pytest.importorskip("onnx", reason='pip install "mystax[train]"')
    helper = onnx.helper
    graph = helper.make_graph(
        [helper.make_node("Identity", ["a"], ["b"])],
        "other",
        [helper.make_tensor_value_info("a", 1, [1])],
        [helper.make_tensor_value_info("b", 1, [1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    with pytest.raises(WeightsError, match=r"M701.*features -> scores"):
        EncoderNetwork(model.SerializeToString())
