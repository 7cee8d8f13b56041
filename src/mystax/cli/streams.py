"""Standard streams that whoever started the command has closed."""

import os
import sys

__all__ = ["open_streams"]


def open_streams() -> None:
    """Open what nobody reads or writes in the place of closed standard streams.

    A file that is opened later would get the number of the closed stream, and whatever a library writes
    there would land in it.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115 - kept to the end
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
