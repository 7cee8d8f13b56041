"""A camera beside its traces has their times: as it was opened when it was measured."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.app.collection import CatalogCollection, FolderCollection, Item
from mystax.app.openings import Opening, open_camera, opening_of
from mystax.app.routes.recordings import spec_of
from mystax.core.analysis import get_analysis
from mystax.core.typing import Float64
from mystax.engine.catalog.catalog import Catalog
from mystax.engine.recording_specs import opening_of as opening_told
from mystax.errors import ClockError
from mystax.io.provenance import Provenance
from mystax.io.store import Store
from tests.fixtures.catalogues import write_film
from tests.fixtures.exchange_outcomes import known_outcome

N = 6
TIMES = 500.0 + np.cumsum([0.0, 0.04, 0.04, 0.9, 0.04, 0.05])
"""Variable, and far from those of the film."""


def clock_file(folder: Path) -> str:
    (folder / "times.csv").write_text("time\n" + "\n".join(f"{value:.9f}" for value in TIMES) + "\n")
    return "csv:times.csv:time:s"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Measure a film on the clock of a file, with an offset and another range of grey."""
    folder = tmp_path_factory.mktemp("clocked")
    film = write_film(folder / "face.avi", 1, N)
    spec = clock_file(folder)
    recording = mystax.open(film, clocks=spec, offsets={"face": "0.5"}, grey_range="full")
    mystax.run(recording, analyses=["motion"], report=False, isolated=False)
    return folder


def publish(
    folder: Path,
    run: Mapping[str, object],
    times: Float64[np.ndarray, " time"] = TIMES,
    analysis: str = "motion",
    **attributes: Any,
) -> None:
    """Publish an outcome that says where it comes from."""
    dataset = known_outcome(analysis, times=times)
    dataset.attrs.update(attributes)
    Store(folder).publish(dataset, Provenance(analysis, get_analysis(analysis).version, "f" * 64, run=run))


def only(folder: Path) -> Item:
    (item,) = FolderCollection([folder]).items()
    return item


def times_of(item: Item) -> Float64[np.ndarray, " time"]:
    with open_camera(spec_of(item, "face")) as video:
        return video.times.copy()


def test_pictures_have_the_times_of_the_traces(measured: Path) -> None:
    outcome: Any = mystax.load(measured / "face.mystax" / "motion.nc")
    wanted = outcome["time"].values
    np.testing.assert_allclose(wanted, TIMES + 0.5, atol=1e-8)
    np.testing.assert_array_equal(times_of(only(measured)), wanted)
    with open_camera(spec_of(only(measured), "face")) as video:
        assert "grey_range=full" in video.identity


def test_a_run_from_the_page_opens_the_recording_as_it_was(measured: Path) -> None:
    item = only(measured)
    assert not item.is_lost
    again = mystax.open(**item.request)
    np.testing.assert_array_equal(again.cameras["face"].video.times, TIMES + 0.5)
    before = (measured / "face.mystax" / "motion.nc").stat().st_mtime_ns
    mystax.run(again, analyses=["motion"], report=False, isolated=False)
    assert (measured / "face.mystax" / "motion.nc").stat().st_mtime_ns == before, "it is current"


def test_a_clock_file_that_is_gone_is_replaced_by_the_times_that_were_kept(measured: Path) -> None:
    (measured / "times.csv").rename(measured / "away.csv")
    try:
        np.testing.assert_allclose(times_of(only(measured)), TIMES + 0.5, atol=1e-8)
    finally:
        (measured / "away.csv").rename(measured / "times.csv")


def test_times_from_an_array_are_shown_but_cannot_be_measured_with_again(tmp_path: Path) -> None:
    film = write_film(tmp_path / "face.avi", 1, N)
    times = TIMES.copy()
    times[4] = np.nan
    publish(tmp_path / "face.mystax", {"camera_files": {"face": [str(film)]}}, times, clock='{"n_frames":6}')
    item = only(tmp_path)
    assert item.is_lost
    np.testing.assert_allclose(times_of(item), times, atol=1e-8)


def test_another_film_gets_no_times_of_the_one_that_was_measured(tmp_path: Path) -> None:
    film = write_film(tmp_path / "face.avi", 1, N)
    run = {"camera_files": {"face": [str(film)]}}
    publish(tmp_path / "face.mystax", run, np.arange(9) / 30.0, clock='{"n_frames":9}')
    with pytest.raises(ClockError, match="C202"):
        times_of(only(tmp_path))


def test_own_stamps_need_no_word(tmp_path: Path) -> None:
    film = write_film(tmp_path / "face.avi", 1, N)
    publish(tmp_path / "face.mystax", {"camera_files": {"face": [str(film)]}})
    assert opening_of(tmp_path / "face.mystax", ["face"]) == Opening()
    item = only(tmp_path)
    assert (item.specs, item.request, item.is_lost) == ({}, {}, False)


def test_the_newest_outcome_of_frames_says_how(tmp_path: Path) -> None:
    def run(day: int, rate: int) -> dict[str, object]:
        opening = {"clocks": {"face": f"rate:{rate}"}}
        return {"finished": f"2026-01-0{day}", "camera_files": {"face": ["x"]}, "opening": opening}

    folder = tmp_path / "a.mystax"
    publish(folder, run(2, 50), analysis="motion")
    publish(folder, run(1, 25), analysis="pupil")
    publish(folder, {"finished": "2026-01-03"}, analysis="states")
    found = opening_of(folder, ["face"])
    assert found is not None
    assert found.arguments == {"clocks": {"face": "rate:50"}}
    assert opening_of(tmp_path / "nothing.mystax", ["face"]) is None


@pytest.mark.parametrize("text", ["[", "[1]", '{"clocks": 3, "damage": ["mark"], "os": "x"}'])
def test_words_that_are_not_understood_are_none(text: str, tmp_path: Path) -> None:
    publish(tmp_path / "a.mystax", {"camera_files": {"face": ["x"]}, "opening": text})
    assert opening_of(tmp_path / "a.mystax", ["face"]) == Opening()


def test_each_camera_is_opened_alone_with_what_belongs_to_it() -> None:
    arguments = {"clocks": {"a": "rate:25"}, "offsets": {"b": "2"}, "damage": "keep", "reference": "b"}
    opening = Opening(arguments)
    spec = opening.spec("b", [Path("/b.mp4")])
    assert spec == {
        "opening": {"paths": {"b": ["/b.mp4"]}, "offsets": {"b": "2"}, "damage": "keep"},
        "times": None,
    }
    request = opening.request("both", {"a": [Path("/a.mp4")], "b": [Path("/b.mp4")]})
    assert request["reference"] == "b"
    assert request["clocks"] == {"a": "rate:25"}
    assert Opening({"offsets": {"b": "2"}}).spec("a", [Path("/a.mp4")]) is None


def test_the_reference_comes_first_and_is_opened_as_such_again(tmp_path: Path) -> None:
    """Names of cameras are kept in the order of letters, which says nothing of which one is the reference."""
    films = {name: str(write_film(tmp_path / f"{name}.avi", k, N)) for k, name in enumerate(("body", "face"))}
    recording = mystax.open({name: films[name] for name in ("face", "body")})
    run = {"camera_files": {name: [film] for name, film in films.items()}, "opening": opening_told(recording)}
    publish(tmp_path / "pair.mystax", run)
    item = only(tmp_path)
    assert list(item.cameras) == ["face", "body"]
    assert not item.is_lost
    assert item.specs == {}
    assert mystax.open(**item.request).reference == "face"


def test_a_catalogue_says_how_its_cameras_are_opened(tmp_path: Path) -> None:
    write_film(tmp_path / "raw" / "m1" / "face.avi", 1, N)
    clock_file(tmp_path / "raw" / "m1")
    with Catalog.create(tmp_path / "lab") as catalog:
        catalog.ingest(tmp_path / "raw", pattern="folders", clocks="csv:times.csv:time:s")
        (item,) = CatalogCollection(catalog).items()
        (camera,) = item.cameras
        with open_camera(spec_of(item, camera)) as video:
            np.testing.assert_allclose(video.times, TIMES, atol=1e-8)
