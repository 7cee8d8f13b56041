"""Array annotations: the real jaxtyping where tests have loaded it, else a stand-in that costs nothing.

jaxtyping and beartype are test tools (extra ``dev``).  Production code imports the names from here,
so that ``Float[np.ndarray, "time keypoint"]`` is documentation there and a check in the tests, whose import
hook is part of jaxtyping.
"""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or "jaxtyping" in sys.modules:
    from jaxtyping import (
        Bool,
        Complex128,
        Float,
        Float32,
        Float64,
        Int,
        Int8,
        Int32,
        Int64,
        Integer,
        Num,
        Shaped,
        UInt,
        UInt8,
    )
else:

    class _Plain:
        """Annotation without a check: ``Float[np.ndarray, "x"]`` is ``np.ndarray``."""

        def __class_getitem__(cls, item: tuple[Any, str]) -> Any:
            return item[0]

    Bool = Complex128 = Float = Float32 = Float64 = Int = Int8 = Int32 = Int64 = _Plain
    Integer = Num = Shaped = UInt = UInt8 = _Plain

__all__ = [
    "Bool",
    "Complex128",
    "Float",
    "Float32",
    "Float64",
    "Int",
    "Int8",
    "Int32",
    "Int64",
    "Integer",
    "Num",
    "Shaped",
    "UInt",
    "UInt8",
]
