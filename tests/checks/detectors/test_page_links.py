"""Where one click leads."""

from __future__ import annotations

import pytest

from checks.detectors.page_links import same_site_links

URL = "https://enfyra.test/docs/start"


@pytest.mark.parametrize(
    ("html", "paths"),
    [
        ("<a href=/privacy>Privacy</a>", ["/privacy"]),
        ("<a href=privacy#top>", ["/docs/privacy"]),
        ("<a href='?p=2'>", ["/docs/start?p=2"]),
        ("<base href=/legal/><a href=privacy>", ["/legal/privacy"]),
        ("<a href=https://enfyra.test:443/a><a href=HTTPS://ENFYRA.test/b>", ["/a", "/b"]),
        ("<a href=http://enfyra.test/c>", ["/c"]),
        ("<map><area href=/m></map><a href=/m>", ["/m"]),
        ("<a href=https://other.test/privacy><a href=//cdn.test/x><a href=https://enfyra.test:8443/x>", []),
        ("<a href=mailto:a@b.io><a href=javascript:x()><a href=tel:1><a><a href='https://[bad'>", []),
        ("<!-- <a href=/x> --><template><a href=/x></a></template><script>'<a href=/x>'</script>", []),
        ("<a hidden href=/x>", []),
        ("", []),
    ],
)  # fmt: skip
def test_links(html: str, paths: list[str]) -> None:
    assert [link.path for link in same_site_links(html, URL)] == paths


def test_a_label_is_what_a_reader_sees() -> None:
    link = same_site_links("<p>\n<a href=/p aria-label=Data><b>Privacy</b> policy</a> and more", URL)[0]
    assert (link.label, link.line) == ("Data Privacy policy", 2)
