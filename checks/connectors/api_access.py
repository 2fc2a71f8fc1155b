"""An API as several people find it: tenants, a reader of low privilege, whoever tries to log in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from checks.connectors.api_hidden import Hidden, hidden_of
from checks.connectors.api_operations import Operation, Seen
from checks.connectors.api_query import Query
from checks.connectors.api_replies import Replies
from checks.connectors.api_reply import Reply
from checks.connectors.api_send import Signer, bearer, nobody
from checks.core.errors import NotAssessed, Nothing, Refused
from checks.core.model import Address, Inventory
from checks.core.model.probes import Login, Probes, Reach


class Visit:
    """Every documented GET and GraphQL query as one person gets it, lists opening what stands under them.

    ``problem`` says why no GraphQL query could be made of an endpoint that the inventory names. A tenant's
    own identifier goes wherever the API takes one (``reach``), as its own clients would send it.
    """

    def __init__(self, api: ApiAccess, who: str, signer: Signer) -> None:
        self.who = who
        self.signer = signer
        self.seen = Seen()
        self.problem: NotAssessed | None = None
        reach, self.tenant = api.reach(), ""
        if reach is not None and f"id of {who}" in api.target.secrets:
            self.tenant = identifier(api.target.id, api.target.secrets[f"id of {who}"])
        self.headers = {} if reach is None else self.named(reach.headers)
        self.given = dict.fromkeys(reach.path if reach is not None and self.tenant else (), self.tenant)
        asked: list[Operation | Query] = [*api.listed()]
        if api.spec.graphql is not None:
            try:
                asked += api.queries()
            except NotAssessed as error:
                self.problem = error
        self.replies = [(operation, self.ask(api, operation)) for operation in asked]

    def named(self, templates: Mapping[str, str]) -> dict[str, str]:
        """Return ``templates`` with this tenant's identifier in them; none for who has no identifier."""
        return {key: text.replace("{tenant}", self.tenant) for key, text in templates.items() if self.tenant}

    def ask(
        self, api: ApiAccess, operation: Operation | Query, *, of: Visit | None = None, **more: Any
    ) -> Reply | NotAssessed:
        """Return the reply to this person, for things that were seen by ``of`` (else by itself)."""
        seen = of or self
        usual = {"headers": self.headers, "given": seen.given}
        return api.ask(operation, seen=seen.seen, who=self.who, signer=self.signer, **{**usual, **more})


def identifier(owner: str, address: Address) -> str:
    """Return a tenant's identifier; raises ``MissingAddress``, ``Refused`` for what no header can carry."""
    text = address.reveal().strip()
    if not re.fullmatch(r"[\x21-\x7e]+", text):
        raise Refused(f"{owner}: {address} holds no usable identifier")
    return text


class ApiAccess(Replies):
    """Mixed into the view of an API: the same requests in other people's names."""

    def visit(self, secret: str) -> Visit:
        """Return the tour of whoever the secret ``secret`` (``reader``, ``tenant a``) belongs to.

        Raises ``MissingAddress`` if the variable is not set, ``Nothing`` if none is declared.
        """
        if secret not in self.target.secrets:
            raise Nothing(f"{self.target.id}: the inventory declares no token for {secret}")
        return Visit(self, secret, bearer(self.target.id, self.target.secrets[secret]))

    def reach(self) -> Reach | None:
        """Return where the API takes a tenant's identifier, if the inventory says so."""
        return self.spec.probes.reach if self.spec.probes is not None else None

    def login(self) -> tuple[Login, Probes]:
        """Return what may be tried on the login; raises ``Nothing`` if the inventory declares none."""
        probes = self.probes()
        if probes.login is None:
            raise Nothing(f"{self.target.id}: the inventory declares no login (probes.login)")
        return probes.login, probes

    def credentials(self) -> tuple[str, str]:
        """Return the user and password that do work; raises ``MissingAddress`` if one is not set."""
        secrets = self.target.secrets
        return secrets["login user"].reveal(), secrets["login password"].reveal()

    def sign_in(self, user: str, password: str) -> Reply | NotAssessed:
        """Return the reply to one login; neither the user nor the password is kept."""
        login, _ = self.login()
        return self.request(
            "POST",
            login.path,
            shown=login.path,
            who="login",
            signer=nobody,
            body={login.user: user, login.password: password},
            sent=user,
        )

    def graphql_fields(self, *, stranger: bool) -> list[str] | Reply | NotAssessed:
        """Return the fields of a GraphQL schema as ``Type.field``, asked for by introspection.

        A ``stranger`` asks without credentials. A reply that is no schema is returned itself.
        """
        reply = self.introspected(stranger=stranger)
        if isinstance(reply, NotAssessed) or not reply.good:
            return reply
        try:
            types = reply.json()["data"]["__schema"]["types"]
            return [
                f"{one['name']}.{field['name']}"
                for one in types
                if not one["name"].startswith("__")
                for field in [*(one.get("fields") or []), *(one.get("inputFields") or [])]
            ]
        except (TypeError, KeyError, AttributeError):
            return reply

    def hidden_columns(self, inventory: Inventory, categories: tuple[str, ...]) -> Hidden:
        """Return the columns that are never published: of ``categories``, or marked so in the inventory.

        Those of the stores that the probes name, else of every store. Raises ``Nothing`` if there is none.
        """
        probes = self.spec.probes
        chosen = probes.stores if probes is not None and probes.stores else tuple(inventory.stores)
        stores = (inventory.stores[name] for name in chosen if name in inventory.stores)
        found = hidden_of(stores, categories)
        if not found:
            raise Nothing(
                f"{self.target.id}: the inventory has no column of {', '.join(categories)},"
                " and marks none never_published"
            )
        return found
