"""What can become of a call: a result, a failure, a cancel that is heard, one that is not, a deadline."""
import threading

import libcall


class Door:
    def __init__(self) -> None:
        self.opened, self.inside = threading.Event(), threading.Semaphore(0)

    @libcall.method
    def greet(self, context: libcall.Context, data: bytes) -> bytes:
        return b"hello, " + data

    @libcall.method
    def refuse(self, context: libcall.Context, data: bytes) -> None:
        raise libcall.CallError(libcall.abi.E_ACCESSDENIED, "not on the list")

    @libcall.method
    def trip(self, context: libcall.Context, data: bytes) -> None:
        raise ValueError("over the doorstep")

    @libcall.method
    def wait(self, context: libcall.Context, data: bytes) -> None:
        self.inside.release()
        context.sleep()  # as long as it takes, or until the cancel
        context.write(b"left the queue")
        context.check()

    @libcall.method
    def wait_deafly(self, context: libcall.Context, data: bytes) -> None:
        self.inside.release()
        self.opened.wait()


def finish(call: libcall.Call) -> None:
    try:
        output = call.finish()
        print("S_OK", call.fate.name, output)
    except libcall.CallError as error:
        print(error.name, error.fate.name, error.message, error.output)


door = Door()
with libcall.Object(door) as target:
    finish(target.begin("greet", b"Ada"))
    finish(target.begin("refuse"))
    finish(target.begin("trip"))

    call = target.begin("wait")
    door.inside.acquire()
    print("answered in time:", not call.cancel(grace=60))
    finish(call)

    call = target.begin("wait_deafly")
    door.inside.acquire()
    call.cancel()  # no grace: this program goes on now, and the method without it
    finish(call)
    door.opened.set()

    finish(target.begin("wait", timeout=0.01, grace=60))
