import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from benchmarks import run as harness
from benchmarks.claim import Claim, Goal
from benchmarks.measure import Row
from benchmarks.peers import NAMES, find_peers, runner_of
from benchmarks.run import Bench, choose, claims

TOY = Claim(
    "toy",
    "nothing",
    "toy",
    ("quick",),
    {"mystax": "side", "floor": "side"},
    (Goal("rss", "floor", 2.0),),
    arguments={"n": 3},
)


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the processes of sides find the claim beside this file: all tests as a package load a lot more."""
    paths = (str(Path(__file__).parent), os.environ.get("PYTHONPATH"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))


def test_names_of_claims_are_unique_and_every_claim_belongs_to_a_set() -> None:
    found = claims()
    assert len({claim.name for claim in found}) == len(found)
    assert all(set(claim.sets) <= {"quick", "full", "scaling"} and claim.sets for claim in found)
    assert all("mystax" in claim.sides for claim in found)


def test_the_claims_of_the_frame_analyses_are_all_there() -> None:
    names = {claim.name for claim in claims()}
    expected = {
        "decode.easy",
        "decode.high",
        "decode.mjpeg",
        "decode.ffv1",
        "svd.full4",
        "svd.roi",
        "svd.bin2",
    }
    expected |= {"svd.long", "svd.memory", "eye.compat", "eye.moments", "eye.rim", "eye.blink", "running"}
    expected |= {"pass.shared", "start.import", "start.help", "svd.accuracy.synthetic", "svd.compat"}
    expected |= {"estimate.svd", "estimate.all", "estimate.hour", "eye.together.rim", "eye.together.moments"}
    assert expected <= names


def test_functions_that_claims_name_exist() -> None:
    from importlib import import_module

    for claim in claims():
        module = import_module(claim.module)
        for name in filter(None, [claim.prepare, claim.check, *claim.sides.values()]):
            assert callable(getattr(module, name)), f"{claim.name}: {name}"


def test_tasks_of_peers_exist() -> None:
    for claim in claims():
        if claim.peer is not None:
            assert claim.peer[0] in NAMES
            assert f"def {claim.peer[1]}(" in runner_of(claim.peer[0]).read_text("utf-8")


def test_full_holds_quick() -> None:
    found = claims()
    quick, full = choose(found, "quick", []), choose(found, "full", [])
    assert set(map(id, quick)) < set(map(id, full))


def test_a_group_of_claims_is_chosen_by_its_first_word() -> None:
    chosen = choose(claims(), "quick", ["decode", "decode.easy"])
    assert [claim.name for claim in chosen].count("decode.easy") == 1
    assert all(claim.name.startswith("decode.") for claim in chosen)


def test_an_unknown_claim_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no claim 'decodes'"):
        choose(claims(), "quick", ["decodes"])


def test_the_harness_imports_nothing_heavy() -> None:
    import subprocess

    code = (
        "import benchmarks.run as r, sys; r.claims(); "
        "heavy = {'numpy', 'av', 'scipy', 'numba'} & set(sys.modules); raise SystemExit(' '.join(heavy) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.usefixtures("toys")
def test_a_claim_runs_to_its_files(tmp_path: Path) -> None:
    found = Bench(tmp_path, {}, n_reps=2).run(TOY)
    assert found.check == {"ok": True, "seen": ["floor", "mystax"]}
    made = json.loads((tmp_path / "toy.json").read_text("utf-8"))
    assert made["state"] == "passed"
    order = [(row["side"], row["rep"]) for row in made["rows"]]
    # The order is swapped in the second repetition.
    assert order[:4] == [("mystax", 1), ("floor", 1), ("floor", 2), ("mystax", 2)]
    assert all(row["n"] == 3 for row in made["rows"])


@pytest.mark.usefixtures("toys")
def test_a_library_of_this_environment_is_a_peer(tmp_path: Path) -> None:
    goal = Goal("rss", "peer", 0.5)
    claim = replace(TOY, sides={"mystax": "side", "peer": "side"}, goals=(goal,))
    found = Bench(tmp_path, {"facemap": Path("python")}, n_reps=1).run(claim)
    assert found.peer_sides == ["peer"]
    assert [verdict.state for verdict in found.verdicts] == ["passed"]
    assert "ratio_cpu" in json.loads((tmp_path / "toy.json").read_text("utf-8"))


def test_no_claim_has_two_kinds_of_peer() -> None:
    assert not [claim.name for claim in claims() if claim.peer is not None and "peer" in claim.sides]


def test_em_is_compared_with_both_settings_of_hmmlearn_in_three_forms() -> None:
    found = choose(claims(), "full", ["states.em"])
    assert [claim.arguments["covariance"] for claim in found] == ["full", "diagonal", "tied"]
    for claim in found:
        assert [goal.text for goal in claim.goals] == ["cpu >= 5 x peer", "cpu <= 0.285714 x floor"]
    quick = [claim.name for claim in choose(claims(), "quick", []) if claim in found]
    assert quick == ["states.em"]


@pytest.mark.usefixtures("toys")
def test_inputs_that_are_absent_are_not_measured(tmp_path: Path) -> None:
    found = Bench(tmp_path, {}, n_reps=1).run(replace(TOY, arguments={"absent": "no clip"}))
    assert (found.state, found.why) == ("not measured", "no clip")


@pytest.mark.usefixtures("toys")
def test_a_side_that_dies_fails_its_claim(tmp_path: Path) -> None:
    found = Bench(tmp_path, {}, n_reps=1).run(replace(TOY, sides={"mystax": "dies"}))
    assert found.state == "failed"
    assert "it died" in str(found.check["error"])


@pytest.mark.parametrize(
    ("cpu", "wall", "kept"),
    [
        (2.4, 2.4, ["peer"]),
        (2.02, 1.99, ["peer"]),
        (1.8, 2.01, ["peer-one-thread"]),
        (1.8, 2.4, ["peer", "peer-one-thread"]),
    ],
    ids=["worse", "alike", "better", "better in one way"],
)
def test_of_two_thread_settings_of_a_peer_the_worse_is_left_out(
    cpu: float, wall: float, kept: list[str]
) -> None:
    def row(cpu: float, wall: float) -> Row:
        return Row("", 0, wall, cpu, 1.0, 0.0, 0.0, 1, "run", wall, cpu)

    warm = {"mystax": row(1.0, 1.0), "peer": row(2.0, 2.0), "peer-one-thread": row(cpu, wall)}
    assert harness._worth_timing(list(warm), warm) == ["mystax", *kept]


@pytest.mark.parametrize("words", [["facemap"], ["other=python"], ["facemap=nowhere/python"]], ids=str)
def test_a_peer_that_does_not_exist_is_refused(words: list[str], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"--peers takes|no interpreter"):
        find_peers(words, tmp_path)


def test_a_peer_is_found_by_its_interpreter(tmp_path: Path) -> None:
    assert find_peers([f"facemap={sys.executable}"], tmp_path) == {"facemap": Path(sys.executable)}
    assert find_peers(["none"], tmp_path) == {}


@pytest.mark.parametrize(
    ("state", "status"), [("passed", 0), ("invalid", 0), ("not measured", 0), ("failed", 1)]
)
def test_only_a_missed_claim_makes_the_exit_status(
    state: Any, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(self: Bench, claim: Claim) -> Any:
        from benchmarks.summary import Found

        self.out.mkdir(exist_ok=True)
        return Found(claim, state, [], [], {"ok": True})

    monkeypatch.setattr(Bench, "run", run)
    words = ["--claim", "start.help", "--peers", "none", "--out", str(tmp_path / "bench")]
    assert harness.main(words) == status
    assert "start.help" in (tmp_path / "bench" / "summary.md").read_text("utf-8")
