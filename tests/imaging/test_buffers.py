"""The pool of buffers and the limit of memory: what is used again, what is forgotten, and what is refused."""

from __future__ import annotations

import resource
import threading

import numpy as np
import pytest

from workbench.errors import InvalidInput
from workbench.imaging import buffers
from workbench.imaging.buffers import BufferPool, check_memory, free_memory_bytes
from workbench.imaging.inputs import in_parts


def test_a_buffer_is_used_again_for_the_same_and_a_smaller_size() -> None:
    pool = BufferPool()
    with pool.lent((100, 100), "float32") as first:
        address = first.ctypes.data
    with pool.lent((60, 100, 2), "int16") as second:
        assert second.ctypes.data == address
        assert (second.shape, second.dtype) == ((60, 100, 2), np.int16)
    assert pool.kept_bytes == 40000


def test_two_at_once_are_two_buffers() -> None:
    pool = BufferPool()
    with pool.lent((50, 50), "float32") as one, pool.lent((50, 50), "float32") as two:
        assert not np.shares_memory(one, two)
    assert pool.kept_bytes == 20000


def test_a_small_wish_does_not_hold_a_large_buffer() -> None:
    pool = BufferPool()
    with pool.lent((1000, 1000), "uint8"):
        pass
    with pool.lent((10,), "uint8"):
        pass
    assert pool.kept_bytes == 1000010


def test_the_oldest_goes_when_the_pool_is_full() -> None:
    pool = BufferPool(most_bytes=10000)
    for size in (6000, 60):
        with pool.lent((size,), "uint8"):
            pass
    with pool.lent((9000,), "uint8"), pool.lent((500,), "uint8"):
        pass
    assert pool.kept_bytes <= 10000
    pool.clear()
    assert pool.kept_bytes == 0


def test_an_error_inside_gives_the_buffer_back() -> None:
    pool = BufferPool()
    with pytest.raises(KeyError), pool.lent((80,), "uint8"):
        raise KeyError
    assert pool.kept_bytes == 80


def test_many_threads_never_share_a_buffer() -> None:
    pool, wrong = BufferPool(), []

    def work(number: int) -> None:
        for _ in range(200):
            with pool.lent((64,), "int32") as mine:
                mine[:] = number
                if not (mine == number).all():
                    wrong.append(number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_more_than_is_free_is_refused_with_both_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "free_memory_bytes", lambda: 2**30)
    check_memory(2**30, "This")
    with pytest.raises(InvalidInput, match=r"This volume would take 2.0 GiB and 1.0 GiB of memory are free"):
        check_memory(2**31, "This volume")
    with pytest.raises(InvalidInput, match="This buffer"), BufferPool().lent((2**31,), "uint8"):
        pass


def test_free_memory_is_less_than_the_machine_s_and_follows_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 < free_memory_bytes() < 2**50
    limit = (10 * 2**40, resource.RLIM_INFINITY)
    before = free_memory_bytes()
    monkeypatch.setattr(resource, "getrlimit", lambda _: limit)
    assert free_memory_bytes() <= before * 1.5
    monkeypatch.setattr(resource, "getrlimit", lambda _: (4096, 4096))
    assert free_memory_bytes() == 0


@pytest.mark.parametrize("threads", [1, 2, 3, 50])
@pytest.mark.parametrize("count", [0, 1, 2, 7, 100])
def test_every_part_is_done_once(count: int, threads: int) -> None:
    done: list[int] = []
    in_parts(lambda first, last: done.extend(range(first, last)), count, threads)
    assert sorted(done) == list(range(count))


def test_an_error_in_a_thread_is_raised() -> None:
    def work(first: int, last: int) -> None:
        raise KeyError(first)

    with pytest.raises(KeyError):
        in_parts(work, 10, 2)


@pytest.mark.parametrize("threads", [0, -1, 2.0, 5000, "two"])
def test_a_strange_number_of_threads_is_refused(threads: object) -> None:
    with pytest.raises(InvalidInput, match="threads is a whole number"):
        in_parts(lambda first, last: None, 10, threads)  # type: ignore[arg-type]
