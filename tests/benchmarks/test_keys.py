"""How keys are counted."""

from benchmarks.keys import Seen


def test_seen_tells_the_95th_percentile_and_when_no_frame_was_slow() -> None:
    seen = Seen([float(ms) for ms in range(1, 41)], [], 12.4)
    assert seen.p95 == 38
    assert str(seen) == "ms, 40 keys, median 20; Event Timing p95 below 16 ms; 12 ms of processor each"
