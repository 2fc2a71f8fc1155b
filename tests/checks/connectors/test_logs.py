"""Logs: every line read, and the age of each told, or said to be unknown."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.connectors.log_times import clock
from checks.connectors.logs import LogAge, LogFiles
from checks.core.errors import Nothing, Unreachable, Unreadable
from checks.core.model import Address, Files, Target
from lab import logfiles
from lab.rows import Table, Values

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LIMIT = NOW - timedelta(days=30)
OLD = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
FRESH = {
    "clf": '192.0.2.1 - - [25/Nov/2026:02:56:59 +0000] "GET / HTTP/1.1" 200 5 "-" "a [b]"',
    "json": '{"time": "2026-11-25T02:56:59+00:00", "message": "paid"}',
    "iso": "2026-11-25T02:56:59+00:00 paid",
}
STALE = {
    "clf": '192.0.2.1 - - [02/Jan/2025:03:04:05 +0000] "GET / HTTP/1.1" 200 5',
    "json": '{"level": "info", "time": "2025-01-02T03:04:05Z"}',
    "iso": "2025-01-02T03:04:05.000Z paid",
}
every_format = pytest.mark.parametrize("log_format", ["clf", "json", "iso"])


def target(root: Path, log_format: str, pattern: str = "app.log*", **options: str) -> Target:
    spec = Files("app-log", "log", "Log", pattern, log_format, options=options)
    return Target("app-log", "log", "Log", spec, Address("LOG_DIR", str(root)))


def age(root: Path, log_format: str, text: str, **options: str) -> LogAge:
    (root / "app.log").write_text(text)
    with LogFiles.open(target(root, log_format, **options)) as log:
        (file,) = log.files()
        assert file.path == "app.log"
        return log.oldest(file, LIMIT)


@every_format
def test_a_fresh_log(tmp_path: Path, log_format: str) -> None:
    found = age(tmp_path, log_format, f"{FRESH[log_format]}\n" * 3)
    moment = datetime(2026, 11, 25, 2, 56, 59, tzinfo=UTC)
    assert found == LogAge(3, 3, 0, moment, 0, None, 3 * len(FRESH[log_format]) + 3)


@every_format
def test_overdue_lines_are_counted_and_the_first_is_named(tmp_path: Path, log_format: str) -> None:
    lines = [FRESH[log_format], FRESH[log_format], STALE[log_format], FRESH[log_format], STALE[log_format]]
    found = age(tmp_path, log_format, "\n".join(lines))
    assert (found.lines, found.dated, found.undated) == (5, 5, 0)
    assert (found.oldest, found.overdue, found.first_overdue_line) == (OLD, 2, 3)


@every_format
def test_an_empty_log(tmp_path: Path, log_format: str) -> None:
    assert age(tmp_path, log_format, "") == LogAge(0, 0, 0, None, 0, None, 0)


def test_a_log_that_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(Nothing), LogFiles.open(target(tmp_path, "iso")):
        pass
    with pytest.raises(Unreachable), LogFiles.open(target(tmp_path / "missing", "iso")):
        pass
    with pytest.raises(Unreadable, match="no clock is known for format odd"):
        age(tmp_path, "odd", "line\n")
    (tmp_path / "app.log").write_bytes(gzip.compress(b"line\n" * 1000)[:-9])
    with LogFiles.open(target(tmp_path, "iso")) as log, pytest.raises(Unreadable, match="truncated"):
        log.oldest(log.files()[0], LIMIT)


@every_format
@pytest.mark.parametrize(
    ("lines", "dated", "undated"),
    [
        ("F|  at x|\tat y||F", 2, 0),  # a stack trace and a blank line belong to the line before
        ("|F|", 1, 0),
        ("  at x|F", 1, 1),  # whose line stands in another file
        ("F|Traceback|F", 2, 1),
        ("F|garbage|  at x|F|  at x", 2, 2),
        ("garbage|garbage", 0, 2),
    ],
)
def test_lines_without_a_date(tmp_path: Path, log_format: str, lines: str, dated: int, undated: int) -> None:
    text = lines.replace("F", FRESH[log_format]).replace("|", "\n")
    found = age(tmp_path, log_format, text)
    assert (found.dated, found.undated, found.overdue) == (dated, undated, 0)
    assert found.lines == len(text.removesuffix("\n").split("\n"))


@every_format
def test_an_old_line_among_undated_ones_is_seen(tmp_path: Path, log_format: str) -> None:
    found = age(tmp_path, log_format, f"?\n{FRESH[log_format]}\n{STALE[log_format]}\n")
    assert (found.undated, found.overdue, found.first_overdue_line) == (1, 1, 3)


@pytest.mark.parametrize(
    ("log_format", "line", "moment"),
    [
        ("clf", "a - b [02/Jan/2025:03:04:05 +0000]", OLD),
        ("clf", "a - b [02/Jan/2025:05:34:05 +0230] x", OLD),
        ("clf", "a - b [01/Jan/2025:19:04:05 -0800] x", OLD),
        ("clf", "[2001:db8::1]:443 - [x] [02/Jan/2025:03:04:05 +0000] x", OLD),
        ("clf", " a - b [02/Jan/2025:03:04:05 +0000]", OLD),
        ("clf", "a - b [31/Feb/2025:03:04:05 +0000]", None),
        ("clf", "a - b [02/Foo/2025:03:04:05 +0000]", None),
        ("clf", "a - b [02/Jan/2025:03:04:05]", None),
        ("iso", "2025-01-02T03:04:05", OLD),  # without a zone: UTC
        ("iso", "2025-01-02 03:04:05 INFO", OLD),
        ("iso", "2025-01-02 03:04:05,000 INFO", OLD),
        ("iso", "2025-01-02T04:04:05+0100 x", OLD),
        ("iso", "2025-01-02 04:04:05 +01:00 x", OLD),
        ("iso", "2025-01-02 04:04:05 +0100 x", OLD),
        ("iso", "[2025-01-02T03:04:05Z] x", OLD),
        ("iso", "  2025-01-02T03:04:05Z x", OLD),
        ("iso", "<34>1 2025-01-02T03:04:05.000Z host x", OLD),
        ("iso", "2025-13-02T03:04:05Z x", None),
        ("iso", "at 2025-01-02T03:04:05Z x", None),
        ("json", '{"time":"2025-01-02T03:04:05+00:00"}', OLD),
        ("json", '{"time": "2025-01-02 03:04:05"}', OLD),
        ("json", '{"time": "2025-01-02T08:04:05,000+05:00", "a": 1}', OLD),
        ("json", '{"time": "2025-01-02T03:04:05\\u005a"}', OLD),
        ("json", '{"time" :\t1735787045 , "a": 1}', OLD),
        ("json", '{"time": 1735787045}', OLD),
        ("json", '{"time": 1735787045000, "a": 1}', OLD),
        ("json", '{"time": 1735787045000000000}', OLD),
        ("json", '{"time": 1.735787045E9}', OLD),
        ("json", '{"time": "1735787045"}', OLD),
        ("json", '{"a": "\\"time\\": \\"x", "b": null, "time": "2025-01-02T03:04:05Z"}', OLD),
        ("json", '{"a": {"time": "2026-01-01T00:00:00Z"}, "time": "2025-01-02T03:04:05Z"}', OLD),
        ("json", '{"a": [1, 2], "time": "2025-01-02T03:04:05Z"}', OLD),
        ("json", '  {"a": [1], "time": "2025-01-02T03:04:05Z"}', OLD),
        ("json", '{"a": {"time": "2025-01-02T03:04:05Z"}}', None),
        ("json", '{"time": null}', None),
        ("json", '{"time": true}', None),
        ("json", '{"time": 12.5}', None),  # seconds since the start of something
        ("json", '{"time": NaN}', None),
        ("json", '{"time": 1' + "0" * 400 + "}", None),
        ("json", '{"time": "soon"}', None),
        ("json", "[" * 100_000, None),
        ("json", "2025-01-02T03:04:05Z", None),
    ],
)
def test_time_stamps(tmp_path: Path, log_format: str, line: str, moment: datetime | None) -> None:
    found = age(tmp_path, log_format, f"{FRESH[log_format]}\n{line}\n")
    expected = datetime(2026, 11, 25, 2, 56, 59, tzinfo=UTC) if moment is None else moment
    assert (found.oldest, found.undated) == (expected, moment is None)
    assert found.overdue == (moment is not None)


def test_json_under_another_key(tmp_path: Path) -> None:
    assert age(tmp_path, "json", '{"time": 1, "@t.s": 1735787045}\n', timestamp="@t.s").oldest == OLD


@every_format
@given(lines=st.lists(st.text(st.sampled_from('[]{}": \t,a1-/\\\r\x0b\x85\u2028'), max_size=30), max_size=12))
def test_each_line_has_one_entry(log_format: str, lines: list[str]) -> None:
    found = clock(log_format)
    assert found is not None
    assert len(found.stamps("\n".join(lines))) == max(1, len(lines))


@given(
    st.lists(
        st.one_of(
            st.none(),
            st.datetimes(datetime(1975, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001
        ),
        min_size=1,
        max_size=20,
    )
)
def test_ages_agree_with_a_plain_count(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[datetime | None]
) -> None:
    moments = [moment and moment.replace(tzinfo=UTC, microsecond=0) for moment in drawn]
    text = "\n".join("undated" if m is None else json.dumps({"time": m.isoformat()}) for m in moments)
    dated = [m for m in moments if m is not None]
    late = [m for m in dated if m < LIMIT]
    found = age(tmp_path_factory.mktemp("log"), "json", text)
    assert (found.lines, found.dated, found.undated) == (len(moments), len(dated), moments.count(None))
    assert (found.oldest, found.overdue) == (min(dated, default=None), len(late))
    assert found.first_overdue_line == (moments.index(late[0]) + 1 if late else None)


@pytest.mark.parametrize(
    ("pattern", "log_format", "files", "lines", "days"),
    [
        ("edge/access.log*", "clf", 5, 400, 28),
        ("app/app.log*", "json", 5, 300, 83),
        ("errors/reports.log*", "iso", 3, 60, 20),
    ],
)
def test_the_labs_logs(
    tmp_path: Path, pattern: str, log_format: str, files: int, lines: int, days: int
) -> None:
    now = datetime.now(UTC)
    rows = Table("t", ("id", "email"), [("a-1", "ada@example.org")])
    logfiles.write(tmp_path, Values("test", now), rows, rows)
    with LogFiles.open(target(tmp_path, log_format, pattern)) as log:
        ages = [log.oldest(file, now - timedelta(days=days)) for file in log.files()]
        assert [(a.lines, a.dated, a.undated, a.overdue) for a in ages] == [(lines, lines, 0, 0)] * files
        texts = [log.text(file) for file in log.files()]
        assert [b"".join(text).count(b"\n") + text.unended for text in texts] == [lines] * files
        assert [text.size for text in texts] == [a.size for a in ages]
