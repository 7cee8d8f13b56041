"""A folder of outcomes: what is current there, texts in one step, room on the disk."""

from pathlib import Path

import pytest

from mystax.errors import DamagedError, RecipeError, SpaceError
from mystax.io.outcome_folder import OutcomeFolder
from mystax.io.outcomes import read_sum
from tests.fixtures.faulty_fs import FaultyFs
from tests.fixtures.traces import KEY, OTHER_KEY, TRACE, damage, provenance, quick_store, trace

SUM = ".mystax/sums/trace.nc.sha256"


def published(folder: Path) -> OutcomeFolder:
    """Publish the small outcome in a folder."""
    quick_store(folder).publish(trace(), provenance(KEY), schema=TRACE)
    return OutcomeFolder(folder)


def files(folder: Path) -> list[str]:
    """List all files, sorted."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_nothing_published_has_no_key(tmp_path: Path) -> None:
    assert OutcomeFolder(tmp_path / "absent").current_key("trace") is None


def test_file_that_is_no_outcome_has_no_key(tmp_path: Path) -> None:
    (tmp_path / "trace.nc").write_bytes(b"something else")
    assert OutcomeFolder(tmp_path).current_key("trace") is None


def test_whole_outcome_without_its_sum_counts(tmp_path: Path) -> None:
    folder = published(tmp_path)
    (tmp_path / SUM).unlink()
    assert folder.current_key("trace") == KEY


def test_damaged_outcome_without_its_sum_does_not_count(tmp_path: Path) -> None:
    folder = published(tmp_path)
    (tmp_path / SUM).unlink()
    damage(tmp_path / "trace.nc")
    assert folder.current_key("trace") is None


def test_sum_of_another_key_is_written_anew(tmp_path: Path) -> None:
    folder = published(tmp_path)
    whole = (tmp_path / SUM).read_text()
    (tmp_path / SUM).write_text(whole.replace(KEY, OTHER_KEY))
    folder.adopt("trace")
    assert (tmp_path / SUM).read_text() == whole


def test_sum_that_fits_is_left_alone(tmp_path: Path) -> None:
    folder = published(tmp_path)
    before = (tmp_path / SUM).stat()
    folder.adopt("trace")
    after = (tmp_path / SUM).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_damaged_outcome_gets_no_sum(tmp_path: Path) -> None:
    folder = published(tmp_path)
    (tmp_path / SUM).unlink()
    damage(tmp_path / "trace.nc")
    with pytest.raises(DamagedError) as caught:
        folder.adopt("trace")
    assert caught.value.code == "S502"
    assert read_sum(tmp_path / SUM) is None


@pytest.mark.parametrize("name", ["report.html", "figures/energy.svg", "recipe.toml"])
def test_texts_are_written_in_one_step(tmp_path: Path, name: str) -> None:
    folder = OutcomeFolder(tmp_path / "m")
    folder.write_text(name, "größe")
    folder.write_text(name, "größer")
    assert files(tmp_path / "m") == [name]
    assert (tmp_path / "m" / name).read_text("utf-8") == "größer"


@pytest.mark.parametrize("name", ["../x", "/x", "", "a/../../x", "a\\b", "a\0b", "figures/.."])
def test_texts_stay_inside_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecipeError) as caught:
        OutcomeFolder(tmp_path / "m").write_text(name, "x")
    assert caught.value.code == "P404"
    assert files(tmp_path) == []


def test_text_whose_part_was_swept_by_another_run_is_written_again(tmp_path: Path) -> None:
    class Swept(FaultyFs):
        """A file system on which the first part vanishes."""

        swept = False

        def replace(self, source: Path, target: Path) -> None:
            if not self.swept:
                self.swept = True
                source.unlink()
            super().replace(source, target)

    OutcomeFolder(tmp_path, fs=Swept()).write_text("report.html", "x")
    assert files(tmp_path) == ["report.html"]


@pytest.mark.parametrize(("n_bytes", "fits"), [(400 << 20, True), (409 << 20, True), (410 << 20, False)])
def test_run_needs_a_fifth_more_than_its_estimate_and_a_reserve(
    tmp_path: Path, n_bytes: int, fits: bool
) -> None:
    fs = FaultyFs()
    fs.room = (512 << 20) + int(1.2 * (409 << 20)) + 1
    folder = OutcomeFolder(tmp_path / "not" / "yet", fs=fs)
    assert folder.free() == fs.room - (512 << 20)
    if fits:
        folder.need(n_bytes)
    else:
        with pytest.raises(SpaceError) as caught:
            folder.need(n_bytes)
        assert caught.value.code == "S501"
        assert "MiB" in caught.value.expected
