"""Identifiers: version, payment hash, token id."""

from .tokens import IDENTIFIER, PAYMENT_HASH, TOKEN_ID
from .values import case, kind


def identifiers():
    def malformed(id, rule, error, data):
        return case(id, rule, "L402 §Identifier", "malformed", error, identifier=data.hex())

    yield case("version-0", "u16 version, payment hash, token id", "L402 §Identifier", "read", identifier=IDENTIFIER.hex(),
               result={"payment_hash": PAYMENT_HASH.hex(), "token_id": TOKEN_ID.hex(), "epoch": 0x22222222})
    def read(id, rule, payment_hash, token_id):
        return case(id, rule, "L402 §Identifier", "read", identifier=(b"\0\0" + payment_hash + token_id).hex(),
                    result={"payment_hash": payment_hash.hex(), "token_id": token_id.hex(), "epoch": int.from_bytes(token_id[:4], "big")})

    yield read("order", "the payment hash stands before the token id", bytes(range(32)), bytes(range(32, 64)))
    yield read("zeros", "every value of the parts is one", bytes(32), bytes(32))
    yield read("largest-epoch", "an epoch has 32 bits", bytes(32), b"\xff" * 32)
    yield malformed("hexadecimal", "66 bytes, not their text", "length", IDENTIFIER.hex().encode())
    yield malformed("other-version-and-length", "the length is looked at first", "length", b"\0\1" + IDENTIFIER)
    yield malformed("version-1", "only version 0 is known", "version", b"\0\1" + IDENTIFIER[2:])
    yield malformed("version-256", "the version is big-endian", "version", b"\1\0" + IDENTIFIER[2:])
    yield malformed("length-65", "66 bytes", "length", IDENTIFIER[:-1])
    yield malformed("length-67", "66 bytes", "length", IDENTIFIER + b"\0")
    yield malformed("empty", "66 bytes", "length", b"")
    yield malformed("one-byte", "66 bytes", "length", b"\0")


def kinds():
    yield kind("identifier/identifier", "Identifiers of version 0.", identifiers())
