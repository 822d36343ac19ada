"""The files that pages load: style sheets, modules, icons. Their address carries a digest of all of them, so that a
browser may keep them for good, and modules that import each other by relative addresses stay together."""

from __future__ import annotations

import hashlib
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).resolve().parent.parent / "static"

#: A year: the address changes when the content does.
FOR_GOOD = "public, max-age=31536000, immutable"


class Assets:
    """The static files, and the addresses under which pages name them."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder
        self.digest = _digest(folder)
        self.application = _Files(self.digest, folder)

    def __call__(self, name: str) -> str:
        """The address of a file. A file that is not there is a FileNotFoundError: a page without its style is no
        page."""
        if not (self.folder / name).is_file():
            raise FileNotFoundError(
                f"{self.folder / name} is missing; `pip install -e .` fetches the browser libraries"
            )
        return f"/static/{self.digest}/{name}"


class _Files(StaticFiles):
    """Serves ``/{digest}/{file}``; under another digest the file as it is now, which no browser may keep."""

    def __init__(self, digest: str, folder: Path) -> None:
        super().__init__(directory=folder)
        self._digest = digest

    def get_path(self, scope: Scope) -> str:
        """The file's path below the folder: what follows the digest."""
        return str(Path(*Path(super().get_path(scope)).parts[1:]))

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, with how long it may be kept."""
        response = await super().get_response(path, scope)
        current = f"/{self._digest}/" in scope["path"]
        response.headers["Cache-Control"] = FOR_GOOD if current else "no-cache"
        return response


def _digest(folder: Path) -> str:
    """Twelve hexadecimal digits that change with any file."""
    total = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            total.update(str(file.relative_to(folder)).encode())
            total.update(file.read_bytes())
    return total.hexdigest()[:12]
