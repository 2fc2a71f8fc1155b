"""How a kind of target is reached: read-only views; nothing raw leaves them.

``CONNECTORS`` names the class of each kind; its module (and the driver behind it) is imported when
the first target of the kind is opened.
"""

from __future__ import annotations

import importlib
from typing import Any

CONNECTORS: dict[str, str] = {
    "sql": "checks.connectors.sql:SqlStore",
    "dataset": "checks.connectors.sql:SqlDataset",
    "schema": "checks.connectors.schemas:SchemaDocuments",
    "config": "checks.connectors.configs:ConfigFiles",
    "log": "checks.connectors.logs:LogFiles",
    "backup": "checks.connectors.backups:BackupSets",
    "cache": "checks.connectors.stored:Cache",
    "files": "checks.connectors.stored:FileArea",
    "site": "checks.connectors.http:Site",
    "browser": "checks.connectors.browser:Browser",
    "api": "checks.connectors.http:Api",
    "rights": "checks.connectors.rights:RightsDesk",
    "transport": "checks.connectors.tls:TransportView",
    "processor": "checks.connectors.declared:Declared",
    "export": "checks.connectors.declared:Declared",
    "attestation": "checks.connectors.declared:Declared",
    "inventory": "checks.connectors.declared:Declared",
}

AHEAD = frozenset({"browser"})
"""Kinds whose look takes long and mostly waits: views with a ``begin()``, called before the first item."""


def connector(kind: str) -> Any:
    """Return the connector class for ``kind`` (a key of ``CONNECTORS``)."""
    module, _, name = CONNECTORS[kind].partition(":")
    return getattr(importlib.import_module(module), name)
