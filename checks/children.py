"""Nothing is knowingly collected from children (policy 12; GDPR 8; COPPA, 16 CFR 312)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.connectors.http import Site
from checks.connectors.site_policy import published_policy
from checks.connectors.site_rendered import opening, seen
from checks.core.errors import Nothing
from checks.core.model import Location, Measure, Observation
from checks.core.registry import Scope, check
from checks.detectors.form_fields import asked

_CHILDREN = re.compile(
    r"\b(?:child(?:ren)?|minors?|kids?|under(?:\s+the\s+age\s+of|\s+age)?\s+(?:1[2-9]|twelve|thirteen|sixteen"
    r"|eighteen)|(?:1[2-9]|thirteen|sixteen|eighteen)\s+years)\b",
    re.IGNORECASE,
)
_REFUSAL = re.compile(r"\b(?:not|never|no|nor|neither|only|must be|at least)\b|n['’]t\b", re.IGNORECASE)


@check(reads="site")
def policy_speaks_of_children(site: Site, scope: Scope) -> Iterator[Observation]:
    """The published policy says that it is not for children and collects nothing from them (policy 12.1)."""
    published = published_policy(site, opening(scope.open, scope.target.id))
    page, text = published.page, published.text
    speaking = [clause for clause, sentence in text.clauses.items() if _CHILDREN.search(sentence)]
    refusing = [clause for clause in speaking if _REFUSAL.search(text.clauses[clause])]
    if refusing:
        measure = Measure(len(text.clauses), "sentences")
        yield Observation.met("statement on children", f"in {', '.join(refusing)}", measure, page.location)
    elif speaking:
        detail = f"is none that keeps them out: {', '.join(speaking)} only mention them"
        yield Observation.violated("statement on children", detail, location=page.location)
    else:
        detail = f"is missing: none of {len(text.clauses)} sentences speaks of children"
        yield Observation.violated("statement on children", detail, location=page.location)


@check(reads="site")
def signup_asks_nothing_of_a_child(site: Site, scope: Scope) -> Iterator[Observation]:
    """Sign-up asks for no birth date, age, gender, school, parent or child (policy 12.2; GDPR 5(1)(c), 8)."""
    spec = site.spec
    if spec.signup_page is None:
        raise Nothing(f"{spec.id}: the inventory names no signup_page")
    found_page = seen(site, spec.signup_page, opening(scope.open, scope.target.id))
    page = found_page.page
    form = asked(page.text)
    found = False
    for field in form.fields:
        what = field.of_a_child()
        if what is not None:
            found = True
            where = Location(page.url, found_page.line(field.line))
            called = field.called if found_page.rendered else field.shown
            yield Observation.violated(f"{page.path} field {called}", f"asks for {what}", location=where)
    if not any(field.typed and field.type != "password" for field in form.fields):  # nor is a login a sign-up
        why = f": {found_page.missing}" if found_page.missing else ""
        raise Nothing(f"{page.path}: no field to fill in was found{why}")
    if found_page.missing is not None:
        yield Observation.unseen(page.path, f"{found_page.missing}: it may ask for more")
    elif form.framed:
        yield Observation.unseen(page.path, "a page of another address stands in it and may ask for more")
    elif not found:
        measure = Measure(len(form.fields), "fields", size=page.size)
        yield Observation.met(page.path, "no field that a child's profile would need", measure, page.location)
