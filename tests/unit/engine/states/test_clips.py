"""Movies of example bouts: the right frames at the right places, cut out of the video or drawn."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mystax.core.outcome_faces import chosen_bouts
from mystax.engine.states.clips import AFTER, BEFORE, TILE, frames_near, write_clips
from mystax.errors import RecipeError
from mystax.io.video import Video
from tests.fixtures.human_film import draw_person, film_of
from tests.fixtures.state_outcomes import filmed_fit, known_fit, outcomes_of, spatial_source


def run_of(fit: Any) -> Any:
    return SimpleNamespace(fit=fit, datasets=outcomes_of(fit))


Film = tuple[Any, np.ndarray, list[Path], list[str]]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    """Write the movies of two bouts per state: run, places, files, and what was said."""
    _, points, fit = filmed_fit(100)
    folder, done = tmp_path_factory.mktemp("film"), run_of(fit)
    video = film_of(folder / "person.mp4", points)
    said: list[str] = []
    made = write_clips(done, folder, 2, video=video, progress=lambda event: said.append(event.text))
    return done, points, made, said


def test_nearest_frame_is_taken_and_none_where_there_is_a_hole() -> None:
    times = np.array([0.0, 0.1, 0.2, 0.5, 0.6])
    wanted = np.array([-0.1, 0.0, 0.14, 0.16, 0.35, 0.46, 0.6, 0.66])
    assert frames_near(times, wanted, 0.1).tolist() == [-1, 0, 1, 2, -1, 3, 4, -1]


@pytest.mark.slow
def test_each_state_has_a_movie_of_two_seconds(film: Film) -> None:
    done, _, made, said = film
    assert [path.name for path in made] == ["state_1.mp4", "state_2.mp4", "state_3.mp4"] == said
    assert sorted(made[0].parent.iterdir()) == made
    for state, path in enumerate(made, 1):
        n = len(chosen_bouts(done.datasets[0], state, 2))
        with Video([path]) as movie:
            assert movie.n_frames == round((BEFORE + AFTER) * 30)
            assert movie.shape == (TILE, TILE * n)


def test_tile_is_the_face_of_its_frame(film: Film) -> None:
    done, points, made, _ = film
    dataset, path = done.datasets[0], made[1]
    bout = int(chosen_bouts(dataset, 2, 2)[0])
    onset = round(float(dataset["bout_start"][bout]) * 30)
    with Video([path]) as movie:
        shown = movie.frame_at(round(BEFORE * 30) + 4).data[0, :TILE, :TILE].astype(float)
    low = points[onset - 15 : onset + 45].reshape(-1, 2)
    side = 1.3 * (np.percentile(low, 99, axis=0) - np.percentile(low, 1, axis=0)).max()
    corner = (np.percentile(low, 99, axis=0) + np.percentile(low, 1, axis=0)) / 2 - side / 2
    index = np.round((np.arange(TILE) + 0.5) * side / TILE - 0.5).astype(int)

    def likeness(frame: int) -> float:
        picture = draw_person(points[frame], frame).astype(float)
        rows = np.clip(np.round(corner[1]) + index, 0, 239).astype(int)
        columns = np.clip(np.round(corner[0]) + index, 0, 239).astype(int)
        return float(np.corrcoef(shown.ravel(), picture[np.ix_(rows, columns)].ravel())[0, 1])

    close, far = likeness(onset + 4), likeness(onset - 12)
    assert close > 0.8
    assert close > far


def test_points_change_their_colour_at_the_onset(film: Film) -> None:
    with Video(film[2][:1]) as movie:
        before, after = (movie.color_at(k).astype(int) for k in (3, 30))
    assert int(np.abs(before[..., 0] - before[..., 2]).max()) < 60  # grey
    assert int((after[..., 0] - after[..., 2] > 100).sum()) > 50  # orange


def test_without_a_video_faces_are_drawn(tmp_path: Path) -> None:
    truth, source = spatial_source(1, 120)
    made = write_clips(run_of(known_fit([source], [truth])), tmp_path, 1)
    assert len(made) == 3
    with Video(made[:1]) as movie:
        picture = movie.frame_at(30).data[0]
    assert picture.max() > 100
    assert np.median(picture) < 30


def test_what_does_not_fit_is_refused(film: Film, tmp_path: Path) -> None:
    done = film[0]
    video = film[2][0]
    truth, source = spatial_source(1, 120)
    with pytest.raises(RecipeError, match=r"P403.*in space"):
        write_clips(run_of(known_fit([source], [truth])), tmp_path, 1, video=video)
    bare = SimpleNamespace(
        fit=done.fit, datasets=[done.datasets[0].drop_vars(["grand_mean", "face_mean", "face_sd"])]
    )
    with pytest.raises(RecipeError, match=r"P403.*no keypoints"):
        write_clips(bare, tmp_path, 1)  # type: ignore[arg-type] # what the clips need of a run
    assert not (tmp_path / "clips").exists()
