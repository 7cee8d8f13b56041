"""Where the videos of a session are looked for."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("datajoint", reason='pip install "mystax[datajoint]"')

from mystax.element.ingesting import session_folder
from mystax.element.linking import Link
from mystax.errors import RecipeError
from tests.unit.element.test_linking import link_of


@pytest.fixture
def link(tmp_path: Path) -> Link:
    for name in (
        "rawdata/sub-001_sex-M/ses-01_date-20260102/behav",
        "rawdata/sub-001_sex-M/ses-02/behav",
        "rawdata/sub-01x/ses-01/behav",
        "sub-m2/ses-20260102T030405/behav",
        "plain/m3",
    ):
        (tmp_path / name).mkdir(parents=True)
    return link_of(tmp_path)


@pytest.mark.parametrize(
    ("key", "folder"),
    [
        ({"subject": "001", "session": "02"}, "rawdata/sub-001_sex-M/ses-02/behav"),
        ({"subject": 1, "session_id": 1}, "rawdata/sub-001_sex-M/ses-01_date-20260102/behav"),
        (
            {"subject": "m2", "session_datetime": datetime.fromisoformat("2026-01-02T03:04:05")},
            "sub-m2/ses-20260102T030405/behav",
        ),
    ],
)
def test_session_is_found_by_its_labels(link: Link, tmp_path: Path, key: dict[str, Any], folder: str) -> None:
    assert session_folder(link, key, "neuroblueprint") == tmp_path / folder


def test_session_that_could_be_two_is_refused(link: Link, tmp_path: Path) -> None:
    (tmp_path / "rawdata/sub-001_sex-M/ses-2/behav").mkdir(parents=True)
    with pytest.raises(RecipeError, match=r"P403 .*several folders"):
        session_folder(link, {"subject": "001", "session": 2}, "neuroblueprint")


def test_pattern_takes_the_fields_of_the_key(link: Link, tmp_path: Path) -> None:
    assert session_folder(link, {"subject": "m3"}, "plain/{subject}") == tmp_path / "plain/m3"
    assert session_folder(link, {}, "flat") == tmp_path


@pytest.mark.parametrize("pattern", ["plain/{mouse}", "plain/{", "nowhere/{subject}"])
def test_pattern_that_leads_nowhere_is_refused(link: Link, pattern: str) -> None:
    with pytest.raises(RecipeError, match="P403"):
        session_folder(link, {"subject": "m3"}, pattern)


@pytest.mark.parametrize("names", [("subject", "session"), ("first", "second"), ("mouse_id", "day")])
def test_subject_and_session_are_not_taken_for_each_other(tmp_path: Path, names: tuple[str, str]) -> None:
    """Of the session (1, 2) only the folder is not there yet; that of (2, 1) is another animal."""
    (tmp_path / "sub-2" / "ses-1" / "behav").mkdir(parents=True)
    link = link_of(tmp_path)
    with pytest.raises(RecipeError, match=r"P403 .*no folder of this session"):
        session_folder(link, dict(zip(names, (1, 2), strict=True)), "neuroblueprint")
    found = session_folder(link, dict(zip(names, (2, 1), strict=True)), "neuroblueprint")
    assert found == tmp_path / "sub-2" / "ses-1" / "behav"


def test_names_of_attributes_tell_subject_and_session_in_any_order(tmp_path: Path) -> None:
    for names in (("2", "1"), ("1", "2")):
        (tmp_path / f"sub-{names[0]}" / f"ses-{names[1]}" / "behav").mkdir(parents=True)
    found = session_folder(link_of(tmp_path), {"session_id": 1, "subject": 2}, "neuroblueprint")
    assert found == tmp_path / "sub-2" / "ses-1" / "behav"
