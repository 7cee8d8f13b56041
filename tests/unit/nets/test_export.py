"""Export: norms folded, graph equal to torch, notes kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='pip install "mystax[train]"')

import onnx  # noqa: E402 - comes with torch
import onnxruntime  # noqa: E402

from mystax.errors import InternalError  # noqa: E402
from mystax.io.weights import read_tensors, write_weights  # noqa: E402
from mystax.nets.confidence import Calibration  # noqa: E402
from mystax.nets.ensemble import merge_members  # noqa: E402
from mystax.nets.export import _check, export_dense, fold_norms, pack_weights  # noqa: E402
from mystax.nets.runtime import load_network  # noqa: E402
from mystax.nets.shape_prior import ShapePrior  # noqa: E402
from mystax.nets.tracker import Dense, build_tracker  # noqa: E402

pytestmark = pytest.mark.extra("train")


def _trained(n_keypoints: int = 3) -> Dense:
    """Return a network whose norms have figures of their own, as after training."""
    net = build_tracker(n_keypoints, width=0.25, seed=1)
    generator = torch.Generator().manual_seed(2)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for tensor, low, high in (
                (module.weight.data, 0.5, 1.5),
                (module.bias.data, -0.3, 0.3),
                (module.running_mean, -0.3, 0.3),
                (module.running_var, 0.5, 2.0),
            ):
                assert tensor is not None
                tensor.uniform_(low, high, generator=generator)
    return net.eval()


def test_folded_network_is_the_same_function() -> None:
    net = _trained()
    folded = fold_norms(net, is_half=False)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in folded.modules())
    crops = torch.rand(2, 1, 64, 64)
    with torch.no_grad():
        for one, other in zip(net(crops), folded(crops), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_folding_leaves_the_network_as_it_was() -> None:
    net = _trained()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    fold_norms(net)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def test_graph_gives_what_the_trained_network_gives() -> None:
    net = _trained()
    session = onnxruntime.InferenceSession(export_dense(net, 64, {}), providers=["CPUExecutionProvider"])
    crops = np.random.default_rng(0).random((5, 1, 64, 64), dtype=np.float32)
    got = session.run(["cells", "null"], {"crops": crops})
    with torch.no_grad():
        expected = [v.numpy() for v in net(torch.from_numpy(crops))]
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=4e-3 * max(1, np.abs(other).max()))  # float16 weights


def test_model_keeps_notes_opset_and_small_weights() -> None:
    net = _trained()
    model = onnx.load_model_from_string(export_dense(net, 64, {"mystax_weights": "1", "arch": "dense"}))
    assert {item.key: item.value for item in model.metadata_props} == {"mystax_weights": "1", "arch": "dense"}
    assert [(item.domain, item.version) for item in model.opset_import] == [("", 17)]
    kinds = {tensor.data_type for tensor in model.graph.initializer if len(tensor.dims) == 4}
    assert kinds == {onnx.TensorProto.FLOAT16}


def test_a_graph_that_differs_from_torch_is_refused() -> None:
    net = _trained()
    data = export_dense(net, 64, {})
    other = fold_norms(net)
    other.head.weight.data += 0.05
    with pytest.raises(InternalError, match="B999"):
        _check(data, [other], 64)


def test_packed_weights_come_back_for_prediction_and_for_training(tmp_path: Path) -> None:
    net = _trained(5)
    calibration = replace(Calibration.uncalibrated(5), origin="synthetic", floor=1.25)
    mean = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    prior = ShapePrior(mean, np.eye(10, dtype=np.float32)[:3] * np.float32(0.1), 1e-3, can_mirror=True)
    data, tensors, info = pack_weights(
        net,
        size=64,
        points="abcde",
        box="frame",
        calibration=calibration,
        prior=prior,
        provenance={"seed": 4},
    )
    network = load_network(write_weights(tmp_path, "w", data, tensors, info))
    assert network.info.points == tuple("abcde")
    assert network.info.provenance == {"seed": 4}
    assert network.calibration.origin == "synthetic"
    assert network.calibration.floor == pytest.approx(1.25)
    assert network.prior is not None
    np.testing.assert_allclose(network.prior.covariance, prior.covariance, atol=1e-6)
    back, _ = read_tensors(tmp_path / "w.safetensors")
    again = build_tracker(5, width=0.25)
    again.load_state_dict({name: torch.from_numpy(value) for name, value in back.items()})
    crops = torch.rand(2, 1, 64, 64)
    with torch.no_grad():
        for one, other in zip(again.eval()(crops), net(crops), strict=True):
            torch.testing.assert_close(one, other, atol=5e-3, rtol=1e-2)  # float16 convolutions


def test_ensemble_in_one_file_gives_the_members_merged(tmp_path: Path) -> None:
    members = [_trained(3), _trained(3), _trained(3)]
    for number, net in enumerate(members):
        with torch.no_grad():
            net.head.weight.mul_(150)
            net.get_parameter("stem.0.0.weight").mul_(1 + 0.02 * number)  # near to each other, not the same
    crops = np.random.default_rng(0).random((4, 64, 64), dtype=np.float32)
    alone = []
    for number, net in enumerate(members):
        one = write_weights(tmp_path, f"one{number}", *pack_weights(net, size=64, points="abc"))
        alone.append(load_network(one).decode(crops))
    data, tensors, info = pack_weights(members, size=64, points="abc")
    together = load_network(write_weights(tmp_path, "all", data, tensors, info))
    assert together.info.members == 3
    assert together.n_keypoints == 3
    found = together.decode(crops)
    expected = merge_members(np.stack([d.xy for d in alone]), np.stack([d.covariance for d in alone]))
    np.testing.assert_allclose(found.xy, expected.xy, atol=1e-3)
    np.testing.assert_allclose(found.spread, expected.spread, atol=1e-3)
    np.testing.assert_allclose(found.mass, np.mean([d.mass for d in alone], axis=0), atol=1e-5)
    assert "2.head.weight" in tensors
