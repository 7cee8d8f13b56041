"""Named folders with one path per host."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mystax.engine.roots import Roots
from mystax.errors import CatalogError

ROWS = (
    ("nas", "*", "/mnt/lab"),
    ("nas", "win-*", "Z:/lab"),
    ("nas", "win-07", "Y:/lab"),
    ("two", "*", "/mnt/lab/two"),
)


@pytest.mark.parametrize(
    ("host", "path"), [("node1", "/mnt/lab"), ("WIN-03", "Z:/lab"), ("win-07", "Y:/lab")]
)
def test_most_exact_pattern_of_hosts_wins(host: str, path: str) -> None:
    assert Roots(ROWS, host).path_of("nas") == Path(path)


def test_deepest_root_holds_a_file() -> None:
    roots = Roots(ROWS, "node1")
    assert roots.locate(Path("/mnt/lab/a/b.mp4")) == ("nas", "a/b.mp4")
    assert roots.locate(Path("/mnt/lab/two/b.mp4")) == ("two", "b.mp4")
    assert roots.locate(Path("/mnt/laboratory/b.mp4")) is None


def test_root_that_is_away_is_q606_with_what_to_do() -> None:
    with pytest.raises(CatalogError, match="Q606") as refused:
        Roots(ROWS, "node1").resolve("nas", "a.mp4")
    assert refused.value.retry == "space"
    assert "mystax catalog roots nas=PATH" in refused.value.hint


def test_root_without_a_path_for_this_host_is_q606() -> None:
    with pytest.raises(CatalogError, match="no path for this host"):
        Roots((("nas", "win-*", "Z:/"),), "node1").folder("nas")


def test_rows_travel_as_plain_values_and_mean_the_place_of_the_other_host(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    rows = (
        ("nas", "node*", str(tmp_path / "here")),
        ("nas", "*", str(tmp_path / "there")),
        ("two", "*", "/"),
    )
    sent = json.loads(json.dumps(Roots(rows, "node1").rows_of(["nas"])))
    assert len(sent) == 2
    places = {"face": [["nas", "a/b.mp4"], ["nas", "c.mp4"]]}
    for host, folder in (("node1", "here"), ("gpu1", "there")):
        found = Roots.of_rows(sent, host).files(places)
        assert found == {"face": [str(tmp_path / folder / "a" / "b.mp4"), str(tmp_path / folder / "c.mp4")]}


def test_a_child_that_asks_for_its_roots_loads_no_database() -> None:
    code = "import sys, mystax.engine.recording_specs; print('sqlalchemy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
