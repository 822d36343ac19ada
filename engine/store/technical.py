"""The engine's own tables beside those of the models: what no definition describes and no list shows.

Their names start with an underscore, which no model's can.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table

from engine.fields.columns import Bytes, JsonText, Key, PlainText, UtcDateTime

#: The next number of each sequence in each of its periods.
SEQUENCE = "_sequence"
#: What was answered to a request that may come again.
IDEMPOTENCY = "_idempotency"
#: Who is logged in.
SESSION = "_session"
#: What programs log in with.
TOKEN = "_token"
#: The hashes of passwords, apart from the users that lists and exports show.
PASSWORD = "_password"
#: Applied definitions by their fingerprint.
SNAPSHOT = "_snapshot"
#: How far the import of a file has come, and which of its rows were refused.
IMPORT, REFUSED = "_import", "_import_refused"
#: What the files hold, once under the hash of each content.
CONTENT = "_content"


def add_technical_tables(metadata: MetaData) -> None:
    """Adds the tables to the metadata of an application."""
    Table(
        SEQUENCE,
        metadata,
        Column("name", PlainText(), primary_key=True),
        Column("period", PlainText(), primary_key=True),
        Column("next", BigInteger(), nullable=False),
    )
    idempotency = Table(
        IDEMPOTENCY,
        metadata,
        # Keys are the callers' own choice, so they count for one caller only.
        Column("caller", PlainText(), primary_key=True),
        Column("key", PlainText(), primary_key=True),
        Column("request", PlainText(), nullable=False),  # a hash
        Column("status", Integer(), nullable=False),
        Column("headers", JsonText(), nullable=False),
        Column("body", PlainText(), nullable=False),  # as it was sent: the same answer is the same text
        Column("created_at", UtcDateTime(), nullable=False),
    )
    Index("ix__idempotency_created_at", idempotency.c.created_at)
    session = Table(
        SESSION,
        metadata,
        Column("id", PlainText(), primary_key=True),  # a hash: what stands here lets nobody in
        Column("user", Key(), nullable=False),
        Column("data", JsonText(), nullable=False),
        Column("created_at", UtcDateTime(), nullable=False),
        Column("seen_at", UtcDateTime(), nullable=False),
        Column("expires_at", UtcDateTime(), nullable=False),
    )
    Index("ix__session_user", session.c.user)
    Index("ix__session_expires_at", session.c.expires_at)
    token = Table(
        TOKEN,
        metadata,
        Column("id", Key(), primary_key=True),
        Column("hash", PlainText(), nullable=False, unique=True),
        Column("user", Key(), nullable=False),
        Column("name", PlainText(), nullable=False),
        Column("scopes", JsonText()),
        Column("created_at", UtcDateTime(), nullable=False),
        Column("used_at", UtcDateTime()),
        Column("expires_at", UtcDateTime()),
        Column("revoked_at", UtcDateTime()),
    )
    Index("ix__token_user", token.c.user)
    Table(
        PASSWORD,
        metadata,
        Column("user", Key(), primary_key=True),
        Column("hash", PlainText(), nullable=False),
        Column("changed_at", UtcDateTime(), nullable=False),
    )
    snapshot = Table(
        SNAPSHOT,
        metadata,
        Column("number", BigInteger(), primary_key=True),  # they follow each other; the greatest is in force
        # The same definitions may be applied, taken back and applied again.
        Column("fingerprint", PlainText(), nullable=False),
        Column("sources", JsonText(), nullable=False),
        Column("plan", JsonText(), nullable=False),
        Column("inverse", JsonText(), nullable=False),
        Column("applied_at", UtcDateTime(), nullable=False),
        Column("applied_by", PlainText()),
    )
    Index("ix__snapshot_fingerprint", snapshot.c.fingerprint)
    Table(
        IMPORT,
        metadata,
        # The same file for the same channel is the same import, wherever it lies.
        Column("file", PlainText(), primary_key=True),  # a hash of its content
        Column("channel", PlainText(), primary_key=True),
        Column("done", BigInteger(), nullable=False),  # records
        Column("counts", JsonText(), nullable=False),
        Column("started_at", UtcDateTime(), nullable=False),
        Column("finished_at", UtcDateTime()),
    )
    Table(
        REFUSED,
        metadata,
        Column("file", PlainText(), primary_key=True),
        Column("channel", PlainText(), primary_key=True),
        Column("position", BigInteger(), primary_key=True),  # of the record in the file
        Column("rows", JsonText(), nullable=False),
        Column("problems", JsonText(), nullable=False),
    )
    Table(
        CONTENT,
        metadata,
        Column("sha256", PlainText(), primary_key=True),
        Column("content", Bytes(), nullable=False),
    )
