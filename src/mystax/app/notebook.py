"""`Recording.view()`: the page in a notebook, from a private server that ends with the kernel.

A frame gets a code that is good once and for a minute, never the token: a saved notebook holds no secret.
The page exchanges it for the token, keeps that in memory and sends it as a bearer header.
"""

import getpass
import html
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from mystax.core.recording import Recording
from mystax.errors import InternalError, ParameterError, RecipeError, nearest

__all__ = ["SCREENS", "Hub", "View", "ViewServer", "frame_origins", "hub_of", "view", "wish_for"]

COMMAND = (sys.executable, "-P", "-m", "mystax.app.view_child")
SCREENS = (
    *("recordings", "view", "rois", "label", "space", "states", "neural", "queue", "models", "reports"),
)
"""Screens of the page."""
HEIGHTS = (200, 4000)
"""Least and largest height of a frame [px]."""
LOOPBACK_PAGES = "http://127.0.0.1:* http://localhost:*"
"""Pages of this machine, on any port: notebooks, also at the end of a tunnel."""
ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?|vscode-webview:")
_SERVERS: dict[str, "ViewServer"] = {}
"""Servers of this kernel by what they show: a cell that is run again starts no second one."""


@dataclass(frozen=True, slots=True)
class Hub:
    """A JupyterHub that shows ports of the kernel's machine below the address of the notebook.

    Attributes
    ----------
    prefix : str
        Path of the user's server, with ``/`` at both ends.
    origin : str
        Scheme and host of the hub, as the browser has them.
    """

    prefix: str
    origin: str

    @property
    def host(self) -> str:
        """Name of the hub, by which requests call the view."""
        return self.origin.partition("://")[2].partition(":")[0]

    def path(self, port: int) -> str:
        """Return where a port is shown: `jupyter-server-proxy` takes this path off again."""
        return f"{self.prefix}proxy/{port}/"


def hub_of(environment: Mapping[str, str], *, has_proxy: bool | None = None) -> Hub | None:
    """Return the hub that the notebook is on, where it can show the view.

    Parameters
    ----------
    environment : mapping
        Variables of the process: ``JUPYTERHUB_SERVICE_PREFIX``; the address of the hub is
        ``JUPYTERHUB_PUBLIC_URL``, or ``https://`` and ``MYSTAX_ALLOW_HOST``.
    has_proxy : bool, optional
        Whether `jupyter-server-proxy` is there; by default it is looked for.

    Returns
    -------
    Hub or None
        None where there is no hub, no proxy, or nothing that says what the hub is called.

    Raises
    ------
    ParameterError
        P401, if the address is none.
    """
    prefix = environment.get("JUPYTERHUB_SERVICE_PREFIX", "")
    given = environment.get("MYSTAX_ALLOW_HOST", "")
    address = f"https://{given}" if given else environment.get("JUPYTERHUB_PUBLIC_URL", "")
    if has_proxy is None:
        has_proxy = find_spec("jupyter_server_proxy") is not None
    if not (prefix and address and has_proxy):
        return None
    scheme, _, rest = address.partition("://")
    origin = f"{scheme}://{rest.partition('/')[0]}"
    if not ORIGIN.fullmatch(origin) or not re.fullmatch(r"/[\w./~@%-]*", prefix):
        raise ParameterError(
            "P401",
            "MYSTAX_ALLOW_HOST",
            "the notebook's address is not understood",
            expected="a name such as hub.lab.org",
            got=repr(f"{address} {prefix}"),
        )
    return Hub(f"{prefix.rstrip('/')}/", origin)


def frame_origins(environment: Mapping[str, str]) -> str:
    """Return the pages that may show the view in a frame, as a policy writes them.

    Parameters
    ----------
    environment : mapping
        Variables of the process; ``MYSTAX_NOTEBOOK_ORIGIN`` names the notebook's address where it is not one
        of this machine, such as ``https://hub.lab.org``.

    Returns
    -------
    str
        Origins with blanks between them.

    Raises
    ------
    ParameterError
        P401, if the variable holds anything else than origins.
    """
    given = environment.get("MYSTAX_NOTEBOOK_ORIGIN", "").split()
    for one in given:
        if not ORIGIN.fullmatch(one):
            raise ParameterError(
                "P401",
                "MYSTAX_NOTEBOOK_ORIGIN",
                expected="origins such as https://hub.lab.org or http://10.0.0.2:8888",
                got=repr(one),
            )
    hub = hub_of(environment)
    return " ".join([*given, *([] if hub is None else [hub.origin])]) or LOOPBACK_PAGES


def wish_for(recording: Recording, environment: Mapping[str, str]) -> dict[str, Any]:
    """Say what a server shall show.

    Parameters
    ----------
    recording : Recording
        The recording.
    environment : mapping
        As for `frame_origins`.

    Returns
    -------
    dict
        Plain values: name, how each camera is opened, how the recording is opened, who may frame the page,
        and by which names besides those of this machine it is called.

    Raises
    ------
    RecipeError
        P403, if a camera has no files.
    """
    specs = {}
    for name, camera in recording.cameras.items():
        spec = getattr(camera.video, "spec", None)
        if not camera.files or not callable(spec):
            raise RecipeError(
                "P403",
                f"camera {name!r} of {recording.name!r}",
                "its frames come from memory, and another process cannot read them",
                hint="write them to a video file and open that",
            )
        specs[name] = {**spec(), "paths": list(camera.files)}
    return {
        "name": recording.name,
        "specs": specs,
        "request": dict(recording.request),
        "framed_by": frame_origins(environment),
        "hosts": [] if (hub := hub_of(environment)) is None else [hub.host],
    }


class ViewServer:
    """The private server of a view.

    Parameters
    ----------
    wish : mapping
        Of `wish_for`.
    command : tuple of str, optional
        The child (a test hook).

    Attributes
    ----------
    port : int
        Where it listens, on this machine only.
    recording : str
        By which the page asks for the recording.

    Raises
    ------
    InternalError
        B999, if it ends before it is ready.
    """

    def __init__(self, wish: Mapping[str, Any], command: tuple[str, ...] = COMMAND) -> None:
        from mystax.engine.supervisor import child_environment

        self._process = subprocess.Popen(  # noqa: S603 - our own module, by our own interpreter
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env=child_environment(),
            start_new_session=True,  # an interrupt of a cell is not meant for it
        )
        self._put(json.dumps(wish))
        try:
            ready = self._take()
        except InternalError:
            self.close()
            raise
        self.port, self.recording = int(ready["port"]), str(ready["recording"])

    @property
    def is_running(self) -> bool:
        """Whether it still answers."""
        return self._process.poll() is None

    def new_code(self) -> str:
        """Return a code that is good once, for a minute."""
        self._put("code")
        return str(self._take()["code"])

    def close(self) -> None:
        """End it: it leaves when its line ends, and is killed if it does not."""
        assert self._process.stdin is not None  # noqa: S101 - a pipe
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        try:
            self._process.stdin.close()
            self._process.wait(5.0)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _put(self, line: str) -> None:
        assert self._process.stdin is not None  # noqa: S101 - a pipe
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return  # the answer that does not come says so

    def _take(self) -> dict[str, Any]:
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        line = self._process.stdout.readline()
        if not line:
            raise InternalError("B999", "view", "its server has ended", hint="run the cell again")
        return dict(json.loads(line))


@dataclass(frozen=True, slots=True)
class View:
    """A recording in a frame of a notebook.

    Attributes
    ----------
    name : str
        Of the recording.
    server : ViewServer
        Who serves it.
    height : int
        Height of the frame [px].
    place : mapping
        What the page opens: recording, screen and time, in letters that an address needs not quote.
    environment : mapping
        Variables of the process.
    """

    name: str
    server: ViewServer
    height: int
    place: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def _repr_html_(self) -> str:
        """Return the frame, with a new code."""
        values = {"c": self.server.new_code(), "embed": "1", **self.place}
        fragment = "&".join(f"{key}={value}" for key, value in values.items())
        hub = hub_of(self.environment)
        place = f"http://127.0.0.1:{self.server.port}/" if hub is None else hub.path(self.server.port)
        address = html.escape(f"{place}#{fragment}", quote=True)
        title = html.escape(f"mystax: {self.name}", quote=True)
        frame = (
            f'<iframe src="{address}" title="{title}" width="100%" height="{self.height}" '
            'style="border: 0" allow="fullscreen"></iframe>'
        )
        return frame + self._tunnel()

    def _tunnel(self) -> str:
        """Say how a page on another computer reaches the server."""
        is_hub = "JUPYTERHUB_SERVICE_PREFIX" in self.environment
        if hub_of(self.environment) is not None or not (is_hub or self.environment.get("SSH_CONNECTION")):
            return ""
        port, there = self.server.port, f"{getpass.getuser()}@{platform.node()}"
        line = html.escape(f"ssh -N -L {port}:127.0.0.1:{port} {there}")
        how = f"on your own computer: <code>{line}</code>, and run the cell again"
        if is_hub:
            how += "; or install jupyter-server-proxy and name the hub in MYSTAX_ALLOW_HOST"
        return f"<p>If the frame is empty, {how}.</p>"

    def close(self) -> None:
        """End the server; every frame that it fills goes blank."""
        self.server.close()


def view(recording: Recording, *, height: int = 640, screen: str = "view", t: float | None = None) -> View:
    """Show a recording in a notebook; `Recording.view` comes here.

    Parameters
    ----------
    recording : Recording
        With files.
    height : int, optional
        Height of the frame [px].
    screen : str, optional
        One of `SCREENS`.
    t : float, optional
        Time that is shown first [s].

    Returns
    -------
    View
        Its server runs; the same recording gets the same server again.

    Raises
    ------
    ParameterError
        P401, if height, screen or time cannot be.
    RecipeError
        P403, if the frames come from memory.
    """
    least, most = HEIGHTS
    if not least <= height <= most:
        raise ParameterError(
            "P401", "parameter 'height' of 'view'", expected=f"{least}..{most} px", got=str(height)
        )
    if screen not in SCREENS:
        raise ParameterError(
            "P401", "parameter 'screen' of 'view'", f"no {screen!r}{nearest(screen, SCREENS)}"
        )
    if t is not None and not abs(t) < float("inf"):
        raise ParameterError("P401", "parameter 't' of 'view'", expected="seconds", got=str(t))
    wish = wish_for(recording, os.environ)
    key = json.dumps(wish, sort_keys=True)
    server = _SERVERS.get(key)
    if server is None or not server.is_running:
        server = _SERVERS[key] = ViewServer(wish)
    place = {"s": screen, "r": server.recording, **({} if t is None else {"t": f"{t:.6f}"})}
    return View(recording.name, server, height, place, dict(os.environ))
