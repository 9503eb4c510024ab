"""The app answers to this machine alone, and to its own page alone."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from benchmarks.app.loopback import Guard, PortError, sockets


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("HOST", "UVICORN_HOST", "SHINY_HOST"):
        monkeypatch.setenv(name, "0.0.0.0")
    made = sockets(0)
    yield made
    for each in made:
        each.close()


def test_it_listens_on_the_two_addresses_of_this_machine_and_on_one_port(listening: list[socket.socket]) -> None:
    addresses = [each.getsockname()[:2] for each in listening]
    assert {address for address, _ in addresses} <= {"127.0.0.1", "::1"}
    assert addresses[0][0] == "127.0.0.1"
    assert len({port for _, port in addresses}) == 1


def test_a_port_that_is_taken_is_told_in_one_line(listening: list[socket.socket]) -> None:
    port = listening[0].getsockname()[1]
    with pytest.raises(PortError, match=rf"port must be free, got {port} .*: choose another with --port"):
        sockets(port)


async def _served(scope: Any, ask: Any, answer: Any) -> None:
    await answer({"type": "http.response.start", "status": 200, "headers": []})


def asked(**headers: str) -> dict[str, Any]:
    """The first answer to a question with these headers."""
    told: list[dict[str, Any]] = []

    async def answer(message: Any) -> None:
        told.append(message)

    async def ask() -> dict[str, str]:
        return {"type": "websocket.connect"}

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items() if name != "kind"]
    scope = {"type": headers.get("kind", "http"), "headers": named}
    asyncio.run(Guard(_served, 8765)(scope, ask, answer))
    return told[0]


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "[::1]:8765"])
def test_this_machines_names_are_served(host: str) -> None:
    assert asked(host=host, origin=f"http://{host}")["status"] == 200
    assert asked(host=host)["status"] == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "127.0.0.1:1", "192.168.0.7:8765", ""])
def test_a_name_that_was_bound_to_this_machine_from_outside_is_not_served(host: str) -> None:
    assert asked(host=host)["status"] == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:8765", "http://127.0.0.1:80"])
def test_pages_of_other_sites_are_not_served_nor_heard(origin: str) -> None:
    assert asked(host="127.0.0.1:8765", origin=origin)["status"] == 403
    assert asked(kind="websocket", host="127.0.0.1:8765", origin=origin) == {"type": "websocket.close", "code": 1008}


def test_what_is_too_large_or_of_unknown_size_is_refused_before_it_is_read() -> None:
    assert asked(host="localhost:8765", content_length="4000001")["status"] == 413
    assert asked(host="localhost:8765", transfer_encoding="chunked")["status"] == 413


def test_the_page_is_told_to_load_nothing_from_elsewhere() -> None:
    headers = dict(asked(host="localhost:8765")["headers"])
    assert headers[b"content-security-policy"].startswith(b"default-src 'self'; ")
    assert b"http" not in headers[b"content-security-policy"]
