"""What persons say of recordings stays, and lowers or raises their quality."""

import json
from pathlib import Path

import pytest

from mystax.engine.catalog.catalog import Catalog
from mystax.errors import MystaxError, ParameterError, RecipeError
from tests.fixtures.sessions import clip, neuroblueprint, new_clip


def _damaged(catalog: Catalog, folder: Path) -> None:
    clip(folder / "m1" / "1.mp4", kind="gap", n_frames=60)
    clip(folder / "m2" / "1.mp4", kind="no_index")
    catalog.ingest(folder, pattern="{subject}/{session}.{video}")


def test_accepted_remarks_no_longer_lower_the_quality(any_catalog: Catalog, tmp_path: Path) -> None:
    _damaged(any_catalog, tmp_path / "w")
    assert [row["quality"] for row in any_catalog.recordings()] == ["warned", "bad"]
    assert any_catalog.accept("quality!=good", ["V113", "V102"], "shutter") == [1, 2]
    assert [row["quality"] for row in any_catalog.recordings()] == ["good", "good"]
    (one,) = [flag for flag in any_catalog.show("r1")["flags"] if flag["code"] == "V113"]
    assert one["accepted_note"] == "shutter"
    assert one["accepted_at"].endswith("Z")
    assert any_catalog.accept("", "V113") == []


def test_accepted_remark_stays_so_when_the_recording_is_looked_at_again(
    catalog: Catalog, tmp_path: Path
) -> None:
    _damaged(catalog, tmp_path / "w")
    catalog.accept("r1", "V113")
    catalog.check("r1")
    assert catalog.recordings("r1")[0]["quality"] == "good"


def test_unknown_code_is_refused_with_the_nearest(catalog: Catalog) -> None:
    with pytest.raises(RecipeError, match="V113"):
        catalog.accept("", "V1133")


def test_what_a_person_sets_stands_in_the_rows_and_beside_the_outcomes(
    catalog: Catalog, tmp_path: Path
) -> None:
    new_clip(tmp_path / "w" / "face.mp4")
    catalog.ingest(tmp_path / "w", pattern="files")
    values = {
        "subject": "m1",
        "species": "mouse",
        "start": "2026-03-01T10:30",
        "note": "calm",
        "meta.rig": "2",
    }
    catalog.set("r1", **values, **{"view.face": "side", "serial.face": "123"})
    (row,) = catalog.recordings("subject=m1 start=2026-03-01 note=calm")
    assert row["start"] == "2026-03-01T10:30:00Z"
    assert row["codes"] == []
    text = json.loads((catalog.out / row["folder"] / "recording.json").read_text())
    assert text["subject"]["species"] == "mouse"
    assert (text["meta"], text["cameras"][0]["view"], text["cameras"][0]["serial"]) == (
        {"rig": "2"},
        "side",
        "123",
    )


def test_empty_text_takes_a_value_away(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk")
    catalog.ingest(tmp_path / "whisk")
    catalog.set(1, start="", **{"meta.date": ""})
    (row,) = catalog.recordings()
    assert (row["start"], row["meta"]) == (None, {})
    assert row["codes"] == ["no_start_time"]


def test_new_clock_gives_new_times(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk")
    catalog.ingest(tmp_path / "whisk")
    before = catalog.show(1)["cameras"][0]["clock"]
    catalog.set(1, **{"clock.face": "rate:25"})
    after = catalog.show(1)["cameras"][0]["clock"]
    assert after["spec"] == "rate:25"
    assert after["id"] != before["id"]
    catalog.set(1, **{"clock.face": "", "offset.face": "0"})
    assert catalog.show(1)["cameras"][0]["clock"]["id"] == before["id"]


@pytest.mark.parametrize(
    ("values", "kind", "said"),
    [
        ({"nte": "x"}, RecipeError, "did you mean 'note'"),
        ({"clock.side": "rate:25"}, RecipeError, "no such camera"),
        ({"clock.face": "sundial:x"}, ParameterError, "P401"),
        ({"offset.face": "later"}, ParameterError, "seconds"),
        ({"policy.face": "guess"}, MystaxError, "P401"),
        ({"start": "yesterday"}, RecipeError, "2026-03-01"),
        ({"session": "02"}, RecipeError, "r2 has this"),
    ],
)
def test_what_cannot_be_set_is_refused_and_nothing_is_written(
    catalog: Catalog, tmp_path: Path, values: dict[str, str], kind: type[Exception], said: str
) -> None:
    neuroblueprint(tmp_path / "whisk", 1, 2)
    catalog.ingest(tmp_path / "whisk")
    before = catalog.show(1)
    with pytest.raises(kind, match=said):
        catalog.set(1, note="new", **values)
    assert catalog.show(1) == before


def test_two_recordings_without_a_subject_cannot_become_one(catalog: Catalog, tmp_path: Path) -> None:
    for name in ("a", "b"):
        new_clip(tmp_path / "w" / f"{name}.mp4")
    catalog.ingest(tmp_path / "w", pattern="files")
    with pytest.raises(RecipeError, match="r1 has this"):
        catalog.set("r2", session="a")
    assert [row["session"] for row in catalog.recordings()] == ["a", "b"]


def test_recording_that_is_not_there_is_refused(catalog: Catalog) -> None:
    for refused in (
        lambda: catalog.set("r9", note="x"),
        lambda: catalog.show("r9"),
        lambda: catalog.show("x"),
    ):
        with pytest.raises(RecipeError, match="P403"):
            refused()


def test_start_is_understood_as_it_is_shown(catalog: Catalog, tmp_path: Path) -> None:
    new_clip(tmp_path / "w" / "face.mp4")
    catalog.ingest(tmp_path / "w", pattern="files")
    catalog.set("r1", start="2026-03-01T11:30:00+01:00")
    shown = catalog.show("r1")["start"]
    assert shown == "2026-03-01T10:30:00Z"
    catalog.set("r1", start=shown)
    assert [row["start"] for row in catalog.recordings(f"start={shown}")] == [shown]


def test_birth_that_is_no_date_is_refused_and_nothing_is_set(catalog: Catalog, tmp_path: Path) -> None:
    new_clip(tmp_path / "w" / "face.mp4")
    catalog.ingest(tmp_path / "w", pattern="files")
    catalog.set("r1", subject="m1", birth="2025-02-01")
    for text in ("01.02.2025", "2025-02-30", "spring"):
        with pytest.raises(RecipeError, match="birth of the subject of r1"):
            catalog.set("r1", birth=text, note="new")
    values = json.loads((catalog.out / catalog.recordings()[0]["folder"] / "recording.json").read_text())
    assert (values["subject"]["birth"], values["note"]) == ("2025-02-01", "")
    catalog.set("r1", birth="")
