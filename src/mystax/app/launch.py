"""Start the web app: a free port, the link, the browser, and one line for those who come over ssh."""

import getpass
import json
import os
import platform
import socket
import tempfile
import threading
import webbrowser
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mystax.app.security import Tokens
from mystax.app.server import PAGES, Settings, application
from mystax.errors import AppError, ParameterError

__all__ = ["PORT", "Settings", "digest_of_pages", "free_port", "links", "serve"]

PORT, TRIES = 8765, 20
LOOPBACK = "127.0.0.1"


def free_port(first: int = PORT, tries: int = TRIES, host: str = LOOPBACK) -> int:
    """Return the first port that is free, from the usual one up.

    Raises
    ------
    AppError
        W903, if none is.
    """
    for port in range(first, first + tries + 1):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise AppError(
        "W903", f"port {first}", f"it and the next {tries} are in use", hint="give another with --port"
    )


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


def _open_browser(address: str) -> None:
    """Open the page by a file that only the user can read: other users see the words of a command line."""
    handle, name = tempfile.mkstemp(prefix="mystax-", suffix=".html")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(
            f'<!doctype html><meta http-equiv="refresh" content="0; url={address}"><title>mystax</title>'
        )
    threading.Timer(60.0, lambda: Path(name).unlink(missing_ok=True)).start()
    webbrowser.open(Path(name).as_uri())


def serve(
    settings: Settings,
    *,
    say: Callable[[str], None],
    host: str = LOOPBACK,
    certificate: tuple[Path, Path] | None = None,
    is_insecure: bool = False,
    no_browser: bool = False,
    tokens: Tokens | None = None,
) -> None:
    """Serve until a signal comes.

    Parameters
    ----------
    settings : Settings
        Folders, port and what may be done.
    say : callable
        Prints a line for the user.
    host : str, optional
        Address to listen on; any but a loopback one needs a name and a certificate.
    certificate : tuple of Path, optional
        Certificate and key.
    is_insecure : bool, optional
        Listen elsewhere without a certificate.
    no_browser : bool, optional
        Do not open the page.
    tokens : Tokens, optional
        The secrets of this start.

    Raises
    ------
    ParameterError
        P401, for another address without a name, or without certificate and consent.
    """
    import uvicorn

    _check_address(host, settings, certificate, is_insecure=is_insecure)
    tokens = tokens or Tokens()
    options: dict[str, Any] = {}
    if certificate is not None:
        options = {"ssl_certfile": str(certificate[0]), "ssl_keyfile": str(certificate[1])}
    server = uvicorn.Server(
        uvicorn.Config(
            application(settings, tokens),
            host=host,
            port=settings.port,
            ws="none",
            proxy_headers=False,
            server_header=False,
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=1,
            **options,
        )
    )
    if not (settings.pages / "index.html").is_file():
        say("W905: the web pages are not built; run `python tools/web.py build` in the source folder")
    lines = links(settings.port, tokens.token, os.environ, base=settings.base)
    for line in lines:
        say(line)
    if not no_browser and not os.environ.get("SSH_CONNECTION"):
        address = lines[0].removeprefix("mystax is at ")
        threading.Timer(0.5, _open_browser, (address,)).start()
    server.run()


def _check_address(
    host: str, settings: Settings, certificate: tuple[Path, Path] | None, *, is_insecure: bool
) -> None:
    """Refuse to be reachable from elsewhere by accident."""
    if host in {LOOPBACK, "localhost", "::1"}:
        return
    if not settings.allowed_hosts:
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
