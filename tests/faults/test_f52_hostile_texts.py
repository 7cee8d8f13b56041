"""F52: hostile text in names of videos, cameras and regions, in errors of foreign files, in remarks.

It stays text: the report holds no tag and no script that mystax did not write, commands print it on one
line of stderr, and JSON stays one object.
"""

from pathlib import Path
from typing import Any

import pytest

from mystax.core.geometry import Rectangle, Roi
from mystax.core.quality import Flag, flags_to_json
from mystax.plot.report import collect
from mystax.plot.report_page import page
from tests.fixtures.commands import call
from tests.fixtures.plot_outcomes import Page, motion

pytestmark = [pytest.mark.fault(52), pytest.mark.attack]

TEXTS = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "</title></style><iframe src=//evil>",
    "javascript:alert(1)//&lt;&#x3c;",
)


@pytest.mark.parametrize("text", TEXTS)
def test_names_and_remarks_on_the_report_are_text(text: str) -> None:
    name = text.replace("/", "").replace(":", "")
    flag = Flag("V106", f"the file says {text}")
    roi = Roi(f"region {text}", "motion", Rectangle(8, 8, 24, 32))
    attributes: dict[str, Any] = {"quality": flags_to_json([flag]), "run_files": [f"{text}.mp4"]}
    report = collect({f"motion/{name}": motion(roi, **attributes)}, f"recording {text}")
    read = Page(page(report, {item.name: item.svg() for item in report.all_figures}))
    assert read.problems == []
    assert not {"script", "iframe", "svg", "object", "link"} & set(read.tags)
    assert all(str(image["src"]).startswith("data:image/") for image in read.images)
    for shown in (f"recording {text}", f"region {text}", f"the file says {text}", name, f"{text}.mp4"):
        assert shown in read.text


@pytest.mark.parametrize("text", [*TEXTS, "line\nbreak", "\x1b[31mred", "\r[K", "\u202egnp.exe"])
def test_errors_of_commands_with_such_names_are_one_json_object(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"{text.replace('/', '')}.mp4"
    path.write_text("no video")
    found = call(capsys, "probe", path, "--json")
    assert (found.status, found.codes) == (1, ["V104"])
    assert found.json["inputs"] == [str(path)]


@pytest.mark.parametrize("text", ["\x1b[31mred", "\x1b]0;title\x07", "back\rspace", "bell\x07", "\x9b2J"])
def test_names_do_not_steer_the_terminal(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"{text}.mp4"
    path.write_text("no video")
    shown = call(capsys, "probe", path).err
    assert "V104" in shown
    assert all(sign in "\n\t" or sign.isprintable() for sign in shown)
