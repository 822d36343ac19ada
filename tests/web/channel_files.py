"""Channels for the purchase desk, as files that a test puts beside its definitions."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from shutil import copytree
from typing import Any

from tests.web.desk_app import FOLDER

#: A portal that signs what it sends.
PORTAL = """
channel: portal
for: request
intake: {format: json, each: "$.wishes[*]", auth: {hmac_sha256: {secret: PORTAL_SECRET}}}
identity: {key: [project], version: $.changed}
map:
  project: $.no
  wanted: $.on
  supplier: {const: S101}
  lines: {each: "$.things[*]", map: {item: $.code, quantity: $.n}}
"""

#: A file that is sent with a token.
SHEET = """
channel: sheet
for: request
intake: {format: csv, group: [No], encoding: [utf-8, gbk]}
identity: {key: [project]}
map:
  project: $.No
  wanted: $.On
  supplier: {const: S102}
  lines: {each: "$.rows[*]", map: {item: $.Item, quantity: $.Quantity}}
"""


def definitions_copy(folder: Path, **channels: str) -> Path:
    """A copy of the desk's definitions, with these channels."""
    copied = Path(copytree(FOLDER, folder / "app"))
    for name, text in channels.items():
        add_channel(copied, name, text)
    return copied


def add_channel(app_dir: Path, name: str, text: str) -> None:
    """Puts a channel beside the definitions, whole or not at all, as an editor does."""
    folder = app_dir / "definitions" / "channels"
    folder.mkdir(exist_ok=True)
    draft = folder / f".{name}.draft"
    draft.write_text(text, "utf-8")
    draft.rename(folder / f"{name}.yaml")


def wish(no: str, **values: Any) -> dict[str, Any]:
    """One record as the portal sends it."""
    return {"no": no, "on": "2026-12-24", "changed": 1, "things": [{"code": "P201", "n": 2}], **values}


def signed(wishes: list[Any], secret: str = "between us") -> dict[str, Any]:
    """The request that the portal makes."""
    return signed_body(json.dumps({"wishes": wishes}, ensure_ascii=False).encode(), secret)


def signed_body(body: bytes, secret: str = "between us") -> dict[str, Any]:
    """A request of the portal's with any body."""
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"content": body, "headers": {"Content-Type": "application/json", "X-Signature": f"sha256={signature}"}}
