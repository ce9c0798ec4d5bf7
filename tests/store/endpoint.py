"""An endpoint of a store that does what a test says."""

import contextlib
import http.server
import json
import threading

OK, BAD, GONE = 200, 400, 503


class Endpoint:
    """Answers each request by `script(path, body, headers)`: a status and a JSON object.

    Instead it may return DROP, to close the connection, or HANG, to say nothing. requests: what it
    was asked, by path. connections: how many there were.
    """

    DROP, HANG = "drop", "hang"

    def __init__(self, script):
        self.requests = []
        self.connections = 0
        self._over = threading.Event()
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                endpoint.connections += 1

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                endpoint.requests.append(self.path)
                told = script(self.path, body, self.headers)
                if told == Endpoint.HANG:
                    endpoint._over.wait()
                if told in (Endpoint.DROP, Endpoint.HANG):
                    self.close_connection = True
                    return
                status, answer = told
                text = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = ("127.0.0.1", self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self):
        """Listen no more."""
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextlib.contextmanager
def endpoints(*scripts):
    """Several of them."""
    made = [Endpoint(script) for script in scripts]
    try:
        yield made
    finally:
        for each in made:
            each.close()


def error(code, text):
    """A refusal as etcd's gateway writes it."""
    return BAD, {"error": text, "message": text, "code": code}
