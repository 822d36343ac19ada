"""Files that come with what people say: what is taken, and who may have them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import Complaint, InvalidValues, NotFound
from engine.policy.access import Actor
from engine.ports import Record
from engine.runtime.act import Act
from engine.runtime.casework import task_for
from engine.runtime.service import Service
from engine.store.keys import is_key
from engine.store.transaction import Transaction

FILE = "file"
#: The most bytes of one file, and the most files at once.
MOST_BYTES, MOST_FILES = 20_000_000, 5
#: What people show each other about their work: nothing that runs when somebody opens it.
ACCEPTED = (
    "image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain", "text/csv",
    "application/zip", "application/msword", "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.spreadsheet",
)  # fmt: skip
#: What no name of a file holds: what leads elsewhere, and what cannot be seen.
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came."""

    name: str
    media_type: str
    content: bytes


def checked(uploads: Sequence[Upload]) -> list[Upload]:
    """The files with names that can be shown anywhere. InvalidValues says of each why it is not taken."""
    if len(uploads) > MOST_FILES:
        raise InvalidValues(
            complaints=[Complaint("files", "FILE_COUNT", f"at most {MOST_FILES} files at once", {"max": MOST_FILES})]
        )
    complaints, found = [], []
    for upload in uploads:
        name = _NOT_IN_NAMES.sub("", upload.name.replace("\\", "/").rpartition("/")[2]).strip()[-LONGEST_NAME:]
        media_type = upload.media_type.partition(";")[0].strip().lower()
        told = {"name": name, "max": MOST_BYTES // 1_000_000}
        if not name:
            complaints.append(Complaint("files", "VALUE_REQUIRED", "a file has a name"))
        elif not upload.content:
            complaints.append(Complaint("files", "FILE_EMPTY", f"{name} is empty", told))
        elif len(upload.content) > MOST_BYTES:
            complaints.append(Complaint("files", "FILE_SIZE", f"{name} has more than {MOST_BYTES} bytes", told))
        elif media_type not in ACCEPTED:
            message = f"{name} is {media_type or 'of no type'}; taken are {', '.join(ACCEPTED)}"
            complaints.append(Complaint("files", "FILE_TYPE", message, told))
        found.append(Upload(name, media_type, upload.content))
    if complaints:
        raise InvalidValues(complaints=complaints)
    return found


def file_for(service: Service, tx: Transaction, actor: Actor, key: str) -> tuple[Record, bytes]:
    """A file and what it holds, for somebody who may read what it is about, or has a part in its task. NotFound for
    others."""
    store, rights = service.store, service.rights
    for file in store.records.load(tx, FILE, [key]) if is_key(key) else []:
        content = store.contents.find(tx, file["sha256"])
        if content is None or file["model"] not in service.catalog.models:
            continue
        names = Act(service.catalog, store, tx, actor, service.clock.now())
        for record in store.records.load(tx, file["model"], [file["record"]]):
            if rights.may_read(actor, file["model"], record, names.names(file["model"], record, "read")):
                return file, content
        if file["task"] is not None:
            task_for(service, tx, actor, file["task"]["id"])
            return file, content
    raise NotFound(f"there is no file {key[:100]}")
