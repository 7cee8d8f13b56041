"""Several encodings in one folder: their summary, and whose recordings they are."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mystax.core.canonical import outcome_key
from mystax.errors import RecipeError, nearest

if TYPE_CHECKING:
    from xarray import Dataset

    from mystax.io.store import Store
else:
    Dataset = Store = Any

__all__ = ["SUMMARY", "keep_summary", "read_individuals"]

SUMMARY = "encoding_summary"
"""Of the encodings of a group."""


def read_individuals(path: str | Path, names: Sequence[str]) -> dict[str, str]:
    """Read the individual of each recording.

    Parameters
    ----------
    path : path
        Table with the columns recording and individual.
    names : sequence of str
        Names of the recordings.

    Returns
    -------
    dict
        Recording to individual.

    Raises
    ------
    RecipeError
        P403, if the table cannot be read, or a column or a recording is missing.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(Path(path).read_text("utf-8-sig"))))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RecipeError("P403", str(path), f"the table cannot be read ({error})") from error
    if not rows or not {"recording", "individual"} <= set(rows[0]):
        head = ", ".join(map(str, rows[0])) if rows else "nothing"
        raise RecipeError("P403", str(path), expected="columns recording, individual", got=head)
    found = {str(row["recording"]): str(row["individual"]) for row in rows}
    for name in names:
        if not found.get(name):
            raise RecipeError(
                "P403", str(path), f"recording {name!r} has no individual{nearest(name, found)}"
            )
    return {name: found[name] for name in names}


def keep_summary(
    outcomes: Mapping[str, Dataset],
    folder: str | Path,
    individuals: Mapping[str, str] | None = None,
    *,
    store: Store | None = None,
) -> tuple[Dataset, Path]:
    """Put the outcomes of several recordings together, and keep the summary with a table to read.

    Parameters
    ----------
    outcomes : mapping of str to Dataset
        Outcomes of `encoding` by recording.
    folder : path
        Takes ``encoding_summary.nc``, ``encoding_summary.csv`` and the figure.
    individuals : mapping of str to str, optional
        Individual of each recording: the unit that is drawn.
    store : Store, optional
        That of the folder (a job of the queue has its own).

    Returns
    -------
    summary, path
        The dataset, and its file.

    Raises
    ------
    NumbersError
        N303, for fewer than two recordings.
    StoreError
        S5xx, if it cannot be written.
    """
    from mystax.analyses.encoding_summary import ENCODING_SUMMARY, summarise_encodings
    from mystax.io.provenance import Provenance
    from mystax.io.store import Store as StoreOfFolder

    dataset = summarise_encodings(outcomes, individuals)
    inputs = [
        {"role": "encoding", "camera": "", "position": k, "id": str(found.attrs.get("content_sha256", ""))}
        for k, found in enumerate(outcomes.values())
    ]
    values = {"individuals": sorted((individuals or {}).items())}
    about = Provenance(SUMMARY, 1, outcome_key(SUMMARY, 1, values, inputs), values, inputs, 1.0, [])
    store = store or StoreOfFolder(folder)
    path = store.publish(dataset, about, schema=ENCODING_SUMMARY)
    store.write_text(f"{SUMMARY}.csv", _table(dataset))
    _draw(dataset, store.folder / "figures")
    return dataset, path


def _draw(dataset: Dataset, folder: Path) -> None:
    """Write the figure."""
    from mystax.io.whole_files import write_whole
    from mystax.plot.encoding_summary import summary_figure
    from mystax.plot.style import style

    with style():
        made = summary_figure(dataset)
    write_whole(folder / f"{made.name}.svg", made.svg())
    write_whole(folder / f"{made.name}.png", made.png())


def _table(dataset: Dataset) -> str:
    """Write one row per recording and model."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["recording", "individual", "neurons", "model", "explained_variance", "gain"])
    for name in dataset["recording"].values:
        one = dataset.sel(recording=name)
        for model in dataset["model"].values:
            numbers = [f"{float(one[key].sel(model=model)):.6f}" for key in ("explained_variance", "gain")]
            writer.writerow([name, str(one["individual"].values), int(one["n_neurons"]), model, *numbers])
    return text.getvalue()
