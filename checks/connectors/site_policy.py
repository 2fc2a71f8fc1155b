"""The policy page of a site, read into sections and sentences, as people see it."""

from __future__ import annotations

from dataclasses import dataclass, field

from checks.connectors.http import Page, Site
from checks.connectors.site_rendered import Opening, seen
from checks.core.errors import Nothing
from checks.detectors.policy_text import PolicyText, read_policy


@dataclass(frozen=True, slots=True)
class Published:
    """The policy page: as people see it, its text read, and as it was served before scripts ran."""

    page: Page
    text: PolicyText = field(repr=False)
    served: Page = field(repr=False)
    rendered: bool = False


def published_policy(site: Site, browser: Opening) -> Published:
    """Return the policy page and its text, read; each sentence under its number.

    Where scripts run on the page, what they leave counts; without a browser what was served does, if
    it has a policy in it.

    Raises ``Nothing`` where the inventory names none, or where the page holds no text that could be a
    policy: a picture of one, or a shell whose scripts cannot be run here.
    """
    spec = site.spec
    if spec.policy_page is None:
        raise Nothing(f"{spec.id}: the inventory names no policy_page")
    found = seen(site, spec.policy_page, browser)
    page, text = found.page, read_policy(found.page.text)
    if not text.clauses:
        raise Nothing(
            f"{page.path}: no numbered section with a sentence was found in the page"
            f" ({found.missing or 'pictures are not read'})"
        )
    return Published(page, text, found.served, found.rendered)
