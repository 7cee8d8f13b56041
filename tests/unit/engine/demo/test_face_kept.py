"""The films of the demonstration's face that come with the package: those that the renderer makes."""

from pathlib import Path

import numpy as np
import pytest

import mystax
from mystax.engine.demo.face import CAMERAS, KEPT, film_face, render_face
from mystax.io.video import Video


def _positions(path: Path) -> np.ndarray:
    return np.asarray(mystax.load(path)["position"].values)


def test_the_films_of_the_first_seed_are_not_rendered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mystax.engine.demo.face.render_face", None)
    files = film_face(tmp_path)
    assert [*files] == list(CAMERAS)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == {
        path.name: path.read_bytes() for path in KEPT.iterdir()
    }
    with pytest.raises(TypeError):
        film_face(tmp_path, seed=1)


def test_a_copy_that_was_stopped_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []

    def stop(_: object, name: str, __: bytes) -> None:
        copied.append(name)
        if len(copied) == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("mystax.io.store.Store.write_bytes", stop)
        with pytest.raises(KeyboardInterrupt):
            film_face(tmp_path)
    assert "face.json" not in copied
    film_face(tmp_path)
    assert (tmp_path / "face.json").read_bytes() == (KEPT / "face.json").read_bytes()


@pytest.mark.slow
def test_the_films_of_the_package_are_those_of_the_renderer(tmp_path: Path) -> None:
    """Where this fails, ``python tools/demo_face.py`` makes them again; an encoder may differ by a level."""
    render_face(tmp_path)
    assert (tmp_path / "face.json").read_bytes() == (KEPT / "face.json").read_bytes()
    assert (tmp_path / "calibration.toml").read_bytes() == (KEPT / "calibration.toml").read_bytes()
    for camera in CAMERAS:
        with Video(tmp_path / f"{camera}.mkv") as fresh, Video(KEPT / f"{camera}.mkv") as kept:
            assert fresh.n_frames == kept.n_frames == 75
            for one, other in zip(fresh.chunks(), kept.chunks(), strict=True):
                assert np.abs(one.data.astype(float) - other.data).mean() < 0.5
        for kind in ("truth", "space"):
            found, wanted = (_positions(place / f"{camera}_{kind}.nc") for place in (tmp_path, KEPT))
            np.testing.assert_allclose(found, wanted, atol=1e-3)
