"""F42: a device short of memory: half the batch, single crops, then the processor; no frame is lost."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason='pip install "mystax[train]"')  # the small network is made with it

from mystax.engine.calls import analysis_function
from mystax.errors import DeviceError
from mystax.nets import runtime
from mystax.nets.devices import choose_provider
from mystax.nets.runtime import Network
from tests.fixtures.networks import tiny_weights
from tests.fixtures.scarce import CPU, CUDA, ScarceRuntime
from tests.fixtures.small_weights import SIZE, small_model

pytestmark = [pytest.mark.fault(42), pytest.mark.extra("train")]


def _crops(n: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, SIZE, SIZE)).astype(np.float32)


def _network(library: ScarceRuntime, device: str = "auto", batch: int = 0) -> Network:
    return Network(small_model(), "small.onnx", device=device, batch=batch, library=library)


@pytest.mark.parametrize("room", [64, 63, 20, 1, 0, -1])
def test_every_crop_gets_its_places_whatever_memory_there_is(room: int) -> None:
    crops = _crops(150)
    expected = Network(small_model(), "small.onnx", device="cpu").decode(crops)
    network = _network(ScarceRuntime(room))
    found = network.decode(crops)
    np.testing.assert_allclose(found.xy, expected.xy, atol=1e-3)
    assert network.provider == (CUDA if room > 0 else CPU)


def test_batch_is_halved_and_what_was_done_is_not_done_again() -> None:
    library = ScarceRuntime(64)
    network = _network(library)
    network.decode(_crops(64))
    library.room[CUDA] = 20
    network.decode(_crops(40))
    assert library.batches == [(CUDA, n) for n in (64, 64, 32, 16, 16, 16)]


def test_smaller_batch_stays_for_the_crops_that_come_later() -> None:
    library = ScarceRuntime(16)
    network = _network(library)
    for _ in range(2):
        network.maps(_crops(16))
    assert library.batches == [(CUDA, n) for n in (64, 32, 16, 16)]


def test_device_that_was_asked_for_is_not_left_in_silence() -> None:
    with pytest.raises(DeviceError, match=r"M703.*'cuda'.*--device cpu"):
        _network(ScarceRuntime(0), "cuda").decode(_crops(3))
    with pytest.raises(DeviceError, match="M703"):
        _network(ScarceRuntime(-1), "cuda")


def test_processor_without_memory_is_refused_not_tried_for_ever() -> None:
    library = ScarceRuntime(0, cpu_room=0)
    with pytest.raises(DeviceError, match="M703"):
        _network(library).decode(_crops(3))
    assert len(library.batches) < 20


def test_without_a_device_the_processor_is_taken() -> None:
    assert choose_provider("auto", [CPU]) == CPU


def test_other_errors_of_a_session_are_no_lack_of_memory() -> None:
    network = _network(ScarceRuntime(64))

    def fail(binding: object) -> None:
        raise RuntimeError("[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : something else")

    network._session.run_with_iobinding = fail
    with pytest.raises(RuntimeError, match="something else"):
        network.decode(_crops(3))
    assert network.batch == 64


@pytest.mark.parametrize("room", [5, 0])
def test_a_video_is_tracked_to_its_end(room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = np.random.default_rng(1).integers(0, 255, (150, 80, 90)).astype(np.uint8)
    weights = str(tiny_weights(tmp_path))
    options: dict[str, object] = {"weights": weights, "box": "frame", "smooth": "none"}
    track = analysis_function("pose")
    truth = track(frames, device="cpu", **options)
    library = ScarceRuntime(room)
    monkeypatch.setattr(runtime, "OnnxRuntime", lambda: library)
    found = track(frames, **options)
    for name in ("position_raw", "confidence"):
        np.testing.assert_allclose(found[name].values, truth[name].values, atol=1e-3)
    assert (CUDA, 64) in library.batches
