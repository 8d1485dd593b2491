"""Whole exchanges: what the gate decides about a request, and what a client does with each answer."""

from .challenge import given
from .credential import header
from .keys import BOTH, NOW, ONE, RANDOM, TWO, held, minted_token
from .tokens import (OTHER_PREIMAGE, PAYMENT_HASH, PREIMAGE, TOKEN_ID, b64, derived_root, token)
from .values import case, number, write

GATE = "L402 §HTTP Server Flow"
A3 = "L402 §HTTP Client Flow"
INVOICE = "lnbcrt210n1exampleinvoice"
POLICY = {"malformed": 400, "forged": 401, "unknown": "refuse", "settlement": "trust"}
LIMITS = {"max_price_msat": "100000", "max_fee_msat": "1000"}


def sold(service="weather", tier=0, capability=None, price=21_000, valid_for=3600):
    return {"service": service, "tier": tier, "capability": capability, "price_msat": number(price), "valid_for": number(valid_for)}


def bought(master=TWO, epoch=2, now=NOW, service="weather", tier=0, capability=None, valid_for=3600, payment_hash=PAYMENT_HASH, random=RANDOM):
    return minted_token(master, epoch, payment_hash, random, now, service, tier, capability, valid_for)


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
    yield followed("no-challenge", "402 without a challenge cannot be answered", [answer(402, "error", error="missing")])


def whole():
    def walked(id, rule, verdict, status, present=None, paid=PREIMAGE, later=60, offer=None, error=None, asked=None, reason=None, pays=None, amount=21_000):
        offer, result = offer or sold(), {"status": status, "reason": reason} if status else None
        shape = {"service": offer["service"], "tier": offer["tier"], "capability": offer["capability"], "valid_for": int(offer["valid_for"])}
        data = bought(**shape)
        lines = [f'LSAT macaroon="{b64(data)}", invoice="{INVOICE}"', f'L402 version="0", token="{b64(data)}", invoice="{INVOICE}"']
        second = present(data) if present else shown(data, paid)
        return case(id, rule, GATE, verdict, error, keys=held(BOTH), policy=POLICY, offer=offer, limits=LIMITS, random=RANDOM.hex(), payment_hash=PAYMENT_HASH.hex(),
                    invoice=INVOICE, facts={"payment_hash": (pays or PAYMENT_HASH).hex(), "amount_msat": number(amount), "expires_at": number(NOW + 600)}, now=number(NOW), lines=lines,
                    preimage=paid.hex(), credential=f"L402 {b64(data)}:{paid.hex()}", fields=[header(*field) for field in second],
                    second_offer=asked or offer, later=number(NOW + later), result=result)

    yield walked("sale", "402, payment, admission", "admit", 200)
    yield walked("too-late", "a token that ended meanwhile is charged again", "charge", 402, later=3600, reason="expired")


def write_all():
    yield write("exchange/gate", "What a server decides about one request, and the status of the answer.", gate())
    yield write("exchange/client", "What a client does with each answer to one request.", client())
    yield write("exchange/whole", "A sale from the first request to the answer of the second.", whole())
