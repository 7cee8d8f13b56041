"""`mystax app`: the web page, served by this machine for the person who started it."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from mystax.cli.options import common
from mystax.cli.output import Output

__all__ = ["command"]

LAUNCH = "mystax.app.launch"
"""The web app stands beside the commands, and neither imports the other: it is found by name."""


@click.command("app", epilog="Example: mystax app project/")
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path))
@click.option("--catalog", "catalog_at", metavar="PATH|URL", help="The catalogue.")
@click.option("--port", type=int, help="Where to listen; default 8765, or the next that is free.")
@click.option("--no-browser", is_flag=True, help="Do not open the page.")
@click.option("--read-only", is_flag=True, help="Refuse all changes.")
@click.option(
    "--host", default="127.0.0.1", help="Address to listen on; default 127.0.0.1: this machine only."
)
@click.option("--allow-host", "hosts", multiple=True, help="Name by which the server may be called.")
@click.option("--base", default="", help="Path under which a proxy shows the page.")
@click.option("--tls-cert", type=click.Path(path_type=Path), help="Certificate, for another address.")
@click.option("--tls-key", type=click.Path(path_type=Path), help="Key of the certificate.")
@click.option("--insecure", is_flag=True, help="Listen on another address without a certificate.")
@common
@click.pass_obj
def command(
    output: Output,
    folders: tuple[Path, ...],
    catalog_at: str | None,
    port: int | None,
    no_browser: bool,
    read_only: bool,
    host: str,
    hosts: tuple[str, ...],
    base: str,
    tls_cert: Path | None,
    tls_key: Path | None,
    insecure: bool,
) -> None:
    """See, draw, label and run, in a page of this machine.

    FOLDERS hold videos, outcomes or a catalogue.  Without any: the catalogue that all commands find,
    else the present folder.  Where the same is served already, that page is opened again.  Nothing leaves
    the machine.
    """
    from mystax.errors import RecipeError

    launch: Any = import_module(LAUNCH)
    places = tuple(folder.resolve() for folder in folders)
    for place in places:
        if not place.is_dir():
            raise RecipeError("P403", str(place), "there is no such folder")
    catalog = launch.catalogue_for(places, catalog_at)
    if not places and catalog is None:
        places = (Path.cwd(),)
    certificate = (tls_cert, tls_key) if tls_cert is not None and tls_key is not None else None
    launch.check_address(host, hosts, certificate, is_insecure=insecure)
    settings = launch.Settings(folders=places, allowed_hosts=hosts, base=base, read_only=read_only)
    address = launch.address_of_catalogue(catalog)
    key = "" if port == 0 else launch.key_of(settings, address)
    output.inputs.extend(str(place) for place in places)
    if port is None and launch.reopen(settings, say=output.say, catalogue=address, no_browser=no_browser):
        return
    listening = launch.listen(port, host, before=launch.last_port(key))
    launch.serve(
        replace(settings, port=listening.getsockname()[1]),
        listening,
        say=output.say,
        certificate=certificate,
        no_browser=no_browser,
        source=catalog,
        key=key,
    )
