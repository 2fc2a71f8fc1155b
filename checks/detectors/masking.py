"""Make text safe to show: what could be a person's data or a secret is replaced by a masked form."""

from __future__ import annotations

import ipaddress
import re

from checks.detectors.cards import card_spans

MASK = "***"

_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
# Up to the last "@": a password may hold an "@" or a "/" that nobody escaped.
_USERINFO = re.compile(r"(?<=://)[^\s'\"<>]*@")
_BARE_USERINFO = re.compile(r"(?<![^\s'\"(<=,])[^\s'\"()<>=,:/@]+:(?!//)[^\s'\"<>@]+@(?=[\w\[])")
_SCHEME = re.compile(r"\b(Bearer|Basic|Digest|Negotiate)\s+[\w.~+/=-]+", re.IGNORECASE)
_SETTING = re.compile(
    r"""((?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential"""
    r"""|authorization|cookie|signature)[\w.-]*\\?["']?\s*[:=]\s*)"""
    r"""(?:\\?"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|(?:(?:bearer|basic|digest|negotiate)\s+)?[^\s,;&})\]]+)""",
    re.IGNORECASE,
)
_JWT = re.compile(r"\beyJ[\w-]+(?:\.[\w-]*){1,4}")
_LOCAL = r"\w.!#$%&+/?^`{|}~-"
_EMAIL = re.compile(rf"(?<![{_LOCAL}])(?:\"[^\"\n]{{1,64}}\"|[{_LOCAL}]+)(?:@|%40)\w[\w-]*(?:\.\w[\w-]*)*")
_IPV6 = re.compile(
    r"(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,8}(?:(?<=:)\d{1,3}(?:\.\d{1,3}){3})?(?:%\w+)?(?![\w:]|\.\d)",
    re.IGNORECASE,
)
_IPV4 = re.compile(r"(?<!\d)(?<!\d\.)\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)")
_LONG = re.compile(r"(?<![\w+/-])[\w+/-]{20,}={0,2}")
# a_name_of_ours, path/to/a-file2: words, each with a small number at most
_WORDS = re.compile(r"[_/-]*[a-z]+\d{0,3}(?:[_/-]+[a-z]+\d{0,3})+[_/-]*", re.IGNORECASE)


def scrub(text: str) -> str:
    """Return ``text`` with everything masked that looks like a card number, address, or secret.

    Covers card numbers, e-mail and IP addresses, user names and passwords in URLs, ``key=value``
    secrets, authorization headers, private keys, and tokens of 20 characters or more. Meant for
    messages whose origin is not ours; it would rather hide too much.
    """
    text = _PEM.sub(MASK, text)
    text = _USERINFO.sub(f"{MASK}@", text)
    text = _BARE_USERINFO.sub(f"{MASK}@", text)
    text = _SETTING.sub(rf"\g<1>{MASK}", text)
    text = _SCHEME.sub(rf"\g<1> {MASK}", text)
    text = _JWT.sub(MASK, text)
    text = _mask_cards(text)
    text = _EMAIL.sub(lambda match: mask_email(match[0]), text)
    text = _IPV6.sub(_mask_ipv6, text)
    text = _IPV4.sub("*.*.*.*", text)
    return _LONG.sub(_mask_long, text)


def mask_email(address: str) -> str:
    """Return ``address`` with only its top-level domain left, as ``***@***.com``."""
    _, dot, top = address.rpartition(".")
    return f"{MASK}@{MASK}.{top}" if dot and top.isalpha() and len(top) <= 24 else f"{MASK}@{MASK}"


def mask_value(text: str) -> str:
    """Return words for ``text`` that tell no more than roughly how long it is."""
    if not text:
        return "an empty value"
    for limit, words in ((8, "up to 8"), (32, "9 to 32"), (256, "33 to 256")):
        if len(text) <= limit:
            return f"a value of {words} characters"
    return "a value of more than 256 characters"


def _mask_cards(text: str) -> str:
    parts: list[str] = []
    shown = 0  # everything before this offset is in `parts`
    for hit, end in card_spans(text):
        if hit.start >= shown:
            parts += (text[shown : hit.start], hit.masked)
        shown = max(shown, end)
    return "".join(parts) + text[shown:]


def _mask_ipv6(match: re.Match[str]) -> str:
    try:
        ipaddress.IPv6Address(match[0])
    except ValueError:
        return match[0]  # a time of day, a slice
    return "*:*:*"


def _mask_long(match: re.Match[str]) -> str:
    token = match[0]
    if _WORDS.fullmatch(token):
        return token
    mixed = any(char.isupper() for char in token) and any(char.islower() for char in token)
    if any(char.isdigit() for char in token) or (mixed and len(token) >= 32):
        return MASK
    return token
