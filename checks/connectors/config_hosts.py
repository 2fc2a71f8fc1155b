"""Which hosts a config makes the service contact, told from file names, versions and other words.

What counts: the host of any URL; ``host:port``; the value of a key made for hosts (``SMTP_HOST``,
``endpoint``); a full domain name under any other key; and what nginx's own directives name. What
does not: names without a dot (they resolve inside our own network only), this machine itself,
addresses it listens on, a host that a variable gives (it stands where the variable is set), and
where software is fetched from (registries of images and packages receive no data of the service).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from checks.connectors.config_entries import Entry, last_name, render, words
from checks.connectors.config_nginx_hosts import INBOUND as NGINX_INBOUND
from checks.connectors.config_nginx_hosts import targets
from checks.core.model import Location

PACKAGES = frozenset({"package-json", "package-lock", "requirements"})
"""Formats that name sources of software only."""

# Words of a key whose value is a host.
HOST_WORDS = words(
    "host hosts hostname hostnames fqdn endpoint endpoints server servers url urls uri uris dsn smtp",
    "relay smarthost broker brokers bootstrap upstream upstreams address addresses addr proxy gateway",
    "webhook webhooks collector nameserver nameservers resolver dns origin remote domain",
)
# Keys whose value is an address of our own that others connect to, or no address at all.
INBOUND = words(
    "listen bind ports expose server_name image volumes network_mode $schema $id xmlns",
)
# Last words of keys under which a dotted word is a name of something else.
OTHER_NAMES = words(
    "name image package packages module class classes logger type id file files path paths version from",
    "namespace schema dataset datasets purpose key prefix suffix pattern tag tags handler plugin",
)
# Endings of files, which no top-level domain has.
FILES = words(
    "yaml yml json toml ini conf cfg pem crt key log sock txt env xml html htm css js ts sql php gz tar",
    "lock jks db sqlite csv tmpl j2 service socket jar war bak pid",
)
# Top-level domains at which a bare word of two labels counts as a host, whatever its key is called.
COMMON = words(
    "com net org eu de fr nl uk us ca ch at it es pl",
)
# And at which it takes three labels, for `socket.io` and `main.app` are names of other things.
AMBIGUOUS = words(
    "io co ai dev app cloud me tv so sh tech online site test",
)

# Endings of code that are top-level domains too: `main.py:12` is a line.
CODE = words("py pl rs sh go rb cc java cpp")

_URL = re.compile(r"(?<![\w.+-])([A-Za-z][A-Za-z0-9+.-]*)://(?=([^\s\"'<>`|\\]+))")  # one may hold another
_VARIABLE = re.compile(r"\$\{[A-Za-z_]\w*:?-([^${}]*)\}")  # ${NAME:-default}
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"(?:\*\.)?({_LABEL}(?:\.{_LABEL})+)\.?")
_WITH_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]]+):(\d{1,5})(?![\d.])(?:[/?#].*)?")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z$]+|\d+")
_KEYWORDS = re.compile(  # libpq's and ADO.NET's `host=… port=…;`, Go's `tcp(host:3306)`
    r"(?:\b(?:host|hostaddr|server|data source|address|addr)\s*=\s*(?:tcp:)?|@?\b(?:tcp|udp)\()([^\s;,()]+)",
    re.I,
)
_LEADING_VARIABLE = re.compile(r"(?:\$\{[^{}]*\}|\$\w+|\{[^{}]*\})\.(?=[^.]+\.)")
_SPLIT = re.compile(r"[\s,;|]+")


@dataclass(frozen=True, slots=True)
class HostRef:
    """A host that a config names, in lower case, without user, password, port or path."""

    host: str
    key: str
    location: Location


Placed = tuple[str, Entry]


def hosts(format_: str, placed: Iterable[Placed], own: frozenset[str] = frozenset()) -> Iterator[HostRef]:
    """Yield the outbound hosts of entries of one format, each once an entry.

    ``own`` are names that only look like hosts: those of nginx's upstream groups.
    """
    if format_ in PACKAGES:
        # They are read all the same, so that a broken one is told.
        for _ in placed:
            pass
        return
    for file, entry in placed:
        found = _nginx(entry) if format_ == "nginx" else _in_entry(entry)
        for host in dict.fromkeys(found):
            if host not in own:
                yield HostRef(host, render(entry.trail), Location(file, entry.line))


def _nginx(entry: Entry) -> Iterator[str]:
    directive = last_name(entry.trail)
    if directive in NGINX_INBOUND:
        return
    yield from in_urls(entry.value)
    for word in targets(directive, entry.value):
        yield from as_host(word)
    for word in _SPLIT.split(entry.value):
        yield from with_port(word)


def _in_entry(entry: Entry) -> Iterator[str]:
    key = last_name(entry.trail)
    if key in INBOUND or key.startswith("xmlns") or any(step in INBOUND for step in entry.trail):
        return
    if "." not in entry.value and ":" not in entry.value:
        return  # neither a domain nor an address
    text = _VARIABLE.sub(r"\1", entry.value)
    yield from in_urls(text)
    for match in _KEYWORDS.finditer(text):
        yield from as_host(match[1])
    names = [word.lower() for word in _WORDS.findall(key)]
    for word in _SPLIT.split(text):
        word = word.strip("\"'()<>")
        if "://" in word or "@" in word:
            continue
        if HOST_WORDS.intersection(names):
            yield from as_host(word)
        yield from with_port(word)
        if not names or names[-1] not in OTHER_NAMES:
            yield from bare(word)


def in_urls(text: str) -> Iterator[str]:
    """Yield the hosts of every URL in ``text``, of any scheme and with several hosts as well.

    What stands before the last ``@`` is user and password and goes nowhere.
    """
    found: dict[str, None] = {}
    if "://" not in text:
        return
    for match in _URL.finditer(text):
        scheme, rest = match[1].lower(), match[2]
        if scheme in ("file", "unix", "sqlite", "ipc", "npipe", "data", "urn"):
            continue
        authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
        web = scheme in ("http", "https", "ws", "wss")
        plausible = _plausible(authority)
        hosts_named = list(_in_authority(authority)) if plausible else []
        if "@" in rest and not ("@" in authority and hosts_named) and not (web and plausible):
            # A password with a slash or hash in it: the host comes after it.
            hosts_named += _in_authority(re.split(r"[/?#]", rest.rpartition("@")[2], maxsplit=1)[0])
        found.update(dict.fromkeys(hosts_named))
    yield from found


def _in_authority(authority: str) -> Iterator[str]:
    for part in authority.rpartition("@")[2].split(","):
        yield from as_host(part)


def _plausible(authority: str) -> bool:
    """Whether ``authority`` is a host with or without a port, rather than a user and a password."""
    _, colon, port = authority.rpartition("@")[2].rpartition(":")
    return not colon or port.isdecimal() or authority.endswith("]")


def as_host(word: str) -> Iterator[str]:
    """Yield ``word`` if it is a host that is not this machine; a port and a path may follow.

    Of ``$region.partner.net`` and ``partner.net$uri`` what is fixed is told.
    """
    word = _LEADING_VARIABLE.sub("", word, count=1).partition("$")[0]
    word = re.split(r"[/?#]", word, maxsplit=1)[0].strip(".,;)\"'")
    if word.startswith("["):
        word = word[1:].partition("]")[0]
    elif word.count(":") == 1:
        word = word.partition(":")[0]
    try:
        address = ipaddress.ip_address(word.partition("%")[0])
    except ValueError:
        pass
    else:
        if not address.is_loopback and not address.is_unspecified:
            yield str(address)
        return
    if not word.isascii():
        try:
            word = word.encode("idna").decode("ascii")
        except UnicodeError:
            return
    match = _NAME.fullmatch(word)
    if match is None:
        return
    ending = match[1].rpartition(".")[2].lower()
    if (ending.isalpha() or ending.startswith("xn--")) and len(ending) > 1 and ending not in FILES:
        yield match[1].lower()


def with_port(word: str) -> Iterator[str]:
    """Yield the host of ``host:port``; a line number behind a file name is no port."""
    match = _WITH_PORT.fullmatch(word)
    if match is None or match[1].rpartition(".")[2].lower() in CODE:
        return
    if 0 < int(match[2]) < 65536:
        yield from as_host(match[1])


def bare(word: str) -> Iterator[str]:
    """Yield ``word`` if it is a domain name beyond doubt."""
    labels = word.lower().removeprefix("*.").split(".")
    if labels[0] in ("com", "net", "org", "io") or word.lower() != word:
        return  # a reversed domain, as classes and apps are named
    if (labels[-1] in COMMON and len(labels) > 1) or (labels[-1] in AMBIGUOUS and len(labels) > 2):
        yield from as_host(word)
