"""What tells neural data and behaviour from others."""

from pathlib import Path
from typing import Any

import numpy as np

import mystax
from mystax.engine.encoding.inputs import behaviour_of, fingerprint_of, other_behaviours, plain_parameters
from tests.fixtures.brains import follower, two_parts


def of_array(values: np.ndarray) -> Any:
    return fingerprint_of(mystax.read_neural(values, clock=np.arange(len(values)) / 10, axes="time,neuron"))


def test_arrays_in_memory_are_told_apart_by_their_values() -> None:
    values = np.random.default_rng(0).normal(size=(50, 3))
    assert of_array(values) == of_array(values.copy())
    assert of_array(values) != of_array(values + 1)


def test_datasets_without_a_source_are_told_apart_by_their_values() -> None:
    assert fingerprint_of(follower(seed=0)) != fingerprint_of(follower(seed=1))


def test_simulated_brains_are_told_apart_by_their_values() -> None:
    from mystax.synth.brain import simulate

    made = [simulate("A", minutes=0.5, n_neurons=3, seed=seed).neural for seed in (0, 1)]
    assert fingerprint_of(made[0]) != fingerprint_of(made[1])


def test_own_behaviour_is_left_out_of_the_others() -> None:
    grids, inputs = other_behaviours([two_parts(seed=k) for k in range(4)], two_parts(seed=2))
    assert len(grids) == len(inputs) == 3
    assert [item["position"] for item in inputs] == [0, 1, 2]
    assert {item["role"] for item in inputs} == {"null"}


def test_behaviour_is_told_apart_by_values_and_start() -> None:
    from dataclasses import replace

    grid = two_parts()
    ids = {
        behaviour_of(one, "auto")[1][0]["id"] for one in (grid, two_parts(seed=1), replace(grid, start=1.0))
    }
    assert len(ids) == 3


def test_none_and_lists_become_texts() -> None:
    given = {"groups": ["pupil", "running"], "null": None, "folds": 3}
    assert plain_parameters(given) == {"groups": "pupil,running", "null": "none", "folds": 3}
    assert plain_parameters({"groups": None}) == {}


def phy_folder(folder: Path) -> Path:
    """Write 200 spikes of three clusters in samples."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    np.save(folder / "spike_times.npy", np.sort(rng.integers(0, 10_000_000, 200)))
    np.save(folder / "spike_clusters.npy", rng.integers(0, 3, 200))
    return folder


def test_spikes_are_told_apart_by_their_times_not_by_their_files(tmp_path: Path) -> None:
    folder = phy_folder(tmp_path / "phy")
    slow, fast, again = (mystax.read_neural(folder, sample_rate=rate) for rate in (30_000, 25_000, 30_000))
    assert fingerprint_of(slow) == fingerprint_of(again)
    assert fingerprint_of(slow) != fingerprint_of(fast)


def test_arrays_of_one_file_are_told_apart(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "a.npz", dff=rng.normal(size=(40, 3)), raw=rng.normal(size=(40, 3)))
    ids = [
        fingerprint_of(mystax.read_neural(f"{tmp_path / 'a.npz'}:{name}", clock=np.arange(40) / 10))
        for name in ("dff", "raw", "dff")
    ]
    assert ids[0] == ids[2]
    assert ids[0] != ids[1]


def test_activity_that_was_changed_after_reading_is_told_from_its_file(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.random.default_rng(0).normal(size=(40, 3)))
    plain = mystax.read_neural(tmp_path / "a.npy", clock=np.arange(40) / 10)
    changed = plain.assign(activity=plain["activity"] * 2)
    changed.attrs = dict(plain.attrs)
    assert fingerprint_of(plain) != fingerprint_of(changed)


def test_places_of_neurons_are_part_of_what_they_are() -> None:
    brain = follower(seed=0)
    moved = brain.assign_coords(neuron_x=("neuron", np.arange(brain.sizes["neuron"], dtype=np.float32)))
    assert fingerprint_of(brain) != fingerprint_of(moved)
