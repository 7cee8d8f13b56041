"""The store: what is published, what is kept, what is refused."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from mystax.core.quality import Flag
from mystax.errors import FormatError, StoreError
from mystax.io.outcomes import load, read_sum, verify_outcome
from mystax.io.store import Provenance, Store
from mystax.io.store_fs import LocalFs
from mystax.io.strays import strays
from tests.fixtures.faulty_fs import FaultyFs, nobody_lives
from tests.fixtures.traces import KEY, OTHER_KEY, TRACE, provenance, quick_store, trace


def published(folder: Path, **more: object) -> Store:
    """Publish the small outcome in a folder."""
    store = quick_store(folder)
    store.publish(trace(), provenance(KEY, **more), schema=TRACE)
    return store


def loaded(folder: Path) -> xr.Dataset:
    """Load the small outcome."""
    found = load(folder / "trace.nc")
    assert isinstance(found, xr.Dataset)
    return found


def files(folder: Path) -> list[str]:
    """List all files, sorted."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_published_outcome_and_its_sum_are_all_there_is(tmp_path: Path) -> None:
    path = Store(tmp_path / "face.mystax").publish(trace(), provenance(), schema=TRACE)
    assert path == tmp_path / "face.mystax" / "trace.nc"
    assert files(tmp_path) == ["face.mystax/.mystax/sums/trace.nc.sha256", "face.mystax/trace.nc"]
    assert loaded(path.parent).drop_attrs().identical(trace().drop_attrs())


def test_sum_is_checked_by_sha256sum_without_mystax(tmp_path: Path) -> None:
    published(tmp_path)
    shell = subprocess.run(
        ["sha256sum", "-c", ".mystax/sums/trace.nc.sha256"], cwd=tmp_path, capture_output=True, text=True
    )
    assert (shell.returncode, shell.stdout) == (0, "trace.nc: OK\n")
    assert (tmp_path / ".mystax/sums/trace.nc.sha256").read_text().startswith(f"# key {KEY}\n")


def test_provenance_stands_in_the_attributes(tmp_path: Path) -> None:
    told = Provenance(
        "trace",
        3,
        KEY,
        {"bin": 4, "sigma": 2.0},
        [{"name": "face.mp4", "id": "10-ab", "role": "frames", "position": 0}],
        0.75,
        [Flag.about("V105", "2 frames are missing", [4, 5])],
        {"mystax": "1.0"},
        {"host": "here", "attempt": 1},
    )
    Store(tmp_path).publish(trace(), told, schema=TRACE)
    found = loaded(tmp_path).attrs
    assert found["mystax_format"] == 1
    assert (found["analysis"], found["analysis_version"], found["key"]) == ("trace", 3, KEY)
    assert json.loads(found["parameters"]) == {"bin": 4, "sigma": 2.0}
    assert json.loads(found["inputs"])[0]["id"] == "10-ab"
    assert json.loads(found["software"]) == {"mystax": "1.0"}
    assert found["coverage"] == 0.75
    assert json.loads(found["quality"]) == [
        {"code": "V105", "text": "2 frames are missing", "frames": [4, 5], "n_frames": 2}
    ]
    assert (found["run_host"], found["run_attempt"]) == ("here", 1)
    assert found["bin"] == 4
    assert set(json.loads(found["variable_sha256"])) == {str(name) for name in trace().variables}


def test_same_key_again_changes_nothing(tmp_path: Path) -> None:
    store = published(tmp_path)
    before = {name: (tmp_path / name).stat() for name in files(tmp_path)}
    store.publish(trace(), provenance(attempt=2), schema=TRACE)
    after = {name: (tmp_path / name).stat() for name in files(tmp_path)}
    assert {name: (stat.st_mtime_ns, stat.st_ino) for name, stat in before.items()} == {
        name: (stat.st_mtime_ns, stat.st_ino) for name, stat in after.items()
    }


def test_another_key_supersedes_and_the_old_outcome_is_kept(tmp_path: Path) -> None:
    store = published(tmp_path)
    store.publish(trace(seed=1), provenance(OTHER_KEY), schema=TRACE)
    assert store.current_key("trace") == OTHER_KEY
    old = tmp_path / ".mystax" / "old" / f"trace.{KEY[:12]}.nc"
    found = load(old)
    assert isinstance(found, xr.Dataset)
    assert found.drop_attrs().identical(trace().drop_attrs())
    assert verify_outcome(tmp_path / "trace.nc").status == "ok"


def test_going_back_and_forth_loses_no_outcome(tmp_path: Path) -> None:
    store = published(tmp_path)
    for seed, key in ((1, OTHER_KEY), (2, KEY), (3, OTHER_KEY), (4, KEY)):
        store.publish(trace(seed=seed), provenance(key), schema=TRACE)
    kept = [load(path) for path in (tmp_path / ".mystax" / "old").glob("*.nc")]
    assert len(kept) == 4
    for seed in range(4):
        assert any(outcome.drop_attrs().identical(trace(seed=seed).drop_attrs()) for outcome in kept)  # type: ignore[union-attr] # one camera


def test_damaged_outcome_of_the_same_key_is_replaced_and_kept_aside(tmp_path: Path) -> None:
    store = published(tmp_path)
    data = bytearray((tmp_path / "trace.nc").read_bytes())
    place = data.find(trace()["energy"].values.tobytes()[40:60])
    data[place] ^= 16
    (tmp_path / "trace.nc").write_bytes(data)
    store.publish(trace(), provenance(), schema=TRACE)
    assert verify_outcome(tmp_path / "trace.nc").status == "ok"
    assert [path.name for path in (tmp_path / ".mystax" / "old").iterdir()] == [
        f"trace.{KEY[:12]}.damaged-{store.token[:4]}.nc"
    ]


def test_unreadable_outcome_is_replaced_and_kept_aside(tmp_path: Path) -> None:
    (tmp_path / "trace.nc").write_bytes(b"something else")
    published(tmp_path)
    assert verify_outcome(tmp_path / "trace.nc").status == "ok"
    (kept,) = (tmp_path / ".mystax" / "old").iterdir()
    assert kept.read_bytes() == b"something else"


def test_several_cameras_stand_in_one_file(tmp_path: Path) -> None:
    Store(tmp_path).publish({"face": trace(20), "side": trace(30)}, provenance(), schema=TRACE)
    outcomes = load(tmp_path)
    assert list(outcomes) == ["trace/face", "trace/side"]
    assert outcomes["trace/side"].sizes["time"] == 30
    assert outcomes["trace/side"].attrs["camera"] == "side"
    assert outcomes["trace/side"].attrs["key"] == KEY


def test_outcome_of_another_form_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(FormatError) as caught:
        Store(tmp_path / "m").publish(trace().drop_vars("flag"), provenance(), schema=TRACE)
    assert caught.value.code == "F804"
    assert not (tmp_path / "m").exists()


def test_form_of_a_declared_analysis_is_known(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="motion"):
        Store(tmp_path).publish(trace(), Provenance("motion", 1, KEY))


@pytest.mark.parametrize("links", [True, False])
def test_file_system_without_hard_links_will_do(tmp_path: Path, links: bool) -> None:
    store = Store(tmp_path, fs=FaultyFs(links=links))
    store.publish(trace(), provenance(), schema=TRACE)
    store.publish(trace(seed=1), provenance(OTHER_KEY), schema=TRACE)
    assert files(tmp_path) == [
        f".mystax/old/trace.{KEY[:12]}.nc",
        ".mystax/sums/trace.nc.sha256",
        "trace.nc",
    ]
    assert verify_outcome(tmp_path / "trace.nc").status == "ok"


def test_rival_that_was_first_is_adopted(tmp_path: Path) -> None:
    class Rival(FaultyFs):
        """A file system on which a rival publishes the same outcome just before us."""

        def link(self, source: Path, target: Path) -> None:
            if target.name == "trace.nc" and not target.exists():
                source.copy(target) if hasattr(source, "copy") else target.write_bytes(source.read_bytes())
            super().link(source, target)

    store = Store(tmp_path, fs=Rival())
    store.publish(trace(), provenance(), schema=TRACE)
    assert files(tmp_path) == [".mystax/sums/trace.nc.sha256", "trace.nc"]
    assert verify_outcome(tmp_path / "trace.nc").status == "ok"


def test_late_worker_publishes_nothing(tmp_path: Path) -> None:
    late = Store(tmp_path)
    work = late.work([KEY])
    with Store(tmp_path, alive=nobody_lives).work([KEY]):
        with pytest.raises(StoreError) as caught:
            late.publish(trace(), provenance(), schema=TRACE)
        assert caught.value.code == "S504"
    work.close()
    assert files(tmp_path) == []


def test_part_that_another_run_removed_is_told_as_such(tmp_path: Path) -> None:
    class Swept(FaultyFs):
        """A file system on which parts vanish just before they get their name."""

        def link(self, source: Path, target: Path) -> None:
            if source.name.endswith(".nc.part"):
                source.unlink()
            super().link(source, target)

    with pytest.raises(StoreError) as caught:
        Store(tmp_path, fs=Swept()).publish(trace(), provenance(), schema=TRACE)
    assert caught.value.code == "S504"
    assert files(tmp_path) == []


def test_missing_sum_is_written_again_by_the_next_sweep(tmp_path: Path) -> None:
    store = published(tmp_path)
    (tmp_path / ".mystax/sums/trace.nc.sha256").unlink()
    assert store.current_key("trace") == KEY
    assert store.sweep() == []
    noted = read_sum(tmp_path / ".mystax/sums/trace.nc.sha256")
    assert noted is not None
    assert noted.key == KEY
    assert verify_outcome(tmp_path / "trace.nc").status == "ok"


def test_damaged_outcome_without_its_sum_gets_none_by_the_sweep(tmp_path: Path) -> None:
    store = published(tmp_path)
    (tmp_path / ".mystax/sums/trace.nc.sha256").unlink()
    data = bytearray((tmp_path / "trace.nc").read_bytes())
    data[data.find(trace()["energy"].values.tobytes()[40:60])] ^= 16
    (tmp_path / "trace.nc").write_bytes(data)
    assert store.current_key("trace") is None
    store.sweep()
    assert not (tmp_path / ".mystax/sums/trace.nc.sha256").exists()


def test_sweep_removes_parts_of_the_dead_and_leaves_those_of_the_living(tmp_path: Path) -> None:
    store = published(tmp_path)
    living = Store(tmp_path)
    with living.work([OTHER_KEY]) as work:
        kept = [
            tmp_path / f".trace.{living.token}.nc.part",
            work.folder / ".checkpoint-1.npz.part",
        ]
        gone = [
            tmp_path / f".trace.{'0' * 16}.nc.part",
            tmp_path / f".report.html.{'0' * 16}.part",
            tmp_path / ".mystax" / "sums" / f".trace.nc.sha256.{'0' * 16}.part",
        ]
        for path in kept + gone:
            path.write_bytes(b"x")
        assert set(store.sweep()) == set(gone)
        assert all(path.exists() for path in kept)


def test_strays_are_dead_locks_parts_and_spools_without_checkpoint(tmp_path: Path) -> None:
    store = Store(tmp_path)
    work = store.work([KEY])
    work.spool("motion.energy", 1, "uint8")
    assert strays(tmp_path, LocalFs()) == []
    found = strays(tmp_path, LocalFs(), alive=nobody_lives)
    assert [path.name for path in found] == ["lock", "motion.energy.spool"]
    work.save({}, 1)
    found = strays(tmp_path, LocalFs(), alive=nobody_lives)
    assert [path.name for path in found] == ["lock"]
    work.close()


def test_attributes_that_differ_between_runs_do_not_change_the_content(tmp_path: Path) -> None:
    published(tmp_path / "a", host="here", duration=1.5)
    published(tmp_path / "b", host="there", duration=2.5)
    first, second = loaded(tmp_path / "a").attrs, loaded(tmp_path / "b").attrs
    assert first["content_sha256"] == second["content_sha256"]
    assert first["run_host"] != second["run_host"]


def test_loaded_outcome_can_be_published_again(tmp_path: Path) -> None:
    published(tmp_path / "a")
    Store(tmp_path / "b").publish(loaded(tmp_path / "a"), provenance(), schema=TRACE)
    first, second = loaded(tmp_path / "a"), loaded(tmp_path / "b")
    assert first.identical(second)
    assert np.isnan(second["energy"].values[0]).all()


def left(folder: Path, *keys: str) -> Path:
    """Leave a pass with a checkpoint."""
    with quick_store(folder).work(keys) as work:
        work.save({"trace/x": np.zeros(3)}, 3)
        return work.folder


def test_passes_that_were_left_are_known_by_their_keys(tmp_path: Path) -> None:
    store = quick_store(tmp_path)
    assert store.unfinished() == []
    left(tmp_path, KEY)
    both = left(tmp_path, OTHER_KEY, KEY)
    assert sorted(map(len, store.unfinished())) == [1, 2]
    assert frozenset({KEY, OTHER_KEY}) in store.unfinished()
    both.rename(both.with_name("0" * 12))
    assert store.unfinished() == [frozenset({KEY})]


def test_only_passes_that_have_nothing_left_to_make_are_finished(tmp_path: Path) -> None:
    store = quick_store(tmp_path)
    one, both, other = left(tmp_path, KEY), left(tmp_path, OTHER_KEY, KEY), left(tmp_path, OTHER_KEY)
    bare = other.with_name("0" * 12)
    bare.mkdir()
    (bare / "trace.x.spool").write_bytes(b"rows")
    found = []
    for work in store.finished([KEY]):
        found.append(work.folder)
        work.remove()
    assert sorted(found) == sorted([one, bare])
    assert not one.exists()
    assert not bare.exists()
    assert both.exists()
    assert other.exists()


def test_finished_pass_that_another_run_holds_is_left_alone(tmp_path: Path) -> None:
    one = left(tmp_path, KEY)
    with Store(tmp_path).work([KEY]):
        assert list(Store(tmp_path).finished([KEY])) == []
    assert one.exists()
