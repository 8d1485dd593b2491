"""The token file of lnget."""

import struct

from .macaroon import LIMIT, padding
from .tokens import BASE, IDENTIFIER, OTHER_HASH, OTHER_PREIMAGE, PAYMENT_HASH, PREIMAGE, THIRD, token, token_v1
from .values import case, hexed, number, kind

LNGET = "deployed: lnget"
NANOS = 1_700_000_000_123_456_789


def stored(macaroon, preimage=PREIMAGE, paid=21_000, fee=7, nanos=NANOS, length=None, payment_hash=PAYMENT_HASH):
    length = len(macaroon) if length is None else length
    return struct.pack(">I", length) + macaroon + payment_hash + (preimage or bytes(32)) + struct.pack(">QQq", paid, fee, nanos)


def facts(macaroon, preimage=PREIMAGE, paid=21_000, fee=7, nanos=NANOS):
    return {"macaroon": hexed(macaroon), "payment_hash": PAYMENT_HASH.hex(), "preimage": preimage and preimage.hex(),
            "paid_msat": number(paid), "fee_msat": number(fee), "time_ns": number(nanos)}


def read():
    base = token(BASE)
    yield case("paid", "length, macaroon, hash, preimage, amounts, time", LNGET, "read", file=hexed(stored(base)), result=facts(base))
    yield case("pending", "a preimage of zeros is none", LNGET, "read", file=hexed(stored(base, None, 0, 0)), result=facts(base, None, 0, 0))
    for id, rule, more in [
        ("pending-with-amounts", "amounts may stand beside a pending payment", {"preimage": None}),
        ("largest-amounts", "amounts have 64 bits, without a sign", {"paid": 2**64 - 1, "fee": 2**63}),
        ("before-the-epoch", "the time has a sign", {"nanos": -1}),
        ("earliest-time", "the time has 64 bits", {"nanos": -(2**63)}),
        ("nothing-paid", "amounts may be zero", {"paid": 0, "fee": 0, "nanos": 0}),
    ]:
        yield case(id, rule, LNGET, "read", file=hexed(stored(base, **more)), result=facts(base, **more))
    yield case("third-party", "the macaroon is stored as it came", LNGET, "read", file=hexed(stored(token([THIRD]))), result=facts(token([THIRD])))
    large = token([padding(8192)])
    yield case("macaroon-of-8192", "a macaroon of the greatest length is read", LIMIT, "read", file=hexed(stored(large)), result=facts(large))

    def malformed(id, rule, error, data, origin=LNGET):
        return case(id, rule, origin, "malformed", error, file=hexed(data))

    whole = stored(base)
    yield malformed("empty", "the file has a length", "truncated", b"")
    yield malformed("length-only", "the file has a macaroon", "truncated", whole[:4])
    yield malformed("in-length", "the length is whole", "truncated", whole[:3])
    yield malformed("in-macaroon", "the macaroon is whole", "truncated", whole[:100])
    yield malformed("in-payment-hash", "the payment hash is whole", "truncated", whole[: 4 + len(base) + 31])
    yield malformed("in-preimage", "the preimage is whole", "truncated", whole[: 4 + len(base) + 63])
    yield malformed("in-amounts", "the amounts are whole", "truncated", whole[: 4 + len(base) + 79])
    yield malformed("one-byte-short", "the time is whole", "truncated", whole[:-1])
    yield malformed("little-endian-length", "the length is big-endian", "truncated", struct.pack("<I", len(base)) + whole[4:])
    yield malformed("largest-length", "a length does not point behind the end", "truncated", b"\xff" * 4 + whole[4:])
    yield malformed("length-one-more", "a length counts the macaroon alone", "truncated", stored(base, length=len(base) + 1))
    yield malformed("length-one-less", "a length counts the whole macaroon", "trailing-bytes", stored(base, length=len(base) - 1))
    yield malformed("trailing-byte", "nothing follows the time", "trailing-bytes", whole + b"\n")
    yield malformed("two-files", "nothing follows the time", "trailing-bytes", whole * 2)
    yield malformed("length-zero", "there is a macaroon", "macaroon-empty", stored(b""))
    yield malformed("macaroon-trailing", "one macaroon and nothing behind it", "macaroon-trailing-bytes", stored(base + b"\0"))
    yield malformed("macaroon-v1", "the macaroon is one in format V2", "macaroon-unsupported-version", stored(token_v1(BASE)))
    yield malformed("macaroon-of-8193", "8192 bytes at most", "macaroon-too-long", stored(token([padding(8193)])), LIMIT)
    yield malformed("identifier-65", "the macaroon's identifier has 66 bytes", "identifier-length", stored(token(BASE, identifier=IDENTIFIER[:-1])), "L402 §Identifier")
    yield malformed("identifier-version-1", "the macaroon's identifier is of version 0", "identifier-version", stored(token(BASE, identifier=b"\0\1" + IDENTIFIER[2:])), "L402 §Identifier")
    yield malformed("other-payment-hash", "file and macaroon name one payment", "payments-differ", stored(base, OTHER_PREIMAGE, payment_hash=OTHER_HASH), "threat A3")
    yield malformed("wrong-preimage", "a preimage proves the payment", "wrong-preimage", stored(base, OTHER_PREIMAGE), "threat A3")
    yield malformed("payment-hash-as-preimage", "the hash is no proof", "wrong-preimage", stored(base, PAYMENT_HASH), "threat A3")


def written():
    base = token(BASE)
    yield case("paid", "length, macaroon, hash, preimage, amounts, time", LNGET, "written", **facts(base), result={"file": hexed(stored(base))})
    pending = facts(base, None, 0, 0)
    yield case("pending", "no preimage is written as zeros, and no amount", LNGET, "written", **pending, result={"file": hexed(stored(base, None, 0, 0))})
    yield case("before-the-epoch", "the time has a sign", LNGET, "written", **facts(base, nanos=-1), result={"file": hexed(stored(base, nanos=-1))})
    yield case("largest-amounts", "amounts are big-endian and have 64 bits", LNGET, "written", **facts(base, paid=2**64 - 2, fee=256), result={"file": hexed(stored(base, paid=2**64 - 2, fee=256))})
    yield case("buffer-exact", "the whole buffer is used", LIMIT, "written", **facts(base), capacity=len(stored(base)), result={"file": hexed(stored(base))})
    yield case("identifier-65", "a token that names no payment is not stored", "L402 §Identifier", "refused", "identifier-length", **facts(token(BASE, identifier=IDENTIFIER[:-1])))
    yield case("wrong-preimage", "a preimage proves the payment", "threat A3", "refused", "wrong-preimage", **facts(base, OTHER_PREIMAGE))
    yield case("buffer-one-short", "nothing is written past the buffer", LNGET, "refused", "buffer-too-small", **facts(base), capacity=len(stored(base)) - 1)


def kinds():
    yield kind("token-file/read", "The token file of lnget, read.", read())
    yield kind("token-file/write", "The token file of lnget, written.", written())
