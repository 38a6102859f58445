#!/usr/bin/env python3
"""Runs OUT/curl_multi against servers on the loopback interface, and its own check under valgrind. Prints TAP.

Usage: check_curl.py OUT
"""

import http.server
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading

GUARD = 240  # seconds: only a program that hangs takes so long
BODY = bytes(i * i % 251 for i in range(3_000_000))
HERE = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
VALGRIND = ["valgrind", "-q", "--leak-check=full", "--errors-for-leak-kinds=definite", "--show-leak-kinds=definite",
            "--error-exitcode=9"]
SEEN = []


def check(name, good, seen):
    SEEN.append(good)
    print(f"{'ok' if good else 'not ok'} {len(SEEN)} - {name}")
    if not good:
        print("\n".join(f"#   {line}" for line in str(seen).splitlines()))


def run(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=GUARD, env=HERE)
    return done.returncode, done.stdout, done.stderr.decode()


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = BODY if self.path == "/body" else b""
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", len(body))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def check_fetch(program):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    code, out, err = run(program, f"{url}/body")
    check("a fetch gives 0 and the body", code == 0 and out == BODY and err == "result S_OK, fate COMPLETED\n",
          (code, len(out), err))
    code, out, err = run(program, f"{url}/missing")
    check("a page that is not there gives 1, E_FAIL and the reason", code == 1 and out == b"" and "404" in err
          and err.endswith("\nresult E_FAIL, fate COMPLETED\n"), (code, len(out), err))
    server.shutdown()


def check_interrupt(program):
    """SIGINT when a part of the body was sent: the connection is closed, and the part is printed."""
    part = b"all that there ever is"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(GUARD)
        process = subprocess.Popen([program, f"http://127.0.0.1:{listener.getsockname()[1]}/"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=HERE)
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(GUARD)
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + part)
            process.send_signal(signal.SIGINT)
            try:
                closed = connection.recv(1) == b""
            except ConnectionResetError:
                # Closed with something unread.
                closed = True
        out, err = process.communicate(timeout=GUARD)
    check("SIGINT gives 130, STOPPED and a closed connection", process.returncode == 130 and closed
          and part.startswith(out) and err == b"result RPC_E_CALL_CANCELED, fate STOPPED\n",
          (process.returncode, closed, out, err))


def check_silence(program):
    code, out, err = run(program)
    check("a server that never answers is canceled", code == 0
          and out.endswith(b"\nEvery call ended as it should.\n"), (code, out.decode(), err))
    if shutil.which("valgrind") is None:
        check("the same under valgrind # SKIP valgrind is not installed", True, "")
        return
    code, out, err = run(*VALGRIND, program)
    check("the same under valgrind: no error, nothing lost", code == 0 and err == "", (code, out.decode(), err))


def main():
    program = f"{sys.argv[1]}/curl_multi"
    check_fetch(program)
    check_interrupt(program)
    check_silence(program)
    print(f"1..{len(SEEN)}")
    return 0 if all(SEEN) else 1


sys.exit(main())
