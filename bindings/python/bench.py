#!/usr/bin/env python3
"""Submit and result from Python, 64 outstanding, beside concurrent.futures.ThreadPoolExecutor in the same run.

Usage: bench.py ROUNDS EMPTY.so     (make -C bindings/python bench)
"""
from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ctypes import CDLL, byref, c_char_p, c_int32, c_uint64, c_void_p, cast, sizeof

import libcall
from libcall import abi

OUTSTANDING, BATCHES = 64, 100
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


class Row:
    """What the calls of one way took, in microseconds each, batch by batch."""

    def __init__(self, batch: Callable[[], None]) -> None:
        self.batch, self.taken, self.used, self.switches = batch, list[float](), 0.0, 0

    def measure(self) -> None:
        """One round."""
        used, switched = time.process_time(), switches()
        for _ in range(BATCHES):
            start = time.perf_counter()
            self.batch()
            self.taken.append((time.perf_counter() - start) / OUTSTANDING * 1e6)
        self.used += time.process_time() - used
        self.switches += switches() - switched

    def __str__(self) -> str:
        tenths, calls = statistics.quantiles(self.taken, n=10), len(self.taken) * OUTSTANDING
        return (f"{tenths[0]:7.2f} {tenths[4]:7.2f} {tenths[8]:7.2f} {self.used / calls * 1e6:7.2f}"
                f" {self.switches / calls:9.3f}")


def switches() -> int:
    """How often a thread of this process has left its processor."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_nvcsw + usage.ru_nivcsw


def main() -> None:
    rounds, empty = int(sys.argv[1]), CDLL(sys.argv[2])
    empty.empty.restype, empty.empty.argtypes = c_int32, [c_void_p, c_uint64, c_int32, c_char_p, c_uint64]
    given = (None, 0, 0, DATA, len(DATA))
    with ThreadPoolExecutor(1) as pool, libcall.Apartment(workers=1) as apartment:
        python, native = libcall.Object(Echo(), apartment), in_c(empty, apartment)
        rows = {
            "method in C: libcall, call objects reused": Row(reused(native)),
            "method in C: libcall, a call object each": Row(anew(native)),
            "method in C: ThreadPoolExecutor": Row(submitted(pool, empty.empty, *given)),
            "method in Python: libcall, call objects reused": Row(reused(python)),
            "method in Python: libcall, a call object each": Row(anew(python)),
            "method in Python: ThreadPoolExecutor": Row(submitted(pool, lambda data: data, DATA)),
        }
        for _ in range(rounds):
            for row in rows.values():
                row.measure()
    print(f"{'us for submit and result, 64 outstanding':48}     p10     p50     p90  of CPU  switches")
    for name, row in rows.items():
        print(f"{name:48} {row}")



main()
