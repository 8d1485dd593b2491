"""BOLT11: whether an invoice may be paid for a token."""

from .tokens import BASE, PAYMENT_HASH, ROOT, token
from .values import case, hexed, number, write

EXAMPLES = "BOLT 11 §Examples"
EXAMPLE_HASH = bytes.fromhex("0001020304050607080900010203040506070809000102030405060708090102")
DONATION = (
    "lnbc1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kge"
    "tjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq9qrsgq357wnc5r2ueh7ck6q93dj32dlqnls087fxdwk8qakdyafkq3yap9us6v52vjjsrvywa6rt52cm9r9zqt8r2t7mlcwspyetp5h2tz"
    "tugp9lfyql"
)
COFFEE = (
    "lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4"
    "jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh"
)
CREATED = 1_496_314_658


def binding():
    def judged(id, rule, verdict, invoice, amount, expiry, error=None, bound=EXAMPLE_HASH, at=60, limit=1_000_000_000):
        facts = {"network": "bitcoin", "payment_hash": EXAMPLE_HASH.hex(), "amount_msat": number(amount), "expires_at": number(CREATED + expiry)}
        data = token(BASE, ROOT, b"\0\0" + bound + bytes(32))
        order = {"payment_hash": EXAMPLE_HASH.hex(), "amount_msat": number(amount), "max_fee_msat": "1000"} if verdict == "pay" else None
        return case(id, rule, EXAMPLES, verdict, error, made_by="BOLT 11", invoice=invoice, facts=facts, macaroon=hexed(data), now=number(CREATED + at),
                    limits={"max_price_msat": number(limit), "max_fee_msat": "1000"}, result=order)

    yield judged("agree", "invoice and token name one payment hash", "pay", COFFEE, 250_000_000, 60, at=59)
    yield judged("no-amount", "an invoice without an amount is not paid", "declined", DONATION, None, 3600, "no-amount")
    yield judged("other-payment", "the token binds another payment hash", "declined", COFFEE, 250_000_000, 60, "other-payment", bound=PAYMENT_HASH, at=59)


def write_all():
    yield write("bolt11/binding", "Invoices and the tokens that they pay for.", binding())
