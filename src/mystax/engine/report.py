"""The report of a folder of outcomes: made after the outcomes, and made again whenever it is missing."""

from mystax.io.store import Store

__all__ = ["make_report"]


def make_report(store: Store) -> bool:
    """Write ``report.html`` and its figures beside the outcomes of a folder.

    Parameters
    ----------
    store : Store
        The folder.

    Returns
    -------
    bool
        Whether a report was written; False in an installation without the part that draws.
    """
    from importlib.util import find_spec

    if find_spec("mystax.plot.report") is None:
        return False
    from importlib import import_module

    import_module("mystax.plot.report").write_report(store)
    return True
