"""Served to this machine alone: sockets of its own addresses, and questions from its own page."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

Message = MutableMapping[str, Any]
Ask = Callable[[], Awaitable[Message]]
Answer = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Ask, Answer], Awaitable[None]]

_ADDRESSES = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
_MOST_BYTES = 4_000_000  # of what is handed over; each kind of file has a limit of its own below it
_INSIDE = (  # what the page may load: nothing from elsewhere, whatever it is made to ask for
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = [
    (b"content-security-policy", _INSIDE.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]


class PortError(OSError):
    """A port that cannot be had; the message is one line."""


def sockets(port: int) -> list[socket.socket]:
    """Listening on 127.0.0.1 and, where this machine has it, on ::1, and on nothing else; 0 takes a free port.

    Raises:
        PortError: another program listens there.
    """
    made: list[socket.socket] = []
    for family, address in _ADDRESSES:
        try:
            made.append(_bound(family, address, made[0].getsockname()[1] if made else port))
        except OSError as reason:
            if family == socket.AF_INET6 and reason.errno != 98:  # a machine without IPv6
                continue
            for each in made:
                each.close()
            why = (reason.strerror or str(reason)).lower()
            raise PortError(f"port must be free, got {port} ({why}): choose another with --port") from None
    return made


def _bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            with suppress(AttributeError, OSError):
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((address, port))
        made.listen(128)
    except OSError:
        made.close()
        raise
    return made


class Guard:
    """An ASGI application behind two questions: is it asked by this machine's name, and by a page of its own?

    A page of somebody else's can make the browser ask for 127.0.0.1 (DNS rebinding, a websocket from another site): its
    `Host` or `Origin` tells.

    Args:
        app: what is served.
        port: where.
    """

    def __init__(self, app: App, port: int) -> None:
        self._app = app
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        self._origins = {f"http://{host}" for host in self._hosts}

    async def __call__(self, scope: Message, ask: Ask, answer: Answer) -> None:
        """Serve, or refuse with 403, or with 413 what is too large."""
        if scope["type"] == "lifespan":
            await self._app(scope, ask, answer)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if (
            headers.get("host") not in self._hosts
            or headers.get("origin", next(iter(self._origins))) not in self._origins
        ):
            await _refuse(scope, ask, answer, 403, b"launchsim answers to this machine alone")
        elif scope["type"] == "http" and not _small(headers):
            await _refuse(scope, ask, answer, 413, b"file is too large")
        else:
            await self._app(scope, ask, answer if scope["type"] == "websocket" else _with_headers(answer))


def _small(headers: MutableMapping[str, str]) -> bool:
    """A body of stated, bearable size; none without a size."""
    length = headers.get("content-length", "0")
    return "transfer-encoding" not in headers and length.isdigit() and int(length) <= _MOST_BYTES


def _with_headers(answer: Answer) -> Answer:
    async def more(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *_HEADERS]
        await answer(message)

    return more


async def _refuse(scope: Message, ask: Ask, answer: Answer, status: int, why: bytes) -> None:
    if scope["type"] == "websocket":
        await ask()
        await answer({"type": "websocket.close", "code": 1008})
        return
    await answer({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await answer({"type": "http.response.body", "body": why})
