"""Values of TOML on one line: the library writes one number per line, which nobody likes to edit."""

import numpy as np
import tomli_w

__all__ = ["toml_value"]


def toml_value(value: object) -> str:
    """Write a value of TOML on one line, arrays as lists.

    Examples
    --------
    >>> toml_value({"points": [[1, 2.5]], "name": "left"})
    '{ points = [[1, 2.5]], name = "left" }'
    """
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, float):
        return repr(float(value))
    return tomli_w.dumps({"value": value}).partition(" = ")[2].rstrip("\n")
