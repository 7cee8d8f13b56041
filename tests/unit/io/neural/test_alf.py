"""ALF folders: the newest revision of each file, rows that agree, pairs of sample and time."""

import json
from pathlib import Path

import numpy as np
import pytest

import mystax
from mystax.errors import FormatError
from mystax.io.neural.alf import alf_files, find_alf

SPIKES = np.array([0.5, 0.25, 1.0, 2.0])


def spikes(folder: Path, **clusters: np.ndarray) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "spikes.times.npy", SPIKES)
    np.save(folder / "spikes.clusters.npy", np.array([1, 0, 1, 3], np.uint32))
    for name, values in clusters.items():
        np.save(folder / f"clusters.{name}.npy", values)
    return folder


def imaging(folder: Path, n_times: int = 6) -> np.ndarray:
    folder.mkdir(parents=True, exist_ok=True)
    values = np.arange(n_times * 3, dtype=np.float32).reshape(n_times, 3)
    np.save(folder / "mpci.ROIActivityDeconvolved.npy", values)
    return values


def test_newest_revision_wins_file_by_file(tmp_path: Path) -> None:
    for name in ("", "#2023-01-05#", "#2024-02-01a#"):
        (tmp_path / name).mkdir(exist_ok=True)
    for place in ("", "#2023-01-05#"):
        (tmp_path / place / "spikes.times.npy").touch()
    for place in ("", "#2023-01-05#", "#2024-02-01a#"):
        (tmp_path / place / "_ibl_clusters.depths.3f2a-99.npy").touch()
    (tmp_path / "notes.txt").touch()
    found = alf_files(tmp_path)
    assert {key: path.parent.name for key, path in found.items()} == {
        "spikes.times": "#2023-01-05#",
        "clusters.depths": "#2024-02-01a#",
    }


@pytest.mark.parametrize("asked", ["", "alf", "alf/probe00"])
def test_neurons_are_found_below_the_session(tmp_path: Path, asked: str) -> None:
    place = spikes(tmp_path / "alf" / "probe00")
    assert find_alf(tmp_path / asked) == place


def test_several_probes_need_a_choice(tmp_path: Path) -> None:
    for probe in ("probe00", "probe01"):
        spikes(tmp_path / "alf" / probe)
    with pytest.raises(FormatError, match="several folders") as refused:
        mystax.read_neural(tmp_path)
    assert "probe01" in refused.value.got
    assert mystax.read_neural(tmp_path / "alf" / "probe01").sizes["spike"] == 4


def test_spikes_rise_and_clusters_are_rows(tmp_path: Path) -> None:
    dataset = mystax.read_neural(spikes(tmp_path, depths=np.array([10.0, 20, 30, 40])))
    assert dataset["spike_time"].values.tolist() == [0.25, 0.5, 1, 2]
    assert dataset["spike_neuron"].values.tolist() == [0, 1, 1, 3]
    assert dataset["neuron_z"].values.tolist() == [10, 20, 30, 40]


def test_labels_of_the_metrics_judge_clusters(tmp_path: Path) -> None:
    spikes(tmp_path)
    (tmp_path / "clusters.metrics.csv").write_text("id,label\n0,1.0\n1,0.66\n2,1.0\n3,0.0\n", "utf-8")
    assert mystax.read_neural(tmp_path)["neuron"].values.tolist() == [0, 2]
    every = mystax.read_neural(tmp_path, neurons="quality=all")
    assert every["quality"].values.tolist() == ["good", "mua", "good", "mua"]


def test_texts_of_the_sorter_judge_clusters(tmp_path: Path) -> None:
    spikes(tmp_path)
    (tmp_path / "clusters.metrics.csv").write_text("id,ks2_label\n0,good\n1,mua\n2,good\n3,good\n", "utf-8")
    assert mystax.read_neural(tmp_path)["neuron"].values.tolist() == [0, 2, 3]


def test_areas_are_the_acronyms(tmp_path: Path) -> None:
    names = np.array(["VISp", "VISp", "CA1", "CA1"])
    dataset = mystax.read_neural(spikes(tmp_path, brainLocationAcronyms_ccf_2017=names), neurons="area=CA1")
    assert dataset["neuron"].values.tolist() == [2, 3]


@pytest.mark.parametrize(
    "clusters", [{"depths": np.zeros(3)}, {"depths": np.zeros(5), "acronym": np.array(["a"] * 4)}]
)
def test_rows_of_one_object_must_agree(tmp_path: Path, clusters: dict[str, np.ndarray]) -> None:
    with pytest.raises(FormatError, match="F804"):
        mystax.read_neural(spikes(tmp_path, **clusters))


def test_spikes_and_clusters_must_agree(tmp_path: Path) -> None:
    spikes(tmp_path)
    np.save(tmp_path / "spikes.clusters.npy", np.array([1, 0, 1]))
    with pytest.raises(FormatError, match="rows of one object differ"):
        mystax.read_neural(tmp_path)


def test_pairs_of_sample_and_time_are_interpolated_and_carried_on(tmp_path: Path) -> None:
    values = imaging(tmp_path)
    np.save(tmp_path / "mpci.timestamps.npy", np.array([[1.0, 10.0], [3.0, 11.0], [4.0, 11.4]]))
    dataset = mystax.read_neural(tmp_path)
    np.testing.assert_allclose(dataset["time"].values, [9.5, 10.0, 10.5, 11.0, 11.4, 11.8])
    np.testing.assert_array_equal(dataset["activity"].values, values)


def test_fluorescence_takes_the_neuropil_off(tmp_path: Path) -> None:
    imaging(tmp_path)
    raw = np.random.default_rng(0).standard_normal((6, 3)).astype(np.float32)
    np.save(tmp_path / "mpci.ROIActivityF.npy", raw + 0.7)
    np.save(tmp_path / "mpci.ROINeuropilActivityF.npy", np.ones((6, 3), np.float32))
    np.save(tmp_path / "mpci.times.npy", np.arange(6.0))
    dataset = mystax.read_neural(tmp_path, signal="fluorescence")
    differences = np.diff(dataset["activity"].values, axis=0)
    np.testing.assert_allclose(differences, np.diff(raw, axis=0), atol=0.2)
    np.save(tmp_path / "mpci.ROINeuropilActivityF.npy", np.ones((5, 3), np.float32))
    with pytest.raises(FormatError, match="rows of one object differ"):
        mystax.read_neural(tmp_path, signal="fluorescence")


def test_regions_that_are_no_cells_are_left_out(tmp_path: Path) -> None:
    imaging(tmp_path)
    np.save(tmp_path / "mpci.times.npy", np.arange(6.0))
    np.save(tmp_path / "mpciROIs.mpciROITypes.npy", np.array([1, 0, 1]))
    assert mystax.read_neural(tmp_path)["neuron"].values.tolist() == [0, 2]


def test_another_signal_than_is_there_is_refused_with_what_is_there(tmp_path: Path) -> None:
    imaging(tmp_path)
    with pytest.raises(FormatError, match=r"mpci\.ROIActivityDeconvolved"):
        mystax.read_neural(tmp_path, signal="fluorescence")


def metrics(folder: Path, **columns: list[object]) -> None:
    pa = pytest.importorskip("pyarrow", reason='pip install "mystax[interop]"')
    from pyarrow import parquet

    parquet.write_table(pa.table(columns), folder / "clusters.metrics.pqt")


def test_metrics_in_parquet_belong_to_their_clusters(tmp_path: Path) -> None:
    metrics(spikes(tmp_path), cluster_id=[3, 0, 1], label=[1.0, 1.0, 0.33])
    every = mystax.read_neural(tmp_path, neurons="quality=all")
    assert every["quality"].values.tolist() == ["good", "mua", "unsorted", "good"]
    assert mystax.read_neural(tmp_path)["neuron"].values.tolist() == [0, 2, 3]


def test_metrics_in_parquet_of_another_number_of_rows_are_not_used(tmp_path: Path) -> None:
    metrics(spikes(tmp_path), label=[1.0, 0.5])
    assert set(mystax.read_neural(tmp_path)["quality"].values.tolist()) == {""}


def test_without_pyarrow_spikes_are_read_and_the_loss_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    (spikes(tmp_path) / "clusters.metrics.pqt").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    dataset = mystax.read_neural(tmp_path)
    assert dataset.sizes["neuron"] == 4
    assert "pyarrow is not installed" in str(dataset.attrs["quality"])


@pytest.mark.attack
def test_clusters_in_a_pickle_are_remarked_and_the_rest_is_read(tmp_path: Path) -> None:
    from tests.attacks.payloads import PICKLES, npy_of

    spikes(tmp_path, depths=np.array([10.0, 20, 30, 40]))
    np.save(tmp_path / "clusters.acronym.npy", np.array(["CA1"] * 4, object), allow_pickle=True)
    (tmp_path / "clusters.uuids.npy").write_bytes(npy_of(PICKLES["exec"](tmp_path / "ran")))
    np.save(tmp_path / "clusters.version.npy", np.array(2))
    dataset = mystax.read_neural(tmp_path)
    assert not (tmp_path / "ran").exists()
    assert dataset["neuron_z"].values.tolist() == [10, 20, 30, 40]
    assert dataset["area"].values.tolist() == [""] * 4
    said = json.loads(dataset.attrs["quality"])
    assert {flag["text"].split()[0] for flag in said} == {
        f"clusters.{name}.npy" for name in ("acronym", "uuids", "version")
    }
