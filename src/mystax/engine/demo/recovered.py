"""A comparison of what the demonstration measured with what is true."""

from dataclasses import dataclass

__all__ = ["Recovered"]


@dataclass(frozen=True, slots=True)
class Recovered:
    """One comparison of a measurement with the truth.

    Attributes
    ----------
    what : str
        Measurement and camera.
    truth, found : str
        The two values, with unit.
    is_right : bool
        Whether they agree within what noise and pixels allow.
    """

    what: str
    truth: str
    found: str
    is_right: bool
