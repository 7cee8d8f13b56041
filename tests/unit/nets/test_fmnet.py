"""Facemap checkpoints: places and likelihoods of a model of our own in torch; nothing else is opened."""

import pickle
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='pip install "mystax[train]"')

from mystax.errors import FormatError, WeightsError  # noqa: E402 - torch may be absent
from mystax.nets.crop import facemap_crop  # noqa: E402
from mystax.nets.fmnet import (  # noqa: E402
    FACEMAP_POINTS,
    check_state,
    convert_facemap,
    import_facemap,
    read_state,
)
from mystax.nets.runtime import load_network  # noqa: E402
from tests.fixtures.facemap_net import ReferenceNet, decode_reference, random_reference  # noqa: E402

pytestmark = pytest.mark.extra("train")
WIDTHS = (4, 5, 6, 7, 8)


def _state(net: ReferenceNet) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in net.state_dict().items()}


@pytest.mark.parametrize(
    ("seed", "n_frames"),
    [(0, 8), (1, 8), (2, 8), *(pytest.param(s, 50, marks=pytest.mark.slow) for s in range(3, 7))],
)
def test_places_and_likelihoods_are_those_of_the_reference(tmp_path: Path, seed: int, n_frames: int) -> None:
    rng = np.random.default_rng(seed)
    widths = tuple(int(c) for c in rng.integers(2, 9, 5))
    n_keypoints = int(rng.integers(1, 20))
    reference = random_reference(widths, n_keypoints, seed)
    names = [f"p{k}" for k in range(n_keypoints)]
    network = load_network(convert_facemap(_state(reference), "x.pt", tmp_path, "mine", points=names))
    frames = rng.integers(0, 256, (n_frames, 90, 120)).astype(np.uint8)
    crops, boxes = zip(*(facemap_crop(frame, (5, 80, 10, 110)) for frame in frames), strict=True)
    pixels = np.stack(crops)
    with torch.no_grad():
        maps = reference(torch.from_numpy(pixels)[:, None])
    expected, likelihood = decode_reference(*(m.numpy() for m in maps))
    decoded = network.decode(pixels)
    # A float32 tie between two cells may fall either way: equal likelihoods, another cell.
    same = np.abs(decoded.xy - expected).max(axis=-1) < 0.01
    assert same.mean() > 0.995
    np.testing.assert_allclose(decoded.mass, likelihood, atol=1e-5)
    found = network.locate(pixels, np.zeros(n_frames, np.bool_), boxes[0], (90, 120))
    source = expected * boxes[0].side / 256 + np.array([boxes[0].x, boxes[0].y])
    inside = np.clip(source, -0.5, [119.5, 89.5])
    np.testing.assert_allclose(found.xy[same], inside[same], atol=0.01)
    np.testing.assert_allclose(found.confidence, likelihood, atol=0.01)


def test_facemaps_names_are_used_for_its_fifteen_points(tmp_path: Path) -> None:
    path = tmp_path / "facemap_model_state.pt"
    torch.save(random_reference(WIDTHS, 15, 0).state_dict(), path)
    network = load_network(import_facemap(path, tmp_path, "mine"))
    assert network.info.points == FACEMAP_POINTS
    assert network.info.arch == "facemap"
    assert network.calibration.origin == "none"


def test_wrong_number_of_names_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"M702 x.pt.*xpected 7 names, got 15"):
        convert_facemap(_state(random_reference(WIDTHS, 7, 0)), "x.pt", tmp_path, "mine")


def test_checkpoint_with_code_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    witness = tmp_path / "witness"

    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (witness,)

    path = tmp_path / "evil.pt"
    torch.save({"Conv.conv0": Evil()}, path)
    with pytest.raises(FormatError, match=r"F801 evil.pt.*state_dict"):
        read_state(str(path))
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(FormatError, match=r"F80[14] evil.pt"):
        read_state(str(path))
    assert not witness.exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04rubbish", b"\x80\x02]q\x00."])
def test_files_that_are_no_checkpoint_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.pt"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"F80[14]"):
        read_state(str(path))


def test_wrapped_state_dicts_are_unwrapped(tmp_path: Path) -> None:
    state = random_reference(WIDTHS, 3, 0).state_dict()
    path = tmp_path / "wrapped.pt"
    torch.save({"state_dict": {f"module.{name}": value for name, value in state.items()}, "epoch": 4}, path)
    assert check_state(read_state(str(path)), "x").widths == WIDTHS


def test_missing_and_misshapen_tensors_are_named() -> None:
    whole = {name: value.numpy() for name, value in random_reference(WIDTHS, 3, 0).state_dict().items()}
    names = [name for name in whole if not name.endswith("num_batches_tracked")]
    for name in names:
        broken = {key: value for key, value in whole.items() if key != name}
        with pytest.raises(WeightsError, match="M702"):
            check_state(broken, "x.pt")
    bent = {**whole, "Conv.conv2.conv.conv_1.2.weight": np.zeros((6, 5, 3, 3), np.float32)}
    with pytest.raises(WeightsError, match=r"conv_1.2.weight \[6, 6, 3, 3\]"):
        check_state(bent, "x.pt")
    spoiled = {**whole, "Conv2_1x1.conv1.bias": np.array([0, np.nan, 0], np.float32)}
    with pytest.raises(WeightsError, match="finite"):
        check_state(spoiled, "x.pt")


def test_crop_is_that_of_torch_after_padding() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (100, 140)).astype(np.uint8)
    low, high = np.percentile(frame, [1, 99])
    for edges in ((10, 90, 20, 121), (0, 100, 5, 105), (3, 100, 7, 60)):
        crop, box = facemap_crop(frame, edges)
        values = torch.from_numpy((frame[edges[0] : edges[1], edges[2] : edges[3]] - low) / (high - low))
        height, width = values.shape
        side = max(height, width) + (height - width) % 2
        pads = [(side - n) // 2 for n in (width, height)]
        padded = torch.nn.functional.pad(
            values, (pads[0], side - width - pads[0], pads[1], side - height - pads[1])
        )
        expected = torch.nn.functional.interpolate(
            padded[None, None], size=(256, 256), mode="bilinear", align_corners=False
        )
        np.testing.assert_allclose(crop, expected[0, 0].numpy(), atol=1e-5)
        assert (box.x, box.y, box.side) == (edges[2] - pads[0], edges[0] - pads[1], side)
