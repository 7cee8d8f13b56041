"""Files of other formats written whole: as a part beside the target, brought to the disk, then renamed."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from mystax.core.safe_names import check_folder, is_there
from mystax.errors import RecipeError
from mystax.io.store_fs import LocalFs, refusals

__all__ = ["refuse_existing", "whole_file", "write_whole"]


@contextlib.contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Give the place of an unfinished file; it gets its name at the end, and is gone if anything goes wrong.

    Parameters
    ----------
    target : Path
        The file; its folder is made.  One that exists is replaced in one step.

    Yields
    ------
    Path
        Where to write.

    Raises
    ------
    RecipeError
        P403, if the folder cannot be made.
    SpaceError, StoreError
        S501, S503, as the disk refuses.
    """
    import psutil

    check_folder(target.parent, str(target.parent))
    disk = LocalFs()
    with refusals(target):
        disk.make_folder(target.parent)
        for stray in target.parent.glob(f".{target.name}.*.part"):
            owner = stray.name.removeprefix(f".{target.name}.").partition("-")[0]
            if owner.isdecimal() and not psutil.pid_exists(int(owner)):  # left by a process that was killed
                stray.unlink(missing_ok=True)
        part = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
        try:
            yield part
            with disk.reopen(part) as file:
                disk.sync(file)
            disk.replace(part, target)
            disk.sync_folder(target.parent)
        finally:
            part.unlink(missing_ok=True)


def write_whole(target: Path, data: bytes) -> Path:
    """Write a small file in one step; errors are those of `whole_file`."""
    with whole_file(target) as part:
        part.write_bytes(data)
    return target


def refuse_existing(targets: list[Path], overwrite: bool) -> None:
    """Refuse to replace files, unless that is asked for; nothing is written before.

    Raises
    ------
    RecipeError
        P403, naming the first file that exists.
    """
    present = [target for target in targets if is_there(target)]
    if present and not overwrite:
        raise RecipeError(
            "P403", str(present[0]), "the file exists", hint="name another place, or say --overwrite"
        )
