"""The share of the processor and the ceiling of memory: as a model, and with a process that is really busy."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.watch.limits import CpuShare, MemoryCeiling
from collector.watch.usage import cpu_seconds, own_usage

STEPS = st.lists(st.tuples(st.floats(0, 0.5), st.floats(0, 5)), min_size=1, max_size=60)  # CPU of a turn, idle after


@given(STEPS, st.floats(0.5, 60), st.floats(0.1, 5))
def test_over_any_time_the_share_holds(steps: list[tuple[float, float]], percent: float, burst: float):
    """A loop that pauses as told: between any two moments no more than the share, the allowance and one turn."""
    share, now, used = CpuShare(percent, burst), 100.0, 7.0
    moments = [(now, used)]
    share.pause(now, used)
    for work, idle in steps:
        now, used = now + work, used + work
        moments.append((now, used))
        now += share.pause(now, used) + idle
        share.pause(now, used)
        moments.append((now, used))
    most_work = max(work for work, _ in steps)
    for place, (start, before) in enumerate(moments):
        for end, after in moments[place:]:
            assert after - before <= percent / 100 * (end - start) + burst + most_work + 1e-6


@given(STEPS)
def test_it_slows_down_and_never_stops(steps: list[tuple[float, float]]):
    share, now, used = CpuShare(5, 1), 0.0, 0.0
    share.pause(now, used)
    for work, idle in steps:
        now, used = now + work, used + work
        pause = share.pause(now, used)
        assert 0 <= pause <= 60 / 0.75 + 1e-6
        now += pause
        assert share.pause(now, used) <= 1e-6  # after the pause there is no other
        now += idle


def test_below_the_share_there_is_no_pause():
    share = CpuShare(5, 1)
    for second in range(1_000):
        assert share.pause(float(second), 0.04 * second) == 0


def test_a_busy_hour_uses_the_share_and_not_less():
    share, now, used = CpuShare(5, 3), 0.0, 0.0
    share.pause(now, used)
    while now < 3_600:
        now, used = now + 0.1, used + 0.1
        now += share.pause(now, used)
    assert 0.045 <= used / now <= 0.051


def test_without_a_limit_there_is_no_pause():
    share = CpuShare(0)
    share.pause(0, 0)
    assert share.pause(10, 10) == 0
    assert share.child_wait() == 0


def test_what_was_used_before_the_start_does_not_count():
    assert CpuShare(5, 1).pause(1_000, 500, 500) == 0


@pytest.mark.parametrize(("now", "used"), [(-100.0, 0.0), (0.0, -50.0), (1e9, 0.0)])
def test_a_clock_or_a_count_that_jumps_does_no_harm(now: float, used: float):
    share = CpuShare(5, 1)
    share.pause(0, 0)
    assert share.pause(now, used) == 0
    assert share.pause(now + 1, used + 0.01) == 0


def test_children_delay_the_next_child_and_not_the_reading():
    share = CpuShare(5, 3, child_burst_seconds=10)
    share.pause(0, 0, 0)
    assert share.pause(1, 0.01, 9) == 0
    assert share.child_wait() == 0
    assert share.pause(2, 0.02, 14) == 0
    assert 30 < share.child_wait() <= 320
    assert share.pause(1_000, 0.02, 14) == 0
    assert share.child_wait() == 0


@given(st.lists(st.floats(0, 20), min_size=1, max_size=50))
def test_children_and_reading_together_keep_to_the_share(children: list[float]):
    """Reading takes all it may get; children are started as soon as they may be."""
    share, now, used, of_children, most = CpuShare(10, 2, 10), 0.0, 0.0, 0.0, 0.0
    share.pause(0, 0, 0)
    for work in children:
        while share.child_wait() > 0:
            now, used = now + 0.2, used + 0.2
            now += share.pause(now, used, of_children)
        of_children, most = of_children + work, max(most, work)
        now += max(work, share.pause(now, used, of_children))
    now += share.pause(now, used, of_children)
    wait = share.child_wait()
    assert wait <= 600
    if most < 14:  # more in one go than a full wait pays for is forgiven
        assert used + of_children <= 0.1 * (now + wait) + 2 + 10 + most + 0.2


BUSY = """
import sys, time
from collector.watch.limits import CpuShare
from collector.watch.usage import cpu_seconds
share = CpuShare(float(sys.argv[1]), 0.2)
share.pause(time.monotonic(), *cpu_seconds())
print("ready", flush=True)
turns = 0
while True:
    end = time.process_time() + 0.02
    while time.process_time() < end:
        pass
    turns += 1
    if turns % 10 == 0:
        print(turns, flush=True)
    while (pause := share.pause(time.monotonic(), *cpu_seconds())) > 0:
        time.sleep(min(pause, 0.5))
"""


def test_a_busy_process_keeps_to_its_share():
    with subprocess.Popen([sys.executable, "-c", BUSY, "10"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            busy = psutil.Process(process.pid)
            before, start = sum(busy.cpu_times()[:2]), time.monotonic()
            for turns in (10, 20, 30):  # it goes on
                assert process.stdout.readline() == f"{turns}\n"
            used, passed = sum(busy.cpu_times()[:2]) - before, time.monotonic() - start
        finally:
            process.kill()
    assert used <= 0.10 * passed + 0.2 + 0.06  # the allowance, a turn, and how finely the system counts
    assert used >= 0.5  # it was busy


# ---- memory ---------------------------------------------------------------------------------------------


def test_memory_one_step_after_another_each_with_time_to_work():
    ceiling = MemoryCeiling(100, settle_seconds=30, tell_seconds=1_000)
    asked = [ceiling.relief(float(now), 101) for now in range(0, 2_000, 10)]
    told = {place * 10: step for place, step in enumerate(asked) if step}
    assert told == {0: "drop", 30: "shrink", 60: "tell", 1_060: "tell"}


def test_memory_below_the_ceiling_begins_anew():
    ceiling = MemoryCeiling(100)
    assert ceiling.relief(0, 100) is None
    assert ceiling.relief(1, 101) == "drop"
    assert ceiling.relief(40, 90) is None
    assert ceiling.relief(50, 101) == "drop"


# ---- own usage ------------------------------------------------------------------------------------------


def test_own_usage_is_what_the_process_uses():
    before = own_usage()
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass
    after = own_usage()
    assert after.cpu_seconds - before.cpu_seconds >= 0.04
    assert after.resident_bytes > 5_000_000
    assert after.threads >= 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell it")
def test_ended_children_are_counted_apart():
    _, before = cpu_seconds()
    script = "import time\nend = time.process_time() + 0.1\nwhile time.process_time() < end: pass"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
    assert cpu_seconds()[1] - before >= 0.09


def test_open_files_are_seen(tmp_path):
    before = own_usage().open_files
    streams = [(tmp_path / f"{number}").open("wb") for number in range(10)]
    try:
        assert own_usage().open_files >= before + 10
    finally:
        for stream in streams:
            stream.close()
