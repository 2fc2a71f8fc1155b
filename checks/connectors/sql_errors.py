"""What a database driver raised, as one of our errors: a line without URL, SQL, password or value."""

from __future__ import annotations

from checks.core.errors import NotAssessed, Refused, TimedOut, Unreachable, Unreadable

DROPPED = "the connection dropped before the answer was complete"
SLOW = "did not answer in the time allowed"

Meaning = tuple[type[NotAssessed], str]

# libpq gives no SQLSTATE while it connects, so its words have to do; none of them is passed on.
POSTGRES_CONNECT: tuple[tuple[str, Meaning], ...] = (
    ("authentication failed", (Refused, "the server refused the user name or password")),
    ("no password supplied", (Refused, "the server asks for a password and the address has none")),
    ("pg_hba.conf", (Refused, "the server accepts no connection from this host, user and database")),
    ("permission denied", (Refused, "the login may not connect to this database")),
    ("not permitted to log in", (Refused, "the role may not log in")),
    ('role "', (Refused, "the server refused the user name or password")),
    ('database "', (Unreachable, "the server has no such database")),
    ("too many", (Unreachable, "the server has no connection left")),
    ("could not translate host name", (Unreachable, "the host name is not known")),
    ("resolve host", (Unreachable, "the host name is not known")),
    ("Connection refused", (Unreachable, "connection refused")),
    ("No such file or directory", (Unreachable, "no server listens at the socket")),
    ("timeout", (TimedOut, SLOW)),
    ("timed out", (TimedOut, SLOW)),
    ("certificate", (Unreachable, "the server's TLS certificate was not accepted")),
    ("SSL", (Unreachable, "the TLS connection could not be made")),
    ("invalid connection option", (Unreachable, "its address has an option that the driver does not know")),
    ("server closed the connection", (Unreachable, DROPPED)),
)
POSTGRES_STATES: tuple[tuple[str, Meaning], ...] = (
    ("28", (Refused, "the server refused the user name or password")),
    ("3D000", (Unreachable, "the server has no such database")),
    ("42501", (Refused, "the login has no permission to read this")),
    ("42P01", (Unreadable, "a table vanished while it was being read")),
    ("42703", (Unreadable, "a column vanished while it was being read")),
    ("57014", (TimedOut, SLOW)),
    ("55P03", (TimedOut, "another session holds a lock on the table")),
    ("57", (Unreachable, DROPPED)),
    ("53", (Unreachable, "the server is out of resources")),
    ("08", (Unreachable, DROPPED)),
    ("40", (Unreachable, "the server cancelled the query in favour of another")),
    ("22", (Unreadable, "a stored value cannot be converted")),
)
MYSQL_CODES: dict[int, Meaning] = {
    1044: (Refused, "the login may not connect to this database"),
    1045: (Refused, "the server refused the user name or password"),
    1698: (Refused, "the server refused the user name or password"),
    1130: (Refused, "the server accepts no connection from this host"),
    1142: (Refused, "the login has no permission to read this"),
    1143: (Refused, "the login has no permission to read this"),
    1227: (Refused, "the login has no permission to read this"),
    1049: (Unreachable, "the server has no such database"),
    1040: (Unreachable, "the server has no connection left"),
    1053: (Unreachable, DROPPED),
    1927: (Unreachable, DROPPED),
    2006: (Unreachable, DROPPED),
    2013: (Unreachable, DROPPED),
    2014: (Unreachable, DROPPED),
    1205: (TimedOut, "another session holds a lock on the table"),
    1969: (TimedOut, SLOW),
    3024: (TimedOut, SLOW),
    1146: (Unreadable, "a table vanished while it was being read"),
    1054: (Unreadable, "a column vanished while it was being read"),
}
MYSQL_OURS = frozenset({1064, 1792})  # a syntax error, a write in a read-only transaction
SQLITE_CODES: dict[int, Meaning] = {
    3: (Refused, "the file may not be read"),
    5: (TimedOut, "another process holds a lock on the file"),
    6: (TimedOut, "another process holds a lock on the file"),
    9: (TimedOut, SLOW),
    10: (Unreachable, "the file cannot be read to its end"),
    11: (Unreadable, "the database file is damaged"),
    14: (Unreachable, "the database file does not exist or cannot be opened"),
    23: (Refused, "the file may not be read"),
    26: (Unreadable, "the file is not a SQLite database"),
}


def refusal(target_id: str, raised: BaseException | None, *, fired: bool = False) -> NotAssessed | None:
    """Return the error that tells what the driver ``raised``; ``None`` if the mistake is our own.

    ``fired`` says that our watchdog cut the connection, so a drop means that time was up.
    """
    if fired:
        return TimedOut(f"{target_id}: {SLOW}")
    meaning = _meaning(raised)
    return None if meaning is None else meaning[0](f"{target_id}: {meaning[1]}")


def _meaning(raised: BaseException | None) -> Meaning | None:
    driver = type(raised).__module__.partition(".")[0]
    if driver == "psycopg":
        return _postgres(raised)
    if driver == "pymysql":
        return _mysql(raised)
    return _sqlite(raised) if driver == "sqlite3" else None


def _postgres(raised: BaseException | None) -> Meaning | None:
    state = getattr(raised, "sqlstate", None)
    if not state:
        text = str(raised)
        return next((meaning for words, meaning in POSTGRES_CONNECT if words in text), _unworded(raised))
    known = next((meaning for prefix, meaning in POSTGRES_STATES if state.startswith(prefix)), None)
    if known is None and not state.startswith(("42", "25", "0A")):
        return Unreadable, f"the server could not answer the query (SQLSTATE {state})"
    return known


def _unworded(raised: BaseException | None) -> Meaning:
    # DataError: a value that Python's types cannot hold; anything else without a state is the line itself.
    if type(raised).__name__ == "DataError":
        return Unreadable, "a stored value cannot be converted"
    return Unreachable, "the server cannot be reached, or the connection dropped"


def _mysql(raised: BaseException | None) -> Meaning | None:
    code = raised.args[0] if raised is not None and raised.args else 0
    inner = getattr(raised, "original_exception", None)
    if isinstance(inner, TimeoutError) or (code in (2003, 2013) and "timed out" in str(raised)):
        return TimedOut, SLOW
    if code == 2003:
        if isinstance(inner, ConnectionRefusedError):
            return Unreachable, "connection refused"
        if type(inner).__name__ == "gaierror":
            return Unreachable, "the host name is not known"
        return Unreachable, "the server cannot be reached"
    if code == 0:  # the driver's own InterfaceError: the socket is gone
        return Unreachable, DROPPED
    if code in MYSQL_OURS:
        return None
    return MYSQL_CODES.get(code, (Unreadable, f"the server could not answer the query (error {code})"))


def _sqlite(raised: BaseException | None) -> Meaning | None:
    if str(raised).startswith("no such module"):
        return Unreadable, "a virtual table needs a SQLite extension that is not loaded"
    return SQLITE_CODES.get(getattr(raised, "sqlite_errorcode", 0) & 0xFF)
