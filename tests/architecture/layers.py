"""Who may import whom inside a service, and what else each kind of module may import."""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from tests.architecture.source import SERVICES, Import, imports

# A module may import what stands on its own line or below, within its service (DESIGN 1).
_ORDER = (
    ("__main__",),
    ("app",),
    ("rpc", "webhook", "subscriptions", "jobs"),
    ("convert", "events", "clients"),
    ("process",),
    ("commands", "queries"),
    ("store",),
    ("rules",),
)
RANK = {kind: rank for rank, kinds in enumerate(_ORDER) for kind in kinds}

# What stands beside the line, and who may import it.
_BESIDE = {
    "settings": {"__main__", "app", "settings"},
    # An adapter is picked by `app`; everyone else sees its port only.
    "adapters": {"app", "adapters"},
    "adapters.port": {"app", "adapters", "clients", "process", "commands", "queries", "webhook", "convert"},
    # Converts facts; the outbox calls it through `app`, the consumer through `subscriptions`.
    "events": {"app", "subscriptions"},
    # A remote call is never inside a transaction, so commands, queries and stores have none.
    "clients": {"app", "rpc", "webhook", "process"},
}
# What an adapter, a converter of facts and a client may import of their own service.
_MAY_IMPORT = {
    "adapters": {"adapters", "adapters.port", "rules"},
    "settings": {"rules"},
    "events": {"commands", "rules"},
    "clients": {"adapters.port", "commands", "rules"},
    "jobs": {"jobs", "rules"},
}

_PROTOBUF = ("boss", "buf", "google.protobuf", "google.type", "google.rpc")
# `app` registers the servicers, for which it needs the generated functions.
_MAY_PROTOBUF = {"rpc", "webhook", "convert", "events", "clients", "app"}
_SQL = ("sqlalchemy", "psycopg", "boss_kit.database")
_MAY_SQL = {"store", "queries", "adapters", "app"}
_MAY_GRPC = {"rpc", "clients", "app"}
_BROKER = ("pika", "kombu", "nameko", "amqp", "eventlet")
_OUTSIDE = ("boss_cli", "boss_demo", "boss_stack", "boss_allinone", "boss_bench")

# A part of a room that has outgrown its file, and the file it is a part of: it obeys that file's rules.
PARTS = {
    "agreements/agreements/schedules": "rules",
    "agreements/agreements/tables": "store",
    "agreements/cancellations/effects": "commands",
    "agreements/cancellations/returns": "commands",
    "agreements/documents/sample": "rules",
    "agreements/documents/wording": "rules",
    "agreements/drafts/checks": "rules",
    "agreements/drafts/offers": "queries",
    "agreements/drafts/pricing": "rules",
    "agreements/drafts/sales": "commands",
    "agreements/imports/contacts": "rules",
    "agreements/members/profiles": "rules",
    "agreements/members/registration": "commands",
    "agreements/members/searches": "store",
    "agreements/suspensions/coverage": "store",
    "agreements/suspensions/effects": "commands",
    "agreements/suspensions/endings": "commands",
    "agreements/suspensions/fees": "rules",
    "agreements/suspensions/planning": "commands",
    "agreements/suspensions/previews": "queries",
    "agreements/suspensions/requests": "commands",
    "agreements/suspensions/tables": "store",
    "agreements/suspensions/told": "commands",
    "billing/accounts/imports": "commands",
    "billing/accounts/records": "rules",
    "billing/accounts/republish": "commands",
    "billing/chargebacks/returned": "commands",
    "billing/deposits/source": "rules",
    "billing/deposits/statement_file": "convert",
    "billing/funding/changes": "commands",
    "billing/callbacks/bodies": "rules",
    "billing/callbacks/keeping": "commands",
    "billing/callbacks/owners": "process",
    "billing/callbacks/resolution": "commands",
    "billing/callbacks/refunds": "commands",
    "billing/callbacks/returns": "commands",
    "billing/callbacks/updates": "commands",
    "billing/funding/inquiries": "store",
    "billing/funding/renewals": "commands",
    "billing/funding/sharing": "rules",
    "billing/ledger/aging": "rules",
    "billing/ledger/as_of": "queries",
    "billing/ledger/banked": "queries",
    "billing/ledger/clearing": "queries",
    "billing/movements/sheet": "commands",
    "billing/payments/open_attempts": "store",
    "billing/payments/planners": "queries",
    "billing/payments/planning": "rules",
    "billing/payments/settlement": "commands",
    "billing/rebills/planning": "queries",
    "billing/runs/pages": "commands",
    "billing/runs/previews": "queries",
    "billing/reconciliation/matching": "rules",
    "billing/reports/live": "store",
    "billing/reconciliation/sheets": "rules",
    "billing/reports/files": "convert",
    "billing/reports/sheets": "rules",
    "billing/reports/workbook": "convert",
    "collections/debtors/search": "store",
    "notifications/contact_rules/contacts": "rules",
    "notifications/dispatch/compose": "commands",
    "notifications/dispatch/held": "store",
    "notifications/intents/tables": "store",
    "notifications/responses/sandbox": "process",
    "notifications/templates/audio": "rules",
}


def kind_of(service: str, module: str) -> str:
    """Say what a module is, by its dotted name within the service's package: "store", "adapters", "room" and so on."""
    parts = module.split(".")
    if parts[0] == "adapters":
        return "adapters.port" if parts[1:2] == ["port"] else "adapters"
    if parts[0] in RANK or parts[0] == "settings":
        return parts[0]
    if len(parts) > 1 and parts[1] in RANK:
        return parts[1]
    return PARTS.get("/".join([service, *parts[:2]]), "room")


def check(service: str, path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    """Give every import of a service's module that its place doesn't allow."""
    module = ".".join(path.with_suffix("").parts)
    kind = kind_of(service, module)
    if path.name == "__init__.py":
        kind = "room"
    package = ".".join([f"boss_{service}", *path.parent.parts])
    for imported in imports(tree, package):
        for problem in _problems(service, kind.removesuffix(".port"), kind, imported):
            yield f"{path}:{imported.line}: {kind} imports {imported.name}: {problem}"


def _problems(service: str, place: str, kind: str, imported: Import) -> Iterator[str]:
    own = f"boss_{service}"
    if imported.is_of(own) and imported.name != own:
        target = kind_of(service, imported.name.removeprefix(own + "."))
        if not _may(kind, target):
            yield f"{target} isn't below {kind}"
    if imported.is_of(*(f"boss_{other}" for other in SERVICES if other != service)):
        yield "a service never sees another's package"
    if imported.is_of(*_OUTSIDE):
        yield "a service doesn't know who runs or calls it"
    if imported.is_of(*_PROTOBUF) and place not in _MAY_PROTOBUF:
        yield "protobuf stays in doors, convert, events and clients"
    if imported.is_of("grpc", "grpc_status") and place not in _MAY_GRPC:
        yield "gRPC stays in rpc and clients"
    if imported.is_of(*_SQL) and place not in _MAY_SQL:
        yield "SQL stays in store and queries"
    if imported.is_of(*_BROKER):
        yield "the broker stays in boss_kit.events"


def _may(kind: str, target: str) -> bool:
    """Whether a module of one kind may import one of another."""
    if kind == "app":
        return target != "__main__"
    if kind in _MAY_IMPORT:
        return target == kind or target in _MAY_IMPORT[kind]
    if kind == "adapters.port":
        return target in {"adapters.port", "rules"}
    if target in _BESIDE:
        return kind in _BESIDE[target]
    if kind in RANK and target in RANK:
        return RANK[kind] <= RANK[target]
    return False
