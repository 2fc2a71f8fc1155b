"""Traces of a program's inside in text: stack traces, messages of database drivers, SQL."""

from __future__ import annotations

import re

_DATABASE = (
    r"SQLSTATE\[?",
    r"(?<![A-Z])ORA-\d{5}",
    r"You have an error in your SQL syntax",
    r"syntax error at or near",
    r"(?:psycopg2?|asyncpg|sqlalchemy)\.(?:\w{1,40}\.){0,3}\w{1,60}",
    r"SQLITE_ERROR|near \\?\"[^\"\n]{1,40}\": syntax error",
    r"(?:relation|column) \\?\"[^\"\n]{1,120}\\?\" does not exist",
    r"Unclosed quotation mark after",
    r"(?<![A-Z])ER_[A-Z]{3,20}_[A-Z_]{3,40}",
    r"MongoServerError|QueryFailedError|PrismaClient\w{3,30}Error|Knex: ",
)
_TRACES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "Python traceback",
        re.compile(r"Traceback \(most recent call last\)|File \\?\"[^\"\n]{1,300}\.py\\?\", line \d"),
    ),
    (
        "Java stack trace",
        re.compile(r"\bat (?:[\w$]{1,60}\.){1,12}[\w$<>]{1,60}\([\w$]{1,60}\.(?:java|kt|scala):\d"),
    ),
    (
        "JavaScript stack trace",
        re.compile(
            r"\bat (?:[\w.<>\[\]]{1,120} ){0,3}\(?(?:file://|node:|/|[A-Za-z]:\\)[^\s()]{1,300}:\d+:\d"
        ),
    ),
    (".NET stack trace", re.compile(r"\bat [\w.<>`]{3,200}\([^()\n]{0,200}\) in [^\n]{1,300}:line \d")),
    (
        "PHP error",
        re.compile(r"(?:Fatal error|Warning|Notice)(?:</b>)?: [^\n]{1,300} in (?:<b>)?/[^\s<]{1,300}\.php"),
    ),
    ("Go stack trace", re.compile(r"goroutine \d+ \[[a-z ]{3,30}\]:")),
    ("Ruby stack trace", re.compile(r"/[\w/.-]{1,200}\.rb:\d+:in [`']")),
    ("database error", re.compile("|".join(_DATABASE))),
)
_SQL = re.compile(
    r"\b(?:select\s[^;\n]{1,300}?\sfrom\s+[\"`\[]?\w"
    r"|insert\s+into\s+[\"`\[]?\w{1,80}[\"`\]]?\s*\("
    r"|update\s+[\"`\[]?\w{1,80}[\"`\]]?\s+set\s"
    r"|delete\s+from\s+[\"`\[]?\w{1,80}[\"`\]]?\s+where\s)",
    re.IGNORECASE,
)


def find_internals(text: str, *, error: bool) -> list[str]:
    """Return the kinds of inside that ``text`` shows; SQL counts in an ``error`` only.

    In the data of a good answer people may write about SQL; a driver's message or a trace is never
    meant for a reader (OWASP ASVS 4.0.3, 7.4.1).
    """
    found = [name for name, form in _TRACES if form.search(text)]
    if error and _SQL.search(text):
        found.append("SQL statement")
    return found
