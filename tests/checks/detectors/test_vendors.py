"""The list of vendors and the three ways to look somebody up in it."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from checks.detectors.vendors import KINDS, Vendors

VENDORS = Vendors.load()
SELLERS = {"advertising", "brokerage"}


def entries() -> dict[str, dict[str, Any]]:
    text = resources.files("checks.detectors").joinpath("vendors.yaml").read_text("utf-8")
    loaded: dict[str, dict[str, Any]] = yaml.safe_load(text)["vendors"]
    # The loader keeps the last of two equal keys without a word.
    assert len(re.findall(r'^  "?[\w-]+"?:$', text, re.MULTILINE)) == len(loaded)
    return loaded


def name(vendor: object) -> str | None:
    return getattr(vendor, "name", None)


def test_house_rules_of_the_list() -> None:
    for slug, entry in entries().items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug), slug
        assert set(entry) <= {"title", "kinds", "hosts", "npm", "python", "settings"}, slug
        assert set(entry["kinds"]) <= KINDS, slug
        assert len(set(entry["kinds"])) == len(entry["kinds"]), slug
        assert entry.get("hosts") or entry.get("npm") or entry.get("python"), slug
        for host in entry.get("hosts", ()):
            assert re.fullmatch(r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+", host), host
        for package in entry.get("python", ()):
            assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*(-?\*)?", package), package
        for package in entry.get("npm", ()):
            assert re.fullmatch(r"(@[a-z0-9.-]+/)?[a-z0-9.*_-]+", package), package
        for setting in entry.get("settings", ()):
            assert re.fullmatch(r"[A-Z0-9_*]+", setting), setting
            assert len(setting.replace("*", "")) >= 3, setting
    assert len(VENDORS) == len(entries()) >= 150
    assert len({vendor.title for vendor in VENDORS}) == len(VENDORS)


def test_every_name_of_the_list_leads_to_its_vendor() -> None:
    for slug, entry in entries().items():
        assert name(VENDORS.by_name(slug)) == slug
        for host in entry.get("hosts", ()):
            assert name(VENDORS.by_host(host.removeprefix("*."))) == slug, host
        for ecosystem in ("npm", "python"):
            for package in entry.get(ecosystem, ()):
                found = VENDORS.by_package(ecosystem, package.replace("*", "x"))
                assert name(found) == slug, package
        for setting in entry.get("settings", ()):
            assert name(VENDORS.by_setting(setting.replace("*", "X"))) == slug, setting


@pytest.mark.parametrize(
    ("host", "vendor"),
    [
        ("www.googletagmanager.com", "google-tag-manager"),
        ("WWW.Google-Analytics.COM.", "google-analytics"),
        ("securepubads.g.doubleclick.net", "google-ads"),
        ("fonts.googleapis.com", "google-fonts"),
        ("storage.googleapis.com", "google-cloud"),
        ("px.ads.linkedin.com", "linkedin-insight"),
        ("www.linkedin.com", "linkedin"),
        ("connect.facebook.net", "meta-pixel"),
        ("bucket.s3.eu-central-1.amazonaws.com", "aws"),
        ("o1.ingest.de.sentry.io", "sentry"),
        ("paddle.com", "paddle"),
        ("evilpaddle.com", None),
        ("paddle.com.attacker.net", None),
        ("com", None),
        ("", None),
    ],
)
def test_by_host(host: str, vendor: str | None) -> None:
    assert name(VENDORS.by_host(host)) == vendor


@given(st.sampled_from([h.removeprefix("*.") for e in entries().values() for h in e.get("hosts", ())]))
def test_never_an_example_host_and_never_a_longer_word(host: str) -> None:
    for reserved in (".example", ".example.com", ".test", ".invalid", ".localhost", ".internal"):
        assert VENDORS.by_host(host + reserved) is None
    glued = VENDORS.by_host("q0z" + host)  # a different domain, unless a wider entry has it
    assert glued is None or host.count(".") > 1


@pytest.mark.parametrize(
    ("ecosystem", "package", "vendor"),
    [
        ("npm", "react-facebook-pixel", "meta-pixel"),
        ("npm", "@paddle/paddle-js", "paddle"),
        ("npm", "@sentry/vue", "sentry"),
        ("npm", "@sentryx/vue", None),
        ("npm", "vue", None),
        ("npm", "@mapbox/node-pre-gyp", None),  # a build tool of half the world
        ("npm", "sentry-sdk", None),
        ("python", "Sentry_SDK", "sentry"),
        ("python", "google.cloud.storage", "google-cloud"),
        ("python", "httpx", None),
        ("python", "psycopg", None),
    ],
)
def test_by_package(ecosystem: str, package: str, vendor: str | None) -> None:
    assert name(VENDORS.by_package(ecosystem, package)) == vendor


@pytest.mark.parametrize(
    ("key", "vendor"),
    [
        ("PADDLE_API_KEY", "paddle"),
        ("GA_MEASUREMENT_ID", "google-analytics"),
        ("NEXT_PUBLIC_GA_MEASUREMENT_ID", "google-analytics"),
        ("ga4-measurement-id", "google-analytics"),
        ("services.web.environment.FACEBOOK_PIXEL_ID", "meta-pixel"),
        ("tracking.facebookPixelId", "meta-pixel"),
        ("analytics.segment.writeKey", "segment"),
        ("SEGMENT_WRITE_KEY", "segment"),
        ("sinks[0].sentry.dsn", "sentry"),
        ("gtmID", "google-tag-manager"),
        # Words that mean something else as well.
        ("SEGMENT_SIZE", None),
        ("log.segment.bytes", None),
        ("HEAP_SIZE", None),
        ("JVM_HEAP_MAX", None),
        ("RESEND_DELAY", None),
        ("iterable_size", None),
        ("DATABASE_URL", None),
        ("SMTP_HOST", None),
        ("mail.host", None),
        ("", None),
    ],
)
def test_by_setting(key: str, vendor: str | None) -> None:
    assert name(VENDORS.by_setting(key)) == vendor


NETWORKS_AND_BROKERS = """google-ads meta-pixel tiktok-pixel linkedin-insight x-ads microsoft-ads criteo
taboola outbrain xandr the-trade-desk liveramp acxiom oracle-bluekai nielsen comscore quantcast lotame
google-tag-manager"""


@pytest.mark.parametrize("vendor", re.split(r"\s+", NETWORKS_AND_BROKERS))
def test_networks_and_brokers_are_sellers(vendor: str) -> None:
    found = VENDORS.by_name(vendor)
    assert found is not None
    assert SELLERS & set(found.kinds)


@pytest.mark.parametrize("vendor", ["paddle", "stripe", "aws", "cloudflare", "hetzner", "sentry", "mailgun"])
def test_providers_are_no_sellers(vendor: str) -> None:
    found = VENDORS.by_name(vendor)
    assert found is not None
    assert not SELLERS & set(found.kinds)


@pytest.mark.parametrize(
    ("second", "fault"),
    [
        ({"title": "B", "kinds": ["cdn"], "hosts": ["*.a.net"]}, "a.net: claimed by a and b"),
        ({"title": "B", "kinds": ["cdn"], "npm": ["a"]}, "a: claimed by"),
        ({"title": "B", "kinds": ["cdn"], "settings": ["A_*"]}, "claimed by"),
        ({"title": "B", "kinds": ["spying"]}, "b: its kinds"),
        ({"title": "B", "kinds": []}, "b: its kinds"),
    ],
)
def test_a_list_that_contradicts_itself_is_refused(second: dict[str, Any], fault: str) -> None:
    first = {"title": "A", "kinds": ["cdn"], "hosts": ["*.a.net"], "npm": ["a"], "settings": ["A_*"]}
    with pytest.raises(ValueError, match=re.escape(fault)):
        Vendors({"a": first, "b": second})


def test_it_is_read_once() -> None:
    assert Vendors.load() is VENDORS
    assert VENDORS.by_name("nobody") is None
    with pytest.raises(KeyError):
        VENDORS.by_package("cargo", "x")
