"""Secrets in text, told by their form: hashes of passwords, private keys, tokens. No secret is returned."""

from __future__ import annotations

import re
from collections import Counter

_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("bcrypt password hash", re.compile(r"\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}(?![./A-Za-z0-9])")),
    (
        "Argon2 password hash",
        re.compile(r"\$argon2(?:id|i|d)\$(?:v=\d+\$)?m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]{8,}"),
    ),
    ("scrypt password hash", re.compile(r"\$(?:scrypt|7)\$[A-Za-z0-9./=,]{10,}\$?[A-Za-z0-9+/.=]{16,}")),
    (
        "crypt password hash",
        re.compile(r"\$(?:1|5|6|y|sha1)\$(?:rounds=\d+\$)?[./A-Za-z0-9]{1,32}\$[./A-Za-z0-9]{22,}"),
    ),
    (
        "PBKDF2 password hash",
        re.compile(
            r"(?:\$pbkdf2(?:-sha\d+)?\$|pbkdf2_sha\d+\$|pbkdf2:sha\d+:)\d+\$[^\s\"'$]{1,64}\$[A-Za-z0-9+/=.]{20,}"
        ),
    ),
    ("LDAP password hash", re.compile(r"\{S?SHA(?:256|512)?\}[A-Za-z0-9+/]{27,}={0,2}")),
    ("private key", re.compile(r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----")),
    (
        "JSON Web Token",
        re.compile(r"(?<![\w-])eyJ[\w-]{10,}\.eyJ[\w-]{4,}\.[\w-]{10,}"),  # RFC 7519, signed
    ),
    ("AWS access key", re.compile(r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Z0-9])")),
    ("GitHub token", re.compile(r"(?<!\w)(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{60,})")),
    ("GitLab token", re.compile(r"(?<!\w)glpat-[\w-]{20,}")),
    ("Slack token", re.compile(r"(?<!\w)xox[abeoprs]-[\w-]{10,}")),
    ("Stripe secret key", re.compile(r"(?<!\w)[rs]k_(?:live|test)_[A-Za-z0-9]{16,}")),
    ("Paddle API key", re.compile(r"(?<!\w)pdl_\w{16,}")),
    ("Google API key", re.compile(r"(?<!\w)AIza[\w-]{35}(?![\w-])")),
    (
        "password in an address",
        re.compile(r"[a-z][a-z0-9+.-]{1,20}://[^\s:/@\"'<>]{1,64}:[^\s/@\"'<>*]{3,128}@[\w.-]+"),
    ),
)
"""What each looks like; bounded repeats, so that no text costs more than a pass for each form."""

_NAMES = frozenset(
    {
        "password", "passwd", "passwordhash", "hashedpassword", "passwordsalt", "secret", "clientsecret",
        "privatekey", "secretkey", "secretaccesskey", "accesstoken", "refreshtoken", "refreshtokenhash",
        "sessiontoken", "tokenhash", "totpsecret", "mfasecret", "recoverycodes", "resettoken",
    }
)  # fmt: skip
"""Field names whose value is a secret whatever it looks like."""

_MASKED = re.compile(
    r"[*•xX.…\s-]*|\[?(?:redacted|hidden|masked|filtered|removed)\]?|<[^<>]*>", re.IGNORECASE
)


def find_secrets(text: str) -> Counter[str]:
    """Return how often each form of secret stands in ``text``, by the name of the form."""
    found: Counter[str] = Counter()
    for name, form in _FORMS:
        number = sum(1 for _ in form.finditer(text))
        if number:
            found[name] = number
    return found


def plain_name(name: str) -> str:
    """Return a field's name in lower case without separators: ``passwordHash`` is ``password_hash``."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def is_secret_field(name: str, value: object) -> bool:
    """Whether a field called ``name`` with this value gives a secret away: not empty, and not masked."""
    if plain_name(name) not in _NAMES:
        return False
    if isinstance(value, list):
        return any(isinstance(item, str) and not _MASKED.fullmatch(item) for item in value)
    return isinstance(value, str) and not _MASKED.fullmatch(value)
