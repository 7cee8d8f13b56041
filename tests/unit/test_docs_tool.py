"""The generated reference pages: what help texts say is not taken for marks of Markdown."""

import re

from tools.docs import analyses_page, table


def test_bars_and_brackets_of_texts_are_plain() -> None:
    page = table(["`a`", "b"], [["`x[0]`", "one | two, svd[:ROI][:n]\nmore"]])
    assert page.splitlines()[-1] == "| `x[0]` | one \\| two, svd\\[:ROI]\\[:n] more |"


def test_no_help_of_an_analysis_is_a_reference() -> None:
    text = re.sub(r"`[^`]*`", "", analyses_page())
    assert "features" in analyses_page()
    assert re.findall(r"(?<!\\)\[[^\]]*\]\[", text) == []
