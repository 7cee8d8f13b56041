"""The comparison of encoders: the same split for both, known ratios, sides that are kept."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks import encoder
from benchmarks.encoder import RULES, compare, given, split_rows, table
from benchmarks.measure import Row
from benchmarks.peers import runner_of

from mystax.compute.folds import published_split

RNG = np.random.default_rng(0)


def test_both_see_the_published_split() -> None:
    train, test = split_rows(7200)
    plan = published_split((np.arange(7200) + 0.5) / 6)
    assert np.array_equal(np.flatnonzero(plan.train(0)), train.ravel())
    assert set(test.ravel()) < set(np.flatnonzero(plan.test(0)))
    assert test.shape == (10, 720 - 540 - 3 - 1)


def world(n: int = 7200, neurons: int = 6) -> dict[str, Any]:
    z = RNG.normal(size=(n, neurons))
    mean, sd, ceiling = np.full(neurons, 3.0), np.full(neurons, 2.0), np.full(neurons, 0.9)
    train, test = split_rows(n)
    return {"z": z, "mean": mean, "sd": sd, "train": train, "test": test, "ceiling": ceiling}


def said(made: dict[str, Any], rows: np.ndarray, share: float) -> np.ndarray:
    """Predict a share of the variance: what is left over is noise that was in the activity."""
    hidden = RNG.normal(size=made["z"].shape)
    made["z"] = np.sqrt(share) * hidden + np.sqrt(1 - share) * made["z"]
    return np.asarray(np.sqrt(share) * hidden[rows])


def test_explained_variance_is_that_of_the_bins_that_both_predict() -> None:
    made = world()
    rows = np.sort(made["test"].ravel())
    truth = said(made, np.arange(7200), 0.6)
    ours = {"rows": rows, "prediction": truth[rows] * made["sd"] + made["mean"]}
    later = rows[5:] + 1
    peer = {"rows": later, "prediction": truth[later] / 2}  # half of it explains three quarters as much
    found = compare(made, ours, peer)
    assert found["n_bins"] == len(np.intersect1d(rows, later))
    assert found["stacked"] == pytest.approx(0.6, abs=0.03)
    assert found["ratio"] == pytest.approx(4 / 3, abs=0.03)
    assert found["ratio_low"] < found["ratio"] < found["ratio_high"]
    assert found["share_of_ceiling"] == pytest.approx(found["stacked"] / 0.9)


def test_a_peer_that_explains_nothing_has_no_ratio() -> None:
    made = world()
    rows = np.sort(made["test"].ravel())
    noise = {"rows": rows, "prediction": RNG.normal(size=(len(rows), 6))}
    assert np.isnan(compare(made, {**noise, "prediction": made["z"][rows]}, noise)["ratio"])


def test_a_side_that_is_done_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def measured(command: list[str], *, side: str, **_: Any) -> Row:
        ran.append(side)
        np.savez(json.loads(Path(command[-2]).read_text("utf-8"))["out"], rows=np.arange(3))
        return Row(side, 1, 9.0, 8.0, 1.0, 0.5, 0.5, 1, "recording", 9.0, 7.5)

    monkeypatch.setattr(encoder, "measure", measured)
    first, again = (encoder._side("mystax", ["python"], {"seed": 0}, tmp_path) for _ in range(2))
    assert first == again == {"cpu_s": 7.5, "load": 0.5}
    assert ran == ["mystax"]


def test_what_the_peer_did_is_bound_to_all_that_it_was_given(tmp_path: Path) -> None:
    runner, other = tmp_path / "a.py", tmp_path / "b.py"
    runner.write_text("a", "utf-8")
    other.write_text("b", "utf-8")
    made, rule = world(400), RULES["tuned"]
    changed = {**made, "z": made["z"] + 1e-9}
    same = {given(made, rule, runner), given({**made}, {**rule}, runner)}
    assert len(same) == 1
    assert len(same | {given(changed, rule, runner)}) == 2
    assert len(same | {given(made, RULES["published"], runner), given(made, rule, other)}) == 3


def test_what_mystax_did_is_bound_to_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places: list[Path] = []

    def side(name: str, _command: Any, _job: Any, place: Path) -> dict[str, Any]:
        places.append(place)
        return {"cpu_s": 20.0 if name == "mystax" else 180.0, "load": 1.0}

    monkeypatch.setattr(encoder, "_side", side)
    monkeypatch.setattr(encoder, "measure", lambda *_, **__: None)
    monkeypatch.setattr(encoder, "_arrays", lambda _: {"z": np.zeros(3)})
    monkeypatch.setattr(encoder, "compare", lambda *_: {})
    for code in ("one", "two"):
        monkeypatch.setattr(encoder, "digest_of", lambda *_, code=code, **__: code)
        assert encoder.run("A", 0, "tuned", Path("python"), tmp_path)["cpu_ratio"] == 9
    assert [place.name for place in places] == ["A-0-one", "encoder", "A-0-two", "encoder"]


def row(**changes: Any) -> dict[str, Any]:
    return {
        "world": "A", "seed": 0, "rule": "tuned", "n_bins": 1760, "n_neurons": 500, "stacked": 0.09,
        "facemap": 0.05, "ratio": 1.8, "ratio_low": 1.7, "ratio_high": 1.9, "share_of_ceiling": 0.53,
        "peer_share_of_ceiling": 0.3, "cpu_s": 20.0, "peer_cpu_s": 180.0, "cpu_ratio": 9.0, "load": 1.0,
        **changes,
    }  # fmt: skip


def test_a_ratio_stands_with_its_interval_neurons_and_bins() -> None:
    line = table([row()]).splitlines()[-1]
    assert "1.80 x (1.70 to 1.90; 500 neurons, 1760 bins)" in line
    assert "| 180 s, 20.0 s | 9.0 x |" in line


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 0),
        ({"ratio": 1.3}, 1),
        ({"rule": "published"}, 1),
        ({"rule": "published", "ratio": 2.1}, 0),
        ({"ratio": float("nan")}, 1),
        ({"cpu_ratio": 4.9}, 1),
    ],
)
def test_a_missed_goal_makes_the_exit_status(
    changes: dict[str, Any], status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder, "find_peers", lambda *_: {"facemap": Path("python")})
    monkeypatch.setattr(encoder, "run", lambda *_: row(**changes))
    assert encoder.main(["--seeds", "0", "--worlds", "A", "--out", str(tmp_path)]) == status
    assert json.loads((tmp_path / "encoder.json").read_text("utf-8"))[0]["world"] == "A"


def test_the_peer_is_run_by_its_own_training() -> None:
    text = runner_of("facemap").read_text("utf-8")
    assert "def encode(" in text
    assert ".train_model(" in text
