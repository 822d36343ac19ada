"""A new channel file in a running server: how long until its first payload is accepted."""

from __future__ import annotations

import http.client
import json
import shutil
import tempfile
import time
from pathlib import Path

from benchmarks.company import ROOT, found
from benchmarks.servers import free_port, orderloom, running
from benchmarks.table import Row

FOLDERS = ("definitions", "forms", "workflows", "rules", "connectors")
CHANNEL = """\
channel: fresh
for: warehouse
intake: {format: json}
identity: {key: code}
map: {code: $.code, name: $.name}
"""


def measure(*, quick: bool) -> list[Row]:  # noqa: ARG001 - all measurements are called alike
    """Seconds from the last byte of the file to the first accepted payload, and from there to a
    restart of the server."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "app")
        for name in FOLDERS:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, root / name)
        company = found(f"sqlite:///{Path(folder, 'app.db')}")
        port = free_port()
        command = [part for part in orderloom(company.url, port) if part != "--no-watch"]
        command[2:2] = ["--app", str(root)]
        began = time.perf_counter()
        with running(command, port):
            start = time.perf_counter() - began
            time.sleep(1)
            (root / "definitions" / "fresh.yaml").write_text(CHANNEL, encoding="utf-8")
            began = time.perf_counter()
            while _send(port, company.token) != 200:
                if time.perf_counter() - began > 20:
                    raise SystemExit("the channel was never accepted")
                time.sleep(0.01)
            took = time.perf_counter() - began
    return [Row("a new channel, running", "a restart", start / took, "< 1 s", f"{took:.2f} s against {start:.2f} s")]


def _send(port: int, token: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    body = json.dumps({"code": "W-NEW", "name": "New"})
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    connection.request("POST", "/intake/fresh", body, headers)
    status = connection.getresponse().status
    connection.close()
    return status
