"""What a training gets: the time of each frame, and crops as prediction will cut them."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mystax.core.label_operations import Mark
from mystax.engine.labels.frames import labelled_frames
from mystax.engine.labels.labels import Labels
from mystax.engine.training.inputs import cut_crops
from mystax.errors import RecipeError
from mystax.io.formats.dlc import write_dlc
from mystax.io.video import VideoWriter
from mystax.nets.holdout import Fold, make_folds
from mystax.nets.training_data import Labelled
from tests.fixtures.keypoint_tables import random_table
from tests.fixtures.label_folders import write_picture, write_pictures

pytest.importorskip("torch", reason='pip install "mystax[train]"')


def one_fold(labelled: Labelled) -> Fold:
    """Hold frames out as a training does."""
    assert labelled.recording is not None
    assert labelled.time is not None
    (fold,), _ = make_folds(labelled.recording, labelled.time, 0)
    return fold


def test_pictures_in_any_order_are_held_out_in_one_block_of_their_numbers(tmp_path: Path) -> None:
    write_pictures(tmp_path, 45)
    order = np.random.default_rng(1).permutation(45)
    table = random_table(0, n=45, states=False, missing=0.0)
    write_dlc(tmp_path / "t.csv", replace(table, files=tuple(f"img{k:04d}.png" for k in order)))
    frames = labelled_frames(tmp_path / "t.csv")
    fold = one_fold(cut_crops(frames, 32, is_folder=False)[0])
    assert np.diff(np.sort(frames.number[fold.held_out])).tolist() == [1] * 8


def test_frames_within_a_second_of_held_out_ones_teach_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with VideoWriter(path, size=(32, 24), rate=Fraction(2), codec="ffv1", pixel_format="gray") as writer:
        for k in range(40):
            writer.write(np.full((24, 32), k, np.uint8))
    with Labels(tmp_path / "a.labels") as labels:
        for k in range(40):
            labels.add(path, k, {"nose_tip": (10.0, 12.0), "mouth": (30.0, 20.0)})
    frames = labelled_frames(tmp_path / "a.labels").rows(np.arange(40)[::-1])
    fold = one_fold(cut_crops(frames, 32, is_folder=True)[0])
    away = np.abs(frames.number[fold.training][:, None] - frames.number[fold.held_out]) / 2
    assert away.min() >= 1
    assert len(fold.held_out) == 8


def test_pictures_of_several_sizes_are_each_seen_whole(tmp_path: Path) -> None:
    widths = (32, 96)
    with Labels(tmp_path / "a.labels") as labels:
        for k, width in enumerate(widths):
            picture = write_picture(tmp_path / "mouse" / f"img{k}.png", k, (24, width))
            labels.add(picture, 0, {"nose_tip": (0.0, 0.0), "mouth": (width - 1.0, 0.0)})
    frames = labelled_frames(tmp_path / "a.labels")
    labelled, _ = cut_crops(frames, 32, is_folder=True)
    placed = labelled.xy[frames.state == 2]
    assert ((placed >= -0.5) & (placed <= 31.5)).all()


def test_labels_of_several_individuals_are_refused_and_not_halved(tmp_path: Path) -> None:
    with Labels(tmp_path / "a.labels") as labels:
        picture = write_picture(tmp_path / "mouse" / "img0.png", 0, (24, 32))
        labels.add(picture, 0, {"nose_tip": (3.0, 4.0)}, individual="left")
        labels.add(picture, 0, {"nose_tip": Mark("invisible", 8, 9)}, individual="right")
    assert np.nansum(labelled_frames(tmp_path / "a.labels").position) == 7.0
    with Labels(tmp_path / "a.labels") as labels:
        labels.add(picture, 0, {"mouth": (5.0, 6.0)}, individual="right")
    with pytest.raises(RecipeError, match="labels of 2") as caught:
        labelled_frames(tmp_path / "a.labels")
    assert caught.value.code == "P403"
