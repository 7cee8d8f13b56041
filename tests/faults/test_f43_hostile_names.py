"""F43: blanks, quotes, `$()`, newlines, dashes, length, reserved words, case clashes in names."""

import json
from pathlib import Path

import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.core.safe_names import safe_name
from mystax.errors import RecipeError
from mystax.io.outcomes import Outcomes, load
from mystax.io.provenance import Provenance
from mystax.io.store import Store
from tests.fixtures.faulty_fs import FaultyFs
from tests.fixtures.traces import KEY, TRACE, quick_store, trace

pytestmark = pytest.mark.fault(43)
HOSTILE = [
    "a b",
    "$(touch X)",
    "`touch X`",
    'x";touch X;"',
    "line\nbreak",
    "-i",
    "'quoted'",
    "x" * 255,
    "e\u0301",
    "con",
    "trailing.",
    "Face",
    b"face-\xff".decode("utf-8", "surrogateescape"),
    "<img src=x onerror=alert(1)>",
]
shown = [name.encode("ascii", "backslashreplace").decode()[:20].strip() for name in HOSTILE]


@pytest.mark.parametrize("name", HOSTILE, ids=shown)
def test_recording_of_any_name_gets_a_folder_of_its_own(tmp_path: Path, name: str) -> None:
    folder = tmp_path / safe_name(name)
    quick_store(folder).write_text("recipe.toml", "x")
    assert [path.name for path in tmp_path.iterdir()] == [safe_name(name)]
    assert (folder / "recipe.toml").read_text() == "x"
    assert not Path("X").exists()


@pytest.mark.parametrize("name", HOSTILE, ids=shown)
def test_name_stands_in_the_outcome_as_it_is(tmp_path: Path, name: str) -> None:
    told = Provenance("trace", 1, KEY, inputs=[{"name": name, "id": "1-2"}], software={}, run={"path": name})
    quick_store(tmp_path).publish(trace(roi=name), told, schema=TRACE)
    found = load(tmp_path / "trace.nc")
    assert isinstance(found, xr.Dataset)
    written = name.encode("utf-8", "backslashreplace").decode()
    assert found["roi"].values.tolist() == [written]
    assert json.loads(found.attrs["inputs"])[0]["name"] in (name, written)
    assert found.attrs["run_path"] == written


def test_cameras_of_any_name_keep_their_names(tmp_path: Path) -> None:
    names = [name for name in HOSTILE if "\udcff" not in name]
    quick_store(tmp_path).publish(
        {name: trace(3) for name in names}, Provenance("trace", 1, KEY), schema=TRACE
    )
    found = load(tmp_path)
    assert isinstance(found, Outcomes)
    assert list(found) == [f"trace/{name}" for name in names]
    assert {found[name].attrs["camera"] for name in found} == set(names)


def test_every_name_of_255_bytes_can_be_written(tmp_path: Path) -> None:
    name = "é" * 127 + "x"
    assert len(name.encode()) == 255
    Store(tmp_path, fs=FaultyFs()).write_text(f"{safe_name(name)}/report.html", "x")
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_name_that_cannot_be_written_is_p404(name: str) -> None:
    with pytest.raises(RecipeError) as caught:
        safe_name(name)
    assert caught.value.code == "P404"


@given(
    st.lists(st.text(st.characters(exclude_characters="\0"), min_size=1), min_size=2, max_size=6, unique=True)
)
@settings(deadline=None, max_examples=60)
def test_different_names_never_meet_in_one_folder(names: list[str]) -> None:
    assert len({safe_name(name).casefold() for name in names}) == len(names)
