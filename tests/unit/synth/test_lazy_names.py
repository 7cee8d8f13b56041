"""The public names of `mystax.synth`."""

import subprocess
import sys

import pytest

import mystax.synth


def test_names_are_those_of_the_table_and_all_load() -> None:
    assert mystax.synth.__all__ == sorted(vars(mystax.synth)["_LAZY"])
    assert dir(mystax.synth) == mystax.synth.__all__
    for name in mystax.synth.__all__:
        assert getattr(mystax.synth, name).__name__ == name


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(AttributeError, match="did you mean 'faulty_video'"):
        _ = mystax.synth.faulty_vido  # type: ignore[attr-defined]  # the mistake is the test


def test_importing_synth_loads_nothing_heavy() -> None:
    code = "import sys, mystax.synth; print([n for n in ('numpy', 'av', 'scipy') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
