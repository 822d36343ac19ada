"""Where an application lies: its folder, its database, its cache."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

import engine

#: The reference application: at the top of a checkout, or inside the installed package.
CHECKOUT = Path(engine.__file__).parent.parent
PACKAGED = Path(engine.__file__).parent / "reference"
#: The database in the data folder, where none is named.
DATABASE = "orderloom.db"


@dataclass(frozen=True)
class Place:
    """``root`` holds the definitions; ``data`` what the running application writes."""

    root: Path
    data: Path
    database_url: str

    @classmethod
    def find(cls, root: Path | None, database: str | None) -> Place:
        """The place that the options name, else the present folder, else the reference application.

        Inside an installed package nothing is written: then data lies below the present folder."""
        found = root or next(folder for folder in (Path.cwd(), CHECKOUT, PACKAGED) if is_application(folder))
        data = ((Path.cwd() if found == PACKAGED else found) / "data").resolve()
        return cls(found.resolve(), data, database or f"sqlite:///{data / DATABASE}")

    @property
    def cache(self) -> Path:
        """Where what was read of the definitions is kept between runs."""
        return self.data / "cache"

    def make_data(self) -> None:
        """Makes the folder of the database, unless it lies elsewhere."""
        if self.database_url == f"sqlite:///{self.data / DATABASE}":
            self.data.mkdir(parents=True, exist_ok=True)

    def shown(self, path: Path) -> str:
        """A path as people read it: relative to the present folder where it lies below."""
        return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def is_application(folder: Path) -> bool:
    """Whether a folder holds an application."""
    return (folder / "definitions").is_dir() or folder == PACKAGED


pass_place = click.make_pass_decorator(Place)
