"""The application: routes behind the guard, the page, errors in the words of the terminal."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from mystax.app.additions import ADDING
from mystax.app.child_runs import ChildRuns
from mystax.app.collection import Collection, FolderCollection
from mystax.app.frames import Workers
from mystax.app.jobs import FolderJobs, Jobs
from mystax.app.label_desk import LabelDesk
from mystax.app.paths import inside
from mystax.app.rasters import Raster
from mystax.app.routes import ROUTERS
from mystax.app.security import Guard, Tokens, error_answer, refused
from mystax.app.traces import Pyramid, PyramidCache
from mystax.app.warming import Warming
from mystax.errors import InternalError, MystaxError

__all__ = ["Settings", "State", "application"]

TRAINING = (sys.executable, "-P", "-m", "mystax.app.train_child")
COMPARING = (sys.executable, "-P", "-m", "mystax.app.compare_child")
PAGES = Path(__file__).parent / "_web"
UNBUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>mystax</title>
<p>The web pages are not built; run <code>python tools/web.py build</code> in the source folder
(it brings its own Node).</p></html>"""
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """How a server is started.

    Attributes
    ----------
    folders : tuple of Path
        Folders that the user named: the registered roots.
    port : int
        Where it listens.
    allowed_hosts : tuple of str
        Names besides the loopback ones.
    base : str
        Path under which the page lies.
    framed_by : str
        Origin that may frame the page.
    read_only : bool
        Refuse all writes.
    pages : Path
        Where the built pages lie.
    """

    folders: tuple[Path, ...] = ()
    port: int = 8765
    allowed_hosts: tuple[str, ...] = ()
    base: str = ""
    framed_by: str = ""
    read_only: bool = False
    pages: Path = PAGES


@dataclass(slots=True)
class State:
    """What the routes share: `request.app.state.mystax`."""

    settings: Settings
    tokens: Tokens
    cookie: str
    collection: Collection
    jobs: Jobs
    workers: Workers = field(default_factory=Workers)
    slow: Workers = field(default_factory=lambda: Workers(1))
    trainings: ChildRuns = field(default_factory=lambda: ChildRuns(TRAINING, "t"))
    comparisons: ChildRuns = field(default_factory=lambda: ChildRuns(COMPARING, "c"))
    additions: ChildRuns = field(init=False)
    warming: Warming = field(default_factory=Warming)
    desk: LabelDesk = field(init=False)
    pyramids: PyramidCache[Pyramid] = field(default_factory=PyramidCache)
    rasters: PyramidCache[Raster] = field(default_factory=PyramidCache)
    flying: int = 0
    streams: int = 0

    def __post_init__(self) -> None:
        self.desk = LabelDesk(self.workers)
        self.additions = ChildRuns(ADDING, "a", ended=self.collection.forget)

    async def close(self) -> None:
        """End the children, write the caches of labels and give their locks back."""
        self.desk.close()
        runs = (self.trainings, self.comparisons, self.additions)
        children = (self.workers, self.slow, self.warming, self.jobs, *runs)
        await asyncio.gather(*(one.close() for one in children))


def application(
    settings: Settings, tokens: Tokens, collection: Collection | None = None, jobs: Jobs | None = None
) -> Guard:
    """Put the application together.

    Parameters
    ----------
    settings : Settings
        How the server is started.
    tokens : Tokens
        The secrets of this start.
    collection : Collection, optional
        Where recordings come from; by default the folders of the settings.
    jobs : Jobs, optional
        Where long work is asked for; by default runs of those folders.

    Returns
    -------
    Guard
        The ASGI application, behind its guard.
    """

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        yield
        await app.state.mystax.close()

    app = FastAPI(
        title="mystax",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        root_path=settings.base,
        lifespan=life,
    )
    guard = Guard(
        app,
        tokens,
        settings.port,
        allowed_hosts=settings.allowed_hosts,
        base=settings.base,
        framed_by=settings.framed_by,
    )
    collection = collection or FolderCollection(settings.folders)
    app.state.mystax = State(settings, tokens, guard.cookie, collection, jobs or FolderJobs())
    app.add_exception_handler(MystaxError, _refusal)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _not_there)
    app.add_exception_handler(Exception, _bug)
    for router in ROUTERS:
        app.include_router(router, prefix="/api")
    app.add_api_route("/{path:path}", _page, methods=["GET"], include_in_schema=False)
    return guard


def _json(error: MystaxError) -> JSONResponse:
    status, words = error_answer(error)
    return JSONResponse(words, status)


async def _refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, MystaxError)  # noqa: S101 - registered for it
    return _json(error)


async def _invalid(_: Request, error: Exception) -> Response:
    """Name the first field that does not fit."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part not in {"body", "query", "path"})
    return _json(
        refused(422, "P401", where or "request", str(first["msg"]), got=repr(first.get("input"))[:200])
    )


async def _not_there(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    if isinstance(error.__cause__, MystaxError):  # of the guard, while a body was read
        return _json(error.__cause__)
    if error.status_code == 404:
        return _json(refused(404, "W903", "address", "there is nothing of that name here"))
    return _json(refused(error.status_code, "W903", "request", str(error.detail)))


async def _bug(_: Request, error: Exception) -> Response:
    return _json(InternalError("B999", "app", f"{type(error).__name__}: {error}"))


async def _page(path: str, request: Request) -> Response:
    """Give the shell or one of its files; nothing else lies below this address."""
    state: State = request.app.state.mystax
    pages = state.settings.pages
    if path in {"", "index.html"}:
        shell = pages / "index.html"
        if not shell.is_file():
            return HTMLResponse(UNBUILT)
        return HTMLResponse(shell.read_text("utf-8"), headers={"cache-control": "no-cache"})
    found = inside(pages / "assets", path.removeprefix("assets/")) if path.startswith("assets/") else None
    kind = None if found is None else TYPES.get(found.suffix)
    if found is None or kind is None or not found.is_file():
        raise refused(404, "W903", "address", "there is nothing of that name here")
    kept = {"cache-control": "public, max-age=31536000, immutable"}
    return Response(found.read_bytes(), media_type=kind, headers=kept)
