"""phy and Kilosort folders: samples and seconds, clusters, judgements, depths; params.py is not run."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import mystax
from mystax.errors import ClockError, FormatError, ParameterError
from mystax.io.neural.phy import sample_rate_of

SAMPLES = np.array([30, 15, 300, 600, 900, 3000], np.uint64)
CLUSTERS = np.array([7, 2, 2, 9, 7, 40], np.int32)


def write(folder: Path, samples: np.ndarray = SAMPLES, *, params: str = "sample_rate = 30000.\n") -> Path:
    np.save(folder / "spike_times.npy", samples)
    np.save(folder / "spike_clusters.npy", CLUSTERS)
    (folder / "cluster_group.tsv").write_text("cluster_id\tgroup\n2\tgood\n7\tmua\n9\tnoise\n", "utf-8")
    if params:
        (folder / "params.py").write_text(params, "utf-8")
    return folder


@pytest.mark.parametrize("shape", [(-1,), (-1, 1), (1, -1)])
def test_spikes_in_samples_become_rising_seconds(tmp_path: Path, shape: tuple[int, ...]) -> None:
    dataset = mystax.read_neural(write(tmp_path, SAMPLES.reshape(shape)), neurons="quality=all")
    np.testing.assert_allclose(dataset["spike_time"].values, np.sort(SAMPLES) / 30_000)
    owners = dataset["neuron"].values[dataset["spike_neuron"].values]
    assert owners.tolist() == [2, 7, 2, 9, 7, 40]


def test_good_and_unsorted_clusters_are_taken_by_default(tmp_path: Path) -> None:
    dataset = mystax.read_neural(write(tmp_path))
    assert dict(zip(dataset["neuron"].values.tolist(), dataset["quality"].values.tolist(), strict=True)) == {
        2: "good",
        40: "unsorted",
    }
    assert json.loads(dataset.attrs["left_out"]) == {"quality mua": [7], "quality noise": [9]}
    assert json.loads(dataset.attrs["source"])["clusters"] == {"good": 1, "mua": 1, "noise": 1, "unsorted": 1}


def test_multi_unit_activity_is_taken_on_request(tmp_path: Path) -> None:
    dataset = mystax.read_neural(write(tmp_path), neurons="quality=good|mua")
    assert dataset["neuron"].values.tolist() == [2, 7]


def test_float_times_are_seconds_and_need_no_rate(tmp_path: Path) -> None:
    dataset = mystax.read_neural(write(tmp_path, SAMPLES / 30_000.0, params=""), neurons="quality=all")
    np.testing.assert_allclose(dataset["spike_time"].values, np.sort(SAMPLES) / 30_000)


def test_samples_without_a_rate_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ClockError, match="C207") as refused:
        mystax.read_neural(write(tmp_path, params=""))
    assert "--sample-rate" in refused.value.hint


def test_a_given_rate_wins(tmp_path: Path) -> None:
    dataset = mystax.read_neural(write(tmp_path), sample_rate=Fraction(15_000), neurons="quality=all")
    np.testing.assert_allclose(dataset["spike_time"].values, np.sort(SAMPLES) / 15_000)


@pytest.mark.parametrize("rate", [0, -1])
def test_impossible_rates_are_refused(tmp_path: Path, rate: float) -> None:
    with pytest.raises(ParameterError, match="P401"):
        mystax.read_neural(write(tmp_path), sample_rate=rate)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("sample_rate = 30000.\n", 30_000),
        ("dat_path = 'x'\nsample_rate=25000\nhp_filtered = False", 25_000),
        ("sample_rate = 24414.0625", Fraction(390_625, 16)),
        ("sample_rate = 3e4", 30_000),
        ("sample_rate = 30 * 1000", None),
        ("sample_rate = float(open('/etc/hosts').read())", None),
        ("sample_rate = -5", None),
        ("sample_rate = True", None),
        ("import os; os.abort()", None),
        ("sample_rate = 30000.\n)(", None),
        ("", None),
    ],
)
def test_params_are_read_as_text_and_never_run(tmp_path: Path, text: str, rate: float | None) -> None:
    (tmp_path / "params.py").write_text(text, "utf-8")
    assert sample_rate_of(tmp_path / "params.py") == rate


def test_templates_stand_in_for_clusters_that_are_not_there(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "spike_clusters.npy").rename(tmp_path / "spike_templates.npy")
    assert mystax.read_neural(tmp_path)["neuron"].values.tolist() == [2, 40]


def test_labels_of_the_sorter_stand_in_for_those_of_a_person(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "cluster_group.tsv").unlink()
    (tmp_path / "cluster_KSLabel.tsv").write_text("cluster_id\tKSLabel\n7\tgood\n2\tmua\n", "utf-8")
    assert mystax.read_neural(tmp_path)["neuron"].values.tolist() == [7, 9, 40]


def test_without_labels_every_cluster_is_taken(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "cluster_group.tsv").unlink()
    assert mystax.read_neural(tmp_path)["quality"].values.tolist() == ["unsorted"] * 4


def test_clusters_of_another_number_than_spikes_are_refused(tmp_path: Path) -> None:
    write(tmp_path)
    np.save(tmp_path / "spike_clusters.npy", CLUSTERS[:-1])
    with pytest.raises(FormatError, match=r"F804.*6 rows"):
        mystax.read_neural(tmp_path)


def test_a_table_of_times_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"F804.*shape"):
        mystax.read_neural(write(tmp_path, np.stack([SAMPLES, SAMPLES], axis=1)))


def test_times_that_are_not_finite_are_refused_with_their_row(tmp_path: Path) -> None:
    times = SAMPLES / 30_000.0
    times[3] = np.nan
    with pytest.raises(ClockError, match=r"C206.*row 3"):
        mystax.read_neural(write(tmp_path, times))


def test_depth_is_that_of_the_template_of_most_spikes(tmp_path: Path) -> None:
    write(tmp_path)
    np.save(tmp_path / "channel_positions.npy", np.array([[0.0, 100.0], [16.0, 200.0], [0.0, 300.0]]))
    templates = np.zeros((4, 5, 3), np.float32)
    for template, channel in enumerate([2, 0, 1, 1]):
        templates[template, 2, channel] = -3
        templates[template, 3, (channel + 1) % 3] = 1
    np.save(tmp_path / "templates.npy", templates)
    np.save(tmp_path / "spike_templates.npy", np.array([0, 1, 1, 2, 0, 3], np.uint32))
    dataset = mystax.read_neural(tmp_path, neurons="quality=all")
    assert dataset["neuron_z"].values.tolist() == [100, 300, 200, 200]
    assert dataset["neuron_x"].values.tolist() == [0, 0, 16, 16]
    assert dataset.attrs["unit"] == "um"


def test_templates_on_some_channels_name_them_in_their_index(tmp_path: Path) -> None:
    write(tmp_path)
    np.save(tmp_path / "channel_positions.npy", np.array([[0.0, 10.0 * k] for k in range(6)]))
    templates = np.zeros((2, 5, 2), np.float32)
    templates[0, 1, 1], templates[1, 1, 0] = 2, 2
    np.save(tmp_path / "templates.npy", templates)
    np.save(tmp_path / "templates_ind.npy", np.array([[3, 5], [4, 2]]))
    np.save(tmp_path / "spike_templates.npy", np.array([1, 0, 0, 0, 1, 1], np.uint32))
    depths = mystax.read_neural(tmp_path, neurons="quality=all")["neuron_z"].values
    assert depths.tolist() == [50, 40, 50, 40]


LABELLED = {2: "good", 7: "mua", 9: "noise", 40: "unsorted"}


def qualities(folder: Path) -> dict[int, str]:
    dataset = mystax.read_neural(folder, neurons="quality=all")
    return dict(zip(dataset["neuron"].values.tolist(), dataset["quality"].values.tolist(), strict=True))


@pytest.mark.parametrize("name", ["cluster_groups.csv", "cluster_group.csv", "cluster_group.tsv"])
@pytest.mark.parametrize("mark", ["\t", ",", ";"])
@pytest.mark.parametrize(
    "rows",
    [
        [("cluster_id", "group"), (2, "good"), (7, "mua"), (9, "noise")],
        [("group", "cluster_id"), ("good", 2), ("mua", 7), ("noise", 9)],
        [("", "cluster_id", "n_spikes", "group"), (0, 2, 5, "good"), (1, 7, 6, "mua"), (2, 9, 8, "noise")],
        [("id", "label"), (2, "Good"), (7, "mua"), (9, "noise")],
    ],
)
def test_judgements_are_found_by_the_names_of_their_columns(
    tmp_path: Path, name: str, mark: str, rows: list[tuple[object, ...]]
) -> None:
    write(tmp_path)
    (tmp_path / "cluster_group.tsv").unlink()
    (tmp_path / name).write_text("".join(mark.join(map(str, row)) + "\n" for row in rows), "utf-8")
    assert qualities(tmp_path) == LABELLED
    assert mystax.read_neural(tmp_path).attrs["quality"] == "[]"


@pytest.mark.parametrize("text", ["cluster_id\tgroup\n", "2 good\n7 mua\n", "a\tb\nx\ty\n", ""])
def test_a_table_without_a_judgement_is_remarked_and_the_next_is_read(tmp_path: Path, text: str) -> None:
    (write(tmp_path) / "cluster_group.tsv").write_text(text, "utf-8")
    said = json.loads(mystax.read_neural(tmp_path).attrs["quality"])
    assert [flag["code"] for flag in said] == ["N308"]
    assert "cluster_group.tsv" in said[0]["text"]
    assert set(qualities(tmp_path).values()) == {"unsorted"}
    (tmp_path / "cluster_KSLabel.tsv").write_text("cluster_id\tKSLabel\n2\tgood\n7\tmua\n9\tnoise\n", "utf-8")
    assert qualities(tmp_path) == LABELLED


def test_judgements_of_other_clusters_alone_are_remarked(tmp_path: Path) -> None:
    (write(tmp_path) / "cluster_group.tsv").write_text("cluster_id\tgroup\n3\tgood\n", "utf-8")
    assert "cluster_group.tsv" in mystax.read_neural(tmp_path).attrs["quality"]
