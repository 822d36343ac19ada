"""The ways out that come with the engine, by the names that messages call them."""

from __future__ import annotations

from engine.ports import Clock, Connector
from engine.registry import Registry
from engine.runtime.connectors.email import EmailConnector
from engine.runtime.connectors.log import LogConnector
from engine.runtime.settings import Settings


def connectors(settings: Settings, clock: Clock) -> Registry[Connector]:
    """The ways out of an installation."""
    return Registry("ways out", (("email", EmailConnector(settings, clock)), ("log", LogConnector())))
