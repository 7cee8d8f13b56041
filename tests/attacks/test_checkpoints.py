"""Hostile checkpoints run nothing and are refused, also when their bytes are changed."""

import zipfile
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason='pip install "mystax[train]"')

from mystax.errors import MystaxError  # noqa: E402 - torch may be absent
from mystax.nets.fmnet import check_state, read_state  # noqa: E402
from tests.attacks.payloads import PICKLES, mutated  # noqa: E402

pytestmark = [pytest.mark.attack, pytest.mark.extra("train")]
N_MUTATIONS = 200


def archive_with(path: Path, payload: bytes) -> None:
    """Write a checkpoint as torch does, with other bytes where its objects are described."""
    torch.save({"weight": torch.zeros(3)}, path)
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as new:
        for name, content in parts.items():
            new.writestr(name, payload if name.endswith("data.pkl") else content)


@pytest.mark.parametrize("is_archive", [True, False])
def test_two_hundred_changed_checkpoints_run_nothing_and_are_refused(
    tmp_path: Path, is_archive: bool
) -> None:
    path, marker = tmp_path / "state.pt", tmp_path / "marker"
    makers = list(PICKLES.values())
    for number in range(N_MUTATIONS):
        payload = mutated(makers[number % len(makers)](marker), number)
        if is_archive:
            archive_with(path, payload)
        else:
            path.write_bytes(payload)
        with pytest.raises(MystaxError):
            check_state(read_state(str(path)), "state.pt")  # a change can leave plain data: no network either
        assert not marker.exists()
