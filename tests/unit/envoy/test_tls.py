"""TLS contexts and the secrets they name: only file names, and never anything unverified unasked."""

import pytest
from envoy.extensions.transport_sockets.tls.v3.common_pb2 import TlsParameters as EnvoyParameters

from reconciler.envoy import RenderOptions
from reconciler.envoy.tls.contexts import downstream_tls_context, upstream_tls_context
from reconciler.envoy.tls.secrets import authorities_name, certificate_name, secret_named
from reconciler.model.tls import (
    Authorities,
    Identity,
    KeyPair,
    SecretRef,
    Termination,
    TlsParameters,
    TlsVersion,
    UpstreamTls,
)

OPTIONS = RenderOptions(secrets_path="/secrets")
SECRET = SecretRef("ns", "name")
FILES = KeyPair("/etc/a b/c:d.crt", "/etc/a b/é.key")


@pytest.mark.parametrize(
    ("identity", "chain", "key"),
    [(SECRET, "/secrets/ns/name/tls.crt", "/secrets/ns/name/tls.key"), (FILES, FILES.chain, FILES.key)],
)
def test_certificate_by_name(identity: Identity, chain: str, key: str) -> None:
    """The name of a secret leads back to its files, whatever characters are in them; their directory is watched."""
    name = certificate_name(identity)
    secret = secret_named(name, OPTIONS)
    pair = secret.tls_certificate
    assert secret.name == name
    assert (pair.certificate_chain.filename, pair.private_key.filename) == (chain, key)
    assert pair.watched_directory.path == chain.rpartition("/")[0]


@pytest.mark.parametrize(
    ("authorities", "crl", "trusted", "revoked"),
    [
        (SECRET, None, "/secrets/ns/name/tls.crt", ""),
        ("/etc/ca.crt", None, "/etc/ca.crt", ""),
        (SECRET, SecretRef("other", "r"), "/secrets/ns/name/tls.crt", "/secrets/other/r/crl.pem"),
        ("/etc/ca.crt", "/etc/crl", "/etc/ca.crt", "/etc/crl"),
    ],
)
def test_authorities_by_name(authorities: Authorities, crl: Authorities | None, trusted: str, revoked: str) -> None:
    """The same for authorities, with what they revoked."""
    context = secret_named(authorities_name(authorities, crl), OPTIONS).validation_context
    assert (context.trusted_ca.filename, context.crl.filename) == (trusted, revoked)
    assert context.watched_directory.path == trusted.rpartition("/")[0]


def test_authorities_as_cert_manager_writes_them() -> None:
    """The key under which authorities stand can be set."""
    secret = secret_named(authorities_name(SECRET, None), RenderOptions(secrets_path="/s", ca_entry="ca.crt"))
    assert secret.validation_context.trusted_ca.filename == "/s/ns/name/ca.crt"


@pytest.mark.parametrize("name", ["", "other", "certificate/secret/only", "authorities/file"])
def test_names_of_others(name: str) -> None:
    """A name that none of ours can be is an error."""
    with pytest.raises(ValueError, match="no secret"):
        secret_named(name, OPTIONS)


def test_downstream() -> None:
    """Clients are asked for a certificate where authorities are given, and need one where that is said."""
    plain = downstream_tls_context(Termination("Host a/b", SECRET))
    assert [one.name for one in plain.common_tls_context.tls_certificate_sds_secret_configs] == [
        certificate_name(SECRET)
    ]
    assert plain.common_tls_context.WhichOneof("validation_context_type") is None
    assert not plain.HasField("require_client_certificate")
    assert not plain.common_tls_context.HasField("tls_params")
    asking = downstream_tls_context(Termination("Host a/b", SECRET, authorities=SECRET, required=True))
    assert asking.require_client_certificate.value
    named = asking.common_tls_context.validation_context_sds_secret_config.name
    assert named == authorities_name(SECRET, None)


def test_parameters() -> None:
    """Versions, ciphers, curves and protocols, in their order."""
    wanted = TlsParameters(TlsVersion.V1_0, TlsVersion.V1_3, ("B", "A"), ("X",), ("h2", "http/1.1"))
    common = downstream_tls_context(Termination("Host a/b", SECRET, parameters=wanted)).common_tls_context
    assert list(common.alpn_protocols) == ["h2", "http/1.1"]
    spoken = common.tls_params
    assert (spoken.tls_minimum_protocol_version, spoken.tls_maximum_protocol_version) == (
        EnvoyParameters.TLSv1_0,
        EnvoyParameters.TLSv1_3,
    )
    assert (list(spoken.cipher_suites), list(spoken.ecdh_curves)) == (["B", "A"], ["X"])


def test_upstream_is_verified_by_the_ca_file() -> None:
    """Nothing said: name and signer are checked all the same."""
    for tls in (None, UpstreamTls(identity=SECRET)):
        common = upstream_tls_context("api.test", tls, RenderOptions(upstream_ca_file="/ca")).common_tls_context
        assert common.validation_context.trusted_ca.filename == "/ca"
        (wanted,) = common.validation_context.match_typed_subject_alt_names
        assert wanted.matcher.exact == "api.test"


def test_upstream_by_a_context() -> None:
    """Authorities of a TLSContext are asked for by name; the name asked for is the name verified."""
    message = upstream_tls_context("10.0.0.1", UpstreamTls(SECRET, FILES, "api.test"), OPTIONS)
    common = message.common_tls_context
    combined = common.combined_validation_context
    (wanted,) = combined.default_validation_context.match_typed_subject_alt_names
    assert (message.sni, wanted.matcher.exact) == ("api.test", "api.test")
    assert combined.validation_context_sds_secret_config.name == authorities_name(SECRET, None)
    assert [one.name for one in common.tls_certificate_sds_secret_configs] == [certificate_name(FILES)]


def test_unverified_only_where_written() -> None:
    """Only what says so itself goes unverified."""
    common = upstream_tls_context("api.test", UpstreamTls(SECRET, verify=False), OPTIONS).common_tls_context
    assert common.WhichOneof("validation_context_type") is None
