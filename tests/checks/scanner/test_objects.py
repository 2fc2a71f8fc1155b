"""Objects behind real servers on loopback: an S3 by moto, HTTP servers of ours, fsspec's own memory."""

from __future__ import annotations

import http.server
import importlib
import logging
import os
import pickle
import random
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from checks.core.errors import MissingDriver, NotAssessed, Refused, TimedOut, Unreachable, Unreadable
from checks.scanner import objects_http, objects_ranges, objects_s3
from checks.scanner.places import Excluded, Place, name_bytes, opened, places
from checks.scanner.source import Skipped

CARD = b"4111111111111111"
KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI-K7MDENG-s3cret"
LARGE = 20 * 2**20


def found(url: str) -> dict[str, Place]:
    return {item.name: item for item in places(url) if isinstance(item, Place)}


def content(place: Place) -> bytes:
    with opened(place) as file:
        return file.read()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    pytest.importorskip("moto")
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with login(KEY, SECRET, f"http://{host}:{port}"):
        yield f"http://{host}:{port}"
    server.stop()


@contextmanager
def login(key: str, secret: str, endpoint: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            patch.setenv(name, value)
        objects_s3._client.cache_clear()
        try:
            yield
        finally:
            objects_s3._client.cache_clear()


@pytest.fixture
def s3(endpoint: str) -> Any:
    """Return a client of an S3 without buckets, which the scanner will read too."""
    requests.post(f"{endpoint}/moto-api/reset", timeout=5).raise_for_status()
    client = objects_s3._client(os.getpid())
    client.create_bucket(Bucket="data")
    return client


def test_a_bucket_with_a_card_number(s3: Any) -> None:
    s3.put_object(Bucket="data", Key="clean.txt", Body=b"nothing")
    s3.put_object(Bucket="data", Key="in/card.txt", Body=b"pan " + CARD)
    s3.put_object(Bucket="data", Key="in/empty", Body=b"")
    listed = found("s3://data")
    assert list(listed) == ["s3://data/clean.txt", "s3://data/in/card.txt", "s3://data/in/empty"]
    assert [place.size for place in listed.values()] == [7, 20, 0]
    assert all(place.stamp for place in listed.values())
    sent = pickle.loads(pickle.dumps(listed["s3://data/in/card.txt"]))  # noqa: S301
    assert CARD in content(sent)
    assert content(listed["s3://data/in/empty"]) == b""
    with opened(sent) as file:
        assert (file.seek(-4, 2), file.read(), file.tell()) == (16, CARD[-4:], 20)


def test_a_prefix_is_a_folder_and_no_part_of_a_name(s3: Any) -> None:
    for key in ("a", "a/b", "a/c/d", "ab", "a.txt"):
        s3.put_object(Bucket="data", Key=key, Body=b"x")
    assert list(found("s3://data/a")) == ["s3://data/a", "s3://data/a/b", "s3://data/a/c/d"]
    assert list(found("s3://data/a/")) == ["s3://data/a/b", "s3://data/a/c/d"]
    assert list(found("s3://data/a/c/d")) == ["s3://data/a/c/d"]
    excluded = [item for item in places("s3://data", exclude=["c"]) if isinstance(item, Excluded)]
    assert excluded == [Excluded("s3://data/a/c/d", "c")]
    with pytest.raises(Unreachable, match="no object has this name"):
        found("s3://data/nothing")


def test_keys_that_are_no_paths(s3: Any) -> None:
    keys = {
        "a//b", "a/", "a/../b", "a/./c", "/lead", "q?versionId=7", "h#x", "50%25 off", "star*", "é\u202e☃",
        "4111 1111 1111 1111",
    }  # fmt: skip
    for key in keys:
        s3.put_object(Bucket="data", Key=key, Body=key.encode())
    listed = found("s3://data")
    assert {content(place) for place in listed.values()} == {key.encode() for key in keys}
    assert all(name.isprintable() for name in listed)
    assert {name_bytes(place) for place in listed.values()} == {b"s3://data/" + key.encode() for key in keys}


def test_a_listing_of_several_pages(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects_s3, "PAGE", 2)
    for key in "edcba":
        s3.put_object(Bucket="data", Key=key, Body=b"")
    assert list(found("s3://data")) == [f"s3://data/{key}" for key in "abcde"]


def test_an_empty_bucket_holds_nothing(s3: Any) -> None:
    del s3
    assert list(places("s3://data")) == []


def test_only_current_versions_are_read(s3: Any) -> None:
    s3.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="data", Key="k", Body=CARD)
    s3.put_object(Bucket="data", Key="k", Body=b"clean")
    s3.put_object(Bucket="data", Key="gone", Body=CARD)
    s3.delete_object(Bucket="data", Key="gone")
    (place,) = found("s3://data").values()
    assert content(place) == b"clean"


def test_parts_of_a_large_object_are_the_whole(s3: Any) -> None:
    body = random.Random(4).randbytes(LARGE)
    s3.put_object(Bucket="data", Key="large", Body=body)
    (place,) = found("s3://data").values()
    middle = 9 * 2**20 + 7
    parts = []
    for start, stop in ((0, middle), (middle, LARGE)):
        with opened(place) as file:
            file.seek(start)
            parts.append(file.read(stop - start))
    assert b"".join(parts) == body
    with opened(place) as file:
        blocks = []
        while block := file.read1(2**18):
            blocks.append(block)
        assert b"".join(blocks) == body


def test_an_object_that_changed_is_not_read_as_a_mixture(s3: Any) -> None:
    s3.put_object(Bucket="data", Key="k", Body=b"a" * 10)
    (place,) = found("s3://data").values()
    s3.put_object(Bucket="data", Key="k", Body=b"b" * 10)
    with opened(place) as file, pytest.raises(Unreadable, match="changed since it was listed"):
        file.read()
    s3.delete_object(Bucket="data", Key="k")
    with opened(place) as file, pytest.raises(Unreachable, match="gone since"):
        file.read()


def test_an_archived_object_is_refused(s3: Any) -> None:
    s3.put_object(Bucket="data", Key="k", Body=CARD, StorageClass="GLACIER")
    (place,) = found("s3://data").values()
    with opened(place) as file, pytest.raises(Refused, match="archive class"):
        file.read()


def test_a_bucket_that_is_not_there(s3: Any) -> None:
    del s3
    with pytest.raises(Unreachable, match="s3://none: there is no such bucket"):
        found("s3://none")


def test_access_denied(s3: Any, endpoint: str) -> None:
    s3.put_object(Bucket="data", Key="k", Body=CARD)
    iam = importlib.import_module("botocore.session").get_session().create_client("iam", "us-east-1")
    iam.create_user(UserName="lister")
    policy = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}]}'
    )
    iam.put_user_policy(UserName="lister", PolicyName="p", PolicyDocument=policy)
    made = iam.create_access_key(UserName="lister")["AccessKey"]
    requests.post(f"{endpoint}/moto-api/reset-auth", data="0", timeout=5).raise_for_status()
    try:
        with login(made["AccessKeyId"], made["SecretAccessKey"], endpoint):
            (place,) = found("s3://data").values()
            with opened(place) as file, pytest.raises(Refused, match="access denied") as caught:
                file.read()
        with login("AKIANOBODY", SECRET, endpoint), pytest.raises(Refused, match="access denied") as listing:
            found("s3://data")
        with login("", "", endpoint), pytest.raises(Refused, match="no credentials"):
            found("s3://data")
    finally:
        requests.post(f"{endpoint}/moto-api/reset-auth", data="1000000000", timeout=5)
    assert made["SecretAccessKey"] not in str(caught.value)
    assert SECRET not in str(listing.value)


@contextmanager
def silent() -> Iterator[int]:
    """Yield the port of a server that takes connections and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.mark.parametrize("answers", [False, True])
def test_an_s3_that_does_not_answer(answers: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("botocore")
    monkeypatch.setattr(objects_s3, "SILENCE", 0.3)
    with silent() as port:
        port = port if answers else 9  # nothing listens there
        with login(KEY, SECRET, f"http://127.0.0.1:{port}"):
            begun = time.monotonic()
            with pytest.raises(TimedOut if answers else Unreachable) as caught:
                found("s3://data")
            assert time.monotonic() - begun < 10
    assert "\n" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"s3://{KEY}:{SECRET}@data/k", "user name or password"),
        (f"https://{KEY}@host/x", "user name or password"),
        (f"az://box/blob?sv=1&sig={SECRET}", "signature or key"),
        ("s3:///k", "names no bucket"),
        ("s4://data", r"not a kind of address that is read \(did you mean 's3'\?\)"),
        ("file://elsewhere/x", "another machine"),
    ],
)
def test_addresses_that_are_not_taken(url: str, words: str) -> None:
    with pytest.raises(Unreachable, match=words) as caught:
        found(url)
    assert SECRET not in str(caught.value)
    assert KEY not in str(caught.value)


def test_a_missing_library_is_named() -> None:
    if importlib.util.find_spec("gcsfs") is not None:
        pytest.skip("gcsfs is installed")
    with pytest.raises(MissingDriver, match=r"pip install 'policyproof\[objects\]'"):
        found("gs://data")


def test_a_file_url_is_a_path(tmp_path: Any) -> None:
    (tmp_path / "a b").write_bytes(CARD)
    (place,) = found(f"file://{tmp_path}/a%20b".replace("//", "//localhost", 1)).values()
    assert content(place) == CARD


@pytest.fixture
def memory() -> Iterator[Any]:
    fsspec = pytest.importorskip("fsspec")
    store = fsspec.filesystem("memory")
    store.store.clear()
    yield store
    store.store.clear()


def test_a_store_of_fsspec(memory: Any) -> None:
    memory.pipe({"/data/a": b"x", "/data/b/card": CARD, "/data/b/deep/c": b"", "/other/z": b""})
    listed = found("memory://data")
    assert list(listed) == ["memory://data/a", "memory://data/b/card", "memory://data/b/deep/c"]
    assert content(listed["memory://data/b/card"]) == CARD
    assert list(found("memory://data/b/card")) == ["memory://data/b/card"]
    first, second = opened(listed["memory://data/b/card"]), opened(listed["memory://data/b/card"])
    assert (first.read(4), second.read(4), first.read(4)) == (b"4111", b"4111", b"1111")
    with pytest.raises(Unreachable, match="no such"):
        found("memory://nothing")
    memory.pipe({"/data/b/card": b"longer than before"})
    with pytest.raises(Unreadable, match="changed"):
        opened(listed["memory://data/b/card"])


def test_an_empty_part_of_a_name_is_told_of(memory: Any) -> None:
    memory.store["/data//x"] = memory.store.setdefault("/data/a", None) or _file(memory, CARD)
    memory.store["/data/a"] = _file(memory, b"")
    items = list(places("memory://data"))
    assert [item for item in items if isinstance(item, Skipped)]


def _file(memory: Any, data: bytes) -> Any:
    memory.pipe("/made", data)
    return memory.store.pop("/made")


def test_the_listing_of_fsspec_over_a_network(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for Google's and Azure's, of which no server is at hand: the same code, over s3fs."""
    pytest.importorskip("s3fs")
    from checks.scanner import objects_fsspec

    for key, body in {"a": b"x", "in/card": CARD, "in//odd": CARD}.items():
        s3.put_object(Bucket="data", Key=key, Body=body)
    items = list(objects_fsspec.places("s3", "data"))
    assert [item.name for item in items if isinstance(item, Place)] == ["s3://data/a", "s3://data/in/card"]
    assert [item for item in items if isinstance(item, Skipped)]
    card = next(item for item in items if isinstance(item, Place) and item.name.endswith("card"))
    with objects_fsspec.opened(card) as file:
        assert file.read() == CARD
    with pytest.raises(Unreachable, match="no such"):
        list(objects_fsspec.places("s3", "none"))
    monkeypatch.setattr(objects_fsspec, "TIMEOUT", 1.0)
    with silent() as port, login(KEY, SECRET, f"http://127.0.0.1:{port}"):
        importlib.import_module("fsspec").get_filesystem_class("s3").clear_instance_cache()
        with pytest.raises(TimedOut):
            list(objects_fsspec.places("s3", "data"))


Answer = tuple[int, dict[str, str], bytes]


@contextmanager
def web(answer: Callable[[str, str | None], Answer]) -> Iterator[str]:
    """Yield the URL of a server; ``answer`` is given the path and the Range that is asked for."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, headers, body = answer(self.path, self.headers.get("Range"))
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def ranged(body: bytes) -> Callable[[str, str | None], Answer]:
    def answer(path: str, asked: str | None) -> Answer:
        del path
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", asked or "")
        if match is None:
            return 200, {}, body
        if not body:
            return 416, {"Content-Range": "bytes */0"}, b""
        start, stop = int(match[1]), min(int(match[2]) + 1, len(body))
        return (
            206,
            {"Content-Range": f"bytes {start}-{stop - 1}/{len(body)}", "ETag": '"x"'},
            body[start:stop],
        )

    return answer


def test_an_object_over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects_ranges, "WINDOW", 1000)
    body = random.Random(5).randbytes(9500) + CARD
    with web(ranged(body)) as base:
        (place,) = found(f"{base}/dump.sql?X-Amz-Signature={SECRET}").values()
        assert (place.name, place.size, place.stamp) == (f"{base}/dump.sql", len(body), '"x"')
        assert SECRET not in repr(place)
        assert SECRET.encode() not in name_bytes(place)
        assert content(place) == body
        with opened(place) as file:
            assert (file.seek(-16, 2), file.read()) == (9500, CARD)
    with web(ranged(b"")) as base:
        (place,) = found(f"{base}/empty").values()
        assert content(place) == b""


def test_a_server_without_ranges_is_read_whole() -> None:
    with web(lambda path, asked: (200, {}, b"pan " + CARD)) as base:
        (place,) = found(f"{base}/x").values()
        assert (place.size, place.stamp) == (20, "")
        with opened(place) as file:
            assert (file.read(4), file.seek(4), file.read()) == (b"pan ", 4, CARD)
    with web(lambda path, asked: (200, {"Content-Length": "400", "Connection": "close"}, CARD)) as base:
        (place,) = found(f"{base}/cut").values()
        with pytest.raises(NotAssessed):
            content(place)


@pytest.mark.parametrize(
    ("status", "error"), [(403, Refused), (404, Unreachable), (500, Unreachable), (418, Unreadable)]
)
def test_what_a_server_refuses(status: int, error: type[NotAssessed]) -> None:
    with web(lambda path, asked: (status, {}, b"reason: " + CARD)) as base, pytest.raises(error) as caught:
        found(f"{base}/x?sig={SECRET}")
    assert SECRET not in str(caught.value)
    assert CARD.decode() not in str(caught.value)


def test_other_bytes_than_asked_for_are_an_error() -> None:
    calls: list[str | None] = []

    def answer(path: str, asked: str | None) -> Answer:
        calls.append(asked)
        return 206, {"Content-Range": "bytes 0-0/5000"}, b"x"

    with web(answer) as base:
        (place,) = found(f"{base}/x").values()
        with pytest.raises(Unreadable, match="other bytes"):
            content(place)


def test_a_web_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects_http, "SILENCE", 0.3)
    with silent() as port, pytest.raises(TimedOut):
        found(f"http://127.0.0.1:{port}/x")
    with pytest.raises(Unreachable, match="connection refused"):
        found("http://127.0.0.1:9/x")
