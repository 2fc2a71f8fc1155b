"""Violations in how the lab is reached: TLS, redirects, headers, cookies, other origins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trustme

from lab.planting import plant

if TYPE_CHECKING:
    from lab.running import Lab


@plant("TLS 1.0 and 1.1 are still spoken", "TLS-01")
def old_tls(lab: Lab) -> None:
    """Speak versions that RFC 8996 retires."""
    lab.site.transport.context = lab.site.transport.issue(old=True)


@plant("the certificate of the databases ends in three days", "TLS-03")
def certificate_ends_soon(lab: Lab) -> None:
    """Let the renewal slip."""
    lab.site.transport.door_days = 3
    lab.site.transport.rehang_door()


@plant("the databases show a certificate of an authority that nobody knows", "TLS-02")
def stranger_certificate(lab: Lab) -> None:
    """Let another authority vouch for the databases."""
    lab.site.transport.door_authority = trustme.CA()
    lab.site.transport.rehang_door()


@plant("the databases take clients that do not encrypt", "TLS-04")
def plain_database(lab: Lab) -> None:
    """Offer TLS and not demand it."""
    lab.site.transport.database_demands_tls = False


@plant("the cache is reached without TLS", "TLS-01", "TLS-02", "TLS-03", "TLS-04")
def cache_without_tls(lab: Lab) -> None:
    """Tell applications the port that speaks no TLS: then there is no version and no certificate either."""
    lab.cache.entry = lab.cache.port


@plant("plain HTTP serves the pages instead of leading to HTTPS", "TLS-05")
def no_redirect(lab: Lab) -> None:
    """Serve pages in the clear."""
    lab.site.transport.redirects = False


@plant("browsers are not told to stay on HTTPS", "TLS-06")
def no_hsts(lab: Lab) -> None:
    """Send no Strict-Transport-Security."""
    del lab.site.transport.headers["Strict-Transport-Security"]


@plant("a page loads an image over plain HTTP", "TLS-07")
def mixed_content(lab: Lab) -> None:
    """Write an image's address with http."""
    lab.site.edit("/", 'src="/logo.svg"', 'src="http://lab.example.com/logo.svg"')


@plant("pages say nothing of where scripts may come from", "WEB-01", "WEB-02")
def no_content_policy(lab: Lab) -> None:
    """Send neither Content-Security-Policy nor X-Frame-Options."""
    lab.site.transport.content_policy = False
    del lab.site.transport.headers["X-Frame-Options"]


@plant("browsers may guess the type of an answer", "WEB-03")
def types_guessed(lab: Lab) -> None:
    """Send no X-Content-Type-Options."""
    del lab.site.transport.headers["X-Content-Type-Options"]


@plant("the whole address of a page goes to other sites as referrer", "WEB-04")
def full_referrer(lab: Lab) -> None:
    """Ask browsers to send it."""
    lab.site.transport.headers["Referrer-Policy"] = "unsafe-url"


@plant("the API sets a session cookie without any guard", "WEB-05")
def bare_cookie(lab: Lab) -> None:
    """Set a cookie that scripts, plain HTTP and other sites can use."""
    lab.site.transport.api_headers["Set-Cookie"] = "session=lab-made-up; Path=/"


@plant("any site may read answers with a visitor's credentials", "WEB-06")
def cors_reflects_origin(lab: Lab) -> None:
    """Answer whatever origin asked."""
    lab.site.transport.echoes_origin = True
