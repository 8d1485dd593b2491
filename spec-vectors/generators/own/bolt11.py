"""BOLT11: whether an invoice may be paid for a token.

The invoices are those of the specification's examples, or signed here with one key by the PyPI package bolt11, whose nonces follow RFC 6979.
"""

import importlib.metadata

from .tokens import BASE, PAYMENT_HASH, ROOT, token
from .values import MADE_BY, case, hexed, number, kind

SPECIFICATION = "BOLT 11 §Examples"
A1, A3 = "threat A1", "threat A3"
EXAMPLE_HASH = bytes.fromhex("0001020304050607080900010203040506070809000102030405060708090102")
EXAMPLE_TIME = 1_496_314_658
DONATION = (
    "lnbc1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kge"
    "tjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq9qrsgq357wnc5r2ueh7ck6q93dj32dlqnls087fxdwk8qakdyafkq3yap9us6v52vjjsrvywa6rt52cm9r9zqt8r2t7mlcwspyetp5h2tz"
    "tugp9lfyql"
)
COFFEE = (
    "lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4"
    "jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh"
)
PAYEE_KEY = "e126f68f7eafcc8b74f54d269fe206be715000f94dac067d1c04a8ca3b2db734"
NETWORKS = {"bitcoin": "bc", "testnet": "tb", "signet": "tbs", "regtest": "bcrt"}
CREATED = 1_700_000_000


def signed(amount=21_000, network="regtest", expiry=600, payment_hash=PAYMENT_HASH):
    """An invoice as the package writes it; the verdicts below do not depend on its decoder."""
    from bolt11 import Bolt11, Feature, Features, FeatureState, MilliSatoshi, Tag, TagChar, Tags, encode

    features = Features.from_feature_list({Feature.var_onion_optin: FeatureState.required, Feature.payment_secret: FeatureState.required})
    tags = [(TagChar.payment_hash, payment_hash.hex()), (TagChar.payment_secret, "11" * 32), (TagChar.description, "weather"), (TagChar.features, features)]
    tags += [(TagChar.min_final_cltv_expiry, 18)]
    tags += [(TagChar.expire_time, expiry)] if expiry is not None else []
    invoice = Bolt11(NETWORKS[network], CREATED, Tags([Tag(*tag) for tag in tags]), amount and MilliSatoshi(amount))
    return encode(invoice, PAYEE_KEY, strict=True)


def with_amount(invoice, amount):
    """The same invoice with another amount in its prefix. Its signature then belongs to another payee, whose private key is unknown."""
    symbols = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    prefix, data = invoice.rsplit("1", 1)
    prefix = prefix.rstrip("munp").rstrip("0123456789") + amount
    values = [symbols.index(c) for c in data[:-6]]
    spread = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    checksum = 1
    for value in spread + values + [0] * 6:
        top, checksum = checksum >> 25, (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            checksum ^= generator if top >> bit & 1 else 0
    return prefix + "1" + "".join(symbols[value] for value in values + [(checksum ^ 1) >> 5 * (5 - n) & 31 for n in range(6)])


def judged(id, rule, origin, verdict, invoice, facts, made_by, bound, now, error=None, limit=1_000_000_000):
    order = {"payment_hash": facts["payment_hash"], "amount_msat": facts["amount_msat"], "max_fee_msat": "1000"} if verdict == "pay" else None
    data = bound if isinstance(bound, Shown) else token(BASE, ROOT, b"\0\0" + bound + bytes(32))
    return case(id, rule, origin, verdict, error, made_by, invoice=invoice, facts=facts, macaroon=hexed(data), now=number(now),
                limits={"max_price_msat": number(limit), "max_fee_msat": "1000"}, result=order)


class Shown(bytes):
    """A token as it is."""


def facts(network, payment_hash, amount, expires_at):
    return {"network": network, "payment_hash": payment_hash.hex(), "amount_msat": number(amount), "expires_at": number(expires_at)}


def binding():
    package = f"bolt11 {importlib.metadata.version('bolt11')}"

    def example(id, rule, verdict, invoice, amount, expiry, error=None, bound=EXAMPLE_HASH, at=0, limit=1_000_000_000):
        said = facts("bitcoin", EXAMPLE_HASH, amount, EXAMPLE_TIME + expiry)
        return judged(id, rule, SPECIFICATION, verdict, invoice, said, "BOLT 11", bound, EXAMPLE_TIME + at, error, limit)

    def made(id, rule, verdict, error=None, origin=A3, amount=21_000, network="regtest", expiry=600, bound=PAYMENT_HASH, at=0, limit=1_000_000_000, upper=False, prefix=None):
        said = facts(network, PAYMENT_HASH, amount, CREATED + (3600 if expiry is None else expiry))
        text = with_amount(signed(21_000, network, expiry), prefix) if prefix else signed(amount, network, expiry)
        return judged(id, rule, origin, verdict, text.upper() if upper else text, said, MADE_BY if prefix else package, bound, CREATED + at, error, limit)

    yield example("coffee", "invoice and token name one payment hash", "pay", COFFEE, 250_000_000, 60, at=59)
    yield example("donation", "an invoice without an amount is not paid", "declined", DONATION, None, 3600, "no-amount")
    yield example("coffee-for-another", "the token binds another payment", "declined", COFFEE, 250_000_000, 60, "other-payment", bound=PAYMENT_HASH)
    yield made("regtest", "the prefix lnbcrt", "pay")
    yield made("testnet", "the prefix lntb", "pay", network="testnet")
    yield made("signet", "the prefix lntbs", "pay", network="signet")
    yield made("upper-case", "an invoice may be upper-case, as in a QR code", "pay", origin="BOLT 11 §Encoding Overview", upper=True)
    yield made("one-millisatoshi", "the least amount, 10 p", "pay", origin=A1, amount=1)
    yield made("whole-bitcoin", "an amount without a multiplier", "pay", origin=A1, amount=100_000_000_000, limit=100_000_000_000)
    yield made("at-the-limit", "the limit may be reached", "pay", origin=A1, limit=21_000)
    yield made("above-the-limit", "the limit may not be passed", "declined", "over-limit", origin=A1, limit=20_999)
    yield made("limit-of-zero", "a limit of zero pays nothing", "declined", "over-limit", origin=A1, amount=1, limit=0)
    yield made("default-expiry", "an invoice that says nothing expires after an hour", "pay", origin="BOLT 11 §Tagged Fields", expiry=None, at=3599)
    yield made("default-expired", "an invoice that says nothing expires after an hour", "declined", "expired", origin="BOLT 11 §Tagged Fields", expiry=None, at=3600)
    yield made("expired", "the second of the expiry is too late", "declined", "expired", expiry=600, at=600)
    yield made("hash-reversed", "payment hashes compare in order", "declined", "other-payment", bound=PAYMENT_HASH[::-1])
    yield made("hash-of-the-hash", "the token binds the invoice's payment hash itself", "declined", "other-payment", bound=bytes(32))
    yield made("no-amount-and-another", "an invoice without an amount is not looked at further", "declined", "no-amount", origin=A1, amount=None, bound=bytes(32))
    yield made("other-and-expired", "the payment hash is looked at before the time", "declined", "other-payment", bound=bytes(32), at=600)
    encoding = "BOLT 11 §Human-Readable Part"
    yield made("zero-amount", "an amount is positive", "declined", "zero-amount", origin=encoding, amount=0, prefix="0u")
    yield made("zero-bitcoin", "an amount is positive", "declined", "zero-amount", origin=encoding, amount=0, prefix="0")
    yield made("above-all-money", "there are 21 million bitcoin", "declined", "above-all-money", origin=A1, amount=2_100_000_000_100_000_000, prefix="21000000001m", limit=2**63)
    yield made("zero-amount-and-another", "the amount is looked at before the payment hash", "declined", "zero-amount", origin=A1, amount=0, prefix="0n", bound=bytes(32))
    opaque = "L402 §HTTP Client Flow: a token is opaque"
    yield made("opaque-token", "a token in which no payment hash can be read is bought", "pay", origin=opaque, bound=Shown(b"any other bytes"))
    yield made("opaque-macaroon", "a macaroon in which no payment hash can be read is bought", "pay", origin=opaque, bound=Shown(token(BASE, ROOT, b"name")))
    yield made("hash-alone", "an identifier may be the payment hash alone", "pay", origin=opaque, bound=Shown(token(BASE, ROOT, PAYMENT_HASH)))
    yield made("another-hash-alone", "an identifier that is another payment hash binds another payment", "declined", "other-payment", bound=Shown(token(BASE, ROOT, EXAMPLE_HASH)))
    ended = Shown(token([b"services=weather:0", b"weather_valid_until=%d" % (CREATED + 60)], ROOT, PAYMENT_HASH))
    yield made("token-ends-later", "a token is valid until its last second is over", "pay", origin=opaque, bound=ended, at=59)
    yield made("token-expired", "a token that has ended is not bought", "declined", "token-expired", origin=opaque, bound=ended, at=60)
    yield made("token-and-invoice-expired", "the token is looked at before the invoice", "declined", "token-expired", origin=opaque, bound=ended, at=600)
    yield made("expired-and-dear", "the time is looked at before the limit", "declined", "expired", at=600, limit=0)


def kinds():
    yield kind("bolt11/binding", "Invoices and the tokens that they pay for.", binding())
