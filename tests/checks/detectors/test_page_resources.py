"""A page's contacts: everything a browser fetches by itself, and nothing that waits for a click."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.detectors.page_resources import has_login_form, resources

BASE = "https://www.example.test/a/page"


@pytest.mark.parametrize(
    ("html", "tag"),
    [
        ('<script src="https://t.test/x.js?id=1"></script>', "script"),
        ("<script src=//t.test/x.js async></script>", "script"),
        ('<script type="module" src="https://u:p@t.test/x.js"></script>', "script"),
        ("<link rel=stylesheet href=https://t.test/x.js>", "link rel=stylesheet"),
        ('<link rel="dns-prefetch" href="//t.test">', "link rel=dns-prefetch"),
        ('<link rel="preconnect" href="https://t.test/">', "link rel=preconnect"),
        ('<link rel="shortcut icon" href="https://t.test/x.ico">', "link rel=icon"),
        ('<link rel="alternate stylesheet" href="https://t.test/x.css">', "link rel=stylesheet"),
        ('<link rel=preload as=image imagesrcset="https://t.test/x 1x, /y 2x">', "link"),
        ('<img alt="" src="https://t.test/p.gif?e=ann@example.com">', "img"),
        ('<img srcset="/own.png 1x, https://t.test/2.png 2x">', "img"),
        ('<noscript><img src="https://t.test/pixel"></noscript>', "img"),
        ('<picture><source srcset="https://t.test/a.webp"></picture>', "source"),
        ('<iframe src="https://t.test/frame"></iframe>', "iframe"),
        ('<iframe srcdoc="<img src=//t.test/x>"></iframe>', "iframe img"),
        ('<video poster="https://t.test/p.jpg"></video>', "video"),
        ('<audio src="https://t.test/a.mp3"></audio>', "audio"),
        ('<object data="https://t.test/o"></object>', "object"),
        ('<embed src="https://t.test/e">', "embed"),
        ('<form action="https://t.test/subscribe"></form>', "form"),
        ('<button formaction="https://t.test/f">', "form"),
        ('<meta http-equiv="Refresh" content="0; URL=\'https://t.test/\'">', "meta refresh"),
        ("<style>\nbody { background: url( 'https://t.test/b.png' ) }</style>", "style"),
        ("<style>@import '//t.test/x.css';</style>", "style"),
        ('<p style="background:url(https://t.test/b.png)">', "style"),
        ("<script>fetch('https://t.test/c?u=' + user)</script>", "inline-script"),
        ('<script>s.src="\\/\\/t.test/x.js"</script>', "inline-script"),
        ("<script>new WebSocket(`wss://t.test/live`)</script>", "inline-script"),
        ('<script type=importmap>{"imports":{"x":"https://t.test/x.js"}}</script>', "inline-script"),
        ("<body onload=\"ping('https://t.test/p')\">", "inline-script"),
        ('<svg><image xlink:href="https://t.test/i.svg"/></svg>', "image"),
        ('<IMG SRC="HTTPS://T.TEST./x">', "img"),
        ('<base href="https://t.test/"><img src="rel.png">', "img"),
    ],
)
def test_contacts(html: str, tag: str) -> None:
    found = [resource for resource in resources(f"<p>\n{html}", BASE) if resource.host != "www.example.test"]
    assert [(resource.host, resource.tag) for resource in found] == [("t.test", tag)]
    assert "?" not in found[0].url
    assert "@" not in found[0].url
    assert found[0].line >= 2


@pytest.mark.parametrize(
    "html",
    [
        '<a href="https://t.test/">elsewhere</a>',
        '<a href="https://t.test/" ping="https://t.test/ping">elsewhere</a>',
        '<link rel="canonical" href="https://t.test/">',
        '<link rel="alternate" hreflang="de" href="https://t.test/de">',
        '<meta property="og:image" content="https://t.test/x.png">',
        "<!-- <script src='https://t.test/x.js'></script> -->",
        "<p>see https://t.test/x</p>",
        '<img src="data:image/png;base64,aHR0cHM6Ly90LnRlc3Q=">',
        '<img src="https://[broken/x">',
        '<form action="/own"></form>',
        "<script>location='https://www.example.test/next'</script>",
        "<script>// https://t.test/doc\n</script>",
        "<script>document.createElementNS('http://www.w3.org/2000/svg','svg')</script>",
        '<script type="application/ld+json">{"@context": "https://schema.org"}</script>',
        "<style>/* url(https://t.test/x) */</style>",
        '<svg><use href="#icon"/></svg>',
        '<img src="mailto:ann@example.com">',
        "",
    ],
)
def test_what_is_no_contact(html: str) -> None:
    assert resources(html, BASE) == []


def test_own_resources_are_listed_with_their_line_and_counted_once() -> None:
    html = (
        "<html>\n<p>\n<script src=app.js></script><script src='/a/app.js?v=2'></script>\n<img src=../b.png>"
    )
    assert [(found.url, found.line) for found in resources(html, BASE)] == [
        ("https://www.example.test/a/app.js", 3),
        ("https://www.example.test/b.png", 4),
    ]


def test_lines_inside_styles_and_scripts() -> None:
    html = (
        "<style>\n\n/* \n */ a{background:url(//s.test/x)}</style>\n<script>\n\nload('//j.test/x')</script>"
    )
    assert [(found.host, found.line) for found in resources(html, BASE)] == [("s.test", 4), ("j.test", 7)]


@pytest.mark.parametrize(
    ("html", "asks"),
    [
        ('<form><input name=p type="password"></form>', True),
        ("<INPUT TYPE=PASSWORD>", True),
        ("<form><input type=email></form>", False),
        ("<p>type=password</p>", False),
        ("<!-- <input type=password> -->", False),
    ],
)
def test_login_forms(html: str, asks: bool) -> None:
    assert has_login_form(html) is asks


PIECES = [
    "<",
    ">",
    "</",
    "<!",
    "<![",
    "<!--",
    "]]>",
    "<?",
    "&#",
    "script",
    " src=",
    "'",
    '"',
    "//t.test",
    "[",
    "\n",
]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=4)).map("".join))
def test_no_page_is_too_broken_to_read(html: str) -> None:
    resources(html, BASE)
    has_login_form(html)
