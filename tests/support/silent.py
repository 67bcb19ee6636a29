"""A server that takes requests and never answers them."""

import socket
import threading
from contextlib import suppress


class Silent:
    """Takes a request and never answers, or breaks the connection."""

    def __init__(self, *, breaks: bool) -> None:
        self._breaks = breaks
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                connection.recv(65536)
                if self._breaks:
                    connection.shutdown(socket.SHUT_RDWR)

    @property
    def calls(self) -> int:
        return len(self._open)

    def close(self) -> None:
        with suppress(OSError):  # closed already
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(2)
        for connection in self._open:
            connection.close()
