"""Violations in the published policy, the way to it, and the sign-up form."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lab.planting import Overlay, plant

if TYPE_CHECKING:
    from lab.running import Lab

_POLICY = "/privacy"
_MAILTO = 'href="mailto:privacy@lab.example.com"'


def _rewrite(lab: Lab, path: str, pattern: str, new: str) -> None:
    """Replace what ``pattern`` finds in a page, if another plant has not done so already."""
    kind, text = lab.site.pages[path]
    lab.site.pages[path] = (kind, re.sub(pattern, lambda _: new, text))


@plant("a sentence of the published policy reads otherwise", "POL-01", "POL-03")
def policy_sentence_changed(lab: Lab) -> None:
    """Soften a promise without a new version of the policy."""
    _rewrite(lab, _POLICY, r"Personal data is not for sale here\.", "Personal data is seldom for sale here.")


@plant("a sentence was added to the published policy, under a new version", "POL-01")
def policy_grown(lab: Lab) -> None:
    """Add a sentence that no control was written for, and say so by a new version and date."""
    _rewrite(lab, _POLICY, r"What it remembers stays with you", "It may show games. What it remembers stays")
    _rewrite(lab, _POLICY, r"Version: 1\.2", "Version: 1.3")
    _rewrite(lab, _POLICY, r"Effective date: 2026-11-01", "Effective date: November 2nd, 2026")


@plant("a heading of the published policy and its title read otherwise", "POL-01", "POL-03")
def policy_retitled(lab: Lab) -> None:
    """Call the policy and a section something else, above sentences that stayed."""
    _rewrite(lab, _POLICY, r"<h1>Privacy policy</h1>", "<h1>Privacy guideline</h1>")
    _rewrite(lab, _POLICY, r"<h2>9\. [^<]+</h2>", "<h2>9. Hints</h2>")


@plant("the published policy changed, and its version went back", "POL-01", "POL-03")
def policy_version_back(lab: Lab) -> None:
    """Publish an older version again."""
    _rewrite(lab, _POLICY, r"Perfect security does not exist\. ", "")
    _rewrite(lab, _POLICY, r"Version: 1\.\d", "Version: 1.1")


@plant("the published policy has no effective date", "POL-02")
def policy_undated(lab: Lab) -> None:
    """Publish the policy without its effective date."""
    _rewrite(lab, _POLICY, r"<p>Effective date: [^<]+</p>\n", "")


@plant("the published policy is dated in the future", "POL-02")
def policy_dated_ahead(lab: Lab) -> None:
    """Publish a policy that is not in force yet."""
    _rewrite(lab, _POLICY, r"Effective date: 2026-11-01", "Last updated: 1 November 2126")


@plant("the link to the policy's contact writes to nobody", "POL-02")
def contact_link_empty(lab: Lab) -> None:
    """Leave the address out of the link that shows it."""
    _rewrite(lab, _POLICY, re.escape(_MAILTO), 'href="mailto:"')


@plant("the policy's contact is obfuscated", "POL-01", "POL-02", "POL-03", "POL-04")
def contact_obfuscated(lab: Lab) -> None:
    """Hide the address from machines, and so from people who would click or copy it."""
    _rewrite(lab, _POLICY, r'<a href="mailto:[^<]*</a>', "privacy [at] lab [dot] example [dot] com")


@plant("the published policy names no address to write to", "POL-01", "POL-02", "POL-03", "POL-04")
def contact_missing(lab: Lab) -> None:
    """Publish the policy without an address to write to."""
    _rewrite(lab, _POLICY, r'<a href="mailto:[^<]*</a>', "its form in the dashboard")


@plant("no page links to the policy", "POL-04")
def policy_unlinked(lab: Lab) -> None:
    """Take the links to the policy from every page."""
    for path, (kind, _) in list(lab.site.pages.items()):
        if kind.startswith("text/html"):
            _rewrite(lab, path, r'<a [^>]*href="/privacy"[^>]*>', '<a class="gone">')


@plant("the published policy says nothing of children", "CHILD-01", "POL-01", "POL-03")
def children_unmentioned(lab: Lab) -> None:
    """Drop the statement on children without a new version of the policy."""
    _rewrite(
        lab, _POLICY, r"<p>The lab is not made for children\.[^<]*</p>", "<p>Everybody is welcome here.</p>"
    )


@plant("the sign-up form asks for a birth date", "CHILD-02")
def signup_asks_birth_date(lab: Lab) -> None:
    """Ask for the date of birth when an account is made."""
    field = '<label>Date of birth <input name="f4" type="date" autocomplete="bday"></label>\n'
    _rewrite(lab, "/signup", r"(?=<button>Create)", field)


@plant("a parent's e-mail is asked for at sign-up", "CHILD-02")
def signup_asks_for_a_parent(lab: Lab) -> None:
    """Ask children for the address of a parent."""
    field = '<label>If you are at school <input name="guardianEmail" type="email"></label>\n'
    _rewrite(lab, "/signup", r"(?=<button>Create)", field)


@plant("accounts are declared to train a model", "USE-01")
def purpose_unannounced(lab: Lab) -> Overlay:
    """Declare a use of accounts that the policy does not name."""
    purposes = ["essential.service.operations", "essential.service.authentication", "train_ai_system"]
    purposes += ["essential.service.notifications", "essential.service.support"]
    return {"stores": {"cloud-db": {"datasets": {"accounts": {"purposes": purposes}}}}}
