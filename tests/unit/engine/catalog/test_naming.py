"""Names of files become recordings, cameras and orders."""

import pytest

from mystax.engine.catalog.naming import FoundRecording, Identity, Matched, group_names, naming_of
from mystax.errors import RecipeError


def _read(pattern: str, *paths: str) -> tuple[list[FoundRecording], list[RecipeError]]:
    naming = naming_of(pattern)
    matched = [naming.match(path, "whisk") for path in paths]
    assert all(one is not None for one in matched)
    recordings, conflicts = group_names([one for one in matched if isinstance(one, Matched)])
    return recordings, [conflict.error for conflict in conflicts]


def test_neuroblueprint_reads_subject_session_run_camera_and_date() -> None:
    base = "rawdata/sub-m1_id-7/ses-02_date-20260102_time-140506/behav"
    (found,), _ = _read(
        "neuroblueprint",
        f"{base}/sub-m1_ses-02_run-3_cam-left.mp4",
        f"{base}/sub-m1_ses-02_run-3_cam-right.mp4",
    )
    assert found.identity == Identity("whisk", "m1", "02", "3")
    assert list(found.cameras) == ["left", "right"]
    assert found.meta == {"id": "7", "date": "20260102", "time": "140506"}
    assert found.start == 1767362706.0  # 2026-01-02T14:05:06Z, by `date -u +%s`
    assert found.folder == "sub-m1/ses-02/run-3"


@pytest.mark.parametrize(
    ("stem", "camera"),
    [
        ("sub-m1_ses-1_cam-left", "left"),
        ("sub-m1_ses-1_view-top", "top"),
        ("sub-m1_ses-1_bodycam", "bodycam"),
        ("sub-m1_ses-1", "face"),
        ("sub-m1_ses-1_date-20260102_face", "face"),
    ],
)
def test_neuroblueprint_camera_is_a_pair_or_what_is_left_of_the_stem(stem: str, camera: str) -> None:
    (found,), _ = _read("neuroblueprint", f"rawdata/sub-m1/ses-1/behav/{stem}.mp4")
    assert list(found.cameras) == [camera]


def test_alf_takes_subject_date_and_number() -> None:
    base = "lab/Subjects/KS_01/2026-01-02/001/raw_video_data"
    (found,), _ = _read(
        "alf", f"{base}/_iblrig_leftCamera.raw.mp4", f"{base}/_iblrig_rightCamera.raw.5a1.mp4"
    )
    assert found.identity == Identity("whisk", "KS_01", "2026-01-02_001")
    assert list(found.cameras) == ["left", "right"]


def test_folders_are_recordings_and_their_files_cameras() -> None:
    found, _ = _read("folders", "a/left.mp4", "a/right.mp4", "b/c/face.mp4", "top.mp4")
    assert {one.identity.session: list(one.cameras) for one in found} == {
        "a": ["left", "right"],
        "b/c": ["face"],
        "whisk": ["top"],
    }


def test_words_of_order_join_the_files_of_a_folder() -> None:
    (found,), _ = _read("folders", "a/cam1_part2.mp4", "a/cam1_part1.mp4")
    assert found.paths == ("a/cam1_part1.mp4", "a/cam1_part2.mp4")


def test_bare_numbers_in_a_folder_are_refused_with_both_readings() -> None:
    found, (error,) = _read("folders", "a/m1_1.mp4", "a/m1_2.mp4")
    assert not found
    assert error.code == "P403"
    assert "reading 1" in error.got
    assert "reading 2" in error.got


def test_files_are_recordings_with_the_camera_face() -> None:
    found, _ = _read("files", "a/m1.mp4", "a/m2.mp4")
    assert [(one.identity.session, list(one.cameras)) for one in found] == [
        ("a/m1", ["face"]),
        ("a/m2", ["face"]),
    ]


def test_pattern_of_the_user_orders_parts_by_number() -> None:
    pattern = "{subject}/{date}_{session:int}/cam{camera}_{part:int}.{video}"
    paths = [f"m1/20260102_3/camleft_{part}.avi" for part in (10, 9, 1)]
    (found,), _ = _read(pattern, *paths)
    assert found.cameras == {"left": tuple(reversed(paths))}
    assert found.identity == Identity("whisk", "m1", "2026-01-02_3")


def test_same_camera_twice_without_an_order_is_refused_and_the_rest_goes_on() -> None:
    found, (error,) = _read("{subject}/{session}*.{video}", "m1/1_a.mp4", "m1/1_b.mp4", "m2/1.mp4")
    assert [one.identity.subject for one in found] == ["m2"]
    assert "m1/1_a.mp4 and m1/1_b.mp4 are two cameras" in error.got


def test_two_files_with_one_part_are_refused() -> None:
    _, (error,) = _read("{subject}/*{part:int}.{video}", "m1/a1.mp4", "m1/b1.mp4")
    assert "without an order" in str(error)


def test_names_of_any_sign_make_folders_that_every_system_holds() -> None:
    (found,), _ = _read("{subject:any}/{session:any}.mp4", "Mäuschen $(x)/CON.mp4")
    assert all(sign not in found.folder for sign in " $()")
    assert len(found.folder.split("/")) == 2


def test_recordings_never_share_a_folder() -> None:
    found, errors = _read("{subject:any}/{session:any}.mp4", "M1/a.mp4", "m1/a.mp4", "m 1/a.mp4", "m_1/a.mp4")
    assert not errors
    assert len({one.folder.casefold() for one in found}) == 4


@pytest.mark.parametrize("text", ["neuroblueprnt", "nothing"])
def test_unknown_name_of_a_pattern_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="neuroblueprint"):
        naming_of(text)


def test_pattern_that_tells_no_recordings_apart_is_refused() -> None:
    with pytest.raises(RecipeError, match="tells one recording from another"):
        naming_of("videos/*.{video}")


def test_camera_with_a_sign_that_options_use_is_refused() -> None:
    _, (error,) = _read("{subject}/{camera:any}.mp4", "m1/a=b.mp4")
    assert error.code == "P404"
