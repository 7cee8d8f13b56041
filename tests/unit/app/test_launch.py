"""How the web app starts: ports, links, the browser, and what is refused before anything listens."""

import asyncio
import socket
import stat
import tempfile
import webbrowser
from pathlib import Path

import pytest
import uvicorn

from mystax.app import launch
from mystax.engine.catalog.catalog import Catalog
from mystax.errors import AppError, ParameterError, RecipeError
from tests.fixtures.commands import call


def test_a_port_that_is_taken_gives_way_to_the_next() -> None:
    with launch.listen() as first, launch.listen() as second:
        assert second.getsockname()[1] > first.getsockname()[1]
        assert first.getsockname()[0] == "127.0.0.1"


def test_a_port_that_was_asked_for_is_not_changed_silently() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(AppError, match="W903"):
        launch.listen(taken.getsockname()[1])


def test_no_part_of_an_answer_waits_for_the_receipt_of_the_part_before() -> None:
    with launch.listen(0) as listening, socket.create_connection(listening.getsockname()):
        served, _ = listening.accept()
        with served:
            assert served.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_without_ssh_one_line_says_where_the_page_is() -> None:
    assert launch.links(8765, "t", {}) == ["mystax is at http://127.0.0.1:8765/#k=t"]
    assert launch.links(8765, "t", {}, base="/a/b")[0].endswith("127.0.0.1:8765/a/b/#k=t")


def test_over_ssh_the_tunnel_comes_first() -> None:
    first, second = launch.links(8770, "t", {"SSH_CONNECTION": "10.0.0.2 51000 10.0.0.1 22"})
    assert first.startswith("On your own computer:  ssh -N -L 8770:127.0.0.1:8770 ")
    assert first.split()[-1].count("@") == 1
    assert second == "then open  http://127.0.0.1:8770/#k=t"


def test_the_browser_gets_a_file_that_only_its_user_can_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(webbrowser, "open", opened.append)
    launch.open_browser("http://127.0.0.1:1/#k=secret").cancel()
    (file,) = tmp_path.iterdir()
    assert opened == [file.as_uri()]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "secret" in file.read_text("utf-8")
    assert "secret" not in opened[0]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_needs_no_certificate(host: str) -> None:
    launch.check_address(host, (), None, is_insecure=False)


def test_another_address_needs_a_name_and_a_certificate_or_consent() -> None:
    files = (Path("a.pem"), Path("a.key"))
    with pytest.raises(ParameterError, match="--allow-host"):
        launch.check_address("10.0.0.1", (), files, is_insecure=True)
    with pytest.raises(ParameterError, match="clear text"):
        launch.check_address("10.0.0.1", ("lab7",), None, is_insecure=False)
    launch.check_address("10.0.0.1", ("lab7",), files, is_insecure=False)
    launch.check_address("10.0.0.1", ("lab7",), None, is_insecure=True)


def test_the_catalogue_is_the_one_that_is_named_or_lies_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MYSTAX_CATALOG", raising=False)
    lab, empty = tmp_path / "lab", tmp_path / "empty"
    Catalog.create(lab).close()
    empty.mkdir()
    assert launch.catalogue_for([empty]) is None
    for folders, named in (([lab], None), ([empty], str(lab))):
        found = launch.catalogue_for(folders, named)
        assert found is not None
        assert found.place.folder == lab
        found.close()
    with pytest.raises(RecipeError, match="P403"):
        launch.catalogue_for([], str(empty / "none.toml"))


def test_without_words_the_catalogue_is_found_as_by_all_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MYSTAX_CATALOG", raising=False)
    monkeypatch.chdir(tmp_path)
    assert launch.catalogue_for([]) is None
    Catalog.create(tmp_path).close()
    found = launch.catalogue_for([])
    assert found is not None
    found.close()


def test_the_digest_of_pages_that_are_not_built_is_empty(tmp_path: Path) -> None:
    assert launch.digest_of_pages(tmp_path) == ""
    (tmp_path / "stamp.json").write_text('{"digest": "abc"}')
    assert launch.digest_of_pages(tmp_path) == "abc"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--host", "10.0.0.1"], "P401"),
        (["--host", "10.0.0.1", "--allow-host", "lab7"], "P401"),
        (["nowhere"], "P403"),
        (["--catalog", "nowhere.toml"], "P403"),
    ],
)
def test_what_cannot_be_served_is_refused_before_anything_listens(
    words: list[str],
    code: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = call(capsys, "app", "--no-browser", "--json", *words)
    assert (done.status, done.codes) == (2, [code])


def test_a_port_in_use_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = call(capsys, "app", "--no-browser", "--json", "--port", port, tmp_path)
    assert done.codes == ["W903"]


def test_pages_that_are_not_built_are_told_as_w905(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def started(_: object, sockets: object = None) -> None:
        assert sockets is not None

    def run(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
        asyncio.run(server.startup(sockets))

    monkeypatch.setattr(uvicorn.Server, "startup", started)
    monkeypatch.setattr(uvicorn.Server, "run", run)
    said: list[str] = []
    with socket.socket() as listening:
        launch.serve(launch.Settings(pages=tmp_path), listening, say=said.append, no_browser=True)
    assert said[0].startswith("W905: the web pages are not built")
    assert "tools/web.py build" in said[0]
    assert "#k=" in said[1]


def test_the_port_of_the_last_time_comes_first_where_it_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        free = one.getsockname()[1]
    with launch.listen(before=free) as first, launch.listen(before=free) as second:
        assert first.getsockname()[1] == free
        assert second.getsockname()[1] in range(launch.PORT, launch.PORT + launch.TRIES + 1)
