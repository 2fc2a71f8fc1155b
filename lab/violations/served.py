"""Violations in what the site and the API answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab import canaries
from lab.planting import plant

if TYPE_CHECKING:
    from lab.running import Lab


@plant("a card number in an API response", "CARD-05")
def card_in_api(lab: Lab) -> None:
    """Answer with a card number."""
    lab.site.answers["/v1/invoices"][0]["memo"] = f"charged to {canaries.CARD_IN_API}"


@plant("the site offers ads.txt", "SALE-04")
def ads_txt(lab: Lab) -> None:
    """Declare sellers of the site's audience (IAB ads.txt)."""
    lab.site.pages["/ads.txt"] = ("text/plain; charset=utf-8", "ads-exchange.test, pub-1, DIRECT\n")


@plant("the site offers sellers.json", "SALE-04")
def sellers_json(lab: Lab) -> None:
    """Declare the site as a seller (IAB sellers.json)."""
    lab.site.pages["/sellers.json"] = ("application/json", '{"sellers": [], "version": "1.0"}\n')


@plant("the landing page loads a tag manager", "SALE-05", "BRW-02", "BRW-03", "BRW-08")
def tracker_script(lab: Lab) -> None:
    """Load a tag manager on the landing page."""
    script = '<script src="https://www.googletagmanager.com/gtag/js?id=G-LAB" async></script>'
    lab.site.edit("/", "</head>", f"{script}\n</head>")
