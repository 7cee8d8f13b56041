"""`mystax catalog` and the catalogue in `mystax doctor`, as a user types them."""

import json
from pathlib import Path

import pytest

from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.tables import meta
from tests.fixtures.commands import Finished, call
from tests.fixtures.quick_tables import quick_tables
from tests.fixtures.sessions import clip, neuroblueprint, new_clip

Capture = pytest.CaptureFixture[str]


class _Every(frozenset[str]):
    """The kinds of network disks, where every disk is one."""

    def __contains__(self, kind: object) -> bool:
        return isinstance(kind, str)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Path:
    """Return a folder with a catalogue, in which commands are typed; videos lie in `whisk` beside it."""
    neuroblueprint(tmp_path / "whisk", 2)
    monkeypatch.delenv("MYSTAX_CATALOG", raising=False)
    with quick_tables():
        assert call(capsys, "catalog", "create", tmp_path / "lab").status == 0
    monkeypatch.chdir(tmp_path / "lab")
    return tmp_path / "lab"


def _ingested(capsys: Capture) -> Finished:
    return call(capsys, "catalog", "ingest", "../whisk", "--json")


def test_create_says_where_everything_is(tmp_path: Path, capsys: Capture) -> None:
    found = call(capsys, "catalog", "create", tmp_path, "--out", "results", "--json")
    assert found.status == 0
    assert found.json["out"] == str(tmp_path / "results")
    assert Path(found.json["database"]).is_file()
    assert Path(found.json["catalog"]).is_file()


def test_create_on_a_network_disk_exits_2_with_two_hints(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mystax.engine.catalog.places.NETWORK", _Every())
    found = call(capsys, "catalog", "create", tmp_path / "lab", "--json")
    assert (found.status, found.codes) == (2, ["Q604"])
    assert "postgresql://" in found.json["errors"][0]["hint"]
    assert not (tmp_path / "lab").exists()


def test_ingest_counts_what_is_there_and_again_adds_nothing(lab: Path, capsys: Capture) -> None:
    first, again = _ingested(capsys), _ingested(capsys)
    names = ("recordings", "videos", "added", "moved", "unchanged", "errors")
    assert [first.json[name] for name in names] == [2, 2, 2, 0, 0, []]
    assert [again.json[name] for name in names] == [2, 2, 0, 0, 2, []]
    assert (lab / "derivatives" / "mystax" / "sub-001" / "ses-01" / "recording.json").is_file()


def test_ingest_of_a_dry_run_shows_cameras_and_near_misses(lab: Path, capsys: Capture) -> None:
    new_clip(lab.parent / "whisk" / "rawdata" / "sub-001" / "ses-7" / "behv" / "x.mp4")
    found = call(capsys, "catalog", "ingest", "../whisk", "--dry-run", "--clock", "face=rate:30")
    assert found.status == 0
    assert "(clock rate:30)" in found.out
    assert "'behv' is not 'behav'" in found.err
    assert call(capsys, "catalog", "list", "--json").json["n_recordings"] == 0


def test_watching_takes_in_what_comes_until_it_is_stopped(
    lab: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[float] = []

    def sleep(seconds: float) -> None:
        rounds.append(seconds)
        if len(rounds) == 3:
            raise KeyboardInterrupt
        new_clip(lab.parent / "coming" / "m1" / f"{len(rounds)}.mp4")

    (lab.parent / "coming").mkdir()
    monkeypatch.setattr("mystax.cli.catalog.time.sleep", sleep)
    words = ("--pattern", "{subject}/{session}.{video}", "--watch", "60")
    assert call(capsys, "catalog", "ingest", "../coming", *words).status == 130
    assert rounds == [60, 60, 60]
    assert call(capsys, "catalog", "list", "--json").json["n_recordings"] == 2


def test_conflicts_are_errors_and_the_rest_goes_on(lab: Path, capsys: Capture) -> None:
    place = lab.parent / "whisk" / "rawdata" / "sub-001" / "ses-01_date-20260102" / "behav"
    new_clip(place / "b" / "sub-001_ses-01_cam-face.mp4")
    found = _ingested(capsys)
    assert (found.status, found.codes, found.json["added"]) == (3, ["P403"], 1)


def test_nothing_that_matches_exits_2(lab: Path, capsys: Capture) -> None:
    found = call(capsys, "catalog", "ingest", lab.parent / "whisk", "--pattern", "alf", "--json")
    assert (found.status, found.codes) == (2, ["P403"])


def test_list_shows_codes_and_quality(lab: Path, capsys: Capture) -> None:
    clip(lab.parent / "whisk" / "rawdata" / "sub-9" / "ses-1" / "behav" / "a.mp4", kind="gap", n_frames=60)
    _ingested(capsys)
    found = call(capsys, "catalog", "list", "quality=bad,warned", "--json").json
    assert [(row["subject"], row["codes"]) for row in found["recordings"]] == [
        ("9", ["V113", "no_start_time"])
    ]
    shown = call(capsys, "catalog", "list").out.splitlines()
    assert shown[-1] == "3 recordings"
    assert "[V113, no_start_time]" in shown[2]


def test_unknown_field_names_the_nearest(lab: Path, capsys: Capture) -> None:
    found = call(capsys, "catalog", "list", "qualty=bad", "--json")
    assert found.status == 2
    assert "quality" in found.json["errors"][0]["what"]
    assert lab.is_dir()


def test_show_and_set(lab: Path, capsys: Capture) -> None:
    _ingested(capsys)
    changed = call(capsys, "catalog", "set", "r1", "note=calm", "clock.face=rate:25", "--json")
    assert changed.status == 0
    assert changed.json["recording"]["cameras"][0]["clock"]["spec"] == "rate:25"
    shown = call(capsys, "catalog", "show", "r1").out
    assert "note     calm" in shown
    assert "clock rate:25" in shown
    assert call(capsys, "catalog", "set", "r1", "note").status == 2
    assert lab.is_dir()


def test_accept_raises_the_quality(lab: Path, capsys: Capture) -> None:
    clip(lab.parent / "whisk" / "rawdata" / "sub-9" / "ses-1" / "behav" / "a.mp4", kind="gap", n_frames=60)
    _ingested(capsys)
    found = call(capsys, "catalog", "accept", "quality=warned", "--code", "V113", "--note", "known", "--json")
    assert found.json["accepted"] == ["r3"]
    assert call(capsys, "catalog", "list", "quality=good", "--json").json["n_recordings"] == 3


def test_roots_are_listed_named_and_forgotten(lab: Path, capsys: Capture) -> None:
    _ingested(capsys)
    found = call(capsys, "catalog", "roots", "whisk=/mnt/lab", "--host", "node*", "--json").json["roots"]
    assert [(row["name"], row["host"], row["state"]) for row in found] == [
        ("whisk", "*", "here"),
        ("whisk", "node*", ""),
    ]
    assert call(capsys, "catalog", "roots", "--remove", "whisk", "--host", "node*").status == 0
    assert call(capsys, "catalog", "roots", "--remove", "whisk", "--json").codes == ["P403"]
    assert call(capsys, "catalog", "roots", "whisk=relative", "--json").codes == ["P403"]
    assert lab.is_dir()


def test_check_exits_3_where_a_root_is_away(lab: Path, capsys: Capture) -> None:
    _ingested(capsys)
    new_clip(lab.parent / "other" / "a.mp4")
    call(capsys, "catalog", "ingest", "../other", "--pattern", "files")
    (lab.parent / "other").rename(lab.parent / "away")
    found = call(capsys, "catalog", "check", "--json")
    assert (found.status, found.codes, found.json["checked"]) == (3, ["Q606"], 2)


def test_lost_database_is_rebuilt(lab: Path, capsys: Capture) -> None:
    _ingested(capsys)
    for file in lab.glob("mystax.db*"):
        file.unlink()
    lost = call(capsys, "catalog", "list", "--json")
    assert (lost.status, lost.codes) == (2, ["P403"])
    assert "rebuild" in lost.json["errors"][0]["hint"]
    assert call(capsys, "catalog", "rebuild", "--json").json["recordings"] == 2
    assert call(capsys, "catalog", "list", "--json").json["n_recordings"] == 2


def test_doctor_rebuilds_and_checks_a_catalogue(lab: Path, capsys: Capture) -> None:
    _ingested(capsys)
    for file in lab.glob("mystax.db*"):
        file.unlink()
    found = call(capsys, "doctor", lab / "mystax-catalog.toml", "--rebuild", "--prune", "--json")
    assert found.status == 0
    assert found.json["rebuild"]["recordings"] == 2
    names = [check["name"] for check in found.json["checks"]]
    assert {"catalogue", "root", "clock", "rows"} <= set(names)


def test_prune_asks_for_yes_where_nobody_can_be_asked(lab: Path, capsys: Capture) -> None:
    old = lab / "derivatives" / "mystax" / "a" / "quick" / ".mystax" / "old"
    old.mkdir(parents=True)
    (old.parent / "sums").mkdir()
    (old / "motion.0123456789ab.nc").write_bytes(b"x")
    assert call(capsys, "catalog", "prune", "--json").codes == ["P403"]
    assert call(capsys, "catalog", "prune", "--dry-run").out.endswith("would be removed\n")
    assert call(capsys, "catalog", "prune", "--yes").status == 0
    assert not list(old.iterdir())


def test_backup_and_upgrade(lab: Path, capsys: Capture) -> None:
    assert call(capsys, "catalog", "backup", "copy.db").status == 0
    assert (lab / "copy.db").is_file()
    found = call(capsys, "catalog", "upgrade", "--json").json
    assert (found["from"], found["to"], found["copy"]) == (1, 1, None)


def test_newer_schema_exits_1_for_every_writing_command(lab: Path, capsys: Capture) -> None:
    with Catalog.open(lab) as catalog, catalog.database.write_any_schema() as connection:
        connection.execute(meta.update().where(meta.c.key == "schema").values(value="2"))
    before = (lab / "mystax.db").read_bytes()
    for words in (
        ("ingest", "../whisk"),
        ("accept", "r1", "--code", "V101"),
        ("set", "r1", "note=x"),
        ("check",),
        ("rebuild",),
        ("prune",),
        ("upgrade",),
        ("roots", "a=/a"),
    ):
        found = call(capsys, "catalog", *words, "--json")
        assert (found.status, found.codes) == (1, ["Q605"]), words
    assert (lab / "mystax.db").read_bytes() == before
    assert call(capsys, "catalog", "list").status == 0


def test_catalogue_is_found_by_option_variable_and_folder(
    lab: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    _ingested(capsys)
    (lab / "below").mkdir()
    monkeypatch.chdir(lab / "below")
    assert call(capsys, "catalog", "list", "--json").json["n_recordings"] == 2
    monkeypatch.chdir(lab.parent)
    assert call(capsys, "catalog", "list").status == 2
    for words in (["--catalog", "lab"], ["--catalog", f"sqlite:///{lab}/mystax.db"]):
        assert call(capsys, "catalog", "list", *words, "--json").json["n_recordings"] == 2
    monkeypatch.setenv("MYSTAX_CATALOG", str(lab))
    assert call(capsys, "catalog", "list", "--json").json["n_recordings"] == 2


def test_json_is_one_object_also_on_failure(lab: Path, capsys: Capture) -> None:
    for words in (("show", "r99"), ("set", "r99", "note=x"), ("accept", "r1", "--code", "V999")):
        found = call(capsys, "catalog", *words, "--json")
        assert found.status == 2
        assert json.loads(found.out)["errors"][0]["code"] == "P403"
    assert lab.is_dir()


def test_full_check_counts_what_it_read(lab: Path, capsys: Capture) -> None:
    _ingested(capsys)
    found = call(capsys, "catalog", "check", "--full")
    assert found.status == 0
    assert "2 files read (2 for the first time): 0 damaged, 0 missing, 0 moved" in found.out
    (lab.parent / "whisk" / "rawdata" / "sub-001").rename(lab.parent / "whisk" / "rawdata" / "moved")
    told = call(capsys, "catalog", "check", "--full", "--json").json
    assert [item["code"] for item in told["warnings"] if item["code"] == "moved"] == ["moved"]
    assert told["full"]["hashed"] == 1


# export --where ----------------------------------------------------------------------------------------


@pytest.fixture
def measured(lab: Path, capsys: Capture) -> Path:
    """Two recordings, of which the first has an outcome."""
    from mystax.engine.catalog.outcomes import outcome_facts, record_outcome
    from tests.fixtures.exchange_outcomes import publish_known

    _ingested(capsys)
    with Catalog.open(lab) as catalog:
        home = publish_known(catalog.out / catalog.recordings()[0]["folder"] / "quick", "running")
        facts = outcome_facts(catalog.out, home / "running.nc")
        with catalog.database.write() as connection:
            record_outcome(connection, facts, recording_id=1)
    return lab


def test_export_goes_on_after_a_failure_and_exits_3(measured: Path, capsys: Capture) -> None:
    found = call(capsys, "export", "--where", "", "--csv", "tables", "--json")
    assert (found.status, found.codes) == (3, ["P403"])
    done, failed = found.json["recordings"]
    assert [len(done["files"]), done["failed"]] == [2, {}]
    assert (failed["recording"], failed["failed"]["csv"]["code"]) == ("r2", "P403")
    assert (measured / "tables" / "sub-001" / "ses-01" / "running.csv").is_file()


def test_export_goes_on_after_a_bug_and_keeps_its_traceback(
    measured: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mystax.io import alf

    def broken(*_: object) -> list[Path]:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(alf, "write_alf", broken)
    words = ("--where", "r1", "--alf", "one", "--csv", "tables", "--log", "export.log")
    found = call(capsys, "export", *words, "--json")
    assert (found.status, found.codes) == (3, ["B999"])
    (error,) = found.json["errors"]
    assert error["where"] == "r1 sub-001/ses-01"
    assert error["hint"].endswith("please report it with the log export.log")
    log = (measured / "export.log").read_text()
    assert "in broken" in log
    assert "ZeroDivisionError: by nothing" in log
    assert (measured / "tables" / "sub-001" / "ses-01" / "running.csv").is_file()


def test_export_where_nothing_is_there_exits_2_and_says_so_once(lab: Path, capsys: Capture) -> None:
    _ingested(capsys)
    found = call(capsys, "export", "--where", "r1", "--csv", "a", "--alf", "b", "--json")
    assert (found.status, found.codes) == (2, ["P403"])
    assert not list(lab.glob("[ab]"))


def test_export_of_a_condition_exits_0_and_says_how_many(measured: Path, capsys: Capture) -> None:
    found = call(capsys, "export", "--where", "analysis=running", "--alf", "one")
    assert found.status == 0
    assert found.out.splitlines()[-1] == "1 of 1 recordings exported"
    assert (measured / "one" / "sub-001" / "ses-01" / "alf").is_dir()


@pytest.mark.parametrize(
    "words",
    [
        ("face.mystax", "--where", "r1", "--csv", "x"),
        ("--where", "r1", "--nwb"),
        ("--where", "r1", "--nwb", "x", "--start", "2026-01-01"),
        ("face.mystax", "--catalog", "lab", "--csv", "x"),
        ("--csv", "x"),
    ],
)
def test_export_refuses_what_does_not_fit_many_recordings(capsys: Capture, words: tuple[str, ...]) -> None:
    found = call(capsys, "export", *words, "--json")
    assert (found.status, found.codes) == (2, ["P403"])


def test_full_check_can_be_jobs_of_the_queue(lab: Path, capsys: Capture) -> None:
    _ingested(capsys)
    assert call(capsys, "catalog", "check", "--full", "--queue", "--json").json["jobs"] == ["j1", "j2"]
    assert call(capsys, "catalog", "check", "--full", "--queue").out.startswith("0 jobs queued")
    assert call(capsys, "catalog", "check", "--queue").status == 2
