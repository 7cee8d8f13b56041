"""`tools/package.py`: what it looks at in wheels, and how it tries the page of one."""

import importlib.util
import shutil
import sys
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "package.py"
SERVER = """
import sys, time
while time.process_time() < 0.2:
    pass
print("{words}", flush=True)
time.sleep({seconds})
"""
LINE = "mystax is at http://127.0.0.1:8123/#k=abc"


@pytest.fixture(scope="module")
def package() -> ModuleType:
    spec = importlib.util.spec_from_file_location("package_under_test", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wheel(path: Path, **files: str) -> Path:
    """Write a wheel with these files of the page, and one that is none."""
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("mystax/app/server.py", "pass")
        for name, text in files.items():
            packed.writestr(f"mystax/app/_web/{name}.html", text)
    return path


def test_wheels_with_the_same_page_are_the_same_whatever_else_they_hold(
    package: ModuleType, tmp_path: Path
) -> None:
    first = wheel(tmp_path / "a.whl", index="<p>", more="x")
    second = wheel(tmp_path / "b.whl", more="x", index="<p>")
    with zipfile.ZipFile(second, "a") as packed:
        packed.writestr("mystax/more.py", "1")
    assert package.check_same_page(first, second) == 2


@pytest.mark.parametrize(
    ("other", "odd"),
    [({"index": "<b>", "more": "x"}, "index.html"), ({"index": "<p>"}, "more.html")],
)
def test_a_file_of_the_page_that_differs_or_lacks_is_named(
    package: ModuleType, tmp_path: Path, other: dict[str, str], odd: str
) -> None:
    first = wheel(tmp_path / "a.whl", index="<p>", more="x")
    second = wheel(tmp_path / "b.whl", **other)
    with pytest.raises(package.PackageError, match=f"another one: {odd}$"):
        package.check_same_page(first, second)


def test_two_wheels_without_a_page_are_not_the_same_page(package: ModuleType, tmp_path: Path) -> None:
    empty = wheel(tmp_path / "a.whl")
    with pytest.raises(package.PackageError, match="holds no page"):
        package.check_same_page(empty, empty)


def test_a_bare_shell_knows_no_node(package: ModuleType, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    shell = package.bare_variables(tmp_path)
    assert shell["PATH"] == str(programs)
    assert shutil.which("node", path=shell["PATH"]) is None
    (programs / "node").write_text("#!/bin/sh\n")
    (programs / "node").chmod(0o700)
    with pytest.raises(package.PackageError, match="has a Node"):
        package.bare_variables(tmp_path)


def test_an_app_is_ready_when_it_names_its_address_and_is_ended_after(
    package: ModuleType, tmp_path: Path
) -> None:
    code = SERVER.format(words=LINE, seconds=60)
    with package.running(sys.executable, "-c", code, folder=tmp_path, environment={}) as (address, seconds):
        assert address == "http://127.0.0.1:8123/"
        assert 0.1 < seconds < 10


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("no such port", "has ended: no such port"),
        (f"W905: no pages\\n{LINE}", "more than its address: W905"),
    ],
)
def test_an_app_that_is_not_whole_is_refused_in_its_own_words(
    package: ModuleType, tmp_path: Path, words: str, why: str
) -> None:
    code = SERVER.format(words=words, seconds=0)
    with (
        pytest.raises(package.PackageError, match=why),
        package.running(sys.executable, "-c", code, folder=tmp_path, environment={}),
    ):
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Serve a folder; give it and its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield tmp_path, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_all_scripts_of_a_page_are_fetched_and_counted(package: ModuleType, site: tuple[Path, str]) -> None:
    folder, address = site
    (folder / "assets").mkdir()
    (folder / "assets" / "a.js").write_bytes(b"x" * 700)
    (folder / "assets" / "b.js").write_bytes(b"x" * 50)
    page = (
        '<link rel="modulepreload" href="./assets/b.js"><script type="module" src="./assets/a.js"></script>'
    )
    (folder / "index.html").write_text(page)
    assert package.check_page(address) == 750
    (folder / "assets" / "a.js").write_bytes(b"x" * (package.MOST + 1))
    with pytest.raises(package.PackageError, match="bytes of JavaScript"):
        package.check_page(address)


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ("<p>nothing</p>", "has 0 bytes"),
        ('<script src="https://cdn.example/x.js"></script>', "another host"),
        ('<script src="//cdn.example/x.js"></script>', "another host"),
    ],
)
def test_a_page_without_scripts_or_with_those_of_others_is_refused(
    package: ModuleType, site: tuple[Path, str], page: str, why: str
) -> None:
    folder, address = site
    (folder / "index.html").write_text(page)
    with pytest.raises(package.PackageError, match=why):
        package.check_page(address)
