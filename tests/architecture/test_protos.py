"""The protos say who may call what, and agree with the services' subscriptions."""

from importlib import import_module

import pytest
import yaml
from boss.options.v1 import options_pb2

from tests.architecture.source import ROOT, SERVICES, is_begun

PROTOS = ROOT / "protos"
TOPOLOGY = yaml.safe_load((PROTOS / "topology.yaml").read_text())["consumers"]


def files(folder="boss"):
    """Give the descriptor of every proto of ours."""
    names = [path.relative_to(PROTOS).with_suffix("") for path in sorted(PROTOS.joinpath(folder).rglob("*.proto"))]
    return [import_module(".".join(name.parts) + "_pb2").DESCRIPTOR for name in names]


def event_types():
    """Give the type of every fact, with the service whose package it is in."""
    return {
        message.GetOptions().Extensions[options_pb2.event_type]: file.package.split(".")[2]
        for file in files("boss/events")
        for message in file.message_types_by_name.values()
        if message.GetOptions().HasExtension(options_pb2.event_type)
    }


def subscribed(service):
    """Give the event types a service consumes."""
    if not is_begun(service):
        pytest.skip(f"{service} has no app.py yet")
    return [entry.type for entry in import_module(f"boss_{service}.subscriptions").SUBSCRIPTIONS]


def test_every_method_needs_a_permission():
    without = [
        method.full_name
        for file in files()
        for service in file.services_by_name.values()
        for method in service.methods
        if not method.GetOptions().Extensions[options_pb2.permission]
    ]
    assert not without, "\n".join(without)


def test_a_fact_travels_under_the_name_of_its_producer():
    foreign = {name: producer for name, producer in event_types().items() if name.split(".")[:2] != ["boss", producer]}
    assert foreign == {}


def test_the_topology_names_the_five_services():
    named = set(TOPOLOGY) | {producer for producers in TOPOLOGY.values() for producer in producers}
    assert named == set(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
def test_the_topology_agrees_with_the_subscriptions(service):
    producers = {name.split(".")[1] for name in subscribed(service)}
    assert producers == set(TOPOLOGY.get(service, ()))


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_subscribed_to_is_published(service):
    unknown = [name for name in subscribed(service) if name not in event_types()]
    assert unknown == []
