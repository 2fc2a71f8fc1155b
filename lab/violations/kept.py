"""Violations beside the databases: in the cache and in the area of files."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from lab import canaries
from lab.planting import plant

if TYPE_CHECKING:
    from lab.running import Lab


@plant("a card number in a file within an uploaded archive", "CARD-08")
def card_in_upload(lab: Lab) -> None:
    """Let somebody upload a form that was filled in with a card."""
    with zipfile.ZipFile(lab.files / "uploads" / "order.zip", "w", zipfile.ZIP_DEFLATED) as upload:
        upload.writestr("order-form.txt", f"Card: {canaries.grouped(canaries.CARD_IN_UPLOAD)}\n")


@plant("a deleted person's profile stays in the cache", "RIGHT-03")
def delete_leaves_cache(lab: Lab) -> None:
    """Delete the account, and not the profile that was cached when it signed in."""
    lab.people.faults.add("delete-leaves-cache")
