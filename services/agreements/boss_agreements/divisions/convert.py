"""Divisions, to and from protos."""

from boss.agreements.v1 import division_service_pb2 as pb

from boss_agreements.catalogue.convert import given, header
from boss_agreements.catalogue.rules import Head
from boss_agreements.divisions.rules import Division

DIVISIONS = "divisions"


def read_division(message: pb.Division, head: Head) -> Division:
    """Read a division."""
    return Division(**given(head, message))


def write_division(division: Division) -> pb.Division:
    """Write a division."""
    return pb.Division(**header(division, DIVISIONS))
