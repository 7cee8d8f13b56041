"""The report of a folder of outcomes: made after the outcomes, and made again where it is missing or old."""

from collections.abc import Collection

from mystax.io.store import Store

__all__ = ["make_report"]


def make_report(store: Store, left_out: Collection[str] | None = None) -> None:
    """Write ``report.html`` and its figures beside the outcomes of a folder.

    Parameters
    ----------
    store : Store
        The folder.
    left_out : collection of str, optional
        Analyses that are not shown although they have outcomes; by default those of the report before.
    """
    from mystax.plot.report import write_report

    write_report(store, left_out)
