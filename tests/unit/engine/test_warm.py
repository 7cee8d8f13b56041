"""What was compiled for the made-up film is what the preview of a real one needs."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mystax.core.array_source import ArraySource
from mystax.engine.preview import preview
from mystax.engine.warm import WARMED, _eye, warm_preview
from mystax.synth import faulty_video

COUNT = """
import importlib, json, pkgutil, sys
from mystax.compute import kernels
from mystax.core.geometry import roi_from_text
from mystax.engine.preview import preview
from mystax.engine.warm import WARMED, warm_preview
from mystax.io.video import Video

def signatures():
    found = {}
    for one in pkgutil.iter_modules(kernels.__path__, "mystax.compute.kernels."):
        module = importlib.import_module(one.name)
        for name, item in vars(module).items():
            if hasattr(item, "nopython_signatures"):
                found[f"{item.__module__}.{name}"] = len(item.nopython_signatures)
    return found

regions = {"motion": "motion:polygon:10,10,70,12,60,60", "blink": "blink:ellipse:80,60,40,30",
           "running": "running:rectangle:20,20,80,60", "pupil": "pupil:ellipse:80,60,30,26"}
begun = signatures()
for name in WARMED:
    warm_preview(name)
warmed = signatures()
with Video(sys.argv[1]) as video:
    for name, text in regions.items():
        preview(name, video, roi_from_text(text), frame=5, sight=True)
print(json.dumps([begun, warmed, signatures()]))
"""


@pytest.mark.slow
def test_a_preview_of_a_film_compiles_nothing_more(tmp_path: Path) -> None:
    faulty_video(tmp_path / "eye.mp4", "clean", n_frames=12, size=(160, 120), scene="face")
    done = subprocess.run(
        [sys.executable, "-c", COUNT, str(tmp_path / "eye.mp4")], capture_output=True, text=True, check=True
    )
    begun, warmed, after = json.loads(done.stdout)
    assert sum(warmed.values()) > sum(begun.values())
    assert {name: n for name, n in after.items() if n != warmed[name]} == {}


@pytest.mark.parametrize("depth", [8, 16])
def test_the_made_up_film_has_a_pupil_that_is_found(depth: int) -> None:
    assert depth in {8, 16}
    source = ArraySource(_eye(8 if depth == 8 else 16))
    assert source.bits == depth
    found = preview("pupil", source, WARMED["pupil"], frame=1)
    assert float(found["area"].values.item()) == pytest.approx(np.pi * 12**2, rel=0.1)


def test_an_analysis_is_warmed_by_its_name() -> None:
    with pytest.raises(KeyError):
        warm_preview("pupli")
