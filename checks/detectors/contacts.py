"""Addresses that a page gives to write to, and whether mail sent there could arrive, judged by form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import unquote

# RFC 5322 3.2.3 (atom) without what no mailbox for the public has; RFC 5321 4.5.3.1 has the lengths.
# Every repetition is bounded: a page may be 20 MiB of one letter.
_LOCAL = r"(?<![\w.%+'@-])[A-Za-z0-9](?:[A-Za-z0-9._%+'-]{0,199}[A-Za-z0-9_+-])?"
_LABEL = r"[^\W_](?:[\w-]{0,80}[^\W_])?"
EMAIL = re.compile(
    rf"{_LOCAL}@(?:{_LABEL}\.){{1,40}}"
    r"(?!(?:png|jpe?g|gif|svg|webp|css|js)\b)(?:xn--[a-z0-9-]{1,60}|[^\W\d_]{2,24})(?![\w@-])",
    re.IGNORECASE,
)
_UNFILLED = re.compile(
    r"\{\{[^{}]{0,60}\}\}|\$\{[^{}]{0,60}\}|\{%[^%]{0,60}%\}|%[A-Z_]{3,40}%|<%=?.{0,60}?%>"
    r"|\b[Ll]orem ipsum\b|\b(?:TODO|TBD|FIXME|XXX+)\b|\[(?i:your |insert )[^\]]{0,40}\]"
)
# RFC 2606 and RFC 6761: names that are nobody's and reach nobody.
RESERVED = re.compile(
    r"(?:^|\.)(?:example\.(?:com|net|org)|example|test|invalid|localhost|local|localdomain)$", re.I
)
_STAND_IN_HOSTS = re.compile(
    r"^(?:www\.)?(?:(?:your|my|our)[-_]?\w*|domain|company|site|website|yoursite|host|server|email|mail|acme"
    r"|foo|bar|placeholder|changeme|xxx+)\.(?:com|net|org|io|dev|app|co)$",
    re.I,
)
_STAND_IN_NAMES = re.compile(
    r"^(?:(?:your|my)[-_.]?\w*|e-?mail|user|username|someone|somebody|foo|bar|test|example|name|changeme|todo"
    r"|tbd|xxx+|placeholder|john\.?doe|jane\.?doe|lorem|ipsum)$",
    re.I,
)
_UNREAD = re.compile(r"^(?:no|do-?not|dont)[-_.]?reply(?:[-_.+].*)?$|^(?:devnull|blackhole|null)$", re.I)
_OPEN, _CLOSE = r"[\[({<]", r"[\])}>]"
_HIDDEN_AT = re.compile(
    rf"{_LOCAL}\s*(?:{_OPEN}\s*(?:at|@|a|arroba)\s*{_CLOSE}|\s(?-i:AT)\s)\s*[\w-]+"
    rf"|{_LOCAL}\s*@\s*[\w-]+\s*{_OPEN}\s*(?:dot|\.|punkt|point)\s*{_CLOSE}\s*\w+"
    rf"|{_LOCAL}\s+at\s+[\w-]+\s+dot\s+\w{{2,}}"
    rf"|{_LOCAL}\s+@\s*[\w-]+\.\w{{2,}}|{_LOCAL}@\s+[\w-]+\.\w{{2,}}",
    re.I,
)
_GUARDED = re.compile(r"\[\s*e-?mail\s*protected\s*\]", re.I)
_GUARD_LINK = re.compile(r"/cdn-cgi/l/email-protection", re.I)
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
_SOME = "an e-mail address"
_SCRIPTED = "is obfuscated: a script must run before it can be read"
_STAND_IN = "is a placeholder that nobody replaced"
_SILENT = frozenset(("script", "style", "noscript", "template", "head"))
_INLINE = frozenset(
    ("a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "font", "i", "kbd", "mark", "small")
)
_INLINE |= {"span", "strong", "sub", "sup", "u", "var", "wbr"}
"""Elements that do not end a line of text; every other does."""


@dataclass(frozen=True, slots=True)
class Contact:
    """One address as the page gives it. ``fault`` says why mail would not arrive, in our words.

    ``address`` is the whole address, for comparison only: it is never to be shown. ``shown`` is.
    """

    shown: str
    address: str = ""
    fault: str | None = None
    line: int | None = None

    @property
    def scripted(self) -> bool:
        """Whether it is hidden from all who do not run the page's scripts."""
        return self.fault == _SCRIPTED


def contacts(html: str, *, own_reserved: bool = False) -> list[Contact]:
    """Return what a page or a text gives as e-mail addresses, each once, the sound ones too.

    ``own_reserved`` lets names of RFC 2606 pass, for a deployment that is synthetic.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    found: dict[tuple[str, str | None], Contact] = {}
    for contact in (*_in_text(reader.text(), own_reserved), *_in_links(reader.links, own_reserved)):
        found.setdefault((contact.address or contact.shown, contact.fault), contact)
    return list(found.values())


def fault_of(address: str, *, own_reserved: bool = False) -> str | None:
    """Return why an address of the right form still reaches nobody, or ``None``."""
    local, _, host = address.rpartition("@")
    if len(local) > 64 or len(host) > 255 or ".." in address or any(len(x) > 63 for x in host.split(".")):
        return "is no valid address (RFC 5321, 4.5.3.1)"
    if RESERVED.search(host) and not own_reserved:
        return "is a placeholder: its host name is reserved (RFC 2606) and takes no mail"
    if _STAND_IN_HOSTS.match(host) or _STAND_IN_NAMES.match(local):
        return _STAND_IN
    if _UNREAD.match(local):
        return "is, by its name, a mailbox that nobody reads"
    return None


def masked(address: str) -> str:
    """Return an address with its host alone, which the page's owner needs to find it."""
    return f"***@{address.rpartition('@')[2][:80]}"


def _in_text(text: list[tuple[int, str]], own_reserved: bool) -> Iterator[Contact]:
    for line, block in text:
        for match in EMAIL.finditer(block):
            fault = fault_of(match[0], own_reserved=own_reserved)
            yield Contact(masked(match[0]), match[0].lower(), fault, line)
        plain = EMAIL.sub(" ", block)
        if _GUARDED.search(plain):
            yield Contact(_SOME, fault=_SCRIPTED, line=line)
        elif _UNFILLED.search(plain):
            yield Contact(_SOME, fault=_STAND_IN, line=line)
        elif _HIDDEN_AT.search(plain):
            yield Contact(
                _SOME, fault="is obfuscated: it cannot be copied or clicked as it stands", line=line
            )
        elif EMAIL.search(_INVISIBLE.sub("", block)) and not EMAIL.search(block):
            yield Contact(_SOME, fault="is obfuscated: invisible signs stand in it", line=line)


def _in_links(links: list[_Link], own_reserved: bool) -> Iterator[Contact]:
    for link in links:
        if link.guarded:
            yield Contact("an e-mail link", fault=_SCRIPTED, line=link.line)
            continue
        head, _, tail = link.href.partition(":")[2].partition("?")
        named = [unquote(part).strip() for part in head.split(",")]
        named += [unquote(part[3:]).strip() for part in tail.split("&") if part.lower().startswith("to=")]
        given = [address for address in named if address]
        if not given:
            yield Contact("a mailto link", fault="names no address", line=link.line)
        for address in given:
            if not EMAIL.fullmatch(address):
                yield Contact("a mailto link", fault="names what is no e-mail address", line=link.line)
                continue
            fault = fault_of(address, own_reserved=own_reserved)
            shown = EMAIL.findall(link.label)
            if fault is None and shown and address.lower() not in {one.lower() for one in shown}:
                fault = "is not the address that the link shows"
            yield Contact(masked(address), address.lower(), fault, link.line)


@dataclass
class _Link:
    href: str
    line: int
    guarded: bool
    label: str = ""


class _Reader(HTMLParser):
    """Collects visible text with the line it begins on, and links that write mail."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[_Link] = []
        self._blocks: list[tuple[int, list[str]]] = [(1, [])]
        self._silent = 0
        self._inside: _Link | None = None

    def text(self) -> list[tuple[int, str]]:
        """Return (line, text) of each block."""
        blocks = ((line, " ".join("".join(parts).split())) for line, parts in self._blocks)
        return [(line, block) for line, block in blocks if block]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in reversed(attrs)}
        if tag in _SILENT:
            self._silent += 1
        elif tag not in _INLINE:
            self._blocks.append((self.getpos()[0], []))
        href = given.get("href", "").strip()
        guarded = "data-cfemail" in given or bool(_GUARD_LINK.search(href))
        if guarded or href.lower().startswith("mailto:"):
            self._inside = _Link(href, self.getpos()[0], guarded)
            self.links.append(self._inside)

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag not in _INLINE:
            self._blocks.append((self.getpos()[0], []))
        if tag == "a":
            self._inside = None

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        self._blocks[-1][1].append(data)
        if self._inside is not None:
            self._inside.label += data

    def parse_marked_section(self, i: int, report: int = 1) -> int:
        # As browsers do; the inherited one fails an assertion on a malformed section.
        return self.parse_bogus_comment(i)
