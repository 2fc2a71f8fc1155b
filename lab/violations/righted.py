"""Violations in how people's rights are granted."""

from __future__ import annotations

from base64 import b32encode
from datetime import timedelta
from typing import TYPE_CHECKING

from lab import canaries
from lab.planting import plant

if TYPE_CHECKING:
    from lab.running import Lab


@plant("an export leaves out what a person wrote to support", "RIGHT-01")
def export_incomplete(lab: Lab) -> None:
    """Export a person's requests without their text."""
    lab.people.faults.add("export-incomplete")


@plant("a corrected address stays as it was in support messages", "RIGHT-02")
def correction_not_everywhere(lab: Lab) -> None:
    """Correct the account, and not the copy of its address in support messages."""
    lab.people.faults.add("correction-not-everywhere")


@plant("a deleted person's address stays in another table", "RIGHT-03")
def delete_leaves_row(lab: Lab) -> None:
    """Copy a support message to a table that no deletion reaches."""
    lab.people.faults.add("delete-leaves-row")


@plant("the deletion of a person is logged with the address", "RIGHT-03")
def delete_leaves_log(lab: Lab) -> None:
    """Write the address of the deleted person to the log, to say who was deleted."""
    lab.people.faults.add("delete-leaves-log")


@plant("a deleted person's token still opens the account's pages", "RIGHT-04")
def token_lives_on(lab: Lab) -> None:
    """Believe a token without looking whether its account is still there."""
    lab.people.faults.add("token-lives-on")


@plant("a person who was deleted months ago is still in a table", "RIGHT-05")
def canary_of_old(lab: Lab) -> None:
    """Leave what a drill of long ago brought in; its marker is made as the drill would make it."""
    then = lab.now - timedelta(days=60)
    code = b32encode(int(then.timestamp()).to_bytes(4, "big") + b"\x07").decode().lower()
    marker = canaries.rights_mac("prefix") + code + canaries.rights_mac(f"field {code} email")
    lab.databases.run(
        "cloud-db",
        """INSERT INTO error_report (id, message, stack, context, client_ip, created_at)
           VALUES (gen_random_uuid(), 'Timeout', 'at handler',
             jsonb_build_object('user', %(user)s::text), '192.0.2.77', %(when)s)""",
        user=f"{marker}@canary.example",
        when=then,
    )
