"""Regions for the rig through the page: what fits is shown first, each copy is refused by itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mystax.core.geometry import Ellipse, Rectangle, Roi
from mystax.io.rois import read_rois, rois_to_toml
from tests.fixtures.app_client import AppClient
from tests.fixtures.catalogues import write_film

PUPIL = Roi("pupil", "pupil", Ellipse(24, 16, 9, 8), "face", frame_size=(48, 32))
SIZES = {"day1": (48, 32), "day2": (48, 32), "day3": (64, 32)}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rig")
    for number, (name, size) in enumerate(SIZES.items()):
        write_film(folder / f"{name}.avi", number, 4, size)
    return folder


@pytest.fixture(scope="module")
def page(films: Path) -> Iterator[AppClient]:
    with AppClient(films) as made:
        yield made


@pytest.fixture
def client(films: Path, page: AppClient) -> AppClient:
    """Return the page on films of which the first alone has regions."""
    for one in films.rglob("rois.toml"):
        one.unlink()
    (films / "day1.mystax").mkdir(exist_ok=True)
    (films / "day1.mystax" / "rois.toml").write_text(rois_to_toml([PUPIL]))
    return page


def key(client: AppClient, name: str) -> str:
    return str(next(row["id"] for row in client.get("/api/recordings") if row["name"] == name))


def targets(client: AppClient, more: str = "") -> dict[str, Any]:
    found = client.get(f"/api/recordings/{key(client, 'day1')}/rois/targets{more}")
    return {one["name"]: one for one in found["targets"]}


def apply(client: AppClient, **revs: str) -> Any:
    wanted = [{"recording": key(client, name), "rev": rev} for name, rev in revs.items()]
    return client.ask(f"/api/recordings/{key(client, 'day1')}/rois/apply", "POST", {"targets": wanted})


def test_other_recordings_are_shown_with_what_fits_and_what_does_not(client: AppClient) -> None:
    found = targets(client)
    assert set(found) == {"day2", "day3"}
    assert (found["day2"]["refusal"], found["day2"]["rev"], found["day2"]["n_rois"]) == ("", "", 0)
    (camera,) = found["day2"]["cameras"]
    assert (camera["name"], camera["width"], camera["height"], camera["n_frames"]) == ("face", 48, 32, 4)
    assert "P402 roi 'pupil'" in found["day3"]["refusal"]
    assert "48 x 32 px" in found["day3"]["refusal"]
    assert set(targets(client, "?q=DAY3")) == {"day3"}


def test_a_recording_without_regions_has_nothing_to_give(client: AppClient) -> None:
    found = client.get(f"/api/recordings/{key(client, 'day2')}/rois/targets")
    assert found == {"targets": [], "next": None}


def test_regions_are_copied_and_refused_one_by_one(client: AppClient, films: Path) -> None:
    answer = apply(client, day2="", day3="")
    assert answer.status == 200
    good, bad = answer.json()
    assert (good["name"], good["error"], len(good["rev"])) == ("day2", None, 16)
    assert (bad["name"], bad["error"]["code"]) == ("day3", "P402")
    assert read_rois(films / "day2.mystax" / "rois.toml") == (PUPIL,)
    assert not (films / "day3.mystax" / "rois.toml").exists()
    assert targets(client)["day2"]["n_rois"] == 1


def test_regions_that_are_there_stay_beside_the_new_ones(client: AppClient, films: Path) -> None:
    own = Roi("ear", "motion", Rectangle(0, 0, 40, 30), "face")
    (films / "day2.mystax").mkdir(exist_ok=True)
    (films / "day2.mystax" / "rois.toml").write_text(rois_to_toml([own]))
    assert apply(client, day2=targets(client)["day2"]["rev"]).json()[0]["error"] is None
    assert read_rois(films / "day2.mystax" / "rois.toml") == (own, PUPIL)


def test_regions_that_somebody_has_changed_meanwhile_are_not_written_over(
    client: AppClient, films: Path
) -> None:
    assert apply(client, day2="").json()[0]["error"] is None
    stale = apply(client, day2="").json()[0]
    assert stale["error"]["code"] == "W904"


@pytest.mark.parametrize("body", [{"targets": []}, {"targets": [{"recording": "f1"}]}, {}])
def test_a_wish_of_another_form_is_refused(body: Any, client: AppClient) -> None:
    answer = client.ask(f"/api/recordings/{key(client, 'day1')}/rois/apply", "POST", body)
    assert answer.status == 422


def test_an_unknown_recording_stops_all(client: AppClient, films: Path) -> None:
    wanted = [{"recording": key(client, "day2"), "rev": ""}, {"recording": "f0", "rev": ""}]
    answer = client.ask(f"/api/recordings/{key(client, 'day1')}/rois/apply", "POST", {"targets": wanted})
    assert answer.status == 404
    assert not (films / "day2.mystax" / "rois.toml").exists()


def test_a_page_that_may_only_read_copies_nothing(client: AppClient, films: Path) -> None:
    with AppClient(films, read_only=True) as reader:
        assert apply(reader, day2="").status == 403
