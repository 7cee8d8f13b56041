"""Cameras that share views of a board: which do, how they stand to each other, all in one frame."""

from collections.abc import Sequence

import numpy as np

from mystax.compute.bundle import Bundle, free_columns
from mystax.compute.calibration_start import LENS
from mystax.core.rotations import angles_among, mean_rotation, vector_of
from mystax.core.typing import Bool, Float64
from mystax.errors import NumbersError

__all__ = ["camera_tree", "check_groups", "join_cameras", "resolve_turns"]


def _relative(a: Float64[np.ndarray, " 12"], b: Float64[np.ndarray, " 12"]) -> tuple[np.ndarray, np.ndarray]:
    """Pose of camera b in terms of camera a, from the board as both see it: X_b = R X_a + t."""
    rotation = b[:9].reshape(3, 3) @ a[:9].reshape(3, 3).T
    return rotation, b[9:] - rotation @ a[9:]


def _consensus(
    pairs: Sequence[tuple[np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray, Bool[np.ndarray, " view"]]:
    """Medoid of relative poses, then the mean of those near it; also tell which those are."""
    rotations = np.stack([r for r, _ in pairs])
    shifts = np.stack([t for _, t in pairs])
    angles = angles_among(rotations)
    distances = np.linalg.norm(shifts[:, None] - shifts[None], axis=2)
    scale_a = max(float(np.median(angles)), 1e-9)
    scale_d = max(float(np.median(distances)), 1e-9)
    total = np.median(angles / scale_a + distances / scale_d, axis=1)
    best = int(np.argmin(total))
    near = (angles[best] <= 3 * max(float(np.median(angles[best])), 1e-6)) & (
        distances[best] <= 3 * max(float(np.median(distances[best])), 1e-6)
    )
    return mean_rotation(rotations[near]), np.median(shifts[near], axis=0), near


def _groups(n: int, edges: Sequence[tuple[int, int]]) -> list[list[int]]:
    label = list(range(n))
    for a, b in edges:
        old, new = label[a], label[b]
        label = [new if item == old else item for item in label]
    return [[k for k in range(n) if label[k] == item] for item in dict.fromkeys(label)]


def camera_tree(n_both: np.ndarray) -> list[tuple[int, int]]:
    """Maximum spanning tree of the cameras by shared views, from the first camera outwards."""
    inside, edges = [0], []
    while len(inside) < len(n_both):
        best = max(
            ((int(n_both[a, b]), -b, a) for a in inside for b in range(len(n_both)) if b not in inside),
            default=(0, 0, 0),
        )
        if best[0] < 1:
            break
        edges.append((best[2], -best[1]))
        inside.append(-best[1])
    return edges


def check_groups(names: Sequence[str], n_both: np.ndarray) -> None:
    """Refuse cameras that never see the board together (N311)."""
    n = len(names)
    groups = _groups(n, [(a, b) for a in range(n) for b in range(a + 1, n) if n_both[a, b]])
    if len(groups) < 2:
        return
    text = " | ".join(", ".join(names[k] for k in group) for group in groups)
    alone = min(groups, key=len)
    others = [names[k] for group in groups if group is not alone for k in group]
    raise NumbersError(
        "N311",
        "cameras " + ", ".join(names[k] for k in alone),
        "they never see the board at the same time as the others",
        expected="views of the board shared by all cameras, at least along a chain",
        got=f"groups {text}",
        hint=f"show the board so that {names[alone[0]]} and {others[0]} both see it",
    )


def _turned_board(
    pose: Float64[np.ndarray, " 12"], board: Float64[np.ndarray, "corner 3"]
) -> Float64[np.ndarray, " 12"]:
    """Pose of the same picture when the corners were numbered from the other end."""
    half = np.diag([-1.0, -1.0, 1.0])
    far = board.max(axis=0) + board.min(axis=0)
    rotation = pose[:9].reshape(3, 3)
    return np.concatenate([(rotation @ half).ravel(), pose[9:] + rotation @ np.array([far[0], far[1], 0.0])])


def resolve_turns(
    uv: Float64[np.ndarray, "camera view corner 2"],
    singles: list[Bundle],
    board: Float64[np.ndarray, "corner 3"],
    a: int,
    b: int,
) -> None:
    """Turn views of camera b whose relative pose differs from the consensus by half a turn."""
    both = np.flatnonzero(np.isfinite(singles[a].poses[:, 0]) & np.isfinite(singles[b].poses[:, 0]))
    plain = [_relative(singles[a].poses[v], singles[b].poses[v]) for v in both]
    rotation, _, _ = _consensus(plain)
    for v, (own, _) in zip(both, plain, strict=True):
        angle = np.degrees(np.linalg.norm(vector_of(np.asarray(own @ rotation.T))))
        if angle > 150:
            uv[b, v] = uv[b, v, ::-1].copy()
            singles[b].poses[v] = _turned_board(singles[b].poses[v], board)


def join_cameras(
    uv: Float64[np.ndarray, "camera view corner 2"],
    board: Float64[np.ndarray, "corner 3"],
    sizes: Sequence[tuple[int, int]],
    singles: Sequence[Bundle],
    edges: Sequence[tuple[int, int]],
) -> tuple[Bundle, np.ndarray]:
    """Put the cameras and boards of all views into one frame; also return which views are used."""
    n_cameras, n_views = uv.shape[:2]
    rows = np.stack([single.rows[0] for single in singles])
    for a, b in edges:
        both = np.flatnonzero(np.isfinite(singles[a].poses[:, 0]) & np.isfinite(singles[b].poses[:, 0]))
        rotation, shift, _ = _consensus([_relative(singles[a].poses[v], singles[b].poses[v]) for v in both])
        ra, ta = rows[a, :9].reshape(3, 3), rows[a, 9:12]
        rows[b, :9], rows[b, 9:12] = (rotation @ ra).ravel(), rotation @ ta + shift
    poses = np.full((n_views, 12), np.nan)
    for v in range(n_views):
        # the camera with the most corners says where the board is
        order = np.argsort(-np.isfinite(uv[:, v, :, 0]).sum(axis=1), kind="stable")
        for c in order:
            own = singles[c].poses[v]
            if np.isfinite(own[0]):
                rc, tc = rows[c, :9].reshape(3, 3), rows[c, 9:12]
                rotation = rc.T @ own[:9].reshape(3, 3)
                poses[v] = np.concatenate([rotation.ravel(), rc.T @ (own[9:] - tc)])
                break
    kept = np.flatnonzero(np.isfinite(poses[:, 0]))
    bundle = Bundle(
        rows,
        poses[kept],
        board,
        np.ascontiguousarray(uv[:, kept]),
        np.array(sizes, np.float64),
        free_columns(n_cameras, LENS),
        is_fisheye=any(single.is_fisheye for single in singles),
    )
    return bundle, kept
