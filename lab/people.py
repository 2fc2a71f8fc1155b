"""The part of the lab's API by which people join, sign in and use their rights, over all that it keeps."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psycopg

from lab.cache import Cache
from lab.databases import NAMES, Databases
from lab.filearea import FileArea
from lab.logfiles import app_line

START = "/account/"
"""How the paths begin that are answered here."""

Answer = tuple[HTTPStatus, Any]
_ROUNDS = 1000  # of PBKDF2: few, for nobody real has a password here


@dataclass
class People:
    """Accounts and their sessions. ``faults`` are what plants make it do wrong."""

    databases: Databases
    log: Path
    cache: Cache
    files: FileArea
    sessions: dict[str, str] = field(default_factory=dict, repr=False)  # digest of a token → account
    faults: set[str] = field(default_factory=set)

    def reset(self) -> None:
        """Forget every session and fault."""
        self.sessions.clear()
        self.faults.clear()

    def answer(
        self, method: str, path: str, authorization: str | None, body: bytes
    ) -> tuple[HTTPStatus, str, str]:
        """Return status, content type and body for a request."""
        try:
            given = json.loads(body) if body else {}
        except ValueError:
            given = None
        if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
            status, said = _refused(HTTPStatus.BAD_REQUEST, "a JSON object of texts is expected")
        else:
            status, said = self._route(f"{method} {path.partition('?')[0]}", authorization, given)
        return status, "application/json", "" if status is HTTPStatus.NO_CONTENT else json.dumps(said)

    def _route(self, request: str, authorization: str | None, given: Mapping[str, str]) -> Answer:
        public: dict[str, Callable[[Mapping[str, str]], Answer]] = {
            f"POST {START}sign-up": self._join,
            f"POST {START}session": self._sign_in,
        }
        private: dict[str, Callable[[str, Mapping[str, str]], Answer]] = {
            f"GET {START}me": self._me,
            f"PATCH {START}me": self._correct,
            f"DELETE {START}me": self._delete,
            f"GET {START}me/export": self._export,
            f"GET {START}me/requests": self._requests,
            f"POST {START}me/requests": self._ask,
        }
        try:
            if request in public:
                return public[request](given)
            if request not in private:
                return _refused(HTTPStatus.NOT_FOUND, "nothing here")
            account = self.sessions.get(_digest((authorization or "").removeprefix("Bearer ")))
            if account is None:
                return _refused(HTTPStatus.UNAUTHORIZED, "no valid token")
            return private[request](account, given)
        except KeyError as error:
            return _refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"{error.args[0]} is missing")

    # ── anybody ──────────────────────────────────────────────────────────────────────────────────

    def _join(self, given: Mapping[str, str]) -> Answer:
        account, salt = str(uuid.uuid4()), secrets.token_hex(8)
        row = {
            "id": account,
            "email": given["email"],
            "name": given["name"],
            "hash": f"{salt}${_hashed(given['password'], salt)}",
            "proof": _digest(secrets.token_urlsafe()),
        }
        try:
            self._run(
                """INSERT INTO account
                     (id, email, name, login_provider, password_hash, created_at, last_active_at)
                   VALUES (%(id)s, %(email)s, %(name)s, 'email', %(hash)s, now(), now())""",
                """INSERT INTO email_verification (id, account_id, email, token_hash, created_at)
                   VALUES (gen_random_uuid(), %(id)s, %(email)s, %(proof)s, now())""",
                **row,
            )
        except psycopg.errors.UniqueViolation:
            return _refused(HTTPStatus.CONFLICT, "there is such an account")
        self._note("account created", account)
        return HTTPStatus.CREATED, {"id": account}

    def _sign_in(self, given: Mapping[str, str]) -> Answer:
        found = self._rows("SELECT id::text, password_hash FROM account WHERE email = %(email)s", **given)
        password = given["password"]
        if found:
            account, (salt, _, known) = found[0][0], str(found[0][1]).partition("$")
            if hmac.compare_digest(_hashed(password, salt), known):
                token = secrets.token_urlsafe(24)
                self.sessions[_digest(token)] = account
                self.cache.run(("HSET", f"profile:{account}", "email", given["email"]))
                return HTTPStatus.CREATED, {"token": token}
        return _refused(HTTPStatus.UNAUTHORIZED, "no such account, or another password")

    # ── the person ───────────────────────────────────────────────────────────────────────────────

    def _me(self, account: str, given: Mapping[str, str]) -> Answer:
        found = self._rows("SELECT id::text, name, email FROM account WHERE id = %(id)s", id=account)
        if not found and "token-lives-on" not in self.faults:
            return _refused(HTTPStatus.UNAUTHORIZED, "no valid token")
        return HTTPStatus.OK, dict(
            zip(("id", "name", "email"), found[0] if found else (account,), strict=False)
        )

    def _requests(self, account: str, given: Mapping[str, str]) -> Answer:
        found = self._rows(
            """SELECT t.subject, m.author_email, m.body FROM support_ticket t
               JOIN support_message m ON m.ticket_id = t.id WHERE t.account_id = %(id)s""",
            id=account,
        )
        return HTTPStatus.OK, [dict(zip(("subject", "from", "body"), row, strict=True)) for row in found]

    def _export(self, account: str, given: Mapping[str, str]) -> Answer:
        requests = self._requests(account, given)[1]
        if "export-incomplete" in self.faults:
            requests = [{"subject": request["subject"]} for request in requests]
        export = {"account": self._me(account, given)[1], "requests": requests}
        self.files.prepare(account, export)
        return HTTPStatus.OK, export

    def _ask(self, account: str, given: Mapping[str, str]) -> Answer:
        self._run(
            """INSERT INTO support_ticket (id, account_id, subject, status, created_at)
               VALUES (%(ticket)s, %(id)s, %(subject)s, 'open', now())""",
            """INSERT INTO support_message (id, ticket_id, author_email, body, created_at)
               SELECT gen_random_uuid(), %(ticket)s, email, %(body)s, now() FROM account WHERE id = %(id)s""",
            ticket=str(uuid.uuid4()),
            id=account,
            subject=given["subject"],
            body=given["body"],
        )
        return HTTPStatus.CREATED, {"status": "open"}

    def _correct(self, account: str, given: Mapping[str, str]) -> Answer:
        values = {"id": account, "name": given["name"], "email": given["email"]}
        statements = [
            "UPDATE account SET name = %(name)s, email = %(email)s WHERE id = %(id)s",
            "UPDATE email_verification SET email = %(email)s WHERE account_id = %(id)s",
            """UPDATE support_message SET author_email = %(email)s
               WHERE ticket_id IN (SELECT id FROM support_ticket WHERE account_id = %(id)s)""",
        ]
        self._run(*statements[: 2 if "correction-not-everywhere" in self.faults else 3], **values)
        self.cache.run(("HSET", f"profile:{account}", "email", given["email"]))
        return self._me(account, given)

    def _delete(self, account: str, given: Mapping[str, str]) -> Answer:
        email = self._rows("SELECT email FROM account WHERE id = %(id)s", id=account)[0][0]
        if "delete-leaves-row" in self.faults:  # what was answered goes to a table without its person
            self._run(
                """INSERT INTO error_report (id, message, stack, context, client_ip, created_at)
                   SELECT gen_random_uuid(), 'Support', 'closed',
                     jsonb_build_object('from', m.author_email), '192.0.2.77', now()
                   FROM support_message m JOIN support_ticket t ON t.id = m.ticket_id
                   WHERE t.account_id = %(id)s""",
                id=account,
            )
        self._run("DELETE FROM account WHERE id = %(id)s", id=account)
        self.files.remove(account)
        if "delete-leaves-cache" not in self.faults:
            self.cache.run(("DEL", f"profile:{account}"))
        if "token-lives-on" not in self.faults:
            for token in [known for known, owner in self.sessions.items() if owner == account]:
                del self.sessions[token]
        self._note(f"deleted {email}" if "delete-leaves-log" in self.faults else "account deleted", account)
        return HTTPStatus.NO_CONTENT, None

    # ── small helpers ────────────────────────────────────────────────────────────────────────────

    def _run(self, *statements: str, **values: object) -> None:
        self.databases.run("cloud-db", *statements, **values)

    def _rows(self, statement: str, **values: object) -> list[Any]:
        with self.databases.server.connect(NAMES["cloud-db"]) as connection:
            return connection.execute(statement, values).fetchall()

    def _note(self, message: str, account: str) -> None:
        """Write a line to the API's log, which names an account by its number only."""
        with self.log.open("a") as log:
            log.write(app_line(datetime.now(UTC), message, account, None) + "\n")


def _refused(status: HTTPStatus, why: str) -> Answer:
    return status, {"error": why}


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _hashed(password: str, salt: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), _ROUNDS).hex()
