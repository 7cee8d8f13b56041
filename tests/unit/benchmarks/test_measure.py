import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.measure import ChildError, describe_host, measure
from benchmarks.side import Stopwatch, main

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.skipif(not hasattr(os, "wait4"), reason="needs wait4")


def script(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "child.py"
    path.write_text(text, "utf-8")
    return [sys.executable, "-S", str(path)]


def test_a_child_that_computes_has_cpu_time_and_one_that_waits_has_none(tmp_path: Path) -> None:
    busy = measure(script(tmp_path, "sum(range(3_000_000))"), side="a", rep=1)
    idle = measure(script(tmp_path, "import time; time.sleep(0.3)"), side="a", rep=1)
    assert busy.cpu_s > idle.cpu_s
    assert idle.wall_s >= 0.3


def test_grandchildren_count(tmp_path: Path) -> None:
    inner = "sum(range(4_000_000))"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {inner!r}])"
    alone = measure(script(tmp_path, "pass"), side="a", rep=1)
    assert measure(script(tmp_path, outer), side="a", rep=1).cpu_s > 1.5 * alone.cpu_s


PEAK = """
import json, sys
from pathlib import Path
from benchmarks.measure import measure
rows = [measure([sys.executable, "-S", "-c", text], side="a", rep=1) for text in sys.argv[1:]]
print(json.dumps([row.rss_mib for row in rows]))
"""


def test_peak_memory_is_that_of_the_child() -> None:
    # A child begins with the peak of the process that makes it, so the one that measures must be small.
    words = [sys.executable, "-c", PEAK, "pass", "x = b'1' * (400 << 20)"]
    run = subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT)
    small, large = json.loads(run.stdout)
    assert small < 200
    assert large >= 400


def test_what_the_child_says_of_its_work_is_taken(tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    said = {"n": 7, "unit": "frame", "work_wall_s": 0.5, "work_cpu_s": 0.25, "saved": "x"}
    text = f"open({str(result)!r}, 'w').write({json.dumps(said)!r})"
    row = measure(script(tmp_path, text), side="peer", rep=2, result=result)
    assert (row.side, row.rep, row.n, row.unit) == ("peer", 2, 7, "frame")
    assert (row.work_wall_s, row.work_cpu_s, dict(row.values)) == (0.5, 0.25, {"saved": "x"})
    assert "values" not in row.as_dict()


def test_a_result_of_an_earlier_run_is_never_taken(tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    result.write_text('{"n": 99}', "utf-8")
    assert measure(script(tmp_path, "pass"), side="a", rep=1, result=result, n=3).n == 3


def test_a_child_that_fails_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    command = script(tmp_path, "raise SystemExit('the disk is on fire')")
    with pytest.raises(ChildError, match="the disk is on fire"):
        measure(command, side="peer", rep=1, result=tmp_path / "r.json")


def test_a_child_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    command = script(tmp_path, "import time; time.sleep(60)")
    with pytest.raises(ChildError, match="longer than"):
        measure(command, side="peer", rep=1, limit=0.2)


def test_the_machine_is_described_without_its_name() -> None:
    host = describe_host()
    assert set(host) == {"cores", "ram_gib", "os", "python", "cpu_flags"}
    assert os.uname().nodename not in json.dumps(host)
    assert host["cores"] >= 1


def test_the_environment_is_added_to(tmp_path: Path) -> None:
    text = "import os; raise SystemExit(0 if os.environ['MYSTAX_X'] == '1' and 'PATH' in os.environ else 1)"
    assert measure(script(tmp_path, text), side="a", rep=1, env={"MYSTAX_X": "1"}).n == 1


def test_a_stopwatch_adds_up() -> None:
    watch = Stopwatch()
    with watch:
        sum(range(100_000))
    first = watch.wall_s
    with watch:
        sum(range(100_000))
    assert watch.wall_s > first > 0
    assert watch.values(4, "frame")["n"] == 4


def test_a_side_runs_one_function_on_one_job(tmp_path: Path) -> None:
    job, result = tmp_path / "job.json", tmp_path / "result.json"
    job.write_text('{"code": "pass"}', "utf-8")
    assert main(["benchmarks.claims.start:check_first", str(job), str(result)]) == 0
    assert json.loads(result.read_text("utf-8")) == {"ok": True}
