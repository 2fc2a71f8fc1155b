"""The lab's API as several people find it: two tenants, a reader, strangers, and a login that holds back."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from lab import canaries, graphql

if TYPE_CHECKING:
    from lab.site import Site

Answer = tuple[HTTPStatus, str, str]

LOGIN = "/v1/auth/login"
PLANS = "/v1/plans"
GRAPHQL = "/v1/graphql"
LOCKED_ACCOUNT = "probe-lockout@lab.example.com"
DEFAULT = ("admin@lab.example.com", "admin")
TENANTS = {"tenant a": "lab-tenant-a", "tenant b": "lab-tenant-b"}
FAILURES = 5  # of one account, after which it has to wait
FORGOTTEN = 10.0  # seconds behind a failure; a lab that is kept running is looked at again and again
HIDDEN = ("password_hash", "token_hash", "username", "secret", "fingerprint")
_JSON = "application/json"


@dataclass
class Tenants:
    """Who may ask, and what the API does wrong: ``faults`` is empty unless a plant puts one in."""

    tenant_a: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    tenant_b: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    reader: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    user: str = "probe@lab.example.com"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)
    faults: set[str] = field(default_factory=set)
    failed: dict[str, list[float]] = field(default_factory=dict)

    def reset(self) -> None:
        """Mend every fault and forget every failed login."""
        self.faults.clear()
        self.failed.clear()

    def addresses(self) -> dict[str, str]:
        """Return the environment variables by which the inventory reaches them."""
        return {
            "LAB_TENANT_A_TOKEN": self.tenant_a,
            "LAB_TENANT_B_TOKEN": self.tenant_b,
            "LAB_TENANT_A_ID": TENANTS["tenant a"],
            "LAB_TENANT_B_ID": TENANTS["tenant b"],
            "LAB_READER_TOKEN": self.reader,
            "LAB_LOGIN_USER": self.user,
            "LAB_LOGIN_PASSWORD": self.password,
        }

    def answer(self, site: Site, method: str, target: str, authorization: str | None, body: bytes) -> Answer:
        """Answer a request of the API of ``site``; ``target`` is the path with its query."""
        path, _, query = target.partition("?")
        if path == LOGIN:
            return self._login(method, body)
        if path == GRAPHQL and method == "POST":
            return self._graphql(site, self._who(site, authorization), body)
        if method not in ("GET", "HEAD"):
            return _error(HTTPStatus.METHOD_NOT_ALLOWED, "only GET is served")
        if path == PLANS:
            return _answer(site.answers[PLANS])
        who = self._who(site, authorization)
        if who is None and not ("open-orders" in self.faults and path == "/v1/orders"):
            return _error(HTTPStatus.UNAUTHORIZED, "no valid token")
        asked = parse_qs(query, keep_blank_values=True)
        if "tenant-by-query" in self.faults and who in TENANTS:
            named = asked.get("tenant", [""])[0]
            who = next((name for name, known in TENANTS.items() if known == named), who)
        return self._thing(site, who or "ourselves", path, asked)

    def _who(self, site: Site, authorization: str | None) -> str | None:
        known = {
            site.token: "ourselves",
            self.reader: "reader",
            self.tenant_a: "tenant a",
            self.tenant_b: "tenant b",
        }
        given = (authorization or "").encode()
        found = [
            who for token, who in known.items() if secrets.compare_digest(given, f"Bearer {token}".encode())
        ]
        return found[0] if found else None

    def _thing(self, site: Site, who: str, path: str, query: dict[str, list[str]]) -> Answer:
        above, _, last = path.rpartition("/")
        everything = site.answers.get(path)
        if everything is None and isinstance(site.answers.get(above), list):
            whole = "tenants-mixed" in self.faults
            items = site.answers[above] if whole else _part(site.answers[above], who)
            found = next((item for item in items if item.get("id") == unquote(last)), None)
            return _error(HTTPStatus.NOT_FOUND, "nothing here") if found is None else _answer(found)
        if everything is None:
            name = f" for {canaries.ERROR_EMAIL}" if "named-error" in self.faults else ""
            if "trace" in self.faults:
                return _error(HTTPStatus.INTERNAL_SERVER_ERROR, _TRACE + name)
            return _error(HTTPStatus.NOT_FOUND, f"nothing here{name}")
        if isinstance(everything, dict):
            return _answer(_part([everything, {**everything, **_SECOND}], who)[0])
        return self._list(_part(everything, who), query)

    def _list(self, items: list[dict[str, Any]], query: dict[str, list[str]]) -> Answer:
        for name, (given, *_) in query.items():
            if name == "fields":
                relation, dot, wanted = given.rpartition(".")
                if dot and relation != "organization":
                    return _error(HTTPStatus.BAD_REQUEST, "no such relation")
                if wanted in HIDDEN and f"hidden-by-{'relation' if dot else 'projection'}" not in self.faults:
                    return _error(HTTPStatus.FORBIDDEN, "this field cannot be asked for")
                if not dot and items and wanted not in items[0] and wanted not in HIDDEN:
                    return _error(HTTPStatus.BAD_REQUEST, "no such field")
                shown = [{wanted: _value(item, wanted)} for item in items]
                items = (
                    [{**item, "organization": extra} for item, extra in zip(items, shown, strict=True)]
                    if dot
                    else shown
                )
            elif name == "sort":
                wanted = given.removeprefix("-")
                if wanted in HIDDEN and "hidden-by-sort" not in self.faults:
                    return _error(HTTPStatus.FORBIDDEN, "this field cannot be sorted by")
                items = sorted(
                    items, key=lambda item: str(_value(item, wanted)), reverse=given.startswith("-")
                )
            elif name.startswith("filter[") and name.endswith("][_eq]"):
                wanted = name[7:-6]
                if wanted in HIDDEN and "hidden-by-filter" not in self.faults:
                    return _error(HTTPStatus.FORBIDDEN, "this field cannot be filtered by")
                items = [item for item in items if str(_value(item, wanted)) == given]
        return _answer(items)

    def _graphql(self, site: Site, who: str | None, body: bytes) -> Answer:
        """Answer a query: for the schema, for the projects of whoever asks, or for one of them."""
        if who is None and "graphql-open" not in self.faults:
            return _error(HTTPStatus.UNAUTHORIZED, "no valid token")
        fields = ["id", "name", "plan", "region", *(HIDDEN[:1] if "hidden-in-graphql" in self.faults else ())]
        try:
            asked = json.loads(body)
            if "__schema" in asked["query"]:
                if who is None:
                    return _error(HTTPStatus.UNAUTHORIZED, "no valid token")
                return _answer(graphql.schema(fields))
        except (ValueError, TypeError, KeyError):
            return _error(HTTPStatus.BAD_REQUEST, "a query is needed")
        everything = [
            {**item, HIDDEN[0]: _value(item, HIDDEN[0])} for item in site.answers.get("/v1/projects", [])
        ]
        mine = _part(everything, who or "ourselves")
        known = everything if "tenants-mixed" in self.faults else mine
        roots = {
            "projects": lambda _: mine,
            "project": lambda key: next((item for item in known if item.get("id") == key), None),
        }
        return _answer(graphql.answer(asked, fields, roots))

    def _login(self, method: str, body: bytes) -> Answer:
        if method != "POST":
            return _error(HTTPStatus.METHOD_NOT_ALLOWED, "only POST")
        try:
            given = json.loads(body)
            user, password = str(given["email"]), str(given["password"])
        except (ValueError, TypeError, KeyError):
            return _error(HTTPStatus.BAD_REQUEST, "email and password are needed")
        now = time.monotonic()
        failed = [at for at in self.failed.get(user, ()) if now - at < FORGOTTEN]
        if len(failed) >= FAILURES and "login-unthrottled" not in self.faults:
            return _error(HTTPStatus.TOO_MANY_REQUESTS, "too many tries")
        let_in = secrets.compare_digest(
            f"{user} {password}".encode(), f"{self.user} {self.password}".encode()
        )
        if let_in or ("default-login" in self.faults and (user, password) == DEFAULT):
            return _answer({"token": secrets.token_urlsafe(24)})
        self.failed[user] = [*failed, now]
        return _error(HTTPStatus.UNAUTHORIZED, "no such user and password")


_SECOND = {
    "id": "b5e0c7de-4a0f-4e9c-9a51-0d7f3ad9b1c2",
    "name": "Second Tenant",
    "email": "second@lab.example.com",
}
_TRACE = (
    'Traceback (most recent call last):\n  File "/srv/api/routes.py", line 41, in show\n'
    'psycopg.errors.UndefinedTable: relation "thing" does not exist'
)


def _part(items: list[dict[str, Any]], who: str) -> list[dict[str, Any]]:
    """Return what is one person's of a list: tenants have every other thing each."""
    if who == "tenant a":
        return items[0::2]
    return items[1::2] if who == "tenant b" else items


def _value(item: dict[str, Any], name: str) -> Any:
    """Return a field of an item; those that nobody sees are made from its identity."""
    if name not in HIDDEN:
        return item.get(name)
    return hashlib.sha256(f"{name} {json.dumps(item, sort_keys=True)}".encode()).hexdigest()


def _answer(value: Any) -> Answer:
    return HTTPStatus.OK, _JSON, json.dumps(value)


def _error(status: HTTPStatus, why: str) -> Answer:
    return status, _JSON, json.dumps({"error": why})
