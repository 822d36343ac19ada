"""The hand-written endpoint on PostgreSQL, with asyncpg: the same order, the same tables, one transaction for each."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import asyncpg
import msgspec
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.by_hand import COUNTERS, ZERO, default, new_key, worked_out

decode = msgspec.json.Decoder(float_hook=Decimal).decode
tables: dict[str, tuple[str, list[str]]] = {}
tokens: dict[str, str] = {}
pool: asyncpg.Pool


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    global pool
    pool = await asyncpg.create_pool(sys.argv[1].replace("+psycopg", ""), min_size=8, max_size=8, init=as_text)
    for table in ("order", "order__lines", "case", "event", "history"):
        names = [
            row[0]
            for row in await pool.fetch(
                "SELECT column_name FROM information_schema.columns WHERE table_name = $1 AND table_schema = 'public'",
                table,
            )
        ]
        columns = ", ".join(f'"{name}"' for name in names)
        places = ", ".join(f"${n + 1}" for n in range(len(names)))
        tables[table] = (f'INSERT INTO "{table}" ({columns}) VALUES ({places})', names)
    yield
    await pool.close()


async def as_text(connection: asyncpg.Connection) -> None:
    """Keys as they are written, JSON as it was encoded."""
    await connection.set_type_codec("uuid", encoder=str, decoder=str, schema="pg_catalog")
    await connection.set_type_codec("jsonb", encoder=str, decoder=str, schema="pg_catalog")


async def user_of(request: Request) -> str:
    token = request.headers["authorization"].removeprefix("Bearer ")
    digest = sha256(token.encode()).hexdigest()
    if digest not in tokens:
        tokens[digest] = await pool.fetchval('SELECT "user" FROM _token WHERE hash = $1 AND revoked_at IS NULL', digest)
    return tokens[digest]


async def put(connection: asyncpg.Connection, table: str, values: dict[str, Any]) -> None:
    text, names = tables[table]
    await connection.execute(text, *(values.get(name) for name in names))


async def post_order(request: Request) -> Response:
    user = await user_of(request)
    body = decode(await request.body())
    now = datetime.now(UTC)
    async with pool.acquire() as db, db.transaction():
        customer = await db.fetchrow("SELECT id, credit_limit FROM customer WHERE code = $1", body["customer"])
        channel = await db.fetchrow("SELECT id FROM channel WHERE code = $1", body["channel"])
        codes = [line["sku"] for line in body["lines"]]
        found = await db.fetch("SELECT id, code, tax_rate, cost FROM product WHERE code = ANY($1)", codes)
        units = await db.fetch("SELECT code, id FROM uom WHERE code = ANY($1)", [line["uom"] for line in body["lines"]])
        values, lines = worked_out(body, now, {row[1]: row for row in found}, {row[0]: row[1] for row in units})
        day = (now + timedelta(hours=8)).strftime("%Y%m%d")
        serial = await db.fetchval(
            "INSERT INTO _sequence VALUES ('order.order_no', $1, 2)"
            " ON CONFLICT (name, period) DO UPDATE SET next = _sequence.next + 1 RETURNING next - 1",
            day,
        )
        key = new_key()
        values |= {
            "id": key, "version": 1, "status": "draft", "owner": user, "created_at": now,
            "created_by": user, "updated_at": now,
            "order_no": f"SO{day}{serial:06}", "channel": channel[0], "customer": customer[0],
        }  # fmt: skip
        await put(db, "order", {**values, "all_reserved": False})
        text, names = tables["order__lines"]
        rows = []
        for position, line in enumerate(lines):
            row = {**line, "_parent": key, "_position": position, **dict.fromkeys(COUNTERS, ZERO)}
            rows.append([row.get(name) for name in names])
        await db.executemany(text, rows)
        base = {"version": 1, "created_at": now, "updated_at": now, "at": now, "model": "order", "record": key}
        case = {
            **base, "id": new_key(), "workflow": "order_lifecycle", "workflow_version": "1", "definitions": "1",
            "state": "draft", "started_at": now,
        }  # fmt: skip
        await put(db, "case", case)
        event = {**base, "id": new_key(), "actor": user, "actor_name": "bench", "name": "create", "to_state": "draft"}
        await put(db, "event", event)
        changes = {name: [None, value] for name, value in values.items() if value is not None}
        changes |= {f"lines.[{line['id']}]": [None, line] for line in lines}
        told = {
            **base, "id": new_key(), "actor": user, "actor_name": "bench", "record_version": 1, "act": "create",
            "event": event["id"], "changes": orjson.dumps(changes, default=default).decode(), "definitions": "1",
        }  # fmt: skip
        await put(db, "history", told)
    return Response(orjson.dumps({**values, "lines": lines}, default=default), 201, media_type="application/json")


app = Starlette(routes=[Route("/api/order", post_order, methods=["POST"])], lifespan=lifespan)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", access_log=False)
