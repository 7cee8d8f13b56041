"""What `mystax doctor` looks at: this machine, a place on its disks, the outcomes in a folder."""

import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from mystax.engine.doctor_outcomes import Check, check_outcomes, check_strays, outcome_folders
from mystax.errors import MystaxError

__all__ = ["examine"]

CORE = ("numpy", "scipy", "numba", "av", "xarray", "h5netcdf", "h5py", "pydantic", "matplotlib")
EXTRAS = {"dev": "pytest", "postgres": "psycopg"}
CODECS = (("mp4", "h264"), ("avi", "mpeg4"), ("avi", "mjpeg"), ("mkv", "ffv1"))
CLIP_FRAMES = 30
LITTLE_SPACE = 2 << 30
CATALOG = "mystax-catalog.toml"


def examine(path: Path | None = None, *, verify: bool = False, fix: bool = False) -> Iterator[Check]:
    """Check this machine, and a folder if one is given.

    Parameters
    ----------
    path : Path, optional
        A folder of outcomes, one above them, or a catalogue (`mystax-catalog.toml` or its folder).
    verify : bool, optional
        Read every byte of every outcome.
    fix : bool, optional
        Remove what dead executions left behind, and write missing sums; an outcome is never removed.

    Yields
    ------
    Check
        One line after the other.
    """
    if path is None or path.is_dir():
        yield from check_environment()
    if path is None:
        yield from check_place(Path.cwd())
        return
    yield from check_place(path if path.is_dir() else path.parent)
    catalog = path / CATALOG if path.is_dir() else path
    if catalog.name == CATALOG and catalog.is_file():
        from mystax.engine.catalog.health import check_catalog

        yield from check_catalog(catalog, fix=fix)
    for folder in outcome_folders(path):
        yield from check_strays(folder, fix=fix)
        yield from check_outcomes(folder, verify=verify, fix=fix)
        yield from check_inputs(folder)


def check_environment() -> Iterator[Check]:
    """Check Python, libraries, extras, compiled code and the decoders."""
    yield Check(
        "python", "ok", where=sys.executable, got=f"{platform.python_version()} on {platform.system()}"
    )
    missing = []
    found = []
    for name in CORE:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    yield Check(
        "libraries",
        "fail" if missing else "ok",
        "X001" if missing else "",
        got=f"missing: {', '.join(missing)}" if missing else ", ".join(found),
        hint="pip install --force-reinstall mystax" if missing else "",
    )
    for extra, module in EXTRAS.items():
        there = find_spec(module) is not None
        hint = "" if there else f'pip install "mystax[{extra}]"'
        yield Check("extra", "ok", where=extra, got="installed" if there else "not installed", hint=hint)
    yield _check_plugins()
    yield _check_machine()
    yield _check_compiled_code()
    yield check_pages(Path(str(files("mystax"))) / "app" / "_web")
    yield _check_browser()
    for container, codec in CODECS:
        yield _guarded("decoder", f"{codec} in {container}", partial(_decode_clip, container, codec))


def _guarded(name: str, where: str, look: Callable[[], str]) -> Check:
    """Turn what a check raises into a failed line."""
    try:
        return Check(name, "ok", where=where, got=look())
    except MystaxError as error:
        return Check(name, "fail", error.code, where, error.what or error.got, error.hint)
    except OSError as error:
        return Check(name, "fail", "S503", where, str(error), "choose another folder")


def _check_plugins() -> Check:
    from mystax.core.analysis import broken_plugins, get_analysis, names_of_analyses
    from mystax.errors import RecipeError

    for name in names_of_analyses():
        try:
            get_analysis(name)
        except RecipeError:
            continue  # told below
    broken = broken_plugins()
    text = "; ".join(f"{name}: {reason}" for name, reason in broken.items())
    if broken:
        return Check("plug-ins", "warn", "X002", got=text, hint="update or remove the package of the plug-in")
    return Check("plug-ins", "ok", got=f"{len(names_of_analyses())} analyses")


def _check_machine() -> Check:
    import psutil

    from mystax.engine.machine import available_cores

    memory = psutil.virtual_memory()
    free, total = memory.available / 2**30, memory.total / 2**30
    text = f"{available_cores()} cores, {free:.1f} of {total:.1f} GiB memory free"
    if memory.available < 1 << 30:
        return Check("machine", "warn", got=text, hint="a run needs about 0.7 GiB; close other programs")
    return Check("machine", "ok", got=text)


def check_pages(folder: Path) -> Check:
    """Tell whether the web pages of `mystax app` are built, and from what.

    Parameters
    ----------
    folder : Path
        Where they are built to.

    Returns
    -------
    Check
        The digest of their sources; a warning W905 where they are not there.
    """
    hint = "run `python tools/web.py build` in the source folder, or install mystax from a wheel"
    try:
        digest = str(json.loads((folder / "stamp.json").read_text("utf-8"))["digest"])
        (folder / "index.html").stat()
    except (OSError, ValueError, KeyError, TypeError):
        return Check("web pages", "warn", "W905", got="not built", hint=hint)
    return Check("web pages", "ok", got=f"built from {digest[:12]}")


def _check_browser() -> Check:
    """Tell how `mystax app` will show its page."""
    import webbrowser

    if os.environ.get("SSH_CONNECTION"):
        return Check("browser", "ok", got="you come over ssh: `mystax app` prints the tunnel to open")
    try:
        webbrowser.get()
    except webbrowser.Error:
        return Check("browser", "ok", got="none found: open the link that `mystax app` prints")
    return Check("browser", "ok", got="`mystax app` opens it")


def _check_compiled_code() -> Check:
    """Tell whether compiled code can be kept, and whether it is there."""
    from mystax.core.compiled import cache_folder

    folder = Path(cache_folder())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        hint = "set NUMBA_CACHE_DIR to a folder that can be written"
        return Check("compiled code", "warn", "S503", str(folder), f"cannot be kept: {error}", hint)
    n_files = sum(1 for _ in folder.rglob("*.nbc"))
    return Check("compiled code", "ok", where=str(folder), got=f"{n_files} functions kept")


def _decode_clip(container: str, codec: str) -> str:
    """Write a short clip, read it back, compare every barcode; return the speed."""
    from mystax.io.video import Video
    from mystax.synth import faulty_video, read_barcode

    with tempfile.TemporaryDirectory(prefix="mystax-") as folder:
        path = Path(folder, f"clip.{container}")
        faulty_video(path, "clean", container=container, codec=codec, n_frames=CLIP_FRAMES, size=(320, 240))
        start = time.perf_counter()
        video = Video(path)
        wrong = 0
        try:
            for chunk in video.chunks():
                for k in range(len(chunk)):
                    wrong += read_barcode(chunk.data[k]) != int(chunk.index[k])
            n_frames = video.n_frames
        finally:
            video.close()
        seconds = time.perf_counter() - start
    if wrong or n_frames != CLIP_FRAMES:
        raise MystaxError(
            "V106",
            f"{codec} in {container}",
            expected=f"{CLIP_FRAMES} right frames",
            got=f"{wrong} wrong of {n_frames}",
        )
    return f"{CLIP_FRAMES} of {CLIP_FRAMES} frames right, {CLIP_FRAMES / seconds:.0f} frames/s"


def check_place(folder: Path) -> Iterator[Check]:
    """Check that a folder has space and can rename, link, sync and lock."""
    if not folder.is_dir():
        yield Check("place", "fail", "P403", str(folder), "there is no such folder")
        return
    from mystax.engine.machine import kind_of_disk

    free = shutil.disk_usage(folder).free
    text = f"{free / 2**30:.1f} GiB free, {kind_of_disk(folder.resolve()) or 'unknown file system'}"
    if free < LITTLE_SPACE:
        yield Check("space", "warn", "S501", str(folder), text, "free some space, or use --out")
    else:
        yield Check("space", "ok", where=str(folder), got=text)
    yield _guarded("place", str(folder), partial(_try_place, folder))


def _try_place(folder: Path) -> str:
    from mystax.io.store_fs import LocalFs, can_not_link

    fs = LocalFs()
    with tempfile.TemporaryDirectory(prefix=".mystax-", dir=folder) as place:
        one, two, three = (Path(place, name) for name in ("one", "two", "three"))
        with fs.create(one) as file:
            file.write(b"mystax")
            fs.sync(file)
        link = "link"
        try:
            fs.link(one, two)
        except OSError as error:
            if not can_not_link(error):
                raise
            link = "no link (a lock is used instead)"
        fs.replace(one, three)
        fs.sync_folder(Path(place))
        if three.read_bytes() != b"mystax":
            raise OSError("what was written is not what is read")
    return f"write, sync, rename, {link}: ok"


def check_inputs(folder: Path) -> Iterator[Check]:
    """Look for the videos of the outcomes: missing, or changed since the run."""
    from mystax.io.fingerprint import quick_id
    from mystax.io.outcome_files import read_head
    from mystax.io.outcomes import outcome_paths
    from mystax.io.provenance import files_of_cameras, frames_inputs

    seen: set[str] = set()
    for path in outcome_paths(folder):
        try:
            attributes = read_head(path).attributes
        except MystaxError:
            continue  # told by the check of the outcomes
        taken = frames_inputs(attributes)
        # An outcome knows the fingerprints of its own cameras; others tell of the rest.
        files = {
            name: identity
            for camera, identity in taken.items()
            for name in files_of_cameras(attributes).get(camera, [])
        }
        for name, identity in files.items():
            if name in seen:
                continue
            seen.add(name)
            if not os.path.isfile(name):  # noqa: PTH113 - names that are not text stay as they are
                yield Check("inputs", "warn", "", name, "the video is not there any more")
            elif quick_id(name) not in identity:
                hint = "run again: the outcomes belong to another state of the file"
                yield Check("inputs", "fail", "V130", name, "the video changed since the run", hint)
            else:
                yield Check("inputs", "ok", where=name)
