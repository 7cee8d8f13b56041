"""Start the web app: a free port, the link, the browser, and one line for those who come over ssh."""

import contextlib
import getpass
import json
import os
import platform
import socket
import tempfile
import threading
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mystax.app.run_file import find_running, key_of, last_port, noted
from mystax.app.security import Guard, Tokens
from mystax.app.server import PAGES, Settings, application
from mystax.errors import AppError, ParameterError, RecipeError

if TYPE_CHECKING:
    from uvicorn import Config

    from mystax.engine.catalog.catalog import Catalog

__all__ = [
    "PORT",
    "Settings",
    "address_of_catalogue",
    "catalogue_for",
    "check_address",
    "config_of",
    "digest_of_pages",
    "key_of",
    "last_port",
    "links",
    "listen",
    "reopen",
    "serve",
]

PORT, TRIES, BACKLOG = 8765, 20, 128
LOOPBACK = "127.0.0.1"
SOON = 10.0
"""How long a start that only opens the page of another one waits for the browser [s]."""


def listen(
    port: int | None = None, host: str = LOOPBACK, *, tries: int = TRIES, before: int | None = None
) -> socket.socket:
    """Listen on a port, or on the first that is free from the usual one up.

    Parameters
    ----------
    port : int, optional
        The port; 0 for any that is free.
    host : str, optional
        Address to listen on.
    tries : int, optional
        How many ports after the usual one are tried.
    before : int, optional
        A port that is tried before all others: where the same was served last.

    Returns
    -------
    socket
        It listens: nobody else can take the port any more.

    Raises
    ------
    AppError
        W903, if the port is in use, or all of them are.
    """
    usual = range(PORT, PORT + tries + 1)
    wanted = (port,) if port is not None else usual if before is None else (before, *usual)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for one in wanted:
        with contextlib.suppress(OSError):
            listening = socket.create_server((host, one), family=family, backlog=BACKLOG)
            # Else the body of an answer waits 40 ms until the browser has confirmed its header.  asyncio sets
            # this by itself only for sockets whose protocol is named, and `create_server` names none.
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return listening
    what = f"it and the next {tries} are in use" if port is None else "it is in use, or not yours to take"
    raise AppError("W903", f"port {PORT if port is None else port}", what, hint="give another with --port")


def links(port: int, token: str, environment: Mapping[str, str], *, base: str = "") -> list[str]:
    """Return the lines that are printed: where the page is, and how to reach it over ssh.

    Parameters
    ----------
    port : int
        Where the server listens.
    token : str
        The token, which goes into the fragment: no server and no log ever sees it there.
    environment : mapping
        Variables of the process; ``SSH_CONNECTION`` means that the user sits elsewhere.
    base : str, optional
        Path under which the page lies.

    Returns
    -------
    list of str
        The lines.
    """
    address = f"http://{LOOPBACK}:{port}{base}/#k={token}"
    if not environment.get("SSH_CONNECTION"):
        return [f"mystax is at {address}"]
    there = f"{getpass.getuser()}@{platform.node()}"
    return [
        f"On your own computer:  ssh -N -L {port}:{LOOPBACK}:{port} {there}",
        f"then open  {address}",
    ]


def open_browser(address: str, seconds: float = 60.0) -> threading.Timer:
    """Open the page by a file that only the user can read: other users see the words of a command line.

    Parameters
    ----------
    address : str
        The link, token included.
    seconds : float, optional
        How long the file stays [s].

    Returns
    -------
    Timer
        It removes the file then.
    """
    handle, name = tempfile.mkstemp(prefix="mystax-", suffix=".html")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(
            f'<!doctype html><meta http-equiv="refresh" content="0; url={address}"><title>mystax</title>'
        )
    timer = threading.Timer(seconds, lambda: Path(name).unlink(missing_ok=True))
    timer.daemon = True
    timer.start()
    webbrowser.open(Path(name).as_uri())
    return timer


def reopen(
    settings: Settings, *, say: Callable[[str], None], catalogue: str = "", no_browser: bool = False
) -> bool:
    """Open the page of a server that serves the same already.

    Parameters
    ----------
    settings : Settings
        What was asked for.
    say : callable
        Prints a line for the user.
    catalogue : str, optional
        Address of the catalogue.
    no_browser : bool, optional
        Do not open the page.

    Returns
    -------
    bool
        Whether there is one.
    """
    found = find_running(key_of(settings, catalogue))
    if found is None:
        return False
    lines = links(found.port, found.token, os.environ, base=found.base)
    say(f"it runs already, as process {found.pid}")
    for line in lines:
        say(line)
    if not no_browser and not os.environ.get("SSH_CONNECTION"):
        open_browser(lines[0].split()[-1], SOON).join()
    return True


def serve(
    settings: Settings,
    listening: socket.socket,
    *,
    say: Callable[[str], None],
    certificate: tuple[Path, Path] | None = None,
    no_browser: bool = False,
    tokens: Tokens | None = None,
    source: "Catalog | None" = None,
    key: str = "",
) -> None:
    """Serve until a signal comes.

    Parameters
    ----------
    settings : Settings
        Folders, port and what may be done.
    listening : socket
        Of `listen`; closed at the end.
    say : callable
        Prints a line for the user, when the server is ready.
    certificate : tuple of Path, optional
        Certificate and key.
    no_browser : bool, optional
        Do not open the page.
    tokens : Tokens, optional
        The secrets of this start.
    source : Catalog, optional
        Where recordings come from; by default the folders of the settings.
    key : str, optional
        Of `key_of`: others find this server by it while it runs.
    """
    import uvicorn

    from mystax.app.collection import CatalogCollection
    from mystax.app.jobs import CatalogJobs

    tokens = tokens or Tokens()
    options: dict[str, Any] = {}
    if certificate is not None:
        options = {"ssl_certfile": str(certificate[0]), "ssl_keyfile": str(certificate[1])}
    lines = links(settings.port, tokens.token, os.environ, base=settings.base)

    class Server(uvicorn.Server):
        """A server that says when it is ready."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            """Begin to answer."""
            await super().startup(sockets)
            if not (settings.pages / "index.html").is_file():
                say("W905: the web pages are not built; run `python tools/web.py build` in the source folder")
            for line in lines:
                say(line)
            if not no_browser and not os.environ.get("SSH_CONNECTION"):
                threading.Thread(target=open_browser, args=(lines[0].split()[-1],), daemon=True).start()

    collection = None if source is None else CatalogCollection(source)
    jobs = None if source is None else CatalogJobs(source)
    config = config_of(application(settings, tokens, collection, jobs), log_level="warning", **options)
    note = noted(key, settings.port, settings.base, tokens.token) if key else contextlib.nullcontext()
    with listening, note:
        Server(config).run(sockets=[listening])


def config_of(app: Guard, **options: Any) -> "Config":
    """Return how a server of one person is run: it trusts no header of a proxy, and ends within a second.

    Parameters
    ----------
    app : Guard
        The application.
    **options
        Further options of uvicorn.
    """
    import uvicorn

    return uvicorn.Config(
        app,
        ws="none",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        timeout_graceful_shutdown=1,
        **options,
    )


def catalogue_for(folders: Sequence[Path], place: str | None = None) -> "Catalog | None":
    """Open the catalogue that is meant.

    Parameters
    ----------
    folders : sequence of Path
        Folders that the user named.
    place : str, optional
        The catalogue that the user named.

    Returns
    -------
    Catalog or None
        That one; else, with folders, the one that lies in the first of them; without folders the one that
        every command finds.  None if there is none: then the folders themselves are shown.

    Raises
    ------
    RecipeError, CatalogError
        P403, Q603, Q605, if it cannot be opened.
    """
    from mystax.engine.catalog.catalog import Catalog
    from mystax.engine.catalog.places import FILE, find_place

    if place is not None:
        return Catalog.open(place)
    if folders:
        return Catalog.open(folders[0]) if (folders[0] / FILE).is_file() else None
    try:
        find_place()
    except RecipeError:
        return None
    return Catalog.open()


def address_of_catalogue(source: "Catalog | None") -> str:
    """Return how another process opens a catalogue; empty where there is none."""
    from mystax.app.collection import address_of

    return "" if source is None else address_of(source)


def check_address(
    host: str, allowed_hosts: Sequence[str], certificate: tuple[Path, Path] | None, *, is_insecure: bool
) -> None:
    """Refuse to be reachable from elsewhere by accident.

    Parameters
    ----------
    host : str
        Address to listen on.
    allowed_hosts : sequence of str
        Names by which the server may be called.
    certificate : tuple of Path, optional
        Certificate and key.
    is_insecure : bool
        Listen elsewhere without a certificate.

    Raises
    ------
    ParameterError
        P401, for another address without a name, or without certificate and consent.
    """
    if host in {LOOPBACK, "localhost", "::1"}:
        return
    if not allowed_hosts:
        raise ParameterError(
            "P401", "--host", "others can reach it there", hint="name the host with --allow-host as well"
        )
    if certificate is None and not is_insecure:
        raise ParameterError(
            "P401",
            "--host",
            "the token and the pictures of faces would cross the network in clear text",
            hint="give --tls-cert and --tls-key; or use ssh; or --insecure, if you know that network",
        )


def digest_of_pages(pages: Path = PAGES) -> str:
    """Return the digest of the built pages; empty where they are not built."""
    try:
        return str(json.loads((pages / "stamp.json").read_text("utf-8"))["digest"])
    except (OSError, ValueError, KeyError):
        return ""
