"""Evaluation: the fixed protocol of the real set, figures against those by hand, what is refused."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mystax.core.keypoints import KeypointSet
from mystax.engine.labels.frames import (
    LabelledFrames,
    Predictions,
    labelled_frames,
    predictions_from_table,
)
from mystax.engine.labels.labels import Labels
from mystax.engine.training.evaluate import evaluate, write_evaluation
from mystax.errors import FormatError, ParameterError, RecipeError
from mystax.io.formats.keypoint_csv import write_keypoint_csv
from tests.fixtures.keypoint_tables import random_table
from tests.fixtures.label_folders import write_pictures

IDS = ("nose_tip", "eye_front", "eye_back", "whisker_I")


def frames(n: int = 40, seed: int = 0) -> LabelledFrames:
    """Make labelled frames of width 512 without files."""
    rng = np.random.default_rng(seed)
    position = rng.uniform(50, 450, (n, len(IDS), 2))
    position[:, 2] = position[:, 1] + [40, 0]
    return LabelledFrames(
        IDS,
        KeypointSet.load("mouse-face-13"),
        position,
        np.full((n, len(IDS)), 2, np.int8),
        np.full(n, 512.0),
        tuple(f"img{k}.png" for k in range(n)),
        ("mouse",) * n,
        np.arange(n),
        lambda row: np.full((4, 4), row, np.uint8),
    )


def shifted(labels: LabelledFrames, by: float) -> Predictions:
    return Predictions(labels.position + np.array([by, 0.0]))


def test_figures_are_those_of_a_known_shift() -> None:
    found = evaluate(frames(), {"mine": shifted(frames(), 6.0)}).figures["mine"]
    every = found["all"]
    assert isinstance(every, dict)
    assert every["mean"] == every["median"] == every["p95"] == pytest.approx(3.0)  # half of 6 px at width 512
    assert every["pck"] == {"2": 0.0, "5": 1.0, "10": 1.0, "20": 1.0}
    assert every["n"] == 160
    assert found["median_in_eye_lengths"] == pytest.approx(6 / 40)


def test_whisker_points_stand_apart_and_every_point_by_itself() -> None:
    labels = frames()
    away = np.zeros(labels.position.shape)
    away[:, 3, 0] = 20.0
    figures = evaluate(labels, {"mine": Predictions(labels.position + away)}).figures["mine"]
    assert figures["whiskers"]["mean"] == pytest.approx(10.0)  # type: ignore[index] # a dict
    assert figures["without_whiskers"]["mean"] == 0.0  # type: ignore[index] # a dict
    assert figures["keypoints"]["whisker_I"]["n"] == 40  # type: ignore[index] # a dict


def test_models_are_compared_pair_by_pair() -> None:
    labels = frames()
    noise = np.random.default_rng(1).normal(size=labels.position.shape) * 8
    one, other = Predictions(labels.position + noise), Predictions(labels.position + noise * 1.5)
    found = evaluate(labels, {"one": one, "other": other}).figures["other"]["first_minus_this"]
    assert isinstance(found, dict)
    low, high = found["interval"]
    assert low < found["mean"] < high < 0
    assert "first_minus_this" not in evaluate(labels, {"one": one, "other": other}).figures["one"]


def test_mean_place_of_the_pool_is_a_baseline() -> None:
    pool, test = frames(30, 1), frames(10, 2)
    found = evaluate(test, {"mine": shifted(test, 0.0)}, pool=pool)
    expected = np.hypot(*(pool.position.mean(0) - test.position).transpose(2, 0, 1)) / 2
    np.testing.assert_allclose(found.errors["mean shape"], expected)


def test_confidence_and_ellipses_are_judged() -> None:
    labels = frames(500, 3)
    rng = np.random.default_rng(4)
    sd = rng.uniform(1, 20, labels.position.shape[:2])
    away = rng.normal(size=labels.position.shape) * sd[..., None]
    # the chance that an error of this spread stays within 5 px@256 = 10 px here
    confidence = 1 - np.exp(-0.5 * (10 / sd) ** 2)
    covariance = np.stack([sd**2, np.zeros_like(sd), sd**2], -1)
    figures = evaluate(labels, {"m": Predictions(labels.position + away, confidence, covariance)}).figures[
        "m"
    ]
    assert float(figures["ece"]) < 0.05  # type: ignore[arg-type] # a number
    assert float(figures["auroc"]) > 0.8  # type: ignore[arg-type] # a number
    assert float(figures["rank_correlation"]) < -0.5  # type: ignore[arg-type] # a number
    ellipses = figures["ellipses"]
    assert isinstance(ellipses, dict)
    assert ellipses["50%"] == pytest.approx(0.5, abs=0.04)
    assert ellipses["90%"] == pytest.approx(0.9, abs=0.025)


def test_model_is_called_with_the_frames_and_sees_their_pictures() -> None:
    def model(given: LabelledFrames) -> Predictions:
        assert given.picture(3).tolist() == np.full((4, 4), 3).tolist()
        return shifted(given, 2.0)

    figures = evaluate(frames(), {"net": model}).figures["net"]["all"]
    assert isinstance(figures, dict)
    assert figures["mean"] == pytest.approx(1.0)


def test_missing_predictions_are_counted_and_worst_frames_named() -> None:
    labels = frames(20)
    position = labels.position + 1.0
    position[4] = np.nan
    position[7] += 50
    found = evaluate(labels, {"m": Predictions(position)})
    figures = found.figures["m"]["all"]
    assert isinstance(figures, dict)
    assert figures["n_missing"] == 4
    assert found.worst[0] == 7
    assert 4 not in found.worst
    assert len(found.worst) == 12


def test_written_figures_are_json_without_nan(tmp_path: Path) -> None:
    labels = frames(5)
    nothing = Predictions(np.full(labels.position.shape, np.nan))
    paths = write_evaluation(evaluate(labels, {"m": nothing}), tmp_path / "out")
    text = paths[0].read_text("utf-8")
    assert "NaN" not in text
    assert json.loads(text)["models"]["m"]["all"]["median"] is None
    rows = paths[1].read_text("utf-8").splitlines()
    assert rows[0] == "model,frame," + ",".join(IDS)
    assert rows[1] == "m,img0.png,,,,"


def test_predictions_of_other_points_and_no_model_are_refused() -> None:
    with pytest.raises(ParameterError, match="P401"):
        evaluate(frames(), {})
    with pytest.raises(ParameterError, match="predictions of 'm'"):
        evaluate(frames(), {"m": Predictions(np.zeros((40, 3, 2)))})


# labels ----------------------------------------------------------------------------------------------


def wide_file(folder: Path) -> Path:
    write_pictures(folder, 4)
    table = replace(random_table(1, missing=0.0), files=tuple(f"img{k:04d}.png" for k in range(4)))
    write_keypoint_csv(folder / "labels.csv", table)
    return folder / "labels.csv"


def test_file_beside_its_pictures_gives_frames_with_widths(tmp_path: Path) -> None:
    found = labelled_frames(wide_file(tmp_path))
    assert found.ids == ("nose_tip", "eye_top", "whisker_I")
    assert found.width.tolist() == [32.0] * 4
    assert found.number.tolist() == [0, 1, 2, 3]
    assert found.picture(2).shape == (24, 32)
    assert np.isnan(found.position[found.state != 2]).all()
    assert labelled_frames(wide_file(tmp_path), width=100).width.tolist() == [100.0] * 4


def test_folder_of_labels_gives_the_same_frames(tmp_path: Path) -> None:
    from mystax.engine.labels.exchange import import_labels

    path = wide_file(tmp_path)
    with Labels(tmp_path / "a.labels") as labels:
        import_labels(labels, path)
    one, other = labelled_frames(path), labelled_frames(tmp_path / "a.labels")
    columns = [other.ids.index(name) for name in one.ids]
    np.testing.assert_array_equal(other.position[:, columns], one.position)
    np.testing.assert_array_equal(other.width, one.width)
    np.testing.assert_array_equal(other.picture(1), one.picture(1))


def test_file_without_its_pictures_is_refused(tmp_path: Path) -> None:
    path = wide_file(tmp_path)
    for picture in tmp_path.glob("*.png"):
        picture.unlink()
    with pytest.raises(FormatError, match="no labelled frame"):
        labelled_frames(path)


def test_last_frames_by_number_judge(tmp_path: Path) -> None:
    labels = frames(10)
    shuffled = labels.rows(np.random.default_rng(0).permutation(10))
    pool, test = shuffled.last(3)
    assert test.number.tolist() == [7, 8, 9]
    assert sorted(pool.number.tolist()) == list(range(7))
    assert test.picture(0)[0, 0] == 7
    with pytest.raises(ParameterError, match="1 to 9"):
        labels.last(10)


def test_predictions_are_found_by_picture_or_by_number() -> None:
    table = random_table(2, missing=0.0, states=False)
    by_name = replace(
        frames(4), names=tuple(f"img{k:03d}.png" for k in (2, 0, 3, 1)), number=np.array([2, 0, 3, 1])
    )
    found = predictions_from_table(by_name, table)
    np.testing.assert_array_equal(found.position[:, 0], table.position[[2, 0, 3, 1], 0, 0])
    assert np.isnan(found.position[:, 1]).all()  # the table has no eye_front
    numbered = random_table(3, kind="predictions", missing=0.0, states=False)
    found = predictions_from_table(replace(by_name, names=("a:2", "a:0", "a:3", "a:1")), numbered)
    np.testing.assert_array_equal(found.position[:, 0], numbered.position[[2, 0, 3, 1], 0, 0])
    assert found.confidence is not None
    assert math.isclose(found.confidence[0, 0], numbered.confidence[2, 0, 0])


def test_predictions_of_other_frames_are_refused() -> None:
    with pytest.raises(RecipeError, match="not one labelled frame"):
        predictions_from_table(replace(frames(2), number=np.array([100, 101])), random_table(1))


@pytest.mark.needs_data
def test_mean_shape_of_the_real_set_has_its_published_error(real_data: Path) -> None:
    labels = labelled_frames(real_data / "mouse_faces" / "labels.csv")
    assert (len(labels), labels.width[0]) == (112, 432.0)
    pool, test = labels.last(45)
    assert len(pool) == 67
    figures = evaluate(test, {"exact": shifted(test, 0.0)}, pool=pool).figures["mean shape"]["all"]
    assert isinstance(figures, dict)
    assert figures["mean"] == pytest.approx(3.48, abs=0.005)


def test_predictions_of_one_video_go_to_their_frames_not_to_the_last() -> None:
    numbered = random_table(3, kind="predictions", missing=0.0, states=False)  # frames 0 to 3 of face.mp4
    labels = replace(frames(3), names=("face.mp4:2", "face.mp4:0", "other.mp4:1"), number=np.array([2, 0, 1]))
    found = predictions_from_table(labels, numbered)
    np.testing.assert_array_equal(found.position[:2, 0], numbered.position[[2, 0], 0, 0])
    assert np.isnan(found.position[2]).all()


def test_predictions_of_one_video_do_not_judge_frames_of_two_by_number() -> None:
    numbered = random_table(3, kind="predictions", missing=0.0, states=False)
    labels = replace(frames(2), names=("a:1", "b:1"), number=np.array([1, 1]), recordings=("first", "second"))
    with pytest.raises(RecipeError, match=r"P403.*several recordings"):
        predictions_from_table(labels, numbered)


def test_pictures_of_equal_names_are_told_apart_by_their_folders() -> None:
    table = random_table(4, n=3, missing=0.0, states=False)
    table = replace(table, files=("data/one/img0.png", "data/two/img0.png", "data/two/img1.png"))
    labels = replace(
        frames(3),
        names=("img0.png", "img0.png", "img1.png"),
        recordings=("/x/data/two", "/x/data/one", "/x/data/one"),
        number=np.array([0, 0, 1]),
    )
    found = predictions_from_table(labels, table)
    np.testing.assert_array_equal(found.position[:2, 0], table.position[[1, 0], 0, 0])
    np.testing.assert_array_equal(found.position[2, 0], table.position[2, 0, 0])  # nobody else could be meant


def test_predictions_of_videos_of_one_name_are_told_apart_by_their_folders() -> None:
    table = random_table(3, n=2, kind="predictions", missing=0.0, states=False)
    table = replace(table, files=("s1/face.mp4", "s2/face.mp4"), frame=np.array([4, 4]))
    labels = replace(frames(1), names=("s1/face.mp4:4",), number=np.array([4]), recordings=("k1",))
    found = predictions_from_table(labels, table)
    np.testing.assert_array_equal(found.position[0, 0], table.position[0, 0, 0])
    unknown = replace(labels, names=("face.mp4:4",))
    with pytest.raises(RecipeError, match="not one labelled frame"):
        predictions_from_table(unknown, table)
