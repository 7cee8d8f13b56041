"""Flags and events as plain values."""

import json

from mystax.core.events import Event, silent
from mystax.core.quality import Flag, flags_from_json, flags_to_json, merge_flags


def test_flags_and_their_json_are_each_others_inverse() -> None:
    flags = [Flag("V105", "18 frames could not be read", (1, 2), 18), Flag("N301", "flat — „ü“")]
    assert flags_from_json(flags_to_json(flags)) == flags


def test_flag_about_frames_keeps_the_first_hundred_in_order() -> None:
    flag = Flag.about("V105", "damaged", range(250, 0, -1))
    assert flag.frames == tuple(range(1, 101))
    assert flag.n_frames == 250


def test_merged_flags_come_once_in_order() -> None:
    one, two = Flag("V110", "a"), Flag("V113", "b")
    assert merge_flags([one], [two, one], [two]) == [one, two]


def test_event_is_json() -> None:
    event = Event("progress", "pass 1", 5, 10, data={"fps": 3.5})
    assert json.loads(json.dumps(event.as_dict()))["data"] == {"fps": 3.5}
    assert silent(event) is None  # type: ignore[func-returns-value] # that it returns nothing is the point
