"""Labels from other tools' files and into them: names, pictures, counts, one batch."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mystax.core.keypoint_table import KeypointTable
from mystax.core.keypoints import KeypointSet
from mystax.core.label_operations import Mark
from mystax.engine.labels.exchange import import_labels, new_set_for, read_name_table
from mystax.engine.labels.exchange_out import export_labels, labels_to_table
from mystax.engine.labels.labels import Labels
from mystax.errors import FormatError, MystaxError, ParameterError, RecipeError
from mystax.io.formats.coco import write_coco
from mystax.io.formats.dlc import write_dlc
from mystax.io.formats.facemap_keypoints import write_facemap_refined
from mystax.io.formats.keypoint_files import FORMATS, read_keypoints, write_keypoints
from mystax.io.formats.sleap import write_sleap_analysis
from mystax.io.stills import read_still
from tests.fixtures.keypoint_tables import random_table
from tests.fixtures.label_folders import write_picture, write_pictures

NAMES = ("nose_tip", "eye_top", "whisker_I")


def project(folder: Path, seed: int = 0, **more: object) -> tuple[Path, KeypointTable]:
    """Write a DeepLabCut project of four pictures; returns its table of labels."""
    write_pictures(folder / "labeled-data" / "mouse", 4)
    table = random_table(seed, states=False, missing=0.2)
    table = replace(table, files=tuple(f"labeled-data/mouse/img{k:04d}.png" for k in range(4)), **more)  # type: ignore[arg-type] # fields by name
    path = folder / "labeled-data" / "mouse" / "CollectedData_ann.csv"
    write_dlc(path, table)
    return path, table


def test_import_writes_every_point_with_its_frame_and_origin(tmp_path: Path) -> None:
    path, table = project(tmp_path)
    with Labels(tmp_path / "a.labels") as labels:
        report = import_labels(labels, path, who="ann")
        found = labels_to_table(labels)
        columns = [labels.keypoints.ids.index(name) for name in NAMES]
        np.testing.assert_array_equal(found.position[:, :, columns], table.position)
        assert report.n_frames == 4
        assert report.n_points == int((table.state == 2).sum())
        assert report.names.matched == {name: name for name in NAMES}
        (key, frame), *_ = labels.frames()
        assert frame.camera == "mouse"
        origin = next(iter(frame.points.values())).origin
        assert origin.startswith("import:")
        np.testing.assert_array_equal(labels.picture(key), read_still(path.parent / "img0000.png"))
        labels.undo(report.batch, who="ann")
        assert len(labels) == 0


def test_second_import_changes_nothing(tmp_path: Path) -> None:
    path, _ = project(tmp_path)
    with Labels(tmp_path / "a.labels") as labels:
        first = import_labels(labels, path)
        again = import_labels(labels, path)
        assert (again.n_points, again.n_unchanged, again.batch) == (0, first.n_points, "")


def test_import_finds_frames_by_content_when_files_have_moved(tmp_path: Path) -> None:
    path, _ = project(tmp_path / "one")
    (tmp_path / "one").rename(tmp_path / "two")
    moved = tmp_path / "two" / path.relative_to(tmp_path / "one")
    with Labels(tmp_path / "a.labels") as labels:
        import_labels(labels, moved)
        picture = moved.parent / "img0001.png"
        labels.add(picture, 0, {"mouth": (1.0, 2.0)})
        assert len(labels) == 4


def test_pictures_that_are_not_there_are_counted_and_the_rest_is_taken(tmp_path: Path) -> None:
    path, _ = project(tmp_path)
    (path.parent / "img0002.png").unlink()
    with Labels(tmp_path / "a.labels") as labels:
        report = import_labels(labels, path)
    assert report.missing == ["labeled-data/mouse/img0002.png"]
    assert report.n_frames == 3


def test_file_of_which_nothing_can_be_used_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    path, _ = project(tmp_path)
    for picture in path.parent.glob("*.png"):
        picture.unlink()
    with Labels(tmp_path / "a.labels") as labels:
        with pytest.raises(FormatError, match=r"F804.*not one frame.*4 not found"):
            import_labels(labels, path)
        assert labels.store.state.rev == 0


@pytest.mark.parametrize("who", ["a\nb", "x" * 10_000], ids=["control", "long"])
def test_import_that_is_refused_leaves_no_folder(who: str, tmp_path: Path) -> None:
    path, _ = project(tmp_path)
    with Labels(tmp_path / "a.labels") as labels, pytest.raises(ParameterError, match="P401"):
        import_labels(labels, path, who=who)
    assert not (tmp_path / "a.labels").exists()


def test_frame_that_the_video_has_not_leaves_no_folder(tmp_path: Path) -> None:
    from tests.unit.engine.labels.test_labels import source

    table = random_table(3, kind="predictions", missing=0.0, states=False)
    write_sleap_analysis(tmp_path / "t.h5", replace(table, frame=np.append(table.frame[:-1], 10_000)))
    with Labels(tmp_path / "a.labels") as labels, pytest.raises(MystaxError, match="10000"):
        import_labels(labels, tmp_path / "t.h5", video=source())
    assert not (tmp_path / "a.labels").exists()


def test_file_of_other_names_is_refused_with_a_way_out(tmp_path: Path) -> None:
    path, _ = project(tmp_path, names=("a", "b", "c"))
    with Labels(tmp_path / "a.labels") as labels:
        with pytest.raises(RecipeError, match="--map"):
            import_labels(labels, path)
        report = import_labels(labels, path, names={"a": "nose_tip", "b": ""})
    assert [(item.theirs, item.how) for item in report.names.names] == [
        ("a", "map"),
        ("b", "left out"),
        ("c", "unmatched"),
    ]


def test_predictions_need_their_video_and_keep_their_confidence(tmp_path: Path) -> None:
    from tests.unit.engine.labels.test_labels import source

    table = random_table(3, kind="predictions", missing=0.0, states=False)
    write_sleap_analysis(tmp_path / "t.h5", table)
    with Labels(tmp_path / "a.labels") as labels:
        with pytest.raises(FormatError, match="--video"):
            import_labels(labels, tmp_path / "t.h5")
        report = import_labels(labels, tmp_path / "t.h5", video=source())
        assert report.n_frames == 4
        marks = labels.frames()[2][1].marks()
    assert marks["face", "nose_tip"].confidence == table.confidence[2, 0, 0]


def test_individual_is_chosen_by_name_and_the_others_are_told(tmp_path: Path) -> None:
    write_pictures(tmp_path / "labeled-data" / "mouse", 4)
    table = random_table(5, n_individuals=2, states=False, missing=0.0)
    table = replace(table, files=tuple(f"labeled-data/mouse/img{k:04d}.png" for k in range(4)))
    write_dlc(tmp_path / "t.csv", table)
    with Labels(tmp_path / "a.labels") as labels:
        report = import_labels(labels, tmp_path / "t.csv", individual="animal1")
        marks = labels.frames()[0][1].marks()
    assert (report.individual, report.individuals) == ("animal1", ("animal0", "animal1"))
    assert marks["face", "nose_tip"] == Mark("placed", *table.position[0, 1, 0].tolist())


def test_states_of_coco_arrive(tmp_path: Path) -> None:
    write_pictures(tmp_path, 4)
    table = random_table(6)
    table = replace(table, files=tuple(f"img{k:04d}.png" for k in range(4)))
    write_coco(tmp_path / "t.json", table)
    with Labels(tmp_path / "a.labels") as labels:
        import_labels(labels, tmp_path / "t.json")
        dataset = labels.to_dataset().isel(individual=0)
    states = dataset.state.sel(keypoint=list(NAMES)).values
    np.testing.assert_array_equal(states, table.state[:, 0])


def test_refined_data_bring_their_pictures(tmp_path: Path) -> None:
    table = random_table(7, pictures=True, states=False, missing=0.0)
    write_facemap_refined(tmp_path / "t.npy", table)
    with Labels(tmp_path / "a.labels") as labels:
        report = import_labels(labels, tmp_path / "t.npy")
        assert report.n_frames == 4
        assert table.pictures is not None
        kept = [labels.picture(key).tobytes() for key, _ in labels.frames()]
    assert sorted(kept) == sorted(picture.tobytes() for picture in table.pictures)


def test_points_outside_their_picture_are_counted(tmp_path: Path) -> None:
    path, table = project(tmp_path)  # places up to 400 px on pictures of 32 x 24
    with Labels(tmp_path / "a.labels") as labels:
        report = import_labels(labels, path)
    x, y = table.position[..., 0], table.position[..., 1]
    outside = ((x < -0.5) | (y < -0.5) | (x > 31.5) | (y > 23.5)).sum()
    assert report.n_outside == outside > 0


@pytest.mark.parametrize(
    "form",
    [
        name
        for name, entry in FORMATS.items()
        if entry.write and name not in ("sleap", "sleap-analysis", "facemap-h5")
    ],
)
def test_labels_survive_export_and_import(tmp_path: Path, form: str) -> None:
    path, _ = project(tmp_path)
    with Labels(tmp_path / "a.labels") as labels:
        import_labels(labels, path)
        out = path.parent / f"out{FORMATS[form].suffix}"
        written = export_labels(labels, out, form)
        first = labels.to_dataset()
    assert written.counts().frames == 4
    with Labels(tmp_path / "b.labels") as again:
        import_labels(again, out)
        second = again.to_dataset()
    order = np.argsort(first.frame.values), np.argsort(second.frame.values)
    if (
        form == "facemap-refined"
    ):  # the pictures are in the file: their order is all that is left of their names
        order = np.arange(4), np.arange(4)
    np.testing.assert_allclose(second.position.values[order[1]], first.position.values[order[0]])


def test_export_does_not_replace_a_file_unasked(tmp_path: Path) -> None:
    path, _ = project(tmp_path)
    with Labels(tmp_path / "a.labels") as labels:
        import_labels(labels, path)
        with pytest.raises(RecipeError, match="--overwrite"):
            export_labels(labels, path, "dlc")
        export_labels(labels, path, "dlc", overwrite=True)
        with pytest.raises(MystaxError, match="did you mean 'coco'"):
            export_labels(labels, tmp_path / "x", "coca")
    assert not list(tmp_path.rglob("*.part*"))


def test_frames_of_two_videos_do_not_fit_a_table_of_one(tmp_path: Path) -> None:
    from mystax.core.recording import ArraySource

    with Labels(tmp_path / "a.labels") as labels:
        for seed in (1, 2):
            frames = np.random.default_rng(seed).integers(0, 255, (3, 24, 32), dtype=np.uint8)
            labels.add(ArraySource(frames, 30), 1, {"nose_tip": (1.0, 2.0)}, camera=f"camera{seed}")
        with pytest.raises(RecipeError, match="one video"):
            export_labels(labels, tmp_path / "t.csv", "dlc")
        export_labels(labels, tmp_path / "t.json", "coco")


def test_table_of_names_is_read_with_and_without_a_header(tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text("theirs,ours\nsnout, nose_tip\nears,\n")
    assert read_name_table(tmp_path / "map.csv") == {"snout": "nose_tip", "ears": ""}
    (tmp_path / "map.csv").write_text("snout\n")
    with pytest.raises(RecipeError, match="two columns"):
        read_name_table(tmp_path / "map.csv")


def test_set_of_a_new_folder_fits_the_file(tmp_path: Path) -> None:
    path, _ = project(tmp_path)
    assert new_set_for(path).name == "mouse-face-13"
    assert new_set_for(path, only_own=True) == KeypointSet("own", new_set_for(path, only_own=True).points)
    assert new_set_for(path, only_own=True).ids == NAMES


def test_set_of_a_new_folder_follows_the_table_of_names(tmp_path: Path) -> None:
    table = random_table(0, n_names=2)
    theirs = replace(table, names=("snout", "ear"), edges=(("snout", "ear"),))
    write_keypoints(tmp_path / "labels.csv", theirs, "csv")
    assert new_set_for(tmp_path / "labels.csv").name == "own"
    found = new_set_for(tmp_path / "labels.csv", names={"snout": "nose_tip", "ear": ""})
    assert found.name == "mouse-face-13"
    named = new_set_for(tmp_path / "labels.csv", only_own=True, names={"snout": "beak"})
    assert named.ids == ("beak", "ear")


@pytest.mark.needs_data
@pytest.mark.parametrize(
    ("file", "n_frames", "n_points"),
    [
        pytest.param(
            "dlc_openfield/labeled-data/m4s1/CollectedData_Pranav.csv", 116, 464, marks=pytest.mark.slow
        ),
        pytest.param("lp_mirror_mouse/CollectedData.csv", 90, 1396, marks=pytest.mark.slow),
        ("human_faces/testing_with_face_landmarks.xml", 5, 340),
    ],
)
def test_real_files_arrive_with_all_their_pictures(
    real_data: Path, tmp_path: Path, file: str, n_frames: int, n_points: int
) -> None:
    with Labels(tmp_path / "a.labels", new_set_for(real_data / file)) as labels:
        report = import_labels(labels, real_data / file)
    assert (report.n_frames, report.n_points, report.missing, report.n_outside) == (n_frames, n_points, [], 0)
    assert report.names.unmatched == ()


def films(folder: Path, *names: str) -> list[Path]:
    """Write videos of 6 frames whose grey level tells video and frame."""
    from mystax.io.video import VideoWriter

    paths = [folder / name for name in names]
    for k, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        with VideoWriter(path, size=(32, 24), rate=Fraction(30), codec="ffv1", pixel_format="gray") as writer:
            for i in range(6):
                writer.write(np.full((24, 32), 40 * k + 5 * i, np.uint8))
    return paths


def labelled_films(folder: Path, *names: str) -> tuple[Labels, list[Path]]:
    """Label frames 1 and 4 of videos, at places that tell video and frame."""
    paths = films(folder, *names)
    labels = Labels(folder / "a.labels")
    for k, path in enumerate(paths):
        for frame in (1, 4):
            labels.add(path, frame, {"nose_tip": (10 * k + frame, 3.0)}, camera=path.stem)
    return labels, paths


def noses(labels: Labels) -> dict[tuple[str, int], float]:
    """Return x of the nose by video and frame."""
    sources = labels.store.files.read_sources()
    return {
        (Path(sources[key[0]].path).name, frame.frame): float(frame.marks()["face", "nose_tip"].x or -1)
        for key, frame in labels.frames()
    }


EXPECTED = {("a.mkv", 1): 1.0, ("a.mkv", 4): 4.0, ("b.mkv", 1): 11.0, ("b.mkv", 4): 14.0}


@pytest.mark.extra("interop")
@pytest.mark.parametrize("form", ["coco", "sleap", "nwb"])
def test_frames_of_videos_come_back_at_their_numbers(tmp_path: Path, form: str) -> None:
    pytest.importorskip("sleap_io" if form == "sleap" else "pynwb")
    labels, _ = labelled_films(tmp_path, "a.mkv", "b.mkv")
    with labels:
        assert noses(labels) == EXPECTED
        export_labels(labels, tmp_path / f"t{FORMATS[form].suffix}", form)
    with Labels(tmp_path / "b.labels") as again:
        import_labels(again, tmp_path / f"t{FORMATS[form].suffix}")
        assert noses(again) == EXPECTED


@pytest.mark.extra("interop")
@pytest.mark.parametrize("form", ["coco", "sleap"])
def test_videos_of_one_name_are_told_apart_by_their_folders(tmp_path: Path, form: str) -> None:
    pytest.importorskip("sleap_io" if form == "sleap" else "numpy")
    labels, paths = labelled_films(tmp_path, "one/face.mkv", "two/face.mkv")
    found: list[list[tuple[int, float]]] = []
    with labels:
        with pytest.raises(RecipeError, match=r"P403.*one video"):
            export_labels(labels, tmp_path / "t.csv", "csv")
        export_labels(labels, tmp_path / f"t{FORMATS[form].suffix}", form)
    for video in (None, paths[0], paths[1]):
        with Labels(tmp_path / f"{len(found)}.labels") as again:
            import_labels(again, tmp_path / f"t{FORMATS[form].suffix}", video=video)
            marks = [(one.frame, one.marks()["face", "nose_tip"].x) for _, one in again.frames()]
            found.append(sorted((frame, float(x or -1)) for frame, x in marks))
    assert found == [[(1, 1), (1, 11), (4, 4), (4, 14)], [(1, 1), (4, 4)], [(1, 11), (4, 14)]]


def test_rows_of_other_videos_do_not_land_in_the_video_that_was_named(tmp_path: Path) -> None:
    labels, paths = labelled_films(tmp_path, "a.mkv", "b.mkv")
    with labels:
        export_labels(labels, tmp_path / "t.json", "coco")
    with Labels(tmp_path / "b.labels") as again:
        report = import_labels(again, tmp_path / "t.json", video=paths[1])
        assert noses(again) == {key: x for key, x in EXPECTED.items() if key[0] == "b.mkv"}
        assert report.missing == ["a.mkv"]
        third = films(tmp_path, "c.mkv")[0]
        with pytest.raises(RecipeError, match=r"P403.*several videos.*a\.mkv, b\.mkv"):
            import_labels(again, tmp_path / "t.json", video=third)


def test_pictures_are_no_frames_of_a_video(tmp_path: Path) -> None:
    path, _ = project(tmp_path)
    (video,) = films(tmp_path, "a.mkv")
    with Labels(tmp_path / "a.labels") as labels:
        with pytest.raises(FormatError, match=r"F804.*not one frame"):
            import_labels(labels, path, video=video)
        with pytest.raises(RecipeError, match="a picture, not a video"):
            import_labels(labels, path, video=path.parent / "img0000.png")
        assert len(labels) == 0


def test_picture_of_another_folder_is_not_the_one_beside_the_file(tmp_path: Path) -> None:
    for k, name in enumerate(("one", "two")):
        write_picture(tmp_path / "labeled-data" / name / "img0000.png", k)
    table = random_table(1, n=2, states=False, missing=0.0)
    table = replace(table, files=("labeled-data/one/img0000.png", "labeled-data/two/img0000.png"))
    path = tmp_path / "labeled-data" / "one" / "CollectedData_ann.csv"
    write_dlc(path, table)
    with Labels(tmp_path / "a.labels") as labels:
        import_labels(labels, path)
        assert [frame.camera for _, frame in labels.frames()] == ["one", "two"]


def test_names_that_lead_to_one_picture_are_not_guessed(tmp_path: Path) -> None:
    write_pictures(tmp_path, 2)
    table = random_table(1, n=3, states=False, missing=0.0)
    table = replace(table, files=("one/img0000.png", "two/img0000.png", "one/img0001.png"))
    write_dlc(tmp_path / "t.csv", table)
    with Labels(tmp_path / "a.labels") as labels:
        report = import_labels(labels, tmp_path / "t.csv")
    assert report.n_frames == 1
    assert [Path(name).as_posix()[-15:] for name in report.missing] == ["one/img0000.png", "two/img0000.png"]


@pytest.mark.parametrize("form", ["csv", "facemap-refined"])
def test_several_individuals_do_not_fit_a_format_of_one(tmp_path: Path, form: str) -> None:
    write_pictures(tmp_path, 1)
    with Labels(tmp_path / "a.labels") as labels:
        for k, name in enumerate(("face", "other")):
            labels.add(tmp_path / "img0000.png", 0, {"nose_tip": (k, 2.0)}, individual=name)
        with pytest.raises(RecipeError, match=r"P403.*--individual NAME.*face, other"):
            export_labels(labels, tmp_path / "t.out", form)
        table = export_labels(labels, tmp_path / "t.out", form, individual="other")
    assert table.position[0, 0, :, 0].max(initial=-1, where=table.state[0, 0] == 2) == 1


@pytest.mark.extra("interop")
@pytest.mark.parametrize("form", ["coco", "sleap"])
def test_individuals_keep_their_names_where_one_is_alone(tmp_path: Path, form: str) -> None:
    if form == "sleap":
        pytest.importorskip("sleap_io", reason='pip install "mystax[interop]"')
    table = random_table(4, n=3, n_individuals=2, states=False, missing=0.0)
    state = table.state.copy()
    state[0, 0] = -1
    table = replace(table, state=state, position=np.where((state > 0)[..., None], table.position, np.nan))
    write_keypoints(tmp_path / "t", table, form)
    found = read_keypoints(tmp_path / "t", form)
    for name in table.individuals:
        np.testing.assert_allclose(found.individual(name).position, table.individual(name).position)


@pytest.mark.parametrize("form", ["sleap-analysis", "facemap-h5"])
def test_pictures_do_not_fit_a_format_that_knows_only_numbers(tmp_path: Path, form: str) -> None:
    path, _ = project(tmp_path)
    with Labels(tmp_path / "a.labels") as labels:
        import_labels(labels, path)
        with pytest.raises(RecipeError, match=r"P403.*pictures.*coco"):
            export_labels(labels, tmp_path / "t.h5", form)
    assert not (tmp_path / "t.h5").exists()


@pytest.mark.extra("interop")
@pytest.mark.parametrize("form", ["sleap", "facemap-refined", "csv"])
def test_pictures_keep_the_numbers_in_their_names(tmp_path: Path, form: str) -> None:
    """By them the blocks of time are cut that judge a training."""
    if form == "sleap":
        pytest.importorskip("sleap_io", reason='pip install "mystax[interop]"')
    numbers = [7, 30, 4, 112, 15, 61]
    with Labels(tmp_path / "a.labels") as labels:
        for k, number in enumerate(numbers):
            path = write_picture(tmp_path / "mouse" / f"cam1_img{number:04d}.png", k)
            labels.add(path, 0, {"nose_tip": (number / 8, 3.0)})
        export_labels(labels, tmp_path / "mouse" / "t.out", form)
    with Labels(tmp_path / "b.labels") as again:
        import_labels(again, tmp_path / "mouse" / "t.out", form=form)
        found = {8 * (frame.marks()["face", "nose_tip"].x or 0): frame.frame for _, frame in again.frames()}
        recordings, times = again.recordings()
    assert found == {number: number for number in numbers}
    assert sorted(times.tolist()) == sorted(numbers)
    assert set(recordings) == {"pictures mouse"}


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("labeled-data", "P403.*labeled-data.*it is a folder"),
        ("labeled-data/mouse/img0000.png/x.csv", "P403.*img0000.png"),
        ("/proc/x.csv", "S503.*x.csv"),
        ("x" * 300, "(P403|S503).*xxx"),
    ],
)
@pytest.mark.parametrize("form", ["csv", "dlc-h5", "coco"])
def test_place_that_cannot_be_written_is_told(tmp_path: Path, place: str, text: str, form: str) -> None:
    path, _ = project(tmp_path)
    with Labels(tmp_path / "a.labels") as labels:
        import_labels(labels, path)
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(MystaxError, match=text):
            export_labels(labels, tmp_path / place, form, overwrite=True)
    assert {*tmp_path.rglob("*")} <= {*before, tmp_path / "a.labels" / "labels.nc"}
