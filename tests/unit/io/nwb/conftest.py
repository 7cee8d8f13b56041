"""NWB files of known outcomes, written once for all tests of this folder."""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.fixtures.exchange_outcomes import KINDS, publish_known

START = datetime(2024, 3, 1, 10, tzinfo=UTC)


class Exported(NamedTuple):
    """A folder of outcomes and the NWB file made of it."""

    folder: Path
    path: Path


def _export(place: Path, kinds: tuple[str, ...], cameras: tuple[str, ...] = ()) -> Exported:
    from mystax.io.nwb.options import NwbOptions
    from mystax.io.nwb.writer import write_nwb
    from mystax.io.recorded import find_recorded

    folder = publish_known(place / "face.mystax", *kinds, cameras=cameras)
    path = write_nwb(
        place / "face.nwb", find_recorded([folder]), NwbOptions(start=START, check=kinds == KINDS)
    )
    return Exported(folder, path)


@pytest.fixture(scope="session", autouse=True)
def _rules(nwb_rules_read_once: None) -> None:
    """Let the rules of NWB be read once in this folder."""


@pytest.fixture(scope="session")
def one_camera(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Every kind of outcome, of one camera; inspected."""
    pytest.importorskip("pynwb", reason='pip install "mystax[nwb]"')
    return _export(tmp_path_factory.mktemp("one"), KINDS)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Two kinds of outcome, of one camera: enough where a file is checked again and again."""
    pytest.importorskip("pynwb", reason='pip install "mystax[nwb]"')
    return _export(tmp_path_factory.mktemp("small"), ("running", "blink"))


@pytest.fixture(scope="session")
def two_cameras(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Some kinds of outcome, of two cameras."""
    pytest.importorskip("pynwb", reason='pip install "mystax[nwb]"')
    return _export(tmp_path_factory.mktemp("two"), ("motion", "svd", "pose", "pose3d"), ("left", "right"))
