"""Without DataJoint the element says at once what is missing."""

import subprocess
import sys

BLOCKED = """
import sys
sys.modules["datajoint"] = None
import mystax.element
"""


def test_missing_extra_is_one_sentence_with_the_command() -> None:
    done = subprocess.run([sys.executable, "-c", BLOCKED], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "X001 extra 'datajoint': not installed" in last
    assert 'pip install "mystax[datajoint]"' in last
