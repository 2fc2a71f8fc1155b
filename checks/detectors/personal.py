"""Values that point at a person, told by their form: e-mail addresses and IP addresses. None is returned."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from checks.detectors.hosts import host_matches

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@((?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24})(?![\w-])")
_IPV4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")


def find_personal(text: str, own_hosts: Iterable[str] = (), sent: str = "") -> list[str]:
    """Return the kinds of personal value in ``text`` that are neither ours nor an echo of ``sent``.

    An address at one of ``own_hosts`` whose first part is a role (privacy, support …) is nobody's.
    """
    hosts = tuple(own_hosts)
    found: list[str] = []
    for match in _EMAIL.finditer(text):
        role = match[0].partition("@")[0].lower() in _ROLES and host_matches(match[1].lower(), hosts)
        if not role and match[0] not in sent:
            found.append("an e-mail address")
            break
    for match in _IPV4.finditer(text):
        if match[0] not in sent and _is_address(match[0]):
            found.append("an IP address")
            break
    return found


_ROLES = frozenset(
    {"privacy", "support", "help", "security", "contact", "info", "abuse", "legal", "noreply", "no-reply"}
)


def _is_address(text: str) -> bool:
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)
