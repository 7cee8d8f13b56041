"""Events: what work tells, and how a time is told."""

import pytest

from mystax.core.events import Event, duration_text


def test_event_is_plain_values() -> None:
    event = Event("progress", "svd", 3, 9, "third", {"unit": "frames"})
    assert event.as_dict() == {
        "kind": "progress",
        "stage": "svd",
        "done": 3,
        "total": 9,
        "text": "third",
        "data": {"unit": "frames"},
    }


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1 s"),
        (89.4, "89 s"),
        (90.0, "1.5 min"),
        (600.0, "10 min"),
        (5399.0, "90 min"),
        (5400.0, "1.5 h"),
    ],
)
def test_time_is_told_as_exactly_as_it_is_known(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
