"""The report of a folder of outcomes: made after the outcomes, and made again where it is missing or old."""

from mystax.io.store import Store

__all__ = ["make_report"]


def make_report(store: Store) -> None:
    """Write ``report.html`` and its figures beside the outcomes of a folder.

    Parameters
    ----------
    store : Store
        The folder.
    """
    from mystax.plot.report import write_report

    write_report(store)
