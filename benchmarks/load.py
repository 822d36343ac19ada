"""A client that keeps a server busy: some connections, each sending its next request when the last is answered."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import quantiles


@dataclass(frozen=True)
class Rate:
    """What one round gave: requests per second, and the time of the slowest percent in milliseconds."""

    per_second: float
    p99: float


def drive(port: int, request: Callable[[int], bytes], seconds: float, connections: int = 16, start: int = 0) -> Rate:
    """The rate at which the server on the port answers. ``request`` gives the bytes of the request of that number.

    Any answer but 2xx ends the measurement: it would measure refusals."""
    return asyncio.run(_drive(port, request, seconds, connections, start))


async def _drive(port: int, request: Callable[[int], bytes], seconds: float, connections: int, start: int) -> Rate:
    number = start
    times: list[float] = []
    end = time.perf_counter() + seconds

    async def client() -> None:
        nonlocal number
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < end:
            number += 1
            began = time.perf_counter()
            writer.write(request(number))
            await _answer(reader)
            times.append(time.perf_counter() - began)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(connections)))
    return Rate(len(times) / (time.perf_counter() - began), quantiles(times, n=100)[98] * 1000)


async def _answer(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line[15:])
    body = await reader.readexactly(length)
    if not 200 <= status < 300:
        print(body.decode(errors="replace")[:600], file=sys.stderr)
        raise SystemExit(f"the server answered {status}")
