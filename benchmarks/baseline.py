"""The hand-written endpoint on SQLite: what a good programmer writes for this one model, with fast libraries and no
engine.

It answers ``POST /api/order`` with the same checks, the same arithmetic and the same rows in the same tables as the
reference application: the order, its lines, the case, the entry of the event log, the history. One process, one
connection, one commit for each order, as such code is written.
"""

from __future__ import annotations

import sqlite3
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256

import msgspec
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.by_hand import COUNTERS, LINE_DIGITS, MONEY, default, new_key, scaled, stamp, worked_out

decode = msgspec.json.Decoder(float_hook=Decimal).decode
connection = sqlite3.connect(sys.argv[1], isolation_level=None, check_same_thread=False)
connection.execute("PRAGMA journal_mode=WAL")
connection.execute("PRAGMA synchronous=FULL")
connection.execute("PRAGMA foreign_keys=ON")


def columns(table: str) -> list[str]:
    return [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]


def insert(table: str) -> tuple[str, list[str]]:
    names = columns(table)
    return f'INSERT INTO "{table}" ({", ".join(names)}) VALUES ({", ".join("?" * len(names))})', names


ORDER, ORDER_COLUMNS = insert("order")
LINE, LINE_COLUMNS = insert("order__lines")
CASE, CASE_COLUMNS = insert("case")
EVENT, EVENT_COLUMNS = insert("event")
HISTORY, HISTORY_COLUMNS = insert("history")
tokens: dict[str, str] = {}


def user_of(request: Request) -> str:
    token = request.headers["authorization"].removeprefix("Bearer ")
    digest = sha256(token.encode()).hexdigest()
    known = tokens.get(digest)
    if known is None:
        row = connection.execute(
            'SELECT "user" FROM _token WHERE hash = ? AND revoked_at IS NULL', (digest,)
        ).fetchone()
        known = tokens[digest] = row[0]
    return known


async def post_order(request: Request) -> Response:
    user = user_of(request)
    body = decode(await request.body())
    now = datetime.now(UTC)
    run = connection.execute
    run("BEGIN IMMEDIATE")
    try:
        customer = run("SELECT id, credit_limit, blocked FROM customer WHERE code = ?", (body["customer"],)).fetchone()
        channel = run("SELECT id FROM channel WHERE code = ?", (body["channel"],)).fetchone()
        codes = orjson.dumps([line["sku"] for line in body["lines"]]).decode()
        products = {
            row[1]: row
            for row in run(
                "SELECT id, code, tax_rate, list_price, cost, uom FROM product"
                " WHERE code IN (SELECT value FROM json_each(?))",
                (codes,),
            )
        }
        units = dict(
            run(
                "SELECT code, id FROM uom WHERE code IN (SELECT value FROM json_each(?))",
                (orjson.dumps([line["uom"] for line in body["lines"]]).decode(),),
            ).fetchall()
        )
        values, lines = worked_out(body, now, products, units)
        day = (now + timedelta(hours=8)).strftime("%Y%m%d")
        serial = run(
            "INSERT INTO _sequence VALUES ('order.order_no', ?, 2)"
            " ON CONFLICT DO UPDATE SET next = next + 1 RETURNING next - 1",
            (day,),
        ).fetchone()[0]
        key, at = new_key(), stamp(now)
        values |= {
            "id": key, "version": 1, "status": "draft", "owner": user, "created_at": at,
            "created_by": user, "updated_at": at,
            "order_no": f"SO{day}{serial:06}", "channel": channel[0], "customer": customer[0],
        }  # fmt: skip
        stored = {
            **values,
            "order_time": stamp(values["order_time"]),
            "required_delivery_at": stamp(values["required_delivery_at"]),
        }
        for name in MONEY:
            stored[name] = scaled(values[name], 2)
        stored["all_reserved"] = 0
        run(ORDER, [stored.get(name) for name in ORDER_COLUMNS])
        rows = []
        for position, line in enumerate(lines):
            row = {**line, "_parent": key, "_position": position, **dict.fromkeys(COUNTERS, 0)}
            for name, digits in LINE_DIGITS.items():
                row[name] = scaled(line[name], digits)
            rows.append([row.get(name) for name in LINE_COLUMNS])
        connection.executemany(LINE, rows)
        base = {"version": 1, "created_at": at, "updated_at": at, "at": at, "model": "order", "record": key}
        case = {
            **base,
            "id": new_key(),
            "workflow": "order_lifecycle",
            "workflow_version": "1",
            "definitions": "1",
            "state": "draft",
            "started_at": at,
        }
        run(CASE, [case.get(name) for name in CASE_COLUMNS])
        event = {**base, "id": new_key(), "actor": user, "actor_name": "bench", "name": "create", "to_state": "draft"}
        run(EVENT, [event.get(name) for name in EVENT_COLUMNS])
        changes = {name: [None, value] for name, value in values.items() if value is not None}
        changes |= {f"lines.[{line['id']}]": [None, line] for line in lines}
        told = {
            **base,
            "id": new_key(),
            "actor": user,
            "actor_name": "bench",
            "record_version": 1,
            "act": "create",
            "event": event["id"],
            "changes": orjson.dumps(changes, default=default).decode(),
            "definitions": "1",
        }
        run(HISTORY, [told.get(name) for name in HISTORY_COLUMNS])
        run("COMMIT")
    except BaseException:
        run("ROLLBACK")
        raise
    answer = {**values, "lines": lines}
    return Response(
        orjson.dumps(answer, default=default),
        201,
        media_type="application/json",
        headers={"etag": '"1"', "location": f"/api/order/{key}"},
    )


app = Starlette(routes=[Route("/api/order", post_order, methods=["POST"])])

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", access_log=False)
