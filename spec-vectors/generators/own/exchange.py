"""Whole exchanges: what the gate decides about a request, and what a client does with each answer."""

from .challenge import given
from .credential import header
from .keys import BOTH, NOW, ONE, RANDOM, TERMS, TWO, held, minted_token
from .tokens import OTHER_PREIMAGE, PAYMENT_HASH, PREIMAGE, b64, field, mac, section
from .values import case, number, kind

GATE = "L402 §HTTP Server Flow"
A3 = "L402 §HTTP Client Flow"
INVOICE = "lnbcrt210n1exampleinvoice"
POLICY = {"malformed": 400, "forged": 401, "unknown": "refuse", "settlement": "trust"}
BOUND = b"preimage=" + PREIMAGE.hex().encode()
LIMIT = "limit of this implementation"
LIMITS = {"max_price_msat": "100000", "max_fee_msat": "1000"}


def sold(service="weather", tier=0, capability=None, price=21_000, valid_for=3600, **terms):
    return {"service": service, "tier": tier, "capability": capability, "price_msat": number(price), "valid_for": number(valid_for), **terms}


def bought(master=TWO, epoch=2, now=NOW, service="weather", tier=0, capability=None, valid_for=3600, payment_hash=PAYMENT_HASH, random=RANDOM, price=21_000,
           uses=None, metered=False):
    return minted_token(master, epoch, payment_hash, random, now, service, tier, capability, valid_for, price, uses, metered=metered)


def extended(data, caveat):
    """Appends a caveat as a client does: without the key."""
    return data[:-35] + section(caveat) + b"\0" + field(6, mac(data[-32:], caveat))


def shown(data, preimage=PREIMAGE):
    return [("Authorization", f"L402 {b64(data)}:{preimage.hex()}")]


def gate():
    def asked(id, rule, verdict, fields, origin=GATE, status=None, reason=None, error=None, policy=None, offer=None, now=NOW, keys=BOTH, grant=None):
        answer = {"status": status, "reason": reason} if status else grant
        return case(id, rule, origin, verdict, error, keys=held(keys), policy=POLICY | (policy or {}), offer=offer or sold(), now=number(now),
                    fields=[header(*field) for field in fields], result=answer)

    fine = shown(bought())
    grant = {"payment_hash": PAYMENT_HASH.hex(), "token_id": ((2).to_bytes(4, "big") + RANDOM).hex(), "expires_at": number(NOW + 3600)}
    yield asked("no-credential", "no credential is answered with a challenge", "charge", [], status=402, reason="payment-required")
    yield asked("paid", "a paid token for this offer is admitted", "admit", fine, grant=grant)
    yield asked("strict", "strict settlement asks the node before it admits", "settle", fine, policy={"settlement": "strict"}, grant=grant)
    s0 = "L402 §Verification"
    first = grant | {"token_id": ((1).to_bytes(4, "big") + RANDOM).hex()}
    yield asked("bearer", "another scheme is no credential", "charge", [("Authorization", "Bearer abc")], status=402, reason="payment-required")
    yield asked("lsat", "the older scheme is admitted", "admit", [("authorization", shown(bought())[0][1].replace("L402", "LSAT"))], grant=grant)
    yield asked("retired-epoch", "a token of a retired key is admitted", "admit", shown(bought(ONE, 1)), "threat S4", grant=first)
    yield asked("last-second", "a token is valid until its last second is over", "admit", fine, now=NOW + 3599, grant=grant)
    paid = extended(bought(), b"preimage=" + PREIMAGE.hex().encode())
    yield asked("metadata", "a metadata field is admitted", "admit", [("Macaroon", paid.hex())], "deployed: Aperture", grant=grant)
    yield asked("preimage-in-both", "a stored credential with a preimage caveat is admitted", "admit", shown(paid), "deployed: lnget", grant=grant)
    ended = extended(bought(), b"weather_valid_until=%d" % (NOW + 60))
    yield asked("attenuated", "a client may shorten a token", "admit", shown(ended), "threat T2", grant=grant | {"expires_at": number(NOW + 60)})
    yield asked("two-tokens", "of two tokens the earlier end counts", "admit", [("Authorization", f"L402 {b64(bought())},{b64(ended)}:{PREIMAGE.hex()}")], s0,
                grant=grant | {"expires_at": number(NOW + 60)})
    sold_read = sold(capability="read")
    yield asked("capability", "a token for a capability opens its route", "admit", shown(bought(capability="read")), offer=sold_read, grant=grant)
    yield asked("unknown-skipped", "the literal rule skips unknown conditions", "admit", shown(extended(bought(), b"colour=blue")), s0, policy={"unknown": "skip"}, grant=grant)
    hundred = bought(uses=100)
    lent = extended(extended(hundred, b"weather_uses=5:lent"), b"weather_valid_until=%d" % (NOW + 60))
    yield asked("uses", "a number of uses needs a ledger", "reserve", shown(hundred), TERMS, grant=grant)
    yield asked("uses-strict", "strict settlement does not replace the ledger", "reserve", shown(hundred), TERMS, policy={"settlement": "strict"}, grant=grant)
    yield asked("uses-lent", "a holder may pass some of the uses on", "reserve", shown(lent), TERMS, grant=grant | {"expires_at": number(NOW + 60)})
    yield asked("uses-of-one-of-two", "of two tokens one may need a ledger", "reserve",
                [("Authorization", f"L402 {b64(bought())},{b64(hundred)}:{PREIMAGE.hex()}")], TERMS, grant=grant)
    yield asked("other-price", "what was sold stays sold when the price changes", "admit", fine, TERMS, offer=sold(price=99_000), grant=grant)
    yield asked("sold-by-time", "a token that was sold by time stays so when the route is sold by use", "admit", fine, TERMS, offer=sold(uses=1), grant=grant)
    yield asked("sold-by-use", "a token that was sold by use stays so when the route is sold by time", "reserve", shown(bought(uses=1)), TERMS, grant=grant)
    metered = bought(metered=True)
    yield asked("balance", "a balance needs a ledger", "reserve", shown(metered), TERMS, offer=sold(metered=True), grant=grant)
    yield asked("balance-shortened", "a client may shorten a token with a balance", "reserve", shown(extended(metered, b"weather_valid_until=%d" % (NOW + 60))), TERMS,
                offer=sold(metered=True), grant=grant | {"expires_at": number(NOW + 60)})
    yield asked("sold-by-use-then-metered", "a token that was sold by use stays so when the route is metered", "reserve", shown(bought(uses=1)), TERMS, offer=sold(metered=True), grant=grant)
    large = extended(bought(), b"weather_note=" + b"x" * 4000)
    yield asked("large", "a token larger than usual is read too", "admit", shown(large), LIMIT, policy={"unknown": "skip"}, grant=grant)
    yield asked("strict-forged", "strict settlement asks nothing about a forged token", "charge", shown(bought(), OTHER_PREIMAGE), "threat P5", policy={"settlement": "strict"}, status=401, reason="forged")
    yield asked("strict-expired", "strict settlement asks nothing about a token that has ended", "charge", fine, "threat P5", policy={"settlement": "strict"}, now=NOW + 3600, status=402, reason="expired")

    def charged(id, rule, data, reason, status=402, origin="threat T3", **more):
        return asked(id, rule, "charge", shown(data), origin, status=status, reason=reason, **more)

    yield charged("other-service", "a token opens no other service", bought(service="maps"), "other-service")
    yield charged("lower-tier", "a token opens no higher tier", bought(), "tier-too-low", offer=sold(tier=1))
    yield charged("other-capability", "a token opens no other route of its service", bought(capability="write"), "other-capability", offer=sold_read)
    yield charged("whole-for-capability", "a token for the whole service names no capability", bought(), "other-capability", offer=sold_read)
    yield charged("capability-for-whole", "a token for one capability does not open the whole service", bought(capability="read"), "other-capability")
    yield charged("capability-appended", "a client cannot add a capability", extended(bought(), b"weather_capabilities=read"), "other-capability", origin="threat T2", offer=sold_read)
    yield charged("widened", "a client cannot extend a token", extended(bought(), b"weather_valid_until=%d" % (NOW + 7200)), "widened", origin="threat T2")
    yield charged("unknown-condition", "an unknown condition denies", extended(bought(), b"colour=blue"), "unknown-caveat", origin=s0)
    yield charged("uses-widened", "a client cannot raise the number of uses", extended(bought(uses=1), b"weather_uses=2"), "widened", origin="threat T5")
    yield charged("balance-without-a-meter", "where a route is not metered, nothing says what a request costs", metered, "no-ledger", origin=TERMS)
    yield charged("balance-widened", "a client cannot raise a balance", extended(metered, b"weather_balance_msat=21001"), "widened", origin="threat T5", offer=sold(metered=True))
    yield charged("second-sale", "a client cannot change the price that it paid", extended(bought(), b"weather_sale=99000,default"), "widened", origin="threat L5")
    yield charged("uses-skipped-by-none", "the literal rule skips no number of uses", extended(bought(uses=1), b"weather_uses=0"), "undecodable-caveat", origin="threat T5", policy={"unknown": "skip"})
    yield charged("undecodable", "a value that cannot be read denies", extended(bought(), b"weather_valid_until=x"), "undecodable-caveat", origin="threat T2")
    yield charged("unknown-epoch", "a key that is gone verifies nothing", bought(ONE, 7), "forged", 401, "threat S4")
    yield charged("key-of-another-epoch", "an epoch has one key", bought(ONE, 2), "forged", 401, "threat S4")
    yield charged("expired-and-forged", "what is forged is not looked into", bought(bytes(32), 2, NOW - 9999), "forged", 401, "threat T4")
    compatible = {"forged": 402}
    yield charged("forged-compatible", "an operator may answer a forged token with 402", bought(ONE, 2), "forged", 402, "deployed: lnget does not recover from 401", policy=compatible)
    yield charged("expired-compatible", "an expired token is 402 for every operator", bought(valid_for=0), "expired", 402, policy=compatible)

    def refused(id, rule, error, fields, reason="malformed-credential", status=400, origin=GATE, **more):
        return asked(id, rule, "refuse", fields, origin, status=status, reason=reason, error=error, **more)

    value, literal = shown(bought())[0][1], {"malformed": 401}
    yield refused("malformed-literal", "an operator may answer a malformed credential with 401", "preimage", [("Authorization", value[:-1])], status=401, policy=literal)
    yield refused("two-credentials", "more than one credential is 400", "ambiguous", fine + fine, "ambiguous-credential", origin="threat H1")
    yield refused("two-credentials-literal", "more than one credential is 401 for such an operator", "ambiguous", fine + fine, "ambiguous-credential", 401, "threat H1", policy=literal)
    yield refused("not-base64", "a token that is no base64", "base64-invalid-character", [("Authorization", value.replace("L402 A", "L402 !"))])
    yield refused("not-a-macaroon", "a token that is no macaroon", "macaroon-unsupported-version", [("Authorization", f"L402 AAAA:{PREIMAGE.hex()}")])
    yield refused("payments-differ", "tokens of two payments", "payments-differ", [("Authorization", f"L402 {b64(bought())},{b64(bought(payment_hash=bytes(32)))}:{PREIMAGE.hex()}")])
    yield refused("token-too-long", "8192 bytes at most", "token-too-long", shown(extended(bought(), b"x" * 8192)), origin=LIMIT)
    yield refused("field-too-long", "a field of 64 KiB is not read", "too-long", [("Authorization", "L402 " + "A" * 65536)], origin=LIMIT)
    yield asked("malformed", "a malformed credential is 400", "refuse", [("Authorization", "L402 x")], status=400, reason="malformed-credential", error="missing-preimage")
    yield asked("wrong-preimage", "a wrong preimage is 401 with a fresh challenge", "charge", shown(bought(), OTHER_PREIMAGE), status=401, reason="forged")
    yield asked("expired", "an expired token is 402 with a reason", "charge", fine, now=NOW + 3600, status=402, reason="expired")


def client():
    def followed(id, rule, steps, stored=False, origin=A3):
        last = steps[-1]
        return case(id, rule, origin, last["next"], last.get("error"), stored_token=stored, steps=steps)

    def answer(status, next, lines=(), grpc=None, error=None, paid=False):
        return {"status": status, "grpc_status": grpc, **given(lines), "next": next} | ({"error": error} if error else {}) | {"paid": paid}

    line = f'L402 version="0", token="{b64(bought())}", invoice="{INVOICE}"'
    yield followed("free", "another status is handed on", [answer(200, "deliver")])
    yield followed("pay", "402 with a challenge is paid, and the answer handed on", [answer(402, "pay", [line], paid=True), answer(200, "deliver")])
    lsat = f'LSAT macaroon="{b64(bought())}", invoice="{INVOICE}"'
    broken = f'L402 token="{b64(bought())}"'
    yield followed("created", "a status of success is handed on, whatever its challenges", [answer(201, "deliver", [line])])
    yield followed("forbidden", "403 is handed on", [answer(403, "deliver", [line])])
    yield followed("unavailable", "503 is never paid", [answer(503, "deliver", [line])], origin="threat A4")
    yield followed("too-many-requests", "429 is never paid", [answer(429, "deliver", [line])], origin="threat A4")
    yield followed("lsat", "an LSAT challenge is paid", [answer(402, "pay", [lsat])], origin="deployed: Aperture")
    yield followed("two-lines", "one of two lines is paid", [answer(402, "pay", [lsat, line], paid=True), answer(200, "deliver")], origin="deployed: Aperture")
    yield followed("unauthorized", "401 with a challenge is paid", [answer(401, "pay", [line], paid=True), answer(200, "deliver")])
    yield followed("unauthorized-basic", "401 of another scheme is handed on", [answer(401, "deliver", ['Basic realm="x"'])])
    yield followed("refused-after-payment", "a token that was just paid for is paid for once", [answer(402, "pay", [line], paid=True), answer(402, "refused", [line])], origin="threat A4")
    yield followed("unauthorized-after-payment", "401 after a payment is not paid again", [answer(402, "pay", [line], paid=True), answer(401, "refused", [line])], origin="threat A4")
    yield followed("bare-after-payment", "402 without a challenge after a payment is no error of the challenge", [answer(402, "pay", [line], paid=True), answer(402, "refused")], origin="threat A4")
    yield followed("failure-after-payment", "another status after a payment is handed on", [answer(402, "pay", [line], paid=True), answer(500, "deliver")])
    yield followed("stored-token", "a stored token may do", [answer(200, "deliver")], stored=True)
    yield followed("stored-token-refused", "a stored token that is refused is replaced once", [answer(402, "replace", [line], paid=True), answer(200, "deliver")], stored=True)
    yield followed("stored-token-forged", "401 replaces a stored token", [answer(401, "replace", [line], paid=True), answer(402, "refused", [line])], stored=True)
    bare = "deployed: servers that refuse a token without a challenge"
    yield followed("stored-token-no-challenge", "402 without a challenge is asked once more without the token", [answer(402, "leave-out"), answer(402, "pay", [line], paid=True), answer(200, "deliver")], stored=True, origin=bare)
    yield followed("stored-token-unauthorized", "401 without a challenge is asked once more without the token", [answer(401, "leave-out"), answer(402, "pay", [line], paid=True), answer(200, "deliver")], stored=True, origin=bare)
    yield followed("stored-token-basic", "401 of another scheme is too", [answer(401, "leave-out", ['Basic realm="x"']), answer(200, "deliver")], stored=True, origin=bare)
    yield followed("stored-token-broken-challenge", "so is a challenge that cannot be answered", [answer(401, "leave-out", ['L402 error="invalid_token"']), answer(402, "pay", [line], paid=True), answer(200, "deliver")], stored=True, origin=bare)
    yield followed("stored-token-left-out-once", "a second refusal is handed on", [answer(401, "leave-out"), answer(401, "deliver")], stored=True, origin=bare)
    yield followed("stored-token-grpc", "gRPC's status 16 without a challenge is the same", [answer(200, "leave-out", grpc=16), answer(200, "deliver", grpc=0)], stored=True, origin=bare)
    yield followed("stored-token-grpc-internal", "gRPC's status 13 alone says nothing of the token", [answer(200, "deliver", grpc=13)], stored=True, origin=bare)
    yield followed("stored-token-forbidden", "403 is handed on", [answer(403, "deliver")], stored=True, origin=bare)
    yield followed("broken-challenge", "a challenge without an invoice cannot be answered", [answer(402, "error", [broken], error="missing-invoice")])
    yield followed("broken-unauthorized", "a broken challenge with 401 is ours too", [answer(401, "error", [broken], error="missing-invoice")])
    yield followed("unknown-version", "a version of the future cannot be answered", [answer(402, "error", [line.replace('"0"', '"1"')], error="missing")])
    yield followed("not-utf8", "a line that is no UTF-8 cannot be answered", [answer(402, "error", [line.encode().replace(b"lnbcrt", b"\xff")], error="invoice-not-ascii")])
    yield followed("too-long", "a line of 64 KiB is not read", [answer(402, "error", [line + " " * 65536], error="too-long")], origin=LIMIT)
    yield followed("grpc", "gRPC's status 13 with a challenge is paid", [answer(200, "pay", [line], grpc=13, paid=True), answer(200, "deliver", grpc=0)], origin="deployed: Aperture")
    yield followed("grpc-forged", "gRPC's status 16 replaces a stored token", [answer(200, "replace", [line], grpc=16)], stored=True)
    yield followed("grpc-refused", "gRPC's status 13 after a payment is not paid again", [answer(200, "pay", [line], grpc=13, paid=True), answer(200, "refused", [line], grpc=13)], origin="threat A4")
    yield followed("grpc-exhausted", "gRPC's status 8 is never paid", [answer(200, "deliver", [line], grpc=8)], origin="threat A4")
    yield followed("no-challenge", "402 without a challenge cannot be answered", [answer(402, "error", error="missing")])


def whole():
    def walked(id, rule, verdict, status, present=None, paid=PREIMAGE, later=60, offer=None, error=None, asked=None, reason=None, pays=None, amount=21_000):
        offer, result = offer or sold(), {"status": status, "reason": reason} if status else None
        shape = {"service": offer["service"], "tier": offer["tier"], "capability": offer["capability"], "valid_for": int(offer["valid_for"])}
        shape |= {"price": int(offer["price_msat"]), "uses": offer.get("uses")}
        data = bought(**shape)
        lines = [f'LSAT macaroon="{b64(data)}", invoice="{INVOICE}"', f'L402 version="0", token="{b64(data)}", invoice="{INVOICE}"']
        second = present(data) if present else shown(data, paid)
        return case(id, rule, GATE, verdict, error, keys=held(BOTH), policy=POLICY, offer=offer, limits=LIMITS, random=RANDOM.hex(), payment_hash=PAYMENT_HASH.hex(),
                    invoice=INVOICE, facts={"payment_hash": (pays or PAYMENT_HASH).hex(), "amount_msat": number(amount), "expires_at": number(NOW + 600)}, now=number(NOW), lines=lines,
                    preimage=paid.hex(), credential=f"L402 {b64(data)}:{paid.hex()}", fields=[header(*field) for field in second],
                    second_offer=asked or offer, later=number(NOW + later), result=result)

    yield walked("sale", "402, payment, admission", "admit", 200)
    other = OTHER_PREIMAGE
    yield walked("capability", "a sale of one capability", "admit", 200, offer=sold(capability="read"))
    yield walked("uses", "a sale by use ends before the ledger", "reserve", None, offer=sold(uses=3))
    yield walked("free-of-charge-limit", "the price may reach the limit", "admit", 200, offer=sold(price=100_000), amount=100_000)
    yield walked("as-lsat", "the second request may use the older scheme", "admit", 200, present=lambda data: [("Authorization", shown(data)[0][1].replace("L402", "LSAT"))])
    yield walked("as-metadata", "the second request may use a metadata field", "admit", 200, present=lambda data: [("macaroon", extended(data, BOUND).hex())])
    yield walked("stored-by-lnget", "the second request may carry the preimage twice", "admit", 200, present=lambda data: shown(extended(data, BOUND)))
    yield walked("narrowed", "the second request may carry a narrower token", "admit", 200, present=lambda data: shown(extended(data, b"weather_valid_until=%d" % (NOW + 61))))
    yield walked("narrowed-too-far", "a client may end its token too early", "charge", 402, reason="expired", present=lambda data: shown(extended(data, b"weather_valid_until=%d" % (NOW + 60))))
    yield walked("elsewhere", "what was bought for one route opens no other", "charge", 402, asked=sold(capability="read"), reason="other-capability")
    yield walked("not-presented", "a second request without the credential is charged again", "charge", 402, present=lambda data: [], reason="payment-required")
    yield walked("forged", "a changed token is forged", "charge", 401, present=lambda data: shown(data[:-1] + bytes([data[-1] ^ 1])), reason="forged")
    yield walked("other-preimage", "another preimage than the one that was paid for", "charge", 401, present=lambda data: shown(data, other), reason="forged")
    yield walked("doubled", "the credential twice", "refuse", 400, present=lambda data: shown(data) * 2, error="ambiguous", reason="ambiguous-credential")
    yield walked("cut", "a credential that was cut off", "refuse", 400, present=lambda data: [("Authorization", shown(data)[0][1][:-1])], error="preimage", reason="malformed-credential")
    yield walked("over-limit", "an invoice above the limit is not paid", "declined", None, error="over-limit", amount=100_001)
    yield walked("dearer-than-offered", "the invoice's amount counts, whatever was offered", "declined", None, error="over-limit", offer=sold(price=1), amount=2 * 10**18)
    yield walked("above-all-money", "no invoice asks for more than 21 million bitcoin", "declined", None, error="above-all-money", amount=2**63)
    yield walked("no-amount", "an invoice without an amount is not paid", "declined", None, error="no-amount", amount=None)
    yield walked("zero-amount", "an invoice of amount zero is not paid", "declined", None, error="zero-amount", amount=0)
    yield walked("other-payment", "an invoice that buys something else is not paid", "declined", None, error="other-payment", pays=bytes(32))
    yield walked("wallet-lies", "a preimage that proves nothing is not presented", "wrong-preimage", None, paid=other)
    yield walked("too-late", "a token that ended meanwhile is charged again", "charge", 402, later=3600, reason="expired")


def kinds():
    yield kind("exchange/gate", "What a server decides about one request, and the status of the answer.", gate())
    yield kind("exchange/client", "What a client does with each answer to one request.", client())
    yield kind("exchange/whole", "A sale from the first request to the answer of the second.", whole())
