"""Recordings as the catalogue knows them: the same keys as the opened ones, without opening any."""

from pathlib import Path

import numpy as np
import pytest

from mystax.core.recording import FrameSource
from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.known import KnownFrames, KnownRecording, known_recordings
from mystax.engine.plan import Request, make_plan
from mystax.engine.recipe import recipe_from
from mystax.engine.recording_specs import recording_from_spec
from mystax.errors import CatalogError, RecipeError, VideoError
from tests.fixtures.sessions import clip, neuroblueprint


def _known(catalog: Catalog, *numbers: int) -> list[KnownRecording]:
    with catalog.database.read() as connection:
        return known_recordings(connection, numbers or None)


def test_keys_are_those_of_the_opened_recording(catalog: Catalog, tmp_path: Path) -> None:
    files = neuroblueprint(tmp_path / "whisk", cameras=("left", "right"))
    for file in files:
        np.save(file.with_suffix(".npy"), np.arange(20) / 30 + 7)
    catalog.ingest(tmp_path / "whisk", clocks={"left": "npy:*left.npy", "right": "npy:*right.npy"})
    (known,) = _known(catalog)
    request = Request(recipe_from(analyses=["motion", "svd"]))
    opened = recording_from_spec(known.spec())
    try:
        true = make_plan(opened, request)
    finally:
        opened.close()
    planned = make_plan(known.recording(), request)
    assert [item.key for item in planned.outcomes] == [item.key for item in true.outcomes]
    assert all(len(item.key) == 64 for item in planned.outcomes)
    assert opened.name == known.folder


def test_known_frames_are_a_source_that_gives_none() -> None:
    frames = KnownFrames((48, 64), 20, 8, ("a",), "c")
    assert isinstance(frames, FrameSource)
    for read in (lambda: list(frames.chunks()), lambda: frames.frame_at(0), lambda: frames.sample(3)):
        with pytest.raises(TypeError, match="not opened"):
            read()


def test_recording_that_could_not_be_read_cannot_be_planned(catalog: Catalog, tmp_path: Path) -> None:
    clip(tmp_path / "w" / "face.mp4", kind="no_index")
    catalog.ingest(tmp_path / "w", pattern="files")
    with pytest.raises(RecipeError, match="mystax catalog show r1"):
        _known(catalog)[0].recording()


def test_paths_follow_the_root_of_the_host(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk")
    catalog.ingest(tmp_path / "whisk")
    catalog.set_root("whisk", tmp_path / "elsewhere", "other*")
    (tmp_path / "elsewhere").mkdir()
    with catalog.database.read() as connection:
        (here,) = known_recordings(connection, host="here")
        (other,) = known_recordings(connection, host="other1")
    assert here.paths()["face"][0].is_relative_to(tmp_path / "whisk")
    assert other.paths()["face"][0].is_relative_to(tmp_path / "elsewhere")
    assert here.is_reachable() == ""


def test_root_that_is_away_is_said(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk")
    catalog.ingest(tmp_path / "whisk")
    (tmp_path / "whisk").rename(tmp_path / "gone")
    (known,) = _known(catalog)
    assert known.is_reachable().startswith("Q606")
    with pytest.raises(CatalogError, match="Q606"):
        recording_from_spec(known.spec())


def test_a_file_that_changed_is_refused_by_whoever_opens_it(catalog: Catalog, tmp_path: Path) -> None:
    (file,) = neuroblueprint(tmp_path / "whisk")
    catalog.ingest(tmp_path / "whisk")
    (known,) = _known(catalog)
    clip(file, 77)
    with pytest.raises(VideoError, match="V130") as refused:
        recording_from_spec(known.spec())
    assert "mystax catalog ingest" in refused.value.hint


def test_chosen_recordings_come_alone_and_in_order(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk", 1, 3)
    catalog.ingest(tmp_path / "whisk")
    assert [one.id for one in _known(catalog, 3, 1)] == [1, 3]
    assert [one.label for one in _known(catalog)] == ["r1", "r2", "r3"]
    assert _known(catalog)[0].n_frames == 20
    assert _known(catalog)[0].pixels == 20 * 64 * 48
