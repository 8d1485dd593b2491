"""The token file of lnget."""

import struct

from .tokens import BASE, PAYMENT_HASH, PREIMAGE, token
from .values import case, hexed, number, write

LNGET = "deployed: lnget"
NANOS = 1_700_000_000_123_456_789


def stored(macaroon, preimage=PREIMAGE, paid=21_000, fee=7, nanos=NANOS, length=None):
    length = len(macaroon) if length is None else length
    return struct.pack(">I", length) + macaroon + PAYMENT_HASH + (preimage or bytes(32)) + struct.pack(">QQq", paid, fee, nanos)


def facts(macaroon, preimage=PREIMAGE, paid=21_000, fee=7, nanos=NANOS):
    return {"macaroon": hexed(macaroon), "payment_hash": PAYMENT_HASH.hex(), "preimage": preimage and preimage.hex(),
            "paid_msat": number(paid), "fee_msat": number(fee), "time_ns": number(nanos)}


def read():
    base = token(BASE)
    yield case("paid", "length, macaroon, hash, preimage, amounts, time", LNGET, "read", file=hexed(stored(base)), result=facts(base))
    yield case("pending", "a preimage of zeros is none", LNGET, "read", file=hexed(stored(base, None)), result=facts(base, None))
    yield case("one-byte-short", "the file is whole", LNGET, "malformed", "truncated", file=hexed(stored(base)[:-1]))


def written():
    base = token(BASE)
    yield case("paid", "length, macaroon, hash, preimage, amounts, time", LNGET, "written", **facts(base), result={"file": hexed(stored(base))})
    yield case("buffer-one-short", "nothing is written past the buffer", LNGET, "refused", "buffer-too-small", **facts(base), capacity=len(stored(base)) - 1)


def write_all():
    yield write("token-file/read", "The token file of lnget, read.", read())
    yield write("token-file/write", "The token file of lnget, written.", written())
