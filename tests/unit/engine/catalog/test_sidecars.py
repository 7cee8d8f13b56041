"""The text of a recording beside its outcomes."""

import json
from pathlib import Path

from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.sidecars import SIDECAR, read_sidecar, read_sidecars, sidecar_of, write_sidecar
from tests.fixtures.sessions import neuroblueprint


def test_text_holds_who_which_files_and_where(catalog: Catalog, tmp_path: Path) -> None:
    (file,) = neuroblueprint(tmp_path / "whisk")
    catalog.ingest(tmp_path / "whisk", clocks="rate:30")
    ((folder, values),) = read_sidecars(catalog.out)
    assert folder == "sub-001/ses-01"
    assert (values["project"], values["subject"]["name"], values["session"]) == ("whisk", "001", "01")
    (one,) = values["cameras"]
    assert (one["name"], one["clock"]["spec"]) == ("face", "rate:30")
    assert one["videos"][0]["path"] == file.relative_to(tmp_path / "whisk").as_posix()
    assert one["videos"][0]["width"] == 64
    assert values["roots"] == [["whisk", "*", str(tmp_path / "whisk")]]


def test_text_that_says_so_already_is_not_written_again(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk")
    catalog.ingest(tmp_path / "whisk")
    path = catalog.out / "sub-001" / "ses-01" / SIDECAR
    before = path.stat().st_mtime_ns
    with catalog.database.read() as connection:
        write_sidecar(catalog.out, *sidecar_of(connection, 1))
    assert path.stat().st_mtime_ns == before
    catalog.set(1, note="x")
    assert path.stat().st_mtime_ns > before
    assert not list(path.parent.glob(".*"))


def test_text_of_another_form_is_none(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk")
    catalog.ingest(tmp_path / "whisk")
    path = catalog.out / "sub-001" / "ses-01" / SIDECAR
    good = json.loads(path.read_text("utf-8"))
    assert read_sidecar(path) == good
    changes: list[dict[str, object]] = [
        {"format": 2},
        {"cameras": []},
        {"roots": [["a"]]},
        {"subject": 3},
        {"start": "x"},
        {"accepted": [1]},
    ]
    for change in changes:
        path.write_text(json.dumps({**good, **change}), "utf-8")
        assert read_sidecar(path) is None, change
    path.write_text("[" * 100_000)
    assert read_sidecar(path) is None
    assert read_sidecar(path.with_name("nothing")) is None
