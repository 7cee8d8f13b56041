"""F37: a database on a network disk is refused before anything is written, with two ways out."""

from pathlib import Path

import pytest

from mystax.engine.catalog.catalog import Catalog
from mystax.errors import CatalogError
from tests.fixtures.postgres import PostgresServer

pytestmark = pytest.mark.fault(37)


@pytest.mark.parametrize(
    "kind", ["nfs", "nfs4", "cifs", "smb3", "lustre", "gpfs", "beegfs", "ceph", "afs", "fuse.sshfs"]
)
def test_sqlite_file_on_a_network_disk_is_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(CatalogError, match="Q604") as refused:
        Catalog.create(tmp_path / "lab", statfs=lambda _: kind)
    assert refused.value.hint.count("--url") == 2
    assert not list(tmp_path.iterdir())


def test_postgresql_does_not_mind_where_its_file_lies(tmp_path: Path, postgres: PostgresServer) -> None:
    url = postgres.new_database()
    with Catalog.create(tmp_path / "lab", url, statfs=lambda _: "nfs4") as catalog:
        assert catalog.recordings() == []
