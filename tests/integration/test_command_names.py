"""Names as people (and attackers) give them: run verbatim, never by a shell, never as markup."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import mystax
from mystax.core.geometry import Rectangle
from mystax.io.rois import rois_to_toml
from mystax.synth import faulty_video
from tests.fixtures.commands import call, measure_in_nursery, run_command

ODD = ("a b.mp4", "$(touch X).mp4", "-i.mp4", 'x";touch X;".mp4')
MARKUP = '<img src=x onerror="document.title=1">'


@pytest.mark.fault(43)
def test_files_with_odd_names_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ODD:
        faulty_video(tmp_path / name, "clean", n_frames=20, size=(64, 48))
    words = ("--analyses", "motion", "--no-report", "--json", "--", *ODD)
    with measure_in_nursery():
        found = call(capsys, "run", *words)
    assert found.status == 0, found.err
    assert found.json["inputs"] == list(ODD)
    folders = {Path(item["path"]).parent.name for item in found.json["outcomes"]}
    assert len(folders) == 4
    assert not list(tmp_path.rglob("X"))
    again = call(capsys, "run", *words)
    assert {item["state"] for item in again.json["outcomes"]} == {"current"}


@pytest.mark.fault(43)
@pytest.mark.parametrize(
    "name", ["concat:a.mp4|b.mp4", "subfile,,start,0,end,9,,:a.mp4", "%03d.mp4", "line\nbreak.mp4"]
)
def test_names_that_the_decoder_could_take_for_commands_are_files(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    faulty_video(tmp_path / "a.mp4", "clean", n_frames=20, size=(64, 48))
    (tmp_path / name).write_bytes((tmp_path / "a.mp4").read_bytes())
    assert mystax.motion(tmp_path / name)["energy"].sizes["time"] == 20
    (tmp_path / name).unlink()
    found = call(capsys, "probe", name, "--json")
    assert found.status in (1, 2)
    assert found.codes[0] in ("P403", "V104")


class _Tags(HTMLParser):
    """Collects tags and what could run."""

    def __init__(self) -> None:
        super().__init__()
        self.bad: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note scripts and handlers."""
        if tag == "script" or any(
            name.startswith("on") or "javascript:" in (value or "") for name, value in attrs
        ):
            self.bad.append(tag)
        if any(name in ("src", "href") and "://" in (value or "") for name, value in attrs):
            self.bad.append(f"{tag} from elsewhere")

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.text += data


@pytest.mark.slow
@pytest.mark.fault(52)
def test_markup_in_names_stays_text_in_the_report(tmp_path: Path) -> None:
    video = tmp_path / f"{MARKUP}.mp4"
    faulty_video(video, "clean", n_frames=30, size=(96, 96))
    roi = mystax.Roi("<script>alert(1)</script>", "motion", Rectangle(10, 30, 60, 50))
    (tmp_path / "rois.toml").write_text(rois_to_toml([roi]), "utf-8")
    words = ("--recipe", "quick", "--rois", "rois.toml", "--out", "out", "--json")
    found = run_command("run", "--camera", f"<b>eye<b>={video.name}", *words, cwd=tmp_path)
    assert found.status == 0, found.err
    page = Path(found.json["report"])
    page = page if page.is_absolute() else tmp_path / page
    tags = _Tags()
    tags.feed(page.read_text("utf-8"))
    assert not tags.bad
    assert "<script>alert(1)</script>" in tags.text
    assert "<b>eye<b>" in tags.text
    assert MARKUP in tags.text
    outcome: Any = mystax.load(page.parent)
    assert outcome["motion"]["roi"].values.tolist() == [roi.name]
