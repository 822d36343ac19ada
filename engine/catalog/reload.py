"""The catalogue in use, exchanged as a whole when the files change. While they have a problem, the old one keeps
serving."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Event, Lock, Thread
from time import perf_counter

from engine.catalog.builder import FOLDERS, fingerprint, load
from engine.catalog.builtins import BUILTINS
from engine.catalog.catalog import Catalog
from engine.catalog.vocabulary import Vocabulary
from engine.errors import DefinitionError, EngineError, Problem
from engine.source.problems import Problems
from engine.source.reader import SUFFIXES, read_texts

_log = logging.getLogger(__name__)

#: Seconds between two looks at the files: with the second look that waits for the last writer, and the build, a change
#: is in use within half a second.
INTERVAL = 0.1
#: Looking takes at most this share of a processor, however many files there are.
SHARE = 0.05
#: Seconds until the same files are read again after something else than the files was in the way, such as a database
#: that cannot be reached.
PATIENCE = 5.0

#: What is known of the files without reading them: changes show in it.
Stamp = Mapping[str, tuple[int, int, int]]
#: Called with the catalogue in use and the new one. Before the exchange it may refuse by raising an EngineError.
Hook = Callable[[Catalog, Catalog], None]
#: Called with the catalogue in use; gives the one that shall serve instead, or None.
Find = Callable[[Catalog], Catalog | None]


class CatalogHolder:
    """Holds the catalogue of an application's folder.

    ``current`` is what requests use: they take it once, and keep it to their end. ``problems`` are those of the files
    as they are now; empty while they say what ``current`` says. ``refused`` is why a sound catalogue was not taken.
    """

    def __init__(self, app_dir: Path, vocabulary: Vocabulary = BUILTINS, catalog: Catalog | None = None) -> None:
        """Loads the folder, unless a catalogue is given. Raises DefinitionError: without a sound one nothing can
        start."""
        self.app_dir = app_dir
        self.current: Catalog = catalog if catalog is not None else load(app_dir, vocabulary)
        self.problems: tuple[Problem, ...] = ()
        self.refused: EngineError | None = None
        self._vocabulary = vocabulary
        self._before: list[Hook] = []
        self._after: list[Hook] = []
        self._looked: list[Callable[[], None]] = []
        self._refused_fingerprint: str | None = None
        self._lock = Lock()
        self._stop = Event()
        self._watcher: Thread | None = None

    def before(self, hook: Hook) -> None:
        """Adds what must have been done before a new catalogue serves (its tables made). It may refuse the exchange."""
        self._before.append(hook)

    def after(self, hook: Hook) -> None:
        """Adds what is told of each exchange."""
        self._after.append(hook)

    def looked(self, hook: Callable[[], None]) -> None:
        """Adds what is told whenever changed files have been read, whatever came of it."""
        self._looked.append(hook)

    def reload(self) -> bool:
        """Whether the files gave a new catalogue, which now serves."""
        with self._lock:
            try:
                fresh = load(self.app_dir, self._vocabulary)
            except DefinitionError as error:
                self.problems = error.problems
                return False
            self.problems = ()
            self.refused = None
            return fresh.fingerprint != self.current.fingerprint and self._exchange(fresh)

    def take(self, find: Find) -> bool:
        """Whether a catalogue from elsewhere now serves: one that another process has made ready, so nothing has to be
        done before. It is looked for while the files cannot bring in another."""
        with self._lock:
            fresh = find(self.current)
            if fresh is None:
                return False
            if fresh.fingerprint == self._refused_fingerprint:
                self.refused = None
            self._serve(fresh)
            return True

    def refuse(self, catalog: Catalog, error: EngineError) -> None:
        """Notes why the catalogue of the files does not serve."""
        self.refused = error
        self._refused_fingerprint = catalog.fingerprint

    def _exchange(self, fresh: Catalog) -> bool:
        try:
            for hook in self._before:
                hook(self.current, fresh)
        except EngineError as error:
            self.refuse(fresh, error)
            return False
        self._serve(fresh)
        return True

    def _serve(self, fresh: Catalog) -> None:
        old, self.current = self.current, fresh
        for hook in self._after:
            hook(old, fresh)

    # Watching -------------------------------------------------------------------------------------------------------

    def start(self, interval: float = INTERVAL) -> None:
        """Begins to watch the files, in a thread of its own."""
        if self._watcher is not None:
            raise RuntimeError("the files are being watched already")
        self._stop.clear()
        self._watcher = Thread(target=self._watch, args=(interval,), name="definitions", daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """Ends the watching."""
        self._stop.set()
        if self._watcher is not None:
            self._watcher.join()
            self._watcher = None

    def _watch(self, interval: float) -> None:
        # What the catalogue in use was made of may have changed before the watching began.
        built = self._stamp_of_current()
        seen = built
        pause = interval
        while not self._stop.wait(pause):
            began = perf_counter()
            now = stamp(self.app_dir)
            pause = max(interval, (perf_counter() - began) / SHARE)
            # Only when two looks agree has the last writer finished.
            if now == seen and now != built:
                if self._look():
                    built = now
                else:
                    pause = PATIENCE
            seen = now

    def _look(self) -> bool:
        """Whether the changed files have been dealt with; if not, it was not their fault, and they are read again."""
        try:
            self.reload()
        except Exception:  # noqa: BLE001 - the watcher has to live on, and says what happened
            _log.exception("the changed definitions could not be taken; in %s seconds they are tried again", PATIENCE)
            return False
        for hook in self._looked:
            hook()
        return True

    def _stamp_of_current(self) -> Stamp:
        now = stamp(self.app_dir)
        unchanged = fingerprint(read_texts(self.app_dir, FOLDERS, Problems())) == self.current.fingerprint
        return now if unchanged else {}


def stamp(app_dir: Path) -> Stamp:
    """The definition files of a folder, each with the time of its last change, its size and its place on the disk."""
    return dict(entry for folder in FOLDERS for entry in _stamps(app_dir / folder))


def _stamps(folder: Path) -> Iterator[tuple[str, tuple[int, int, int]]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return  # gone between two looks, or not there: then it has no files
    for entry in entries:
        if entry.name.startswith("."):
            continue
        try:
            if entry.is_dir():
                yield from _stamps(Path(entry.path))
            elif Path(entry.name).suffix in SUFFIXES:
                found = entry.stat()
                yield entry.path, (found.st_mtime_ns, found.st_size, found.st_ino)
        except OSError:
            continue  # gone between two looks
