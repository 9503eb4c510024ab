"""The app served to this machine until it is stopped."""

from __future__ import annotations

import contextlib
import io
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

import uvicorn

from benchmarks.app.desk import Desk
from benchmarks.app.loopback import Guard, sockets
from benchmarks.app.screen import screen


def serve(desk: Desk, port: int, browse: bool, tell: Callable[[str], None]) -> None:
    """Listen until Ctrl-C.

    Args:
        desk: what is shown; closed in the end.
        port: of this machine; 0 takes a free one.
        browse: open the browser.
        tell: called with the address.

    Raises:
        PortError: another program listens there.
    """
    listening = sockets(port)
    port = listening[0].getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    config = uvicorn.Config(
        Guard(screen(desk), port), log_level="warning", access_log=False, server_header=False, proxy_headers=False
    )
    tell(address)
    desk.hands.pool()
    if browse:
        threading.Timer(0.5, webbrowser.open, [address]).start()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _end)  # raised again once the server is down, as Ctrl-C is
    try:
        with contextlib.redirect_stderr(sys.stderr):  # as it was, in the end
            _Server(config).run(sockets=listening)
    finally:
        desk.close()


def _end(number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


class _Server(uvicorn.Server):  # type: ignore[misc]  # its types come with the extra
    """As the library's, quiet in the end: Shiny prints a traceback for each timer of a tab that is still open."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close what is open; what is printed from then on is of no use to anybody."""
        await super().shutdown(sockets)
        sys.stderr = io.StringIO()
