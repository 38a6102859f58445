"""Ctrl-C in a wait: the call is canceled, and the method that hears of it ends."""
import os
import signal
import threading

import libcall


class Job:
    ended = threading.Event()

    @libcall.method
    def run(self, context: libcall.Context, data: bytes) -> None:
        os.kill(os.getpid(), signal.SIGINT)  # as Ctrl-C would
        context.sleep()
        self.ended.set()
        context.check()


with libcall.Object(Job()).begin("run") as call:
    try:
        call.finish()
    except KeyboardInterrupt:
        print("interrupted, cause", call.cause.name)
        Job.ended.wait()
