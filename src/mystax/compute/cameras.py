"""Boards in pictures: find their corners, draw them; the only module that uses OpenCV (extra `calib`)."""

from types import ModuleType

import numpy as np

from mystax.core.board import Board
from mystax.core.extras import require
from mystax.core.typing import Float64, Shaped, UInt8

__all__ = ["BoardFinder", "draw_board", "grey8"]

MIN_CORNERS = 6
SMALLEST = 640
"""Pictures wider than this are looked at in half their size first."""
DPMM = 10.0
"""Resolution of a drawn board [px/mm]."""


def _cv2() -> ModuleType:
    return require("cv2", "calib")


def grey8(picture: Shaped[np.ndarray, "y x"]) -> UInt8[np.ndarray, "y x"]:
    """Return a grey picture of 8 bit; a deeper one is scaled to its own range."""
    if picture.dtype == np.uint8:
        return np.ascontiguousarray(picture)
    low, high = float(picture.min()), float(picture.max())
    return ((picture - low) * (255.0 / max(high - low, 1e-9))).astype(np.uint8)


class BoardFinder:
    """Finds the corners of one board in pictures.

    Parameters
    ----------
    board : Board
        The board; where a checkerboard is never found but one with COLS x ROWS inner corners is,
        `board` becomes that one after `settle`.
    """

    def __init__(self, board: Board) -> None:
        self.board = board
        self.legacy = False
        self._cv = _cv2()

    def settle(self, pictures: list[UInt8[np.ndarray, "y x"]]) -> str:
        """Decide what the first pictures leave open; return a sentence where something is unusual.

        Parameters
        ----------
        pictures : list of array (y, x)
            Up to 20 pictures.

        Returns
        -------
        str
            Empty where the board is as it was said.
        """
        if self.board.kind == "charuco":
            counts = []
            for legacy in (False, True):
                self.legacy = legacy
                counts.append(sum(int(np.isfinite(self._charuco(p)[:, 0]).sum()) for p in pictures))
            self.legacy = counts[1] > counts[0]
            return "the board has the pattern of OpenCV before 4.6 (legacy)" if self.legacy else ""
        if any(np.isfinite(self.find(p)).any() for p in pictures):
            return ""
        said = self.board
        other = Board(said.kind, said.columns + 1, said.rows + 1, said.square)
        self.board = other
        if any(np.isfinite(self.find(p)).any() for p in pictures):
            return (
                f"inner corners {said.columns}x{said.rows} = {other.columns}x{other.rows} squares: "
                "columns and rows were taken as inner corners"
            )
        self.board = said
        return ""

    def find(self, picture: UInt8[np.ndarray, "y x"]) -> Float64[np.ndarray, "corner 2"]:
        """Return the corners [px] in the order of `Board.corners`; NaN where not found."""
        return self._charuco(picture) if self.board.kind == "charuco" else self._checkerboard(picture)

    def _checkerboard(self, picture: UInt8[np.ndarray, "y x"]) -> Float64[np.ndarray, "corner 2"]:
        cv = self._cv
        n = self.board.inner
        nothing = np.full((n[0] * n[1], 2), np.nan)
        flags = cv.CALIB_CB_ADAPTIVE_THRESH + cv.CALIB_CB_NORMALIZE_IMAGE
        found, corners = False, None
        if picture.shape[1] > 2 * SMALLEST:
            small = cv.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv.INTER_AREA)
            if not cv.checkChessboard(small, n) and not cv.checkChessboard(picture, n):
                return nothing
        found, corners = cv.findChessboardCorners(picture, n, flags=flags)
        if not found:
            found, corners = cv.findChessboardCornersSB(picture, n, flags=cv.CALIB_CB_NORMALIZE_IMAGE)
        if not found or corners is None or len(corners) != n[0] * n[1]:
            return nothing
        points = corners.reshape(-1, 2)
        grid = points.reshape(n[1], n[0], 2)
        spacing = float(np.median(np.linalg.norm(np.diff(grid, axis=1), axis=2)))
        window = int(np.clip(round(spacing / 4), 3, 11))
        criteria = (cv.TERM_CRITERIA_EPS + cv.TERM_CRITERIA_MAX_ITER, 50, 1e-4)
        fine = cv.cornerSubPix(
            picture, points.astype(np.float32).reshape(-1, 1, 2), (window, window), (-1, -1), criteria
        )
        return self._ordered(np.asarray(fine, np.float64).reshape(-1, 2))

    def _ordered(self, points: Float64[np.ndarray, "corner 2"]) -> Float64[np.ndarray, "corner 2"]:
        """Order the corners such that x to y turns as in a picture of the board's front."""
        columns, rows = self.board.inner
        grid = points.reshape(rows, columns, 2)
        x, y = grid[0, -1] - grid[0, 0], grid[-1, 0] - grid[0, 0]
        if x[0] * y[1] - x[1] * y[0] < 0:
            grid = grid[:, ::-1]
        if self.board.is_turnable and grid[0, 0] @ (x + y) > grid[-1, -1] @ (x + y):
            grid = grid[::-1, ::-1]
        return np.ascontiguousarray(grid.reshape(-1, 2))

    def _charuco(self, picture: UInt8[np.ndarray, "y x"]) -> Float64[np.ndarray, "corner 2"]:
        cv = self._cv
        out = np.full((self.board.inner[0] * self.board.inner[1], 2), np.nan)
        detector = cv.aruco.CharucoDetector(_charuco_board(cv, self.board, self.legacy))
        parameters = cv.aruco.DetectorParameters()
        parameters.cornerRefinementMethod = cv.aruco.CORNER_REFINE_CONTOUR
        detector.setDetectorParameters(parameters)
        corners, ids, _, _ = detector.detectBoard(picture)
        if ids is None or corners is None or len(ids) < MIN_CORNERS:
            return out
        points = np.asarray(corners, np.float64).reshape(-1, 2)
        if np.linalg.svd(points - points.mean(axis=0), compute_uv=False)[1] < 1.0:
            return out  # all on one line
        out[np.asarray(ids).ravel()] = points
        return out


def _charuco_board(cv: ModuleType, board: Board, legacy: bool) -> object:
    dictionary = cv.aruco.getPredefinedDictionary(getattr(cv.aruco, f"DICT_{board.dictionary.upper()}"))
    made = cv.aruco.CharucoBoard((board.columns, board.rows), board.square, board.marker, dictionary)
    made.setLegacyPattern(legacy)
    return made


def draw_board(board: Board, dots: float = DPMM) -> UInt8[np.ndarray, "y x"]:
    """Draw a board with a white margin of one square.

    Parameters
    ----------
    board : Board
        The board.
    dots : float, optional
        Resolution [px/mm].

    Returns
    -------
    array (y, x)
        Grey picture.
    """
    side = max(round(board.square * dots), 4)
    width, height = board.columns * side, board.rows * side
    if board.kind == "charuco":
        cv = _cv2()
        made = _charuco_board(cv, board, False)
        inside = np.asarray(made.generateImage((width, height)), np.uint8)  # type: ignore[attr-defined] # OpenCV's
    else:
        y, x = np.mgrid[0:height, 0:width] // side
        inside = np.where((x + y) % 2 == 0, 0, 255).astype(np.uint8)
    return np.pad(inside, side, constant_values=255)
