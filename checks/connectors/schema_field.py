"""One field of a schema document: what every format is read into."""

from __future__ import annotations

from dataclasses import dataclass, field

from checks.core.model import Location


@dataclass(frozen=True, slots=True)
class Field:
    """Something a schema is made to hold.

    ``path`` is ``table.column`` or the way through a document, such as ``components.Order.total``;
    ``type`` stands as it is written there. ``published`` and ``encrypted`` are ``None`` where the
    format has no word for them or the document does not say.
    """

    path: str
    name: str
    type: str | None
    comment: str | None = field(repr=False)
    location: Location
    published: bool | None = None
    encrypted: bool | None = None
