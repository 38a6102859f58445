#!/usr/bin/env python3
"""Submit and result from Python, 64 outstanding, beside concurrent.futures.ThreadPoolExecutor in the same run.

Usage: bench.py ROUNDS EMPTY.so     (make -C bindings/python bench)
"""
from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ctypes import CDLL, byref, c_char_p, c_int32, c_uint64, c_void_p, cast, sizeof

import libcall
from libcall import abi

OUTSTANDING, BATCHES = 64, 40
DATA = b"x" * 16


class Echo:
    @libcall.method
    def echo(self, context: libcall.Context, data: bytes) -> bytes:
        return data


def in_c(empty: CDLL, apartment: libcall.Apartment) -> libcall.Object:
    """An object whose one method is C, and does nothing."""
    names, out = (c_char_p * 1)(b"empty"), c_uint64()
    invoke = cast(empty.empty, abi.call_method_fn)
    cls = abi.call_class_t(sizeof(abi.call_class_t), cast(names, c_void_p), 1, 0, invoke)
    if abi.call_object_create(apartment.id, byref(cls), None, byref(out)) < 0:
        raise SystemExit("no object")
    return libcall.Object.adopt(out.value)


def reused(target: libcall.Object) -> Callable[[], None]:
    """Call objects that are begun again and again."""
    calls = [libcall.Call(target) for _ in range(OUTSTANDING)]

    def batch() -> None:
        for call in calls:
            call.begin(0, DATA)
        for call in calls:
            call.finish()
    return batch


def anew(target: libcall.Object) -> Callable[[], None]:
    """A call object for each call."""
    def batch() -> None:
        for call in [target.begin(0, DATA) for _ in range(OUTSTANDING)]:
            call.finish()
    return batch


def submitted(pool: ThreadPoolExecutor, run: Callable[..., object], *given: object) -> Callable[[], None]:
    """The same with futures."""
    def batch() -> None:
        for future in [pool.submit(run, *given) for _ in range(OUTSTANDING)]:
            future.result()
    return batch


def microseconds(batch: Callable[[], None]) -> tuple[float, float]:
    """What one call takes, and how much of the processors, on all threads."""
    start, used = time.perf_counter(), time.process_time()
    for _ in range(BATCHES):
        batch()
    each = 1e6 / BATCHES / OUTSTANDING
    return (time.perf_counter() - start) * each, (time.process_time() - used) * each


def main() -> None:
    rounds, empty = int(sys.argv[1]), CDLL(sys.argv[2])
    empty.empty.restype, empty.empty.argtypes = c_int32, [c_void_p, c_uint64, c_int32, c_char_p, c_uint64]
    given = (None, 0, 0, DATA, len(DATA))
    with ThreadPoolExecutor(1) as pool, libcall.Apartment(workers=1) as apartment:
        python, native = libcall.Object(Echo(), apartment), in_c(empty, apartment)
        rows = {
            "method in C: libcall, call objects reused": reused(native),
            "method in C: libcall, a call object each": anew(native),
            "method in C: ThreadPoolExecutor": submitted(pool, empty.empty, *given),
            "method in Python: libcall, call objects reused": reused(python),
            "method in Python: libcall, a call object each": anew(python),
            "method in Python: ThreadPoolExecutor": submitted(pool, lambda data: data, DATA),
        }
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in rows}
        for _ in range(rounds):
            for name, batch in rows.items():
                taken[name].append(microseconds(batch))
    print(f"{'us for submit and result, 64 outstanding':48} {'median':>7} {'least':>7} {'most':>7} {'of CPU':>7}")
    for name, each in taken.items():
        times, used = [[one[column] for one in each] for column in (0, 1)]
        print(f"{name:48} {statistics.median(times):7.2f} {min(times):7.2f} {max(times):7.2f} {statistics.median(used):7.2f}")



main()
