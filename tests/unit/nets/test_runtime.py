"""Prediction: the same numbers for any batch, places inside of frames, refusals with codes."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason='pip install "mystax[train]"')  # the small network is made with it

from mystax.errors import DeviceError, ParameterError, WeightsError
from mystax.nets.confidence import Calibration, fit_calibration
from mystax.nets.crop import CropBox, frame_box
from mystax.nets.devices import choose_provider
from mystax.nets.runtime import Network, load_network
from tests.fixtures.dots import draw_dots, random_dots
from tests.fixtures.small_weights import POINTS, SIZE, small_model, write_small

pytestmark = pytest.mark.extra("train")
CPU = "CPUExecutionProvider"


def _network(*, batch: int = 0, threads: int = 1) -> Network:
    return Network(small_model(), "small.onnx", device="cpu", batch=batch, threads=threads)


def _crops(n: int) -> np.ndarray:
    return random_dots(np.random.default_rng(0), n, SIZE, 5)[0].astype(np.float32) / 255


@pytest.mark.parametrize("batch", [1, 7, 32])
def test_places_do_not_depend_on_the_batch(batch: int) -> None:
    crops = _crops(19)
    expected = _network().decode(crops)
    got = _network(batch=batch).decode(crops)
    np.testing.assert_allclose(got.xy, expected.xy, atol=1e-3)
    np.testing.assert_allclose(got.mass, expected.mass, atol=1e-5)


def test_rows_do_not_depend_on_their_neighbours_to_the_bit() -> None:
    network, crops = _network(), _crops(19)
    whole = network.decode(crops)
    parts = [network.decode(crops[first : first + 5]) for first in range(0, 19, 5)]
    for name in whole.__slots__:
        np.testing.assert_array_equal(getattr(whole, name), np.concatenate([getattr(p, name) for p in parts]))


def test_places_do_not_depend_on_the_threads() -> None:
    crops = _crops(8)
    one, two = (_network(threads=n).decode(crops).xy for n in (1, 2))
    np.testing.assert_allclose(one, two, atol=1e-3)


def test_outputs_are_copies_that_later_calls_leave_alone() -> None:
    network, crops = _network(), _crops(16)
    first = network.maps(crops[:8])
    kept = [value.copy() for value in first]
    network.maps(crops[8:])
    for one, other in zip(first, kept, strict=True):
        np.testing.assert_array_equal(one, other)


def test_no_crops_give_no_places() -> None:
    decoded = _network().decode(np.zeros((0, SIZE, SIZE), np.float32))
    assert decoded.xy.shape == (0, 5, 2)
    assert [value.shape[0] for value in _network().maps(np.zeros((0, SIZE, SIZE), np.float32))] == [0, 0]


def test_a_moved_frame_moves_the_places_with_it() -> None:
    network = _network()
    frame = draw_dots(np.random.default_rng(1).uniform(20, 80, (5, 2)), 100)
    wide = np.full((150, 170), 100, np.uint8)
    wide[30:130, 40:140] = frame
    found = []
    for picture, box in ((frame, CropBox(10, 10, 80)), (wide, CropBox(50, 40, 80))):
        crop, is_flat = network.prepare(picture, box)
        height, width = picture.shape
        found.append(network.locate(crop[None], np.array([is_flat]), box, (height, width)))
    np.testing.assert_allclose(found[1].xy, found[0].xy + np.array([40, 30]), atol=1e-3)
    np.testing.assert_allclose(found[1].covariance, found[0].covariance, rtol=1e-4)


def test_a_turned_frame_turns_places_and_covariances() -> None:
    network = _network()
    frame = draw_dots(np.random.default_rng(2).uniform(20, 80, (5, 2)), 100)
    upright = CropBox(10, 15, 64)
    crop, _ = network.prepare(frame, upright)
    straight = network.locate(crop[None], np.zeros(1, np.bool_), upright, (100, 100))
    turned = np.ascontiguousarray(np.rot90(frame, -1))  # clockwise: (x, y) lies at (99 - y, x)
    box = CropBox(99 - 15 - 63, 10, 64, 1)
    crop_turned, _ = network.prepare(turned, box)
    np.testing.assert_array_equal(crop_turned, crop)
    found = network.locate(crop_turned[None], np.zeros(1, np.bool_), box, (100, 100))
    np.testing.assert_allclose(found.xy[..., 0], 99 - straight.xy[..., 1], atol=1e-3)
    np.testing.assert_allclose(found.xy[..., 1], straight.xy[..., 0], atol=1e-3)
    np.testing.assert_allclose(
        found.covariance, straight.covariance[..., ::-1] * np.array([1, -1, 1]), rtol=1e-5, atol=1e-5
    )


def test_no_place_lies_outside_of_the_frame() -> None:
    network = _network()
    rng = np.random.default_rng(3)
    frames = rng.integers(0, 256, (200, 40, 64)).astype(np.uint8)
    box = CropBox(-20, -40, 90)
    crops = np.stack([network.prepare(frame, box)[0] for frame in frames])
    found = network.locate(crops, np.zeros(200, np.bool_), box, (40, 64))
    assert (found.xy >= -0.5).all()
    assert (found.xy <= np.array([63.5, 39.5])).all()
    free = box.to_source(network.decode(crops).xy, SIZE)
    outside = ((free < -0.5) | (free > np.array([63.5, 39.5]))).any(axis=-1)
    assert outside.any()
    np.testing.assert_array_equal(found.is_clipped, outside)


def test_flat_frames_have_no_place_and_no_confidence() -> None:
    network = _network()
    frames = [np.full((64, 64), 80, np.uint8), draw_dots(np.array([[30.0, 30.0]]), 64)]
    box = frame_box(64, 64)
    made = [network.prepare(frame, box) for frame in frames]
    is_flat = np.array([flat for _, flat in made])
    assert is_flat.tolist() == [True, False]
    found = network.locate(np.stack([crop for crop, _ in made]), is_flat, box, (64, 64))
    assert np.isnan(found.xy[0]).all()
    assert np.isnan(found.covariance[0]).all()
    assert (found.confidence[0] == 0).all()
    assert (found.visibility[0] == 0).all()
    assert not found.is_clipped[0].any()
    assert np.isfinite(found.xy[1]).all()


@pytest.mark.parametrize(("n_missing", "is_flat"), [(20, False), (60, True)])
def test_more_than_one_percent_of_nan_is_flat(n_missing: int, is_flat: bool) -> None:
    frame = np.random.default_rng(4).random((64, 64))
    frame.ravel()[:n_missing] = np.nan
    crop, got = _network().prepare(frame, frame_box(64, 64))
    assert got is is_flat
    assert np.isfinite(crop).all()


def test_saturated_frame_is_flat() -> None:
    assert _network().prepare(np.full((64, 64), 65535, np.uint16), frame_box(64, 64))[1]


def test_calibration_in_the_notes_is_used() -> None:
    rng = np.random.default_rng(5)
    values, everywhere = rng.normal(size=(200, 5, 6)), np.ones((200, 5), np.bool_)
    offset = rng.normal(0, 4, (200, 5, 2))
    window = np.abs(rng.normal(4, 0.1, (200, 5, 3))) * np.array([1, 0.01, 1])
    fitted = fit_calibration(values, window, offset, everywhere, everywhere, size=SIZE)
    model = small_model(tensors=fitted.tensors(), calibration="synthetic")
    network = Network(model, "small.onnx", device="cpu")
    assert network.calibration.origin == "synthetic"
    np.testing.assert_array_equal(network.calibration.slopes, fitted.slopes)
    assert _network().calibration.origin == "none"


def test_damaged_calibration_is_refused() -> None:
    tensors = Calibration.uncalibrated(5).tensors()
    del tensors["calibration.knots"]
    with pytest.raises(WeightsError, match="M701"):
        Network(small_model(tensors=tensors), "small.onnx", device="cpu")


def test_calibration_of_another_number_of_points_is_refused() -> None:
    with pytest.raises(WeightsError, match="M702"):
        Network(small_model(tensors=Calibration.uncalibrated(4).tensors()), "small.onnx", device="cpu")


@pytest.mark.parametrize("changes", [{"points": POINTS[:4]}, {"size": 128}, {"stride": 8}])
def test_maps_that_do_not_fit_the_notes_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(WeightsError, match="M702"):
        Network(small_model(**changes), "small.onnx", device="cpu")


@pytest.mark.parametrize("damage", [b"", b"not a model", b"\x08\x07\x12"])
def test_no_model_is_refused(damage: bytes) -> None:
    with pytest.raises(WeightsError, match="M701"):
        Network(damage, "bad.onnx", device="cpu")


def test_cut_files_are_refused(tmp_path: Path) -> None:
    data = small_model()
    rng = np.random.default_rng(6)
    for _ in range(30):
        spoiled = bytearray(data[: int(rng.integers(1, len(data)))])
        spoiled[int(rng.integers(len(spoiled)))] ^= 0xFF
        path = tmp_path / "spoiled.onnx"
        path.write_bytes(spoiled)
        with pytest.raises(WeightsError, match=r"M70[12]"):
            load_network(path)


def test_loaded_network_knows_its_sum(tmp_path: Path) -> None:
    path = write_small(tmp_path)
    network = load_network(path)
    import hashlib

    assert network.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert network.provider == CPU


def test_auto_takes_a_gpu_where_there_is_one() -> None:
    assert choose_provider("auto", [CPU, "CUDAExecutionProvider"]) == "CUDAExecutionProvider"
    assert choose_provider("cpu", [CPU, "CUDAExecutionProvider"]) == CPU


def test_devices_that_are_unknown_or_missing_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"P401.*did you mean 'cuda'"):
        choose_provider("cudda", [CPU])
    with pytest.raises(DeviceError, match=r"M703.*'cuda'.*cannot use it"):
        choose_provider("cuda", [CPU])


def test_prediction_does_not_load_torch(tmp_path: Path) -> None:
    import subprocess
    import sys

    path = write_small(tmp_path)
    code = (
        "import sys, numpy as np\nfrom pathlib import Path\nfrom mystax.nets.runtime import load_network\n"
        f"n = load_network(Path({str(path)!r}))\nn.decode(np.zeros((1, 64, 64), np.float32))\n"
        "print([m for m in ('torch', 'onnx', 'safetensors', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
