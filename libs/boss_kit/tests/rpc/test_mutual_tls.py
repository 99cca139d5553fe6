"""Mutual TLS: both sides show a certificate."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from boss_kit.errors import Transient
from boss_kit.rpc.client import BossChannel, open_channel
from boss_kit.rpc.server import Certificates
from boss_kit.testing.server import Serving
from boss_kit.testing.tokens import TokenMaker


def write_certificates(directory: Path) -> Certificates:
    """Make one self-signed certificate that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = Certificates(directory / "cert.pem", directory / "key.pem", directory / "cert.pem")
    files.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
    files.private_key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return write_certificates(tmp_path)


def test_only_a_caller_with_a_certificate_gets_through(
    notes: Any, serving: Serving, tokens: TokenMaker, certificates: Certificates, enterprise: str
) -> Any:
    stubs, pb = notes.stubs, notes.pb
    add = [lambda server: stubs.add_NoteServiceServicer_to_server(notes.servicer, server)]
    running = serving("test", add, certificates=certificates)
    address = f"localhost:{running.server.port}"

    def ask(channel: Any) -> Any:
        stub = stubs.NoteServiceStub(BossChannel(channel, "test", lambda _context: tokens.token()))
        return stub.GetNote(pb.GetNoteRequest(name=enterprise), timeout=3)

    with open_channel(address, certificates) as channel:
        assert ask(channel).name == enterprise
    with open_channel(address) as channel, pytest.raises(Transient):
        ask(channel)
