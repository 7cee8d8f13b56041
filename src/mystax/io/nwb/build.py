"""NWB objects made of their descriptions, in a file in memory; values are read when they are written."""

import json
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mystax.core.rig_model import CameraModel
from mystax.errors import RecipeError
from mystax.io.nwb import library
from mystax.io.nwb.mapping import Object
from mystax.io.nwb.naming import clean
from mystax.io.nwb.objects import HELD_BYTES, Column, Picture, Points, Pose, Series, Slab, Table, Timeline
from mystax.io.nwb.videos import CameraVideo
from mystax.io.outcome_files import CHUNK_BYTES

__all__ = ["Builder"]

SMALL = 64 << 10
"""Arrays up to this size are neither packed nor cut into pieces [byte]."""
MODULE_TEXT = "Behaviour measured in videos of the face."


class Builder:
    """Fills an `NWBFile`.

    Parameters
    ----------
    nwbfile : NWBFile
        New, or opened to be appended to.
    target : Path
        Where the file will lie: videos are named relative to it.
    own : collection of str, optional
        Paths of objects that an older export left, which may be added to.
    """

    def __init__(self, nwbfile: Any, target: Path, own: Collection[str] = ()) -> None:
        self.nwb = library.pynwb()
        self.file, self.target, self._own = nwbfile, target, own
        if "behavior" in nwbfile.processing:
            self.module = nwbfile.processing["behavior"]
        else:
            self.module = nwbfile.create_processing_module("behavior", MODULE_TEXT)
        self.made: list[str] = []
        self._first: dict[int, Any] = {}
        self._containers: dict[str, Any] = {}
        self._devices: dict[str, Any] = {}
        self._videos: dict[str, Any] = {}
        self._skeletons: dict[tuple[str, tuple[str, ...]], Any] = {}
        self._poses: dict[str, Any] = {}

    # ---- arrays

    def data(self, slab: Slab) -> Any:
        """Return an array for the library: held where it is small, else read block by block."""
        if slab.n_bytes <= SMALL:
            return slab.whole()
        from hdmf.backends.hdf5.h5_utils import H5DataIO

        values = slab.whole() if slab.n_bytes <= HELD_BYTES else _blocks_of(slab)
        return H5DataIO(
            values,
            chunks=_chunks(slab.shape, slab.dtype.itemsize),
            compression="gzip",
            compression_opts=1,
            shuffle=True,
            fletcher32=True,
        )

    def _packed(self, values: np.ndarray) -> Any:
        if values.nbytes <= SMALL:
            return values
        from hdmf.backends.hdf5.h5_utils import H5DataIO

        return H5DataIO(
            values,
            chunks=_chunks(values.shape, values.dtype.itemsize),
            compression="gzip",
            compression_opts=1,
            shuffle=True,
            fletcher32=True,
        )

    # ---- places

    def _add(self, item: Any, where: str = "processing/behavior") -> Any:
        """Add an object to the module, unless its name is taken."""
        if item.name in self.module.data_interfaces:
            self.refuse(f"{where}/{item.name}")
        self.module.add(item)
        self.made.append(f"{where}/{item.name}")
        return item

    def _known(self, name: str) -> Any:
        """Return a container of the module that an older export left; None if there is none."""
        if f"processing/behavior/{name}" in self._own:
            return self.module.data_interfaces.get(name)
        return None

    def refuse(self, path: str) -> None:
        """Refuse a name that is taken.

        Raises
        ------
        RecipeError
            P403.
        """
        raise RecipeError(
            "P403",
            f"{self.target.name}:{path}",
            "the file has an object of this name already",
            hint="it is not of an older export by mystax: rename it, or export into a new file",
        )

    def container(self, holder: tuple[str, str]) -> Any:
        """Return a container of series, made when it is first needed."""
        kind, name = holder
        if not name:
            return self.module
        if name not in self._containers:
            known = self._known(name)
            made = known if known is not None else self._add(getattr(self.nwb.behavior, kind)(name=name))
            self._containers[name] = made
        return self._containers[name]

    def times(self, timeline: Timeline) -> dict[str, Any]:
        """Return the arguments that give a series its times; equal times are stored once and linked."""
        if timeline.rate is not None:
            return {"starting_time": timeline.start, "rate": timeline.rate}
        first = self._first.get(id(timeline))
        return {"timestamps": first if first is not None else self._packed(timeline.times)}

    def _note_times(self, timeline: Timeline, series: Any) -> None:
        if timeline.rate is None:
            self._first.setdefault(id(timeline), series)

    # ---- objects

    def add(self, item: Object) -> None:
        """Add one object of an outcome."""
        if isinstance(item, Series):
            self._series(item)
        elif isinstance(item, Table):
            self._table(item)
        elif isinstance(item, Picture):
            self._picture(item)
        else:
            self._pose(item)

    def _series(self, item: Series) -> None:
        more: dict[str, Any] = {"reference_frame": item.frame} if item.frame else {}
        kind = self.nwb.behavior.SpatialSeries if item.frame else self.nwb.TimeSeries
        made = kind(
            name=item.name,
            data=self.data(item.slab),
            unit=item.unit,
            description=item.description,
            **more,
            **self.times(item.timeline),
        )
        self._note_times(item.timeline, made)
        holder = self.container(item.holder)
        if holder is self.module:
            self._add(made)
        elif item.frame:
            holder.add_spatial_series(made)
        else:
            holder.add_timeseries(made)

    def _table(self, item: Table) -> None:
        kind = self.nwb.epoch.TimeIntervals if item.is_intervals else self.nwb.core.DynamicTable
        columns = [self._column(column) for column in item.columns]
        if item.source:
            columns += self._origin(item)
        made = kind(
            name=item.name,
            description=item.description,
            columns=columns,
            colnames=[column.name for column in columns],
            id=np.arange(item.n_rows),
        )
        self._add(made)

    def _origin(self, item: Table) -> list[Any]:
        """Point from neurons to the rows that they were read from, where this file has all of these."""
        name, table = self._table_of(item.source)
        known = next((column for column in item.columns if column.name == "neuron"), None)
        if table is None or known is None:
            return []
        wanted = known.slab.whole() if known.slab is not None else np.asarray(known.values)
        rows = {int(number): row for row, number in enumerate(table.id[:])}
        if not all(int(number) in rows for number in wanted):
            return []
        return [
            self.nwb.core.DynamicTableRegion(
                name=name,
                description=f"Row of the neuron in the table {table.name}.",
                data=[rows[int(number)] for number in wanted],
                table=table,
            )
        ]

    def _table_of(self, source: str) -> tuple[str, Any]:
        """Return what the rows of a table of this file are called, and that table: units, or regions.

        Numbers of neurons that were read from another format count something else, and point nowhere.
        """
        try:
            about = json.loads(source)
        except ValueError:
            return "", None
        if not isinstance(about, dict) or about.get("format") != "nwb":
            return "", None
        if "n_units" in about:
            return "unit", self.file.units
        name = str(about.get("series", "")).rpartition("/")[2]
        series = [
            one
            for one in self.file.objects.values()
            if one.name == name and getattr(one, "neurodata_type", "") == "RoiResponseSeries"
        ]
        tables = {id(one.rois.table): one.rois.table for one in series}
        return "region", next(iter(tables.values())) if len(tables) == 1 else None

    def _column(self, column: Column) -> Any:
        if column.slab is not None:
            data = self.data(column.slab)
        elif column.values is not None:
            data = np.asarray(column.values)
        else:
            data = list(column.texts)
        return self.nwb.core.VectorData(name=column.name, description=column.description, data=data)

    def _picture(self, item: Picture) -> None:
        if item.holder not in self._containers:
            images = self._known(item.holder)
            if images is None:
                text = "Mean pictures that measurements rest on."
                images = self._add(self.nwb.base.Images(name=item.holder, description=text))
            self._containers[item.holder] = images
        made = self.nwb.image.GrayscaleImage(
            name=item.name, data=item.slab.whole(), description=item.description
        )
        self._containers[item.holder].add_image(made)

    # ---- cameras, videos and poses

    def camera(self, name: str, model: CameraModel | None = None) -> Any:
        """Return the device of a camera, with its calibration where that is known."""
        key = clean(name) if name else "camera"
        if key not in self._devices:
            if key in self.file.devices:
                self._devices[key] = self.file.devices[key]  # the lab's own
                return self._devices[key]
            text = f"Camera {name!r}" if name else "The camera"
            if model is None:
                made = self.nwb.device.Device(name=key, description=f"{text}, as named in mystax.")
            else:
                made = library.ndx_pose().CalibratedCamera(
                    name=key,
                    description=f"{text}, calibrated; lengths in millimetres, x_camera = R x + t.",
                    intrinsic_matrix=np.asarray(model.matrix, np.float64),
                    rotation_matrix=np.asarray(model.rotation, np.float64),
                    translation_vector=np.asarray(model.translation, np.float64),
                    distortion_coefficients=np.asarray(model.distortion, np.float64),
                )
            self.file.add_device(made)
            self.made.append(f"general/devices/{key}")
            self._devices[key] = made
        return self._devices[key]

    def video(self, key: str, found: CameraVideo, timeline: Timeline, device: Any) -> None:
        """Add the external video of a camera."""
        name = f"video_{clean(key) if key else 'camera'}"
        if f"acquisition/{name}" in self._own and name in self.file.acquisition:
            self._videos[key] = self.file.acquisition[name]
            return
        if name in self.file.acquisition:
            self.refuse(f"acquisition/{name}")
        more: dict[str, Any] = {}
        if timeline.rate is not None:
            more["num_samples"] = found.n_frames
        made = self.nwb.image.ImageSeries(
            name=name,
            description=f"Video of camera {found.camera!r}; the files lie beside this one.",
            format="external",
            external_file=[_relative(file, self.target.parent) for file in found.files],
            starting_frame=list(found.starting_frames),
            dimension=[found.width, found.height],
            unit="n.a.",
            device=device,
            **more,
            **self.times(timeline),
        )
        self._note_times(timeline, made)
        self.file.add_acquisition(made)
        self.made.append(f"acquisition/{name}")
        self._videos[key] = made

    def _skeleton(self, name: str, nodes: tuple[str, ...], edges: Sequence[tuple[int, int]]) -> Any:
        pose = library.ndx_pose()
        if "Skeletons" not in self._containers:
            present = self.module.data_interfaces.get("Skeletons")
            self._containers["Skeletons"] = present if present is not None else self._add(pose.Skeletons())
        key = (name, nodes)
        if key not in self._skeletons:
            holder = self._containers["Skeletons"]
            label, number = clean(name), 2
            while label in holder.skeletons:
                label, number = f"{clean(name)}-{number}", number + 1
            more = {"edges": np.asarray(edges, np.uint8)} if edges else {}
            made = pose.Skeleton(name=label, nodes=list(nodes), **more)
            holder.add_skeletons(made)
            self._skeletons[key] = made
        return self._skeletons[key]

    def _pose(self, item: Pose) -> None:
        from importlib.metadata import version

        pose = library.ndx_pose()
        series = [self._points(item, points) for points in item.points]
        common = {
            "name": item.name,
            "pose_estimation_series": series,
            "description": item.description,
            "scorer": item.scorer,
            "source_software": "mystax",
            "source_software_version": version("mystax"),
            "skeleton": self._skeleton(item.skeleton, item.nodes, item.edges),
        }
        if item.cameras:
            keys = ["_".join(word for word in (camera, item.recording) if word) for camera in item.cameras]
            views = [self._poses[key] for key in keys if key in self._poses]  # linked: they lie in the module
            made = pose.MultiCameraPoseEstimation(pose_estimations=views, **common)
        else:
            key = "_".join(word for word in (item.camera, item.recording) if word)
            more = {"source_video": self._videos[key]} if key in self._videos else {}
            made = pose.PoseEstimation(device=self.camera(key), **more, **common)
            self._poses.setdefault(key, made)
        self._add(made)

    def _points(self, item: Pose, points: Points) -> Any:
        more: dict[str, Any] = {}
        if points.confidence is not None:
            more["confidence"] = self.data(points.confidence)
            more["confidence_definition"] = "Probability that the point is in view and placed well."
        made = library.ndx_pose().PoseEstimationSeries(
            name=points.name,
            description=f"Place of {points.keypoint}.",
            data=self.data(points.position),
            unit=item.unit,
            reference_frame=item.frame,
            **more,
            **self.times(item.timeline),
        )
        self._note_times(item.timeline, made)
        return made


def _relative(file: Path, folder: Path) -> str:
    """Return the path of a video as seen from the folder of the NWB file, with forward slashes."""
    try:
        return Path(os.path.relpath(file.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive of Windows
        return file.as_posix()


def _chunks(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return pieces of about 1 MiB, long in time."""
    left = max(1, CHUNK_BYTES // itemsize)
    chunk = [1] * len(shape)
    for axis in range(len(shape) - 1, -1, -1):
        chunk[axis] = max(1, min(shape[axis], left))
        left = max(1, left // chunk[axis])
    return tuple(chunk)


def _blocks_of(slab: Slab) -> Any:
    """Return the blocks of a large part as the library wants them."""
    from hdmf.data_utils import AbstractDataChunkIterator, DataChunk

    class Blocks(AbstractDataChunkIterator):  # type: ignore[misc] # the library has no types
        """Rows of a variable, a few MiB at a time."""

        def __init__(self) -> None:
            self._starts: Iterator[tuple[int, int]] = slab.starts()

        def __iter__(self) -> "Blocks":
            return self

        def __next__(self) -> Any:
            start, stop = next(self._starts)
            whole = tuple(slice(0, n) for n in slab.shape[1:])
            return DataChunk(data=slab.read(start, stop), selection=(slice(start, stop), *whole))

        def recommended_chunk_shape(self) -> None:
            return None

        def recommended_data_shape(self) -> tuple[int, ...]:
            return slab.shape

        @property
        def dtype(self) -> np.dtype[Any]:
            return slab.dtype

        @property
        def maxshape(self) -> tuple[int, ...]:
            return slab.shape

    return Blocks()
