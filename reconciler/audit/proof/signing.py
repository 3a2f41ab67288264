"""Keys that sign checkpoints: Ed25519, named as a signed note names them. Pure; who reads files gives the bytes."""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

_ED25519 = b"\x01"  # the signature type of C2SP signed-note
_RAW_BYTES = 32
_ID_BYTES = 4
LARGEST_KEY = 4096  # bytes of a file that holds one
_LONGEST_NAME = 253
DEFAULT_NAME = "reconciler/journal"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What a signature is checked with.

    Attributes:
        name: of the key, as every signature repeats it, which is that of the journal; empty where it isn't known, as
            PEM has none: then the key goes by whatever name a signature says.
        raw: the 32 bytes of the Ed25519 key.
    """

    name: str
    raw: bytes

    @classmethod
    def parse(cls, text: str) -> "PublicKey":
        """A key as `str` writes it, ``NAME+HEX+BASE64``, or in PEM, which has no name.

        Raises:
            ValueError: it is neither, or of another algorithm.
        """
        text = text.strip()
        if len(text) > LARGEST_KEY:
            raise ValueError("this is longer than any public key")
        if text.startswith("-----BEGIN"):
            return cls("", _raw_of_pem(text))
        name, _, rest = text.partition("+")
        digits, _, encoded = rest.partition("+")
        content = b64decode(encoded.encode("ascii", "replace"), validate=True)
        if content[:1] != _ED25519 or len(content) != 1 + _RAW_BYTES:
            raise ValueError("expected an Ed25519 public key as NAME+HASH+BASE64, or in PEM")
        key = cls(checked_name(name), content[1:])
        if str(key) != text or digits != key.id.hex():
            raise ValueError("the hash in the public key is not that of its name and bytes: it was not copied whole")
        return key

    @property
    def id(self) -> bytes:
        """Four bytes that name the key in signatures."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.raw).digest()[:_ID_BYTES]

    def verifies(self, content: bytes, signature: bytes) -> bool:
        """Whether the signature is that of this key over the content."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, content)
        except (InvalidSignature, ValueError):
            return False
        return True

    def pem(self) -> str:
        """The key in PEM, for other programs."""
        key = Ed25519PublicKey.from_public_bytes(self.raw)
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{b64encode(_ED25519 + self.raw).decode('ascii')}"


Verifier = PublicKey


class Signer:
    """A private key; no form of it shows it."""

    def __init__(self, key: Ed25519PrivateKey, name: str = DEFAULT_NAME) -> None:
        self._key = key
        raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.public = PublicKey(checked_name(name), raw)

    @classmethod
    def of(cls, seed: bytes, name: str = DEFAULT_NAME) -> "Signer":
        """From 32 bytes that nobody can guess; ValueError for any other number of bytes."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed), name)

    @classmethod
    def parse(cls, pem: bytes, name: str = DEFAULT_NAME) -> "Signer":
        """From PKCS8 in PEM, not encrypted.

        Raises:
            ValueError: it is none; the text shows nothing of it.
        """
        if len(pem) > LARGEST_KEY:
            raise ValueError("this is longer than any key")
        try:
            key = load_pem_private_key(pem, None)
        except TypeError:
            raise ValueError("the key is encrypted") from None
        except (ValueError, UnsupportedAlgorithm):
            raise ValueError("this is no private key in PEM") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("the key is not of Ed25519")  # noqa: TRY004 - one error for every wrong key
        return cls(key, name)

    def sign(self, content: bytes) -> bytes:
        """The signature over the content: 64 bytes."""
        return self._key.sign(content)

    def secret_pem(self) -> bytes:
        """The private key in PEM, for the one file that holds it."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def __repr__(self) -> str:
        return f"Signer({self.public})"


def checked_name(name: str) -> str:
    """A name of a key or of a journal, as notes allow it; ValueError for any other."""
    if not name or len(name) > _LONGEST_NAME or not name.isprintable() or any(c.isspace() or c == "+" for c in name):
        raise ValueError("a name has 1 to 253 printable characters without spaces and +")
    return name


def _raw_of_pem(text: str) -> bytes:
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("this is no public key in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("the public key is not of Ed25519")  # noqa: TRY004 - likewise
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)
