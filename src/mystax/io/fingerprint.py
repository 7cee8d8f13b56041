"""Identity of files: the quick id (content, not name) and the index id (packets of a video)."""

import hashlib
from pathlib import Path

import numpy as np

from mystax.core.typing import Bool, Int64

__all__ = ["index_id", "quick_id"]

EDGE = 1 << 20
BLOCK = 1 << 16
N_BLOCKS = 16
WHOLE_BELOW = 4 << 20


def quick_id(path: str | Path) -> str:
    """Give the fingerprint of a file: ``<size>-<32 hex digits>``.

    The digest is BLAKE2b of 128 bits over the size (8 bytes, little-endian) and the whole file when it is
    smaller than 4 MiB, else over its first 1 MiB, 16 evenly spaced blocks of 64 KiB and its last 1 MiB.
    It depends neither on the path nor on the time of change: a copy has the same one.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    str
        The fingerprint.

    References
    ----------
    .. [1] Aumasson et al. (2013), BLAKE2: simpler, smaller, fast as MD5, doi:10.1007/978-3-642-38980-1_8
    """
    with Path(path).open("rb") as file:
        size = file.seek(0, 2)
        digest = hashlib.blake2b(size.to_bytes(8, "little"), digest_size=16)
        file.seek(0)
        if size < WHOLE_BELOW:
            digest.update(file.read())
        else:
            digest.update(file.read(EDGE))
            for k in range(N_BLOCKS):
                file.seek(EDGE + k * (size - 2 * EDGE - BLOCK) // (N_BLOCKS - 1))
                digest.update(file.read(BLOCK))
            file.seek(size - EDGE)
            digest.update(file.read(EDGE))
    return f"{size}-{digest.hexdigest()}"


def index_id(
    pts: Int64[np.ndarray, " packet"], size: Int64[np.ndarray, " packet"], key: Bool[np.ndarray, " packet"]
) -> str:
    """Give the fingerprint of a packet table: changes when any packet changes its time or its size.

    Parameters
    ----------
    pts, size : array (packet,)
        Presentation stamps and sizes [bytes], decode order.
    key : array (packet,)
        Whether the packet is a key frame.

    Returns
    -------
    str
        32 hex digits: BLAKE2b of 128 bits over the packed rows (int64, int64, uint8; little-endian).
    """
    rows = np.empty(len(pts), np.dtype([("pts", "<i8"), ("size", "<i8"), ("key", "u1")]))
    rows["pts"], rows["size"], rows["key"] = pts, size, key
    return hashlib.blake2b(rows.tobytes(), digest_size=16).hexdigest()
