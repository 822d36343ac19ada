"""Idempotency keys: a request that comes twice is done once, and answered the same both times."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from starlette.concurrency import run_in_threadpool

from engine.errors import BadRequest, Refused, RequestError
from engine.runtime.engine import Engine
from engine.store.answers import Answer, Answers, KeyTaken
from engine.store.transaction import Transaction
from engine.web.reply import Reply

#: So long an answer is kept; the same key after that is a new request.
KEPT = timedelta(hours=24)
LONGEST_KEY = 200

Work = Callable[[Transaction], Reply]
Write = Callable[[Work], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A caller's key, and the hash of what it was sent with."""

    caller: str
    key: str
    request: str

    @classmethod
    def of(cls, caller: str, key: str, *parts: bytes) -> RequestKey:
        """BadRequest for a key that is none. ``parts`` are what makes the request: its method, address and body."""
        if not key.isascii() or not key.isprintable() or not 0 < len(key) <= LONGEST_KEY:
            raise BadRequest(f"an idempotency key has 1 to {LONGEST_KEY} printable ASCII characters", code="BAD_KEY")
        return cls(caller, key, sha256(b"\n".join(parts)).hexdigest())


class Once:
    """Does works that may come again.

    The answer is written last, in the work's own transaction, so a request that comes for the first time costs one
    statement more. One that comes again does its work, finds the key taken, and is undone. What was refused had no
    effect and leaves no answer: it may be tried again.
    """

    def __init__(self, engine: Engine, answers: Answers) -> None:
        self._engine = engine
        self._answers = answers

    async def reply(self, key: RequestKey, work: Work, write: Write) -> Reply:
        """The work's reply, or the one that was given before. Refused (KEY_REUSED) for a key of another request."""

        def whole(tx: Transaction) -> Reply:
            reply = work(tx)
            now = self._engine.clock.now()
            answer = Answer(key.request, reply.status, reply.headers, reply.body.decode(), now)
            self._answers.keep(tx, key.caller, key.key, answer)
            return reply

        try:
            return await write(whole)
        except (KeyTaken, RequestError) as error:
            found = await run_in_threadpool(self._engine.database.read, lambda tx: self._find(tx, key))
            if found is not None:
                return _again(key, found)
            if isinstance(error, RequestError):
                raise
        # The key is taken by an answer that is too old to count.
        before = self._engine.clock.now() - KEPT

        def anew(tx: Transaction) -> Reply:
            self._answers.forget(tx, key.caller, key.key, before)
            return whole(tx)

        try:
            return await write(anew)
        except KeyTaken:
            raise Refused("another request with this key has just been answered", code="KEY_REUSED") from None

    def _find(self, tx: Transaction, key: RequestKey) -> Answer | None:
        found = self._answers.find(tx, key.caller, key.key)
        return found if found is not None and found.created_at > self._engine.clock.now() - KEPT else None

    def purge(self, tx: Transaction) -> int:
        """How many answers were removed that do not count any more."""
        return self._answers.purge(tx, self._engine.clock.now() - KEPT)


def _again(key: RequestKey, answer: Answer) -> Reply:
    if answer.request != key.request:
        raise Refused("this idempotency key belongs to another request", code="KEY_REUSED")
    return Reply(answer.body.encode(), answer.status, {**answer.headers, "Idempotency-Replayed": "true"})
