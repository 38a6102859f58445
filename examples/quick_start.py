"""A call of an object of one's own, canceled."""
import libcall


class Sleeper:
    @libcall.method
    def run(self, context: libcall.Context, data: bytes) -> None:
        context.sleep()  # until it is told to stop
        context.check()


with libcall.Object(Sleeper()).begin("run") as call:
    if not call.wait(timeout=0.1):
        call.cancel(grace=10)  # it has 10 seconds to answer
    try:
        call.finish()
    except libcall.CallError as error:
        print(f"Python: {error.name}, fate {error.fate.name}")
