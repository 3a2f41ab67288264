"""What TLS libraries say of a certificate becomes what to do about it."""

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
