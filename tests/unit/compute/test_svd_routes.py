"""The choice of a route, the widths of its bases, and the frames of the sampled mean."""

import pytest

from mystax.compute.svd_routes import (
    LEAST_READINGS,
    Route,
    choose_route,
    final_width,
    first_width,
    sampled_segments,
)


@pytest.mark.parametrize(
    ("n_bins", "n_frames", "max_spool", "route"),
    [
        (4096, 10**7, 0.0, "gram_bins"),
        (4096, 4096, 16.0, "gram_bins"),
        (4096, 5, 16.0, "gram_frames"),
        (4096, 5, 0.0, "gram_bins"),
        (4097, 4096, 16.0, "gram_frames"),
        (4097, 4097, 16.0, "subspace"),
        (19_200, 447_000, 16.0, "subspace"),
        (19_200, 448_000, 16.0, "subspace_streamed"),
        (19_200, 6_000, 0.0, "subspace_streamed"),
        (307_200, 4_000, 16.0, "subspace"),
        (76_800, 2_000, 0.1, "subspace_streamed"),
    ],
)
def test_the_route_follows_from_the_size_alone(
    n_bins: int, n_frames: int, max_spool: float, route: Route
) -> None:
    assert choose_route(n_bins, n_frames, 2, max_spool) == route


@pytest.mark.parametrize("k", [1, 7, 50, 500, 2000])
def test_four_readings_have_room_for_the_components_and_more(k: int) -> None:
    assert (LEAST_READINGS - 1) * first_width(k, streamed=False) >= 1.8 * k + 40
    assert first_width(k, streamed=False) % 16 == 0
    assert first_width(k, streamed=True) >= 2 * k
    assert final_width(k) >= k + 50


def test_sampled_segments_are_ten_of_a_hundred_frames() -> None:
    segments = sampled_segments(6000)
    assert len(segments) == 10
    assert segments[0] == (0, 100)
    assert segments[-1] == (5900, 6000)
    assert all(stop - start == 100 for start, stop in segments)


def test_short_videos_are_sampled_whole() -> None:
    assert sampled_segments(60) == [(0, 60)]
