"""Lists of revoked certificates (RFC 5280, section 5)."""

import subprocess
import tempfile
from pathlib import Path

_CONFIGURATION = """
[ca]
default_ca = own
[own]
database = {folder}/index.txt
default_md = sha256
default_crl_days = 1
"""


def revocation_list(certificate: Path, *, revoked: bool) -> bytes:
    """The list of a self-signed certificate, which has it on it or nothing at all.

    Args:
        certificate: ``NAME.crt``; its key is beside it.
        revoked: whether it is on its own list.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "index.txt").touch()
        configuration = Path(folder, "ca.cnf")
        configuration.write_text(_CONFIGURATION.format(folder=folder))
        signer = ("-cert", str(certificate), "-keyfile", str(certificate.with_suffix(".key")))
        command = ("openssl", "ca", "-config", str(configuration), *signer)
        if revoked:
            subprocess.run([*command, "-revoke", str(certificate)], check=True, capture_output=True)
        listed = Path(folder, "crl.pem")
        subprocess.run([*command, "-gencrl", "-out", str(listed)], check=True, capture_output=True)
        return listed.read_bytes()
