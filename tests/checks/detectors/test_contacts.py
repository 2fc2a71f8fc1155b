"""Addresses to write to: sound, placeholder, obfuscated, or none."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.detectors.contacts import contacts, fault_of


@pytest.mark.parametrize(
    "page",
    [
        "<p>Write to privacy@enfyra.io.</p>",
        "contact: data-protection+eu@mail.enfyra.co.uk",
        '<a href="mailto:privacy@enfyra.io?subject=Hello">write to us</a>',
        '<a href="mailto:?to=privacy%40enfyra.io">write</a>',
        '<a href="mailto:privacy@enfyra.io">Privacy@Enfyra.io</a>',
        "<p>privacy&#64;enfyra.io</p>",
        "<p><span>privacy</span>@<b>enfyra.io</b></p>",
        "<p>datenschutz@bücher.de</p>",
    ],
)
def test_an_address_that_mail_can_reach(page: str) -> None:
    assert [contact.fault for contact in contacts(page)] == [None]


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("<p>privacy@example.com", "is a placeholder: its host name is reserved"),
        ("<p>privacy@mail.test", "is a placeholder: its host name is reserved"),
        ("<p>your-email@enfyra.io", "is a placeholder that nobody replaced"),
        ("<p>privacy@yourcompany.com", "is a placeholder that nobody replaced"),
        ("<p>privacy@domain.com", "is a placeholder that nobody replaced"),
        ("<p>Write to {{ contact_email }}", "is a placeholder that nobody replaced"),
        ("<p>Write to [your e-mail address]", "is a placeholder that nobody replaced"),
        ("<p>Lorem ipsum dolor sit amet", "is a placeholder that nobody replaced"),
        ("<p>noreply@enfyra.io", "is, by its name, a mailbox that nobody reads"),
        ("<p>do-not-reply@enfyra.io", "is, by its name, a mailbox that nobody reads"),
        ("<p>privacy [at] enfyra.io", "is obfuscated: it cannot be"),
        ("<p>privacy (at) enfyra (dot) io", "is obfuscated: it cannot be"),
        ("<p>privacy AT enfyra.io", "is obfuscated: it cannot be"),
        ("<p>privacy at enfyra dot io", "is obfuscated: it cannot be"),
        ("<p>privacy@enfyra[dot]io", "is obfuscated: it cannot be"),
        ("<p>privacy @ enfyra.io", "is obfuscated: it cannot be"),
        ("<p>privacy\u200b@enfyra.io", "is obfuscated: invisible signs"),
        ("For privacy questions, contact Enfyra at [email protected].", "is obfuscated: a script must run"),
        ('<a href="/cdn-cgi/l/email-protection#2a5a">mail us</a>', "is obfuscated: a script must run"),
        ('<span class="__cf_email__" data-cfemail="2a5a">x</span>', "is obfuscated: a script must run"),
        ('<a href="mailto:">privacy</a>', "names no address"),
        ('<a href="mailto:?subject=x">privacy</a>', "names no address"),
        ('<a href="mailto:privacy">privacy</a>', "names what is no e-mail address"),
        ('<a href="mailto:sales@enfyra.io">privacy@enfyra.io</a>', "is not the address that the link shows"),
        (f"<p>{'a' * 65}@enfyra.io", "is no valid address"),
        ("<p>pri..vacy@enfyra.io", "is no valid address"),
    ],
)
def test_an_address_that_reaches_nobody(page: str, words: str) -> None:
    faults = [contact.fault for contact in contacts(page) if contact.fault]
    assert len(faults) == 1
    assert faults[0].startswith(words)


@pytest.mark.parametrize(
    "page",
    [
        "",
        "<p>Look at our site, the date at the top dot the line.</p>",
        "<p>The office is at 5 High Street (ground floor).</p>",
        "<p>Follow @enfyra or read v1@2x.png? no</p>",
        '<script>var a = "privacy@enfyra.io"</script><!-- privacy@enfyra.io -->',
    ],
)
def test_prose_is_no_address(page: str) -> None:
    assert contacts(page) == []


def test_reserved_names_pass_where_everything_is_synthetic() -> None:
    assert [one.fault for one in contacts("<p>privacy@lab.example.com", own_reserved=True)] == [None]
    assert fault_of("your-email@lab.example.com", own_reserved=True) is not None


def test_what_is_shown_holds_no_mailbox() -> None:
    page = '<p>ada.lovelace@enfyra.io</p><a href="mailto:charles@enfyra.io">ada.lovelace@enfyra.io</a>'
    for contact in contacts(page):
        assert "ada" not in f"{contact.shown} {contact.fault}"
        assert "charles" not in f"{contact.shown} {contact.fault}"


@pytest.mark.parametrize(
    "unit", ["a", "a.", "a@", "a@b.", " at ", "a [at] ", "{{", "<a href='mailto:'>", "[("]
)
def test_hostile_text_takes_bounded_time(unit: str) -> None:
    begun = time.perf_counter()
    contacts(unit * (200_000 // len(unit)))
    assert time.perf_counter() - begun < 3


@given(st.text(alphabet="ab@.<>[] {}()%&;\"'/=:", max_size=60))
def test_anything_can_be_read(page: str) -> None:
    contacts(page)
