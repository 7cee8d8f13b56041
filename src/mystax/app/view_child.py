"""The private server of a notebook's view: a child of the kernel, for one recording.

``python -P -m mystax.app.view_child``.  The wish is one JSON line on stdin; port and id of the recording
come back as one on stdout.  Each further line asks for a code, which is good once and for a minute.  The end
of stdin means that the kernel is gone, and the server leaves; so does a parent that is another one.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from mystax.app.child_lines import read_wish, tell
from mystax.app.launch import config_of, listen
from mystax.app.one_recording import OneRecording
from mystax.app.security import Tokens
from mystax.app.server import Settings, application

__all__ = ["answer_lines", "main"]

LOOK = 1.0
"""How often the parent is looked for [s]."""


def answer_lines(lines: Iterable[str], tokens: Tokens, tell: Callable[[Any], None]) -> None:
    """Answer each line with a new code, until they end.

    Parameters
    ----------
    lines : iterable of str
        What the kernel writes.
    tokens : Tokens
        The secrets of the server.
    tell : callable
        Takes an answer.
    """
    for _ in lines:
        tell({"code": tokens.new_code()})


def main() -> None:
    """Serve until the kernel is gone."""
    import uvicorn

    parent = os.getppid()
    wish = read_wish()
    tokens = Tokens()
    listening = listen(0)
    port = listening.getsockname()[1]
    settings = Settings(port=port, framed_by=wish["framed_by"], allowed_hosts=tuple(wish["hosts"]))
    collection = OneRecording(wish["name"], wish["specs"], wish["request"])
    ready = {"port": port, "recording": collection.items()[0].id}

    class Server(uvicorn.Server):
        """A server that says when it is ready, and leaves with its parent."""

        async def startup(self, sockets: list[Any] | None = None) -> None:
            """Begin to answer."""
            await super().startup(sockets)
            tell(ready)
            threading.Thread(target=self.listen_to_kernel, daemon=True).start()
            threading.Thread(target=self.watch_parent, daemon=True).start()

        def listen_to_kernel(self) -> None:
            """Give codes until the kernel hangs up."""
            answer_lines(sys.stdin, tokens, tell)
            self.should_exit = True

        def watch_parent(self) -> None:
            """Leave when the parent is gone, though another of its children may hold the line open."""
            while os.getppid() == parent:
                time.sleep(LOOK)
            self.should_exit = True

    config = config_of(application(settings, tokens, collection), log_level="critical")
    with listening:
        Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
