"""Which failures are tried again, and how they are worded."""

import pytest

pytest.importorskip("datajoint", reason='pip install "mystax[datajoint]"')

from mystax.element.populating import plain_text, populate_tables, reason_passes
from mystax.errors import ParameterError


@pytest.mark.parametrize(
    "message",
    [
        "VideoError: V131 the disk could not be read",
        "SpaceError: S501 no space left",
        "LostConnectionError: Server connection lost",
        "SystemExit: mystax: the work was stopped",
    ],
)
def test_reasons_that_pass(message: str) -> None:
    assert reason_passes(message)


@pytest.mark.parametrize(
    "message",
    [
        "RecipeError: P403 nothing fits",
        "VideoError: V102 the index is missing",
        "ZeroDivisionError: division by zero",
        "InternalError: B999 a bug",
        "",
    ],
)
def test_reasons_that_stay(message: str) -> None:
    assert not reason_passes(message)


def test_errors_are_worded_as_mystax_words_them() -> None:
    assert plain_text("RecipeError: P403 nothing fits") == "P403 nothing fits"
    assert plain_text("ZeroDivisionError: division by zero") == "ZeroDivisionError: division by zero"


def test_no_worker_is_refused() -> None:
    with pytest.raises(ParameterError, match="P401"):
        populate_tables([], processes=0)
