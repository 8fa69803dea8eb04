"""Receive buffers are used again, but never while anybody still looks at them."""

import gc

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from matted.service.receive import BufferPool

MB = 1 << 20


def address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def test_memory_comes_back_when_the_last_view_is_gone():
    pool = BufferPool(100 * MB)
    taken = pool.take(4 * MB)
    where = address(taken)
    view = taken.view(np.uint16).reshape(-1, 4)[::2]
    del taken
    gc.collect()
    assert pool.free_bytes == 0
    del view
    gc.collect()
    assert pool.free_bytes == 4 * MB
    assert address(pool.take(3 * MB)) == where


def test_a_much_smaller_request_does_not_take_a_large_buffer():
    pool = BufferPool(100 * MB)
    pool.take(40 * MB)
    gc.collect()
    pool.take(2 * MB)
    gc.collect()
    assert pool.free_bytes == 42 * MB


def test_no_more_waits_than_allowed():
    pool = BufferPool(5 * MB, keep=2)
    held = [pool.take(4 * MB) for _ in range(3)]
    held.clear()
    gc.collect()
    assert pool.free_bytes == 4 * MB


def test_clear_gives_everything_back():
    pool = BufferPool(100 * MB)
    pool.take(4 * MB)
    gc.collect()
    pool.clear()
    assert pool.free_bytes == 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 6), st.booleans()), max_size=20))
def test_buffers_in_use_never_overlap(steps):
    pool = BufferPool(16 * MB)
    held: list[tuple[np.ndarray, int]] = []
    for number, (megabytes, release) in enumerate(steps):
        taken = pool.take(megabytes * MB)
        taken[:] = number % 251
        held.append((taken, number % 251))
        del taken
        if release:
            held.pop(0)
        for array, value in held:
            assert array[0] == array[-1] == value
