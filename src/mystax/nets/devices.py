"""What runs a network: the devices of the installed onnxruntime, and what its errors mean."""

from typing import Any, Protocol, runtime_checkable

from mystax.errors import DeviceError, ParameterError, nearest

__all__ = [
    "PROVIDERS",
    "Library",
    "OnnxRuntime",
    "choose_provider",
    "is_short_of_memory",
    "session_errors",
]

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "dml": "DmlExecutionProvider",
}
_NO_MEMORY = (
    "out of memory",
    "failed to allocate memory",
    "alloc_failed",
    "bad allocation",
    "bad_alloc",
    "not enough memory",
)
"""What onnxruntime, CUDA, DirectML and C++ write where memory cannot be had."""


def choose_provider(device: str, available: list[str]) -> str:
    """Choose what computes.

    Parameters
    ----------
    device : str
        ``auto``, ``cpu``, ``cuda``, ``coreml`` or ``dml``; auto takes a GPU where onnxruntime has one.
    available : list of str
        Execution providers of the installed onnxruntime.

    Returns
    -------
    str
        Name of the provider.

    Raises
    ------
    ParameterError
        P401, if the device is unknown.
    DeviceError
        M703, if this onnxruntime cannot use it.

    Examples
    --------
    >>> choose_provider("auto", ["CPUExecutionProvider"])
    'CPUExecutionProvider'
    """
    if device == "auto":
        for name in ("cuda", "coreml", "dml"):
            if PROVIDERS[name] in available:
                return PROVIDERS[name]
        return PROVIDERS["cpu"]
    if device not in PROVIDERS:
        raise ParameterError("P401", "device", f"unknown{nearest(device, ['auto', *PROVIDERS])}", got=device)
    if PROVIDERS[device] not in available:
        raise DeviceError(
            "M703",
            f"device {device!r}",
            "the installed onnxruntime cannot use it",
            expected=PROVIDERS[device],
            got=", ".join(available),
            hint="install the onnxruntime build for this device, or use device='cpu'",
        )
    return PROVIDERS[device]


@runtime_checkable
class Library(Protocol):
    """What is asked of onnxruntime, so that tests can let a device be short of memory."""

    def providers(self) -> list[str]:
        """Return the names of the execution providers that this installation has."""
        ...

    def open(self, model: bytes, provider: str, threads: int) -> Any:
        """Return a session of a model."""
        ...


class OnnxRuntime:
    """The installed onnxruntime (implements `Library`)."""

    def providers(self) -> list[str]:
        """Return the names of the execution providers that this installation has."""
        import onnxruntime

        found: list[str] = onnxruntime.get_available_providers()
        return found

    def open(self, model: bytes, provider: str, threads: int) -> Any:
        """Return a session of a model; what the provider does not know runs on the CPU."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = max(threads, 1)
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = list(dict.fromkeys([provider, PROVIDERS["cpu"]]))
        return onnxruntime.InferenceSession(model, options, providers=providers)


def is_short_of_memory(error: BaseException) -> bool:
    """Tell whether an exception of onnxruntime says that memory could not be had."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(sign in text for sign in _NO_MEMORY)


def session_errors() -> tuple[type[BaseException], ...]:
    """Return the exceptions by which onnxruntime refuses a model."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    kinds = [value for value in vars(state).values() if isinstance(value, type)]
    return (*(kind for kind in kinds if issubclass(kind, Exception)), RuntimeError, ValueError, MemoryError)
