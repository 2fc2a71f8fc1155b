"""The policy page of a site, read into sections and sentences."""

from __future__ import annotations

from checks.connectors.http import Page, Site
from checks.core.errors import Nothing
from checks.detectors.policy_text import PolicyText, read_policy


def published_policy(site: Site) -> tuple[Page, PolicyText]:
    """Return the policy page and its text, read; each sentence under its number.

    Raises ``Nothing`` where the inventory names none, or where the page as served holds no text that
    could be a policy: a picture of one, or a shell that scripts fill, tells a reader without them nothing.
    """
    spec = site.spec
    if spec.policy_page is None:
        raise Nothing(f"{spec.id}: the inventory names no policy_page")
    page = site.get(spec.policy_page)
    text = read_policy(page.text)
    if not text.clauses:
        raise Nothing(
            f"{page.path}: no numbered section with a sentence was found in the page as served"
            " (scripts are not run, pictures are not read)"
        )
    return page, text
