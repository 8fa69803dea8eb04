"""Runs come one at a time and in the order of arrival."""

import threading
import time

import pytest

from matted.inference.turns import Turns


def _queue_up(work, count: int) -> list[threading.Thread]:
    threads = []
    for number in range(count):
        thread = threading.Thread(target=work, args=(number,))
        thread.start()
        threads.append(thread)
        time.sleep(0.01)
    return threads


def test_turns_are_taken_in_the_order_of_arrival():
    turns, order = Turns(), []

    def work(number):
        with turns.mine(lambda: None):
            order.append(number)

    with turns.mine(lambda: None):
        threads = _queue_up(work, 8)
    for thread in threads:
        thread.join()
    assert order == list(range(8))


def test_only_one_has_the_turn():
    turns, inside, most = Turns(), [], []

    def work(number):
        with turns.mine(lambda: None):
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.001)
            inside.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1


def test_one_who_gives_up_waiting_leaves_the_queue():
    turns = Turns()

    def give_up():
        raise TimeoutError

    with turns.mine(lambda: None), pytest.raises(TimeoutError), turns.mine(give_up):
        raise AssertionError("it had its turn")
    with turns.spare() as free:
        assert free


def test_a_failure_inside_passes_the_turn_on():
    turns = Turns()
    with pytest.raises(ZeroDivisionError), turns.mine(lambda: None):
        raise ZeroDivisionError
    with turns.spare() as free:
        assert free


def test_a_spare_turn_is_only_had_when_nobody_works_or_waits():
    turns = Turns()
    with turns.mine(lambda: None), turns.spare() as free:
        assert not free
    with turns.spare() as free:
        assert free
        with turns.spare() as again:
            assert not again
