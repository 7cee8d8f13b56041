"""`mystax.Labels`: a folder of labels, with the remarks and suggestions that are made on it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mystax.engine.labels.folder import LabelFolder, Video

if TYPE_CHECKING:
    from xarray import Dataset

    from mystax.engine.labels.check import Problem
    from mystax.engine.labels.suggest import Suggestion
else:
    Dataset = Any

__all__ = ["Labels"]


class Labels(LabelFolder):
    """Keypoint labels in a folder.

    Reading needs no lock.  The first change takes the folder's lock until `close`; another process that
    wants to write is refused with the name of who holds it.

    Parameters
    ----------
    folder : path
        ``<name>.labels``; made by the first change if it does not exist.
    keypoints : KeypointSet or str, optional
        Set of a new folder, by default ``mouse-face-13``; an existing folder has its own.
    write : bool, optional
        Take the lock at once.
    fs, now, alive : optional
        Disk, time and life of processes, for tests.

    Raises
    ------
    RecipeError
        P403, if the folder is none of labels, or has another set than asked for.
    StoreError
        S504, if the lock is asked for and another process holds it.

    Examples
    --------
    >>> labels = Labels("faces.labels")  # doctest: +SKIP
    >>> batch = labels.add("face.mp4", 120, {"nose_tip": (52.5, 80.0)}, who="ann")  # doctest: +SKIP
    >>> labels.undo(batch)  # doctest: +SKIP
    """

    def __enter__(self) -> "Labels":
        return self

    def check(self, *, videos: bool = True) -> "list[Problem]":
        """Look for labels that are probably wrong (`mystax.engine.labels.check.check_labels`)."""
        from mystax.engine.labels.check import check_labels

        return check_labels(self, videos=videos)

    def suggest(
        self,
        n: int,
        videos: Sequence[Video] | None = None,
        *,
        poses: Mapping[int, Dataset] | None = None,
        seed: int = 0,
    ) -> "list[Suggestion]":
        """Suggest frames to label, the worst first (`mystax.engine.labels.suggest.suggest_frames`)."""
        from mystax.engine.labels.suggest import suggest_frames

        return suggest_frames(self, n, videos, poses=poses, seed=seed)
