"""What TLS libraries say of a certificate becomes what to do about it."""

import socket
from pathlib import Path

import pytest

from reconciler.cluster.certificates import Server, error_of

SERVER = Server("10.0.0.1", 6443, "10.0.0.1", None, proxied=True)  # proxied: nobody looks at the network


@pytest.mark.parametrize(
    ("words", "reason", "hint"),
    [
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: IP address mismatch, not valid for",
            "ClusterCertificateName",
            "--kube-tls-server-name",
        ),
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get issuer certificate (_ssl.c:1)",
            "ClusterCertificateRefused",
            "--kube-ca-file",
        ),
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1006)",
            "ClusterCertificateRefused",
            "clock",
        ),
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)", "ClusterCertificateRefused", "https"),
        ("[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca", "ClusterCredentialsRefused", "renew"),
        ("[SSL: SSLV3_ALERT_CERTIFICATE_EXPIRED] alert certificate expired", "ClusterCredentialsRefused", "renew"),
        ("[SSL] PEM lib (_ssl.c:4053)", "ClusterConfigInvalid", ""),
        ("EOF occurred in violation of protocol", "ClusterUnreachable", ""),
    ],
)
def test_each_fault_says_what_to_do(words: str, reason: str, hint: str) -> None:
    """The reason, and the setting or the thing to look at."""
    error = error_of(words, SERVER)
    assert error.reason == reason
    assert hint in error.hint
    assert "https://10.0.0.1:6443" in error.message


@pytest.mark.parametrize("content", [None, b"", b"\xff no certificate"], ids=["gone", "empty", "other"])
def test_an_authority_that_can_not_be_read_any_more_raises_nothing_else(tmp_path: Path, content: bytes | None) -> None:
    """It is renewed just when the server's certificate is looked at: the fault is told, without the names in it."""
    file = tmp_path / "ca.crt"
    if content is not None:
        file.write_bytes(content)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        error = error_of("hostname mismatch", Server("127.0.0.1", port, "127.0.0.1", str(file)))
    assert error.reason == "ClusterCertificateName"
    assert "is for other names" in error.message
