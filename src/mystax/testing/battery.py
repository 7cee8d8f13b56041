"""The battery of common checks: what any analysis of frames must hold, on synthetic frames."""

import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.analysis import Analysis, get_analysis
from mystax.core.dataset import check_outcome
from mystax.core.params import Parameter, check_params, parameters_of
from mystax.errors import DeviceError, MystaxError, ParameterError
from mystax.testing.bench import make_frames, measure, measure_in_two, rois_for_test

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["CHECKS", "check_analysis"]

Check = Callable[[str, dict[str, object]], None]


def _need(holds: bool, text: str) -> None:
    if not holds:
        raise AssertionError(text)


def _differences(a: Dataset, b: Dataset) -> list[str]:
    """Name the variables that differ in a single bit; NaN equals NaN."""
    names = sorted(set(map(str, a.variables)) | set(map(str, b.variables)))
    found = []
    for name in names:
        if name not in a.variables or name not in b.variables:
            found.append(name)
            continue
        x, y = np.asarray(a[name].values), np.asarray(b[name].values)
        numeric = x.dtype.kind == "f" and y.dtype.kind == "f"
        if x.shape != y.shape or x.dtype.kind != y.dtype.kind or not np.array_equal(x, y, equal_nan=numeric):
            found.append(name)
    return found


def _of_roi(dataset: Dataset, roi: str) -> Dataset:
    """Take one region out of an outcome, without the padding that other regions need."""
    k = [str(name) for name in dataset["roi"].values].index(roi)
    if "event_roi" in dataset:
        dataset = dataset.isel(event=np.flatnonzero(dataset["event_roi"].values == roi))
    # pictures of the camera show the union of the boxes of all regions
    shared = [key for key, item in dataset.data_vars.items() if not {"roi", "time", "event"} & set(item.dims)]
    dataset = dataset.isel(roi=[k]).drop_vars(shared)
    for name in ("component", "y", "x"):
        if name in dataset.dims:
            keep = np.ones(dataset.sizes[name], bool)
            for variable in dataset.variables.values():
                if name in variable.dims and "roi" in variable.dims and variable.dtype.kind == "f":
                    axes = tuple(axis for axis, dim in enumerate(variable.dims) if dim != name)
                    keep &= ~np.isnan(variable.values).all(axis=axes)
            dataset = dataset.isel({name: np.flatnonzero(keep)})
    return dataset


def _equal(a: Dataset, b: Dataset, text: str) -> None:
    wrong = _differences(a, b)
    _need(not wrong, f"{text}: {', '.join(wrong)} differ")


# the checks ----------------------------------------------------------------------------------------


def same_input_gives_equal_bits(name: str, parameters: dict[str, object]) -> None:
    """Run twice: no bit differs."""
    rois = rois_for_test(name)
    a, b = (measure(name, make_frames(), rois, parameters) for _ in range(2))
    _equal(a, b, "two runs")


def chunk_size_changes_nothing(name: str, parameters: dict[str, object]) -> None:
    """Chunks of 1, 7 and 64 frames give equal bits."""
    rois = rois_for_test(name)
    a = measure(name, make_frames(), rois, parameters)
    for size in (1, 7, 64):
        _equal(a, measure(name, make_frames(), rois, parameters, size=size), f"chunks of {size}")


def threads_change_nothing(name: str, parameters: dict[str, object]) -> None:
    """One, two and three threads give equal bits."""
    from mystax.compute.tiles import TilePool

    rois = rois_for_test(name)
    a = measure(name, make_frames(), rois, parameters)
    for cores in (2, 3):
        pool = TilePool(cores)
        try:
            _equal(a, measure(name, make_frames(), rois, parameters, tiles=pool), f"{cores} threads")
        finally:
            pool.close()


def batch_size_changes_nothing(name: str, parameters: dict[str, object]) -> None:
    """Parameters that may change time and memory only change no bit."""
    free = [item for item in parameters_of(get_analysis(name).params).values() if not item.affects_result]
    rois = rois_for_test(name)
    a = measure(name, make_frames(), rois, parameters, size=16)
    for item in free:
        for value in _values_inside(item):
            try:
                b = measure(name, make_frames(), rois, {**parameters, item.name: value}, size=16)
            except DeviceError:
                continue  # this machine has no such device
            _equal(a, b, f"{item.name} = {value}")
    _equal(a, measure(name, make_frames(), rois, parameters, size=5), "chunks of 5")


def other_rois_change_nothing(name: str, parameters: dict[str, object]) -> None:
    """Compare a region with and without another one."""
    rois = rois_for_test(name)
    if len(rois) == 2 and get_analysis(name).outputs.per_roi:
        both = measure(name, make_frames(), rois, parameters)
        for roi in rois:
            alone = measure(name, make_frames(), (roi,), parameters)
            _equal(_of_roi(both, roi.name), _of_roi(alone, roi.name), f"region {roi.name} with another one")


def order_of_rois_changes_nothing(name: str, parameters: dict[str, object]) -> None:
    """Regions in another order give the same numbers."""
    rois = rois_for_test(name)
    if len(rois) == 2 and get_analysis(name).outputs.per_roi:
        a = measure(name, make_frames(), rois, parameters)
        b = measure(name, make_frames(), rois[::-1], parameters)
        for roi in rois:
            _equal(_of_roi(a, roi.name), _of_roi(b, roi.name), f"order, region {roi.name}")


def missing_frames_stay_missing(name: str, parameters: dict[str, object]) -> None:
    """Look for numbers on missing frames; fill these frames with another byte."""
    reason = np.zeros(40, np.uint8)
    reason[[7, 8, 20]] = [1, 2, 3]
    rois = rois_for_test(name)
    a, b = (measure(name, make_frames(reason=reason, poison=byte), rois, parameters) for byte in (0, 255))
    _equal(a, b, "content of missing frames")
    for key, variable in a.data_vars.items():
        if variable.dims[:1] == ("time",) and variable.dtype.kind == "f" and not str(key).endswith("_smooth"):
            _need(bool(np.isnan(variable.values[[7, 8, 20]]).all()), f"{key} has numbers on missing frames")


def gap_breaks_pairs(name: str, parameters: dict[str, object]) -> None:
    """Put a gap into the times: the rows stay, and no pair reaches over it."""
    times = np.arange(40) / 30
    times[20:] += 1.0
    rois = rois_for_test(name)
    a = measure(name, make_frames(), rois, parameters)
    b = measure(name, make_frames(times=times), rois, parameters)
    for key, variable in a.data_vars.items():
        if variable.dims[:1] == ("time",) and variable.dtype.kind == "f":
            before, after = np.isfinite(variable.values), np.isfinite(b[key].values)
            is_pair = not before[0].any() and before[1:].any()
            _need(not (is_pair and after[20].any()), f"{key} reaches over a gap")


def times_only_change_what_depends_on_time(name: str, parameters: dict[str, object]) -> None:
    """Equal frames at another start of the clock give equal bits but for the times."""
    rois = rois_for_test(name)
    a = measure(name, make_frames(times=np.arange(40) * 0.03125), rois, parameters)
    b = measure(name, make_frames(times=np.arange(40) * 0.03125 + 8.0), rois, parameters)
    shifted = {"time", *(str(key) for key, item in b.variables.items() if item.attrs.get("units") == "s")}
    wrong = [key for key in _differences(a, b) if key not in shifted]
    _need(not wrong, f"the start of the clock changes {', '.join(wrong)}")


def no_valid_frame_is_an_outcome_without_numbers(name: str, parameters: dict[str, object]) -> None:
    """All frames missing: an outcome of the right form, nothing finite over time."""
    source = make_frames(6, reason=np.ones(6, np.uint8))
    outcome = measure(name, source, rois_for_test(name), parameters)
    check_outcome(outcome, get_analysis(name).outputs)
    for key, variable in outcome.data_vars.items():
        if variable.dims[:1] == ("time",) and variable.dtype.kind == "f":
            _need(not np.isfinite(variable.values).any(), f"{key} has numbers without a frame")


def one_frame_is_enough(name: str, parameters: dict[str, object]) -> None:
    """Measure a single frame."""
    outcome = measure(name, make_frames(1), rois_for_test(name), parameters)
    check_outcome(outcome, get_analysis(name).outputs)


def constant_input_gives_no_nonsense(name: str, parameters: dict[str, object]) -> None:
    """Constant frames: right form, nothing infinite, no warning."""
    _flat(name, parameters, 100)


def saturated_input_gives_no_nonsense(name: str, parameters: dict[str, object]) -> None:
    """Black and white frames: right form, nothing infinite, no warning."""
    _flat(name, parameters, 0)
    _flat(name, parameters, 255)


def _flat(name: str, parameters: dict[str, object], level: int) -> None:
    with np.errstate(all="raise", under="ignore"):
        outcome = measure(name, make_frames(12, level=level), rois_for_test(name), parameters)
    check_outcome(outcome, get_analysis(name).outputs)
    for key, variable in outcome.data_vars.items():
        if variable.dtype.kind == "f":
            _need(not np.isinf(variable.values).any(), f"{key} is infinite on constant input")


def state_and_restore_change_nothing(name: str, parameters: dict[str, object]) -> None:
    """Stop anywhere and go on with another reducer: equal bits."""
    rois = rois_for_test(name)
    whole = measure(name, make_frames(), rois, parameters)
    for cut in (1, 3, 5, 6):
        _equal(whole, measure_in_two(name, make_frames(), rois, parameters, cut=cut), f"stopped after {cut}")


def foreign_state_is_refused(name: str, parameters: dict[str, object]) -> None:
    """Offer a state of another analysis."""
    from mystax.engine.passes import CameraPass

    analysis = get_analysis(name)
    reducer = analysis.make(check_params(analysis.params, parameters, name))
    reducer.start(CameraPass(make_frames(8), "face", rois_for_test(name)))
    if not reducer.state():
        return
    try:
        reducer.restore({"of_another_analysis": np.zeros(3)})
    except (MystaxError, KeyError, ValueError):
        return
    raise AssertionError("a foreign state was taken")


def unknown_parameter_is_refused(name: str, parameters: dict[str, object]) -> None:
    """Offer a wrong name: P401 with the nearest name."""
    analysis = get_analysis(name)
    known = next(iter(parameters_of(analysis.params)), "")
    wrong = f"{known}x" if known else "anything"
    try:
        check_params(analysis.params, {**parameters, wrong: 1}, name)
    except ParameterError as error:
        _need(error.code == "P401", f"refused with {error.code}")
        _need(not known or repr(known) in str(error), "the nearest name is not offered")
        return
    raise AssertionError(f"parameter {wrong!r} was taken")


def every_range_is_kept(name: str, parameters: dict[str, object]) -> None:  # noqa: ARG001 - one form for all checks
    """Values at the ends of each range are taken, values beyond them are P401."""
    analysis = get_analysis(name)
    for item in parameters_of(analysis.params).values():
        for value in _values_inside(item):
            item.check(value, name)
        for value in _values_outside(item):
            try:
                item.check(value, name)
            except ParameterError as error:
                _need(item.range_text in str(error), f"the range of {item.name} is not told")
                continue
            raise AssertionError(f"{item.name} = {value!r} was taken")


def _values_inside(item: Parameter) -> list[object]:
    found: list[object] = [item.default, *item.choices]
    found += [item.ge] if item.ge is not None else []
    found += [item.le] if item.le is not None else []
    if item.kind is bool:
        found = [True, False]
    return [value for value in found if value is not None]


def _values_outside(item: Parameter) -> list[object]:
    found: list[object] = [item.gt] if item.gt is not None else []
    found += [item.lt] if item.lt is not None else []
    found += [item.ge - 1] if item.ge is not None else []
    found += [item.le + 1] if item.le is not None else []
    return [*found, "no such value"] if item.kind is not str or item.choices else [3]


def outcome_keeps_its_schema(name: str, parameters: dict[str, object]) -> None:
    """Dimensions, types and units are as declared, and every numeric variable has a unit."""
    outcome = measure(name, make_frames(), rois_for_test(name), parameters)
    check_outcome(outcome, get_analysis(name).outputs)
    for key, variable in outcome.variables.items():
        if variable.dtype.kind in "iuf":
            _need(bool(variable.attrs.get("units")), f"{key} has no unit")


def written_outcome_is_read_equal(name: str, parameters: dict[str, object]) -> None:
    """Publish, load, compare."""
    from mystax.io.outcomes import Outcomes, load
    from mystax.io.provenance import Provenance
    from mystax.io.store import Store

    analysis: Analysis = get_analysis(name)
    outcome = measure(name, make_frames(), rois_for_test(name), parameters)
    with tempfile.TemporaryDirectory(prefix="mystax-") as folder:
        path = Store(folder).publish(
            outcome, Provenance(name, analysis.version, "0" * 64), schema=analysis.outputs
        )
        loaded = load(path)
        _need(not isinstance(loaded, Outcomes), "one camera became several")
        _equal(outcome, loaded.load(), "written and read")  # type: ignore[union-attr] # a Dataset, see above


def nwb_round_trip_is_equal(name: str, parameters: dict[str, object]) -> None:
    """Publish, write as NWB, read back: not a bit differs (done where the extra `nwb` is installed)."""
    from mystax.errors import ExtraMissing
    from mystax.io.nwb import library

    try:
        library.pynwb()
        library.ndx_pose()
    except ExtraMissing:
        return
    from mystax.io.nwb.options import NwbOptions
    from mystax.io.nwb.reader import found_outcomes, plain_outcomes
    from mystax.io.nwb.writer import write_nwb
    from mystax.io.provenance import Provenance
    from mystax.io.recorded import find_recorded
    from mystax.io.store import Store

    analysis: Analysis = get_analysis(name)
    outcome = measure(name, make_frames(), rois_for_test(name), parameters)
    with tempfile.TemporaryDirectory(prefix="mystax-") as folder:
        about = Provenance(name, analysis.version, "0" * 64)
        path = Store(folder).publish(outcome, about, schema=analysis.outputs)
        file = write_nwb(
            path.with_name("a.nwb"), find_recorded([path]), NwbOptions(start=datetime(2024, 1, 1, tzinfo=UTC))
        )
        content = plain_outcomes(str(file))
        (found,) = found_outcomes(content["manifest"], content["arrays"].__getitem__, name)
        _equal(outcome, found.parts.cameras[""], "through NWB")


CHECKS: Mapping[str, Check] = {
    check.__name__: check
    for check in (
        same_input_gives_equal_bits,
        chunk_size_changes_nothing,
        batch_size_changes_nothing,
        threads_change_nothing,
        other_rois_change_nothing,
        order_of_rois_changes_nothing,
        missing_frames_stay_missing,
        gap_breaks_pairs,
        times_only_change_what_depends_on_time,
        no_valid_frame_is_an_outcome_without_numbers,
        one_frame_is_enough,
        constant_input_gives_no_nonsense,
        saturated_input_gives_no_nonsense,
        state_and_restore_change_nothing,
        foreign_state_is_refused,
        unknown_parameter_is_refused,
        every_range_is_kept,
        outcome_keeps_its_schema,
        written_outcome_is_read_equal,
        nwb_round_trip_is_equal,
    )
}
"""Name of a check to the function ``(analysis, parameters)`` that raises AssertionError if it fails."""


def check_analysis(name: str, parameters: dict[str, object] | None = None) -> None:
    """Run the whole battery on one analysis.

    Parameters
    ----------
    name : str
        Name of the analysis, built in or of a plug-in.
    parameters : dict, optional
        Parameters that make it fit the small synthetic frames.

    Raises
    ------
    AssertionError
        With the names of the checks that failed, and why.
    """
    failed = []
    for check, run in CHECKS.items():
        try:
            run(name, dict(parameters or {}))
        except (AssertionError, MystaxError) as error:
            failed.append(f"{check}: {error}")
    if failed:
        raise AssertionError(f"analysis {name!r} fails {len(failed)} checks:\n" + "\n".join(failed))
