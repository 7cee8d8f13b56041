"""Names and merges of states: read, written, shown by `load`, refused where they make no sense."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import mystax
from mystax.errors import FormatError
from mystax.io.provenance import Provenance
from mystax.io.state_edits import (
    StateEdits,
    edits_from_toml,
    edits_path,
    edits_to_toml,
    read_state_edits,
    set_edits_aside,
)
from mystax.io.store import Store
from tests.fixtures.state_outcomes import known_outcome

TEXT = """format = 1

[state.1]
name = "rest"

[state.3]
name = "mouth open"
merged_into = 2
hidden = true
"""


def test_edits_are_read() -> None:
    edits = edits_from_toml(TEXT, 3)
    assert edits == StateEdits({1: "rest", 3: "mouth open"}, {3: 2}, frozenset({3}))


def test_edits_come_back_as_they_were_written() -> None:
    edits = StateEdits({2: "läuft"}, {1: 2, 3: 1}, frozenset({1, 2}))
    assert edits_from_toml(edits_to_toml(edits), 3) == edits


def test_attributes_have_an_entry_per_state_and_follow_merges_to_their_end() -> None:
    edits = StateEdits({2: "blink"}, {4: 3, 3: 1}, frozenset({4}))
    assert edits.attributes(4) == {
        "state_name": ["", "blink", "", ""],
        "state_merged_into": [1, 2, 1, 1],
        "state_hidden": [0, 0, 0, 1],
    }


def test_without_a_file_there_are_no_edits(tmp_path: Path) -> None:
    assert read_state_edits(tmp_path / "states.edits.toml", 3) is None
    assert edits_path(tmp_path / "states.nc") == tmp_path / "states.edits.toml"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("format = 2", "format = 1"),
        ("format = 1\nstates = 3", "did you mean 'state'"),
        ("format = 1\n[state.4]\nname = 'x'", "a state from 1 to 3"),
        ("format = 1\n[state.one]\nname = 'x'", "a state from 1 to 3"),
        ("format = 1\n[state.1]\nnmae = 'x'", "did you mean 'name'"),
        ("format = 1\n[state.1]\nname = 3", "name of state 1"),
        ('format = 1\n[state.1]\nname = "a\\nb"', "name of state 1"),
        ("format = 1\n[state.1]\nhidden = 1", "true or false"),
        ("format = 1\n[state.1]\nmerged_into = true", "a state from 1 to 3"),
        ("format = 1\n[state.1]\nmerged_into = 1", "merged into itself"),
        ("format = 1\n[state.1]\nmerged_into = 2\n[state.2]\nmerged_into = 1", "merged into itself"),
        ("format = 1\nstate = 3", "tables"),
        ("format = ", "not valid TOML"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, message: str) -> None:
    with pytest.raises(FormatError, match="F804") as caught:
        edits_from_toml(text, 3)
    assert message in str(caught.value)


def test_unreadable_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "states.edits.toml"
    path.write_bytes(b"\xff\xfe format")
    with pytest.raises(FormatError, match="cannot be read"):
        read_state_edits(path, 3)
    path.write_text("#" * (1 << 21))
    with pytest.raises(FormatError, match="1 MiB"):
        read_state_edits(path, 3)


def test_edits_of_a_replaced_outcome_are_set_aside(tmp_path: Path) -> None:
    Store(tmp_path).publish(known_outcome()[0], Provenance("states", 1, "a" * 64, {}, [], 1.0, []))
    outcome, edits = tmp_path / "states.nc", tmp_path / "states.edits.toml"
    assert set_edits_aside(outcome, "b" * 64) is None  # there are none
    edits.write_text(TEXT)
    assert set_edits_aside(outcome, "a" * 64) is None  # the same outcome again
    assert edits.is_file()
    aside = set_edits_aside(outcome, "b" * 64)
    assert aside == tmp_path / "states.edits.old.toml"
    assert aside.read_text() == TEXT
    assert not edits.exists()
    edits.write_text(TEXT + "# later\n")
    assert set_edits_aside(outcome, "c" * 64) == tmp_path / "states.edits.old-2.toml"
    assert aside.read_text() == TEXT  # what was set aside before is still there


def test_a_mark_of_the_byte_order_is_no_part_of_the_edits(tmp_path: Path) -> None:
    path = tmp_path / "states.edits.toml"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    assert read_state_edits(path, 3) == edits_from_toml(TEXT, 3)


def test_one_state_has_one_spelling() -> None:
    with pytest.raises(FormatError, match="from 1 to 3"):
        edits_from_toml('format = 1\n[state.1]\nname = "a"\n[state.01]\nname = "b"\n', 3)


def test_load_shows_edits_and_leaves_the_outcome_alone(tmp_path: Path) -> None:
    dataset = known_outcome()[0]
    about = Provenance("states", 1, "a" * 64, {}, [], 1.0, [])
    Store(tmp_path).publish(dataset, about)
    before = (tmp_path / "states.nc").read_bytes()
    plain = mystax.load(tmp_path / "states.nc")
    assert isinstance(plain, xr.Dataset)
    assert "state_name" not in plain.attrs
    (tmp_path / "states.edits.toml").write_text(TEXT)
    for loaded in (mystax.load(tmp_path / "states.nc"), mystax.load(tmp_path)["states"]):
        assert isinstance(loaded, xr.Dataset)
        assert loaded.attrs["state_name"] == ["rest", "", "mouth open"]
        assert loaded.attrs["state_merged_into"] == [1, 2, 2]
        np.testing.assert_array_equal(loaded["label"].values, dataset["label"].values)
    assert (tmp_path / "states.nc").read_bytes() == before
