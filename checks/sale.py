"""Personal data is never sold (policy 3.2, 4.1, 6.2; CCPA 1798.140(ad) and (ah))."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from checks.connectors.config_records import records
from checks.connectors.configs import ConfigFiles
from checks.connectors.declared import Declared
from checks.connectors.http import Site
from checks.core.errors import NotAssessed
from checks.core.model import Export, Location, Measure, Observation, Processor
from checks.core.registry import Scope, check
from checks.core.vocabulary import SELLING, covers
from checks.detectors.hosts import host_matches, is_local
from checks.detectors.vendors import Vendor, Vendors

SELLERS = frozenset({"advertising", "brokerage"})
"""Kinds of vendor that live on data of others."""

TRACKERS = SELLERS | {"analytics"}

ECOSYSTEMS = {"package-json": "npm", "package-lock": "npm", "requirements": "python"}


@check(reads="processor", declared=True)
def no_processor_sells(declared: Declared) -> Iterator[Observation]:
    """No declared recipient has a purpose of sale, brokerage or advertising, or lives on it."""
    processor = declared.spec
    assert isinstance(processor, Processor)  # noqa: S101  the registry gives targets of the kind read
    found = False
    for purpose in processor.purposes:
        if covers(purpose, SELLING):
            found = True
            yield Observation.violated(processor.id, f"purpose {purpose}", location=declared.target.location)
    vendors = Vendors.load()
    known = {v.name: v for host in processor.hosts if (v := vendors.by_host(host.removeprefix("*.")))}
    if processor.vendor and (named := vendors.by_name(processor.vendor)):
        known[named.name] = named
    for vendor in known.values():
        if SELLERS & set(vendor.kinds):
            found = True
            kinds = ", ".join(vendor.kinds)
            yield Observation.violated(
                processor.id, f"is {vendor.name} ({kinds})", location=declared.target.location
            )
    if not found:
        measure = Measure(len(processor.purposes), "purposes")
        yield Observation.met(processor.id, ", ".join(processor.purposes), measure, declared.target.location)


@check(reads="config")
def no_seller_configured(config: ConfigFiles) -> Iterator[Observation]:
    """No config or manifest names an advertising network or data broker."""
    yield from _vendors_outside(config, lambda vendor: not SELLERS & set(vendor.kinds), "sells or advertises")


@check(reads="config")
def no_undeclared_vendor(config: ConfigFiles, scope: Scope) -> Iterator[Observation]:
    """Every vendor that a config or manifest names is a declared processor (GDPR 28(2), 30(1)(d))."""
    declared = {p.vendor for p in scope.inventory.processors.values() if p.vendor}
    yield from _vendors_outside(config, lambda vendor: vendor.name in declared, "no declared processor")


def _vendors_outside(
    config: ConfigFiles, accepted: Callable[[Vendor], bool], fault: str
) -> Iterator[Observation]:
    vendors = Vendors.load()
    found = looked = 0
    for what, vendor, where in _vendors(config, vendors):
        looked += 1
        if vendor is not None and not accepted(vendor):
            found += 1
            kinds = ", ".join(vendor.kinds)
            yield Observation.violated(what, f"{vendor.name} ({kinds}): {fault}", location=where)
    if not found:
        files = config.files()
        measure = Measure(max(looked, len(files)), "settings")
        yield Observation.met(config.target.id, f"{len(files)} files, no such vendor", measure)


def _vendors(config: ConfigFiles, vendors: Vendors) -> Iterator[tuple[str, Vendor | None, Location]]:
    """Yield what each host, package and setting of a config says of a vendor."""
    ecosystem = ECOSYSTEMS.get(config.spec.format)
    if ecosystem is not None:
        for package in config.packages():
            yield f"package {package.name}", vendors.by_package(ecosystem, package.name), package.location
        return
    for reference in config.hosts():
        yield f"host {reference.host}", vendors.by_host(reference.host), reference.location
    for setting in config.settings():
        yield f"setting {setting.key}", vendors.by_setting(setting.key), setting.location


@check(reads="config")
def outbound_hosts_declared(config: ConfigFiles, scope: Scope) -> Iterator[Observation]:
    """Every outbound host in a config belongs to a declared processor or to us (GDPR 28, 30(1)(d))."""
    allowed = [
        *scope.inventory.own_hosts,
        *(host for processor in scope.inventory.processors.values() for host in processor.hosts),
    ]
    found = looked = 0
    for reference in config.hosts():
        looked += 1
        if not is_local(reference.host) and not host_matches(reference.host, allowed):
            found += 1
            yield Observation.violated(
                f"host {reference.host}",
                f"in {reference.key}: belongs to no declared processor",
                location=reference.location,
            )
    if not found:
        # A config that names no host was read all the same: its files are the evidence.
        measure = Measure(len(config.files()), "files")
        yield Observation.met(config.target.id, f"{looked} outbound hosts, all declared", measure)


@check(reads="site")
def no_seller_files(site: Site, *, paths: tuple[str, ...]) -> Iterator[Observation]:
    """The site offers no file that declares sellers of its audience (IAB ads.txt, sellers.json)."""
    for path in paths:
        page = site.get(path, missing_ok=True)
        if page.status in (404, 410):
            yield Observation.met(path, f"HTTP {page.status}", Measure(1, "responses"), page.location)
        elif page.text.lstrip()[:1] == "<":
            # Many sites answer any path with their start page; neither file can be HTML.
            detail = f"HTTP {page.status} with a web page, no such file"
            yield Observation.met(path, detail, Measure(1, "responses"), page.location)
        else:
            yield Observation.violated(path, f"HTTP {page.status}: is offered", location=page.location)


@check(reads="site")
def no_tracker_loaded(site: Site) -> Iterator[Observation]:
    """No page loads anything from an advertising, analytics or brokerage host."""
    vendors = Vendors.load()
    for path, page in site.pages():
        if isinstance(page, NotAssessed):
            yield Observation.unseen(path, page.reason)
            continue
        resources = site.resources(page)
        guilty = [(r, v) for r in resources if (v := vendors.by_host(r.host)) and TRACKERS & set(v.kinds)]
        for resource, vendor in guilty:
            kinds = ", ".join(vendor.kinds)
            yield Observation.violated(
                path, f"{resource.tag} loads {resource.host}: {vendor.name} ({kinds})", location=page.location
            )
        if not guilty:
            measure = Measure(1, "pages", size=page.size)
            yield Observation.met(path, f"{len(resources)} resources, no tracker", measure, page.location)


@check(reads="export", declared=True)
def export_is_no_sale(declared: Declared, scope: Scope) -> Iterator[Observation]:
    """No declared export serves sale, and its purposes are among its recipient's."""
    export = declared.spec
    assert isinstance(export, Export)  # noqa: S101  the registry gives targets of the kind read
    yield from _export(export.id, export.recipient, export.purposes, scope, declared.target.location)


@check(reads="config")
def exports_are_declared(config: ConfigFiles, scope: Scope) -> Iterator[Observation]:
    """Every export job that is configured goes to a declared recipient for a declared purpose."""
    for job in records(config, "exports"):
        name = job.one("name") or job.key
        if job.one("recipient") and job.one("purpose"):
            yield from _export(name, job.one("recipient"), job.fields["purpose"], scope, job.location)
        else:
            yield Observation.violated(name, "names no recipient or no purpose", location=job.location)


def _export(
    name: str, recipient: str, purposes: Iterable[str], scope: Scope, where: Location | None
) -> Iterator[Observation]:
    wanted = tuple(purposes)
    processor = scope.inventory.processors.get(recipient)
    if recipient != "internal" and processor is None:
        yield Observation.violated(name, f"recipient {recipient} is no declared processor", location=where)
        return
    for purpose in wanted:
        if covers(purpose, SELLING):
            yield Observation.violated(name, f"purpose {purpose}", location=where)
        elif processor is not None and not covers(purpose, processor.purposes):
            yield Observation.violated(name, f"purpose {purpose} is not {recipient}'s", location=where)
        else:
            yield Observation.met(name, f"to {recipient} for {purpose}", Measure(1, "exports"), where)
