"""Methods that run on the main thread: a SINGLE apartment in a loop of one's own, watched by its descriptor."""
import selectors
import threading

import libcall


class Window:
    """What only the main thread may touch."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    @libcall.method
    def show(self, context: libcall.Context, data: bytes) -> None:
        assert threading.current_thread() is threading.main_thread()
        self.lines.append(data.decode())


with libcall.Apartment(libcall.Kind.SINGLE) as apartment:
    window = Window()
    target = libcall.Object(window, apartment)

    def work() -> None:
        for number in range(3):
            target.invoke("show", b"line %d" % number)

    worker = threading.Thread(target=work)
    worker.start()
    with selectors.DefaultSelector() as selector:
        selector.register(apartment, selectors.EVENT_READ)
        while len(window.lines) < 3:
            selector.select()
            apartment.pump()
    worker.join()
    print(window.lines)
