"""Reading outcomes: checked as they are opened, large arrays read on demand, a damaged one refused."""

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mystax.core.safe_names import as_path
from mystax.errors import RecipeError, nearest
from mystax.io.outcome_files import OutcomeHead, open_outcome, read_attributes, read_head
from mystax.io.outcome_reading import check_camera, load_camera, outcome_paths
from mystax.io.verify import OutcomeSum, Verification, digest_problems, read_sum, sum_of, verify_outcome

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = [
    "OutcomeSum",
    "Outcomes",
    "Verification",
    "digest_problems",
    "load",
    "outcome_paths",
    "read_sum",
    "sum_of",
    "verify_outcome",
]


def load(path: str | Path) -> "Dataset | Outcomes":
    """Open an outcome, or a folder of outcomes.

    Every small variable is checked against its digest at once; a large one is read when it is used, and
    guarded by the checksums in the file.  Names and merges of states that lie beside an outcome
    (``states.edits.toml``) are shown as the attributes `state_name`, `state_merged_into`, `state_hidden`.

    Parameters
    ----------
    path : str or Path
        ``face.mystax/motion.nc``, or the folder ``face.mystax``.

    Returns
    -------
    Dataset or Outcomes
        One outcome of one camera; else a mapping of name to Dataset.

    Raises
    ------
    ParameterError
        P401, if it is no path.
    RecipeError
        P403, if there is no such file or folder.
    DamagedError
        S502, if a file is damaged.
    StoreError
        S505, if a newer mystax made it.
    FormatError
        F804, if it is no outcome of mystax, or not of the form that its analysis declares.
    """
    place = as_path(path, "path")
    if place.is_dir():
        return Outcomes.of_folder(place)
    head = read_head(place)
    if not head.groups:
        return load_camera(place, head, None)
    return Outcomes(_loaders(place, head), place.parent)


class Outcomes(Mapping[str, Dataset]):
    """The outcomes of a recording, by name; each is opened when it is first used.

    The name is that of the analysis (``"motion"``); where an analysis has several cameras it is
    ``"motion/face"``, and ``"svd/all_cameras"`` for what they have in common.

    Parameters
    ----------
    loaders : mapping
        Name to a function that opens the outcome.
    folder : Path, optional
        The folder in which they lie.
    attributes : mapping, optional
        Name to a function that reads the attributes alone; given True it checks the values, too.
    """

    def __init__(
        self,
        loaders: Mapping[str, Callable[[], Dataset]],
        folder: Path | None = None,
        attributes: Mapping[str, Callable[[bool], Mapping[str, object]]] | None = None,
    ) -> None:
        self._loaders, self._open = dict(loaders), dict[str, Dataset]()
        self._attributes = dict(attributes or {})
        self.folder = folder

    @classmethod
    def of_folder(cls, folder: Path, left_out: Collection[str] = ()) -> "Outcomes":
        """Open a folder of outcomes, but for the analyses that are left out.

        Raises
        ------
        RecipeError
            P403, if it holds no outcome.
        DamagedError
            S502, if a file is damaged.
        """
        loaders: dict[str, Callable[[], Dataset]] = {}
        attributes: dict[str, Callable[[bool], Mapping[str, object]]] = {}
        for path in outcome_paths(folder):
            if path.stem in left_out:
                continue
            head = read_head(path)
            loaders |= _loaders(path, head)
            attributes |= {name: _attribute_reader(path, head, name) for name in _loaders(path, head)}
        if not loaders:
            raise RecipeError(
                "P403",
                str(folder),
                "there are no outcomes in this folder",
                hint="mystax run VIDEO makes them",
            )
        return cls(loaders, folder, attributes)

    @classmethod
    def of_datasets(cls, datasets: Mapping[str, Dataset]) -> "Outcomes":
        """Make outcomes of datasets in memory."""

        def giver(dataset: Dataset) -> Callable[[], Dataset]:
            return lambda: dataset

        return cls({name: giver(dataset) for name, dataset in datasets.items()})

    def __getitem__(self, name: str) -> Dataset:
        if name not in self._loaders:
            raise KeyError(f"no outcome {name!r}{nearest(name, self._loaders)}")
        if name not in self._open:
            self._open[name] = self._loaders[name]()
        return self._open[name]

    def attributes(self, name: str, *, check: bool = False) -> Mapping[str, object]:
        """Return the attributes of an outcome, without loading xarray.

        Parameters
        ----------
        name : str
            Name of the outcome.
        check : bool, optional
            Check its values first, as they are where an outcome is opened.

        Returns
        -------
        mapping
            The attributes.

        Raises
        ------
        KeyError
            If there is no outcome of this name.
        DamagedError
            S502, if the file is damaged.
        """
        if name in self._attributes and name not in self._open:
            return self._attributes[name](check)
        return dict(self[name].attrs)

    # ---------------------------------------------------------------- out

    def to_nwb(self, path: str | Path, **options: Any) -> Path:
        """Write these outcomes as an NWB file (extra `nwb`).

        Parameters
        ----------
        path : str or Path
            The file.
        **options : Any
            Fields of `mystax.io.nwb.options.NwbOptions`: `start` (datetime), `subject`, `append`,
            `overwrite`, `verify`, `check`.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ExtraMissing
            X001, if pynwb is not installed.
        MystaxError
            As `mystax.io.nwb.writer.write_nwb`.
        """
        from mystax.io.nwb.options import NwbOptions

        return self._write("nwb", path, nwb=NwbOptions(**options))[0]

    def to_alf(self, folder: str | Path, **options: Any) -> list[Path]:
        """Write these outcomes as files of the International Brain Laboratory, into ``<folder>/alf``.

        Parameters
        ----------
        folder : str or Path
            The session.
        **options : Any
            Fields of `mystax.io.alf.AlfOptions`: `revision`, `pose`, `overwrite`.

        Returns
        -------
        list of Path
            The files.

        Raises
        ------
        MystaxError
            As `mystax.io.alf.write_alf`.
        """
        from mystax.io.alf import AlfOptions

        return self._write("alf", folder, alf=AlfOptions(**options))

    def to_csv(self, folder: str | Path, *, overwrite: bool = False) -> list[Path]:
        """Write these outcomes as CSV tables.

        Parameters
        ----------
        folder : str or Path
            Where they go.
        overwrite : bool, optional
            Replace tables of the same names.

        Returns
        -------
        list of Path
            The files.

        Raises
        ------
        MystaxError
            As `mystax.io.tables.write_tables`.
        """
        return self._write("csv", folder, overwrite=overwrite)

    def to_parquet(self, folder: str | Path, *, overwrite: bool = False) -> list[Path]:
        """Write these outcomes as Parquet tables (extra `interop`); arguments are those of `to_csv`.

        Returns
        -------
        list of Path
            The files.

        Raises
        ------
        ExtraMissing
            X001, if pyarrow is not installed.
        MystaxError
            As `mystax.io.tables.write_tables`.
        """
        return self._write("parquet", folder, overwrite=overwrite)

    def _write(self, form: str, place: str | Path, **how: Any) -> list[Path]:
        """Write these outcomes in a format, once it is known that this can be done."""
        from mystax.io.exports import check_writer, write_recorded

        check_writer(form)
        return write_recorded(form, Path(place), [recorded_of(self)], **how)

    def __contains__(self, name: object) -> bool:
        return name in self._loaders

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaders)

    def __len__(self) -> int:
        return len(self._loaders)

    def __repr__(self) -> str:
        place = f" in {self.folder}" if self.folder is not None else ""
        return f"<Outcomes{place}: {', '.join(self)}>"


def recorded_of(outcomes: Outcomes) -> Any:
    """Return outcomes as what goes into another format, from their files or from memory."""
    from mystax.io.outcome_parts import parts_of_datasets
    from mystax.io.recorded import Recorded, find_recorded

    if outcomes.folder is not None:
        wanted = {name.partition("/")[0] for name in outcomes}
        return find_recorded([outcomes.folder / f"{analysis}.nc" for analysis in sorted(wanted)])[0]
    groups: dict[str, dict[str, Dataset]] = {}
    for name, dataset in outcomes.items():
        analysis, _, camera = name.partition("/")
        groups.setdefault(analysis, {})["" if camera == "all_cameras" else camera] = dataset
    parts = {analysis: parts_of_datasets(analysis, datasets) for analysis, datasets in groups.items()}
    return Recorded("recording", Path.cwd(), parts)


def _loaders(path: Path, head: OutcomeHead) -> dict[str, Callable[[], Dataset]]:
    """Name the datasets of a file."""
    name = head.analysis or path.stem
    if not head.groups:
        return {name: lambda: load_camera(path, head, None)}

    def giver(camera: str | None) -> Callable[[], Dataset]:
        return lambda: load_camera(path, head, camera)

    found = {f"{name}/{camera}": giver(camera) for camera in head.groups}
    if any("/" not in variable for variable in head.digests):
        found[f"{name}/all_cameras"] = giver(None)
    return found


def _attribute_reader(path: Path, head: OutcomeHead, name: str) -> Callable[[bool], Mapping[str, object]]:
    """Return a function that reads the attributes of the dataset of a name."""
    camera = name.partition("/")[2]

    def read(check: bool) -> Mapping[str, object]:
        if check:
            return check_camera(path, head, camera if camera in head.groups else None)
        if camera not in head.groups:
            return dict(head.attributes)
        with open_outcome(path) as outcome:
            return {**head.attributes, **read_attributes(outcome[f"{head.groups[camera]}/"])}

    return read
