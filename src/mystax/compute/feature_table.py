"""The table of temporal features: which filters each component of behaviour goes through."""

from dataclasses import dataclass

from mystax.compute.filters import Shape
from mystax.compute.whitening import FittedPart

__all__ = [
    "BANKS",
    "CHANGES",
    "DEAD",
    "ENVELOPE",
    "ENVELOPE_MEMORY",
    "FORGOTTEN",
    "HALF_WAVE",
    "LONGEST",
    "RHYTHMS",
    "SIGNED",
    "SLOW",
    "STATES",
    "STATES_MEMORY",
    "Feature",
    "features_of",
    "features_of_one",
    "finite_shapes",
]

SIGNED = (
    *((-1.2, 0.8), (-0.5, 0.4), (-0.2, 0.2), (0.0, 0.15), (0.12, 0.15)),
    *((0.3, 0.25), (0.6, 0.4), (1.1, 0.7), (2.0, 1.3), (4.0, 2.5)),
)
SLOW = (5.0, 15.0)
RHYTHMS = (1.0, 2.5, 6.0, 11.0)
ENVELOPE, ENVELOPE_MEMORY = ((0.0, 0.3), (0.35, 0.4), (1.0, 0.8), (2.5, 1.6)), 8.0
CHANGES, FORGOTTEN, DEAD = (0.0, 0.1, 0.3), 1.5, 0.2
HALF_WAVE = ((0.0, 0.12), (0.2, 0.2), (0.5, 0.3))
STATES, STATES_MEMORY = ((0.0, 0.15), (0.6, 0.4), (2.0, 1.3)), 5.0
BANKS = ("full", "signed", "states")
LONGEST = 6.5
"""Reach of the longest finite filter [s]."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of the design.

    Attributes
    ----------
    group, part : str
        Where it comes from.
    component : int
        Component of the whitened part.
    family : str
        signed, slow, envelope, half-wave or states.
    centre, width : float
        How long behaviour precedes the neurons, and half-width of the window [s]; a memory has its time
        constant as width.
    frequency : float
        Of an envelope [Hz]; time constant of a half-wave [s]; else NaN.
    """

    group: str
    part: str
    component: int
    family: str
    centre: float
    width: float
    frequency: float


def finite_shapes(bank: str, rate: float) -> list[Shape]:
    """List the filters of a bank that end.

    Parameters
    ----------
    bank : str
        One of `BANKS`.
    rate : float
        Samples per second.

    Returns
    -------
    list of Shape
        Windows, then rhythms.
    """
    windows = {"signed": SIGNED, "states": STATES}.get(bank, SIGNED + ENVELOPE + HALF_WAVE)
    found = [Shape.bump(c, w, rate) for c, w in windows]
    if bank == "full":
        found += [Shape.envelope(f) for f in RHYTHMS if f <= 0.4 * rate]
    return found


def features_of_one(bank: str, rate: float) -> list[tuple[str, float, float, float]]:
    """List the features of one component: family, centre, width, frequency.

    Parameters
    ----------
    bank : str
        One of `BANKS`.
    rate : float
        Samples per second.

    Returns
    -------
    list of tuples
        In the order in which they are made.
    """
    nan = float("nan")
    if bank == "states":
        return [("states", c, w, nan) for c, w in STATES] + [("states", 0.0, STATES_MEMORY, nan)]
    found = [("signed", c, w, nan) for c, w in SIGNED] + [("slow", 0.0, tau, nan) for tau in SLOW]
    if bank == "signed":
        return found
    for frequency in RHYTHMS:
        if frequency <= 0.4 * rate:
            found += [("envelope", c, w, frequency) for c, w in ENVELOPE]
            found.append(("envelope", 0.0, ENVELOPE_MEMORY, frequency))
    for tau in CHANGES:
        for _ in (1, -1):
            found += [("half-wave", c, w, tau) for c, w in HALF_WAVE]
    return found


def features_of(fitted: FittedPart, rate: float) -> list[Feature]:
    """List the features of a part.

    Parameters
    ----------
    fitted : FittedPart
        A whitened part.
    rate : float
        Samples per second.

    Returns
    -------
    list of Feature
        Component by component.
    """
    return [
        Feature(fitted.group, fitted.part, number, *one)
        for number in range(fitted.n_components)
        for one in features_of_one(fitted.bank, rate)
    ]
