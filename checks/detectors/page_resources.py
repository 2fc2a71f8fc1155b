"""What a browser would contact on loading a page, without the click of a link or button."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit, urlunsplit

# Attributes whose address is fetched on load, by element. A link's depends on its `rel`.
_FETCHED: dict[str, tuple[str, ...]] = {
    "audio": ("src",),
    "body": ("background",),
    "embed": ("src",),
    "frame": ("src",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),  # SVG
    "img": ("src",),
    "input": ("src",),
    "object": ("data",),
    "script": ("src", "href", "xlink:href"),
    "source": ("src",),
    "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
_SETS: dict[str, str] = {"img": "srcset", "source": "srcset", "link": "imagesrcset"}
# A link that only names another page is not contacted.
_IDLE_RELS = frozenset(
    {"alternate", "author", "bookmark", "canonical", "help", "license", "me", "next", "nofollow", "noopener"}
    | {"noreferrer", "prev", "privacy-policy", "search", "tag", "terms-of-service"}
)
_CSS_URL = re.compile(
    r"""url\(\s*(?:"([^"\n]*)"|'([^'\n]*)'|([^)\s"']+))\s*\)|@import\s+(?:"([^"\n]*)"|'([^'\n]*)')""",
    re.IGNORECASE,
)
_SCRIPT_URL = re.compile(r"""(["'`])((?:https?:|wss?:)?(?:\\?/){2}[\w\[][^"'`\s<>]*)""", re.IGNORECASE)
_REFRESH = re.compile(r"^\s*[\d.]*\s*[;,]?\s*(?:url\s*=\s*)?[\"']?([^\"']*)", re.IGNORECASE)
# Other types of script are data that nothing runs, such as JSON-LD.
_RUN_TYPES = frozenset(
    {"", "module", "importmap", "speculationrules", "text/javascript", "application/javascript"}
    | {"text/ecmascript", "application/ecmascript", "application/x-javascript"}
)
_NAMESPACE = re.compile(r"https?://www\.w3\.org/(?:\d{4}/|XML/)")  # a name in the form of an address
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Resource:
    """Something fetched on load: from which host, where (no query, no user), by what, on which line."""

    host: str
    url: str
    tag: str  # script, img, link rel=stylesheet, style, inline-script, form …
    line: int


def resources(html: str, base_url: str) -> list[Resource]:
    """Return what the page at ``base_url`` makes a browser contact, own host included, in page order.

    Inline scripts are not run: every address of another host written in one counts, as
    ``inline-script``. A form counts where it sends to, since what is typed goes there.
    """
    parser = _Page(base_url)
    parser.feed(html)
    parser.close()
    own = host_of(base_url)
    seen = dict.fromkeys(
        resource
        for resource in parser.finish()
        if resource.tag not in {"inline-script", "form"} or resource.host != own
    )
    return list(seen)


def has_login_form(html: str) -> bool:
    """Whether the page asks for a password."""
    parser = _Page("")
    parser.feed(html)
    parser.close()
    return parser.asks_password


def host_of(url: str) -> str:
    """Return the host of ``url`` in lower case, without port or final dot; empty if it has none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".").lower()
    except ValueError:
        return ""


class _Page(HTMLParser):
    """Collects addresses as written; they are joined to the base once the page is read."""

    def __init__(self, base_url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.asks_password = False
        self._base = base_url
        self._based = False
        self._inside: str | None = None  # "style", "script"
        self._found: list[tuple[str, str, int]] = []

    def finish(self) -> Iterator[Resource]:
        for address, tag, line in self._found:
            try:
                parts = urlsplit(urljoin(self._base, address.strip()))
                host = (parts.hostname or "").rstrip(".").lower()
                port = "" if parts.port is None else f":{parts.port}"
            except ValueError:
                continue  # a browser cannot fetch it either
            if host and parts.scheme in {"http", "https", "ws", "wss"}:
                shown = f"[{host}]" if ":" in host else host
                yield Resource(host, urlunsplit((parts.scheme, shown + port, parts.path, "", "")), tag, line)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in reversed(attrs)}  # the first of a name counts
        if tag == "base" and not self._based and given.get("href"):
            self._base, self._based = urljoin(self._base, given["href"].strip()), True
        elif tag == "link":
            self._link(given)
        elif tag == "meta" and given.get("http-equiv", "").strip().lower() == "refresh":
            match = _REFRESH.match(given.get("content", ""))
            if match and match[1]:
                self._add(match[1], "meta refresh")
        elif tag == "form" and given.get("action"):
            self._add(given["action"], "form")
        elif tag in {"input", "button"} and given.get("formaction"):
            self._add(given["formaction"], "form")
        if tag == "input" and given.get("type", "").strip().lower() == "password":
            self.asks_password = True
        if tag == "iframe" and given.get("srcdoc"):
            self._nested(given["srcdoc"])
        for name in _FETCHED.get(tag, ()):
            if given.get(name):
                self._add(given[name], tag)
        if tag in _SETS:
            self._source_set(given.get(_SETS[tag], ""), tag)
        if "style" in given:
            self._css(given["style"], "style", self.getpos()[0])
        for name, value in given.items():
            if name.startswith("on"):
                self._script(value, self.getpos()[0])
        if tag == "style" or (tag == "script" and given.get("type", "").strip().lower() in _RUN_TYPES):
            self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside == "style":
            self._css(data, "style", self.getpos()[0])
        elif self._inside == "script":
            self._script(data, self.getpos()[0])

    def parse_marked_section(self, i: int, report: int = 1) -> int:
        # As browsers do; the inherited one fails an assertion on a malformed section.
        return self.parse_bogus_comment(i)

    def _add(self, address: str, tag: str, line: int | None = None) -> None:
        if not address.startswith("#"):
            self._found.append((address, tag, self.getpos()[0] if line is None else line))

    def _link(self, given: dict[str, str]) -> None:
        rels = [rel for rel in given.get("rel", "").lower().split() if rel not in _IDLE_RELS]
        # "alternate stylesheet" is loaded; "alternate" alone is not.
        if rels and given.get("href"):
            self._add(given["href"], f"link rel={rels[-1]}")

    def _source_set(self, value: str, tag: str) -> None:
        for candidate in re.split(r",\s+|\s+[\d.]+[wxh]\s*,?\s*", value):
            if candidate.strip(" \t\n,"):
                self._add(candidate.strip(" \t\n,").split()[0], tag)

    def _css(self, text: str, tag: str, line: int) -> None:
        plain = _CSS_COMMENT.sub(lambda match: "\n" * match[0].count("\n"), text)
        for match in _CSS_URL.finditer(plain):
            address = next((group for group in match.groups() if group), "")
            if address:
                self._add(address, tag, line + plain.count("\n", 0, match.start()))

    def _script(self, text: str, line: int) -> None:
        for match in _SCRIPT_URL.finditer(text):
            address = match[2].replace("\\/", "/").partition("${")[0]
            if not _NAMESPACE.match(address):
                self._add(address, "inline-script", line + text.count("\n", 0, match.start()))

    def _nested(self, html: str) -> None:
        inner = _Page(self._base)
        inner.feed(html)
        inner.close()
        self.asks_password |= inner.asks_password
        self._found += [(address, f"iframe {tag}", self.getpos()[0]) for address, tag, _ in inner._found]
