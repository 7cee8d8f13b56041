"""Facts about videos as attributes of tables."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("datajoint", reason='pip install "mystax[datajoint]"')

from mystax.element.videos import clock_text, flag_rows, recording_facts, timestamp_facts
from mystax.engine.recordings import open_recording

if TYPE_CHECKING:
    from tests.fixtures.videos import Shelf
else:
    Shelf = Any


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"kind": "csv", "rest": "time:ms"}, "csv:t:time:ms"),
        ({"kind": "npy"}, "npy:t"),
        ({}, "csv:t"),
    ],
)
def test_clock_is_written_with_its_file(spec: dict[str, str], text: str) -> None:
    assert clock_text("t", spec) == text


def test_facts_of_a_clean_film(shelf: "Shelf") -> None:
    with_facts = open_recording({"face": str(shelf.take(n_frames=40))})
    facts = recording_facts(with_facts)
    with_facts.close()
    assert (facts["nframes"], facts["px_width"], facts["px_height"]) == (40, 64, 48)
    assert (facts["rate_num"], facts["rate_den"]) == (30, 1)
    assert facts["recording_duration"] == pytest.approx(40 / 30, abs=1e-12)
    assert facts["n_gaps"] == 0


def test_film_of_variable_rate_says_so(shelf: "Shelf") -> None:
    recording = open_recording({"face": str(shelf.take("vfr", "mkv"))})
    facts, rows = recording_facts(recording), flag_rows(recording)
    times = recording.video().times
    recording.close()
    assert facts["is_vfr"]
    assert facts["fps"] == pytest.approx((len(times) - 1) / (times[-1] - times[0]), abs=1e-9)
    span = times[-1] - times[0] + np.median(np.diff(times))
    assert facts["recording_duration"] == pytest.approx(span, abs=1e-9)
    assert {"flag": "V110", "severity": "note"}.items() <= next(
        row for row in rows if row["flag"] == "V110"
    ).items()


def test_times_are_given_with_their_source(shelf: "Shelf") -> None:
    recording = open_recording({"face": str(shelf.take())})
    facts = timestamp_facts(recording, "container")
    recording.close()
    np.testing.assert_allclose(facts["timestamps"], np.arange(40) / 30, atol=1e-12)
    assert facts["valid"].all()
    assert (facts["source"], facts["residual"]) == ("container", None)
