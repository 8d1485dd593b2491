"""gRPC: metadata keys as credential, and the trailers-only answer."""

from .credential import APERTURE, presented
from .challenge import LSAT, T, V2, INVOICE
from .tokens import BASE, PAID, PAYMENT_HASH, PREIMAGE, b64, token
from .values import case, kind

PAYS = {"payment_hash": PAYMENT_HASH.hex()}


def credential():
    paid = token(PAID)
    for name in ["macaroon", "token"]:
        yield presented(f"key-{name}", "a metadata key holds a hexadecimal token with a preimage caveat", APERTURE, "authentic", [(name, paid.hex())], result=PAYS)
    yield presented("key-in-camel-case", "a metadata key is lower-case on the wire, and read in any case", APERTURE, "authentic", [("Macaroon", paid.hex())], result=PAYS)
    yield presented("both-keys", "both keys may hold the same token", APERTURE, "authentic", [("macaroon", paid.hex()), ("token", paid.hex().upper())], result=PAYS)
    yield presented("beside-authorization", "a key beside an authorization of the same payment", APERTURE, "authentic", [("authorization", f"L402 {T}:{PREIMAGE.hex()}"), ("token", paid.hex())], result=PAYS)
    yield presented("binary-key", "a key that ends in -bin is another key", "gRPC over HTTP2 §Requests", "none", [("macaroon-bin", b64(paid)), ("token-bin", b64(paid))])
    yield presented("foreign-token-key", "a token key of another protocol is passed over", APERTURE, "none", [("token", "eyJhbGciOiJub25lIn0.e30.")])
    yield presented("wrong-preimage", "the preimage proves the payment", APERTURE, "forged", [("macaroon", token(BASE + [b"preimage=" + b"12" * 32]).hex())])
    yield presented("keys-differ", "two keys agree", APERTURE, "malformed", [("macaroon", paid.hex()), ("token", token(PAID[:1] + PAID[2:]).hex())], "ambiguous")
    yield presented("base64-in-key", "a metadata key holds hexadecimal", APERTURE, "malformed", [("macaroon", b64(paid))], "hex")
    yield presented("no-preimage", "a metadata key has no other place for the preimage", APERTURE, "malformed", [("macaroon", token(BASE).hex())], "missing-preimage")


def with_status(number):
    return [("content-type", "application/grpc"), ("grpc-status", number)]


def response():
    def answered(id, rule, headers, verdict, error=None, status=200, result=None):
        return case(id, rule, APERTURE, verdict, error, status=status, headers=[{"name": name, "value": value} for name, value in headers], result=result)

    unpaid = [("content-type", "application/grpc"), ("grpc-status", "13"), ("grpc-message", "payment required")]
    lines = [("www-authenticate", LSAT), ("www-authenticate", V2)]
    yield answered("payment-required", "status 13 with challenges demands payment", unpaid + lines, "pay", result={"scheme": "L402", "token": T, "invoice": INVOICE})
    read = {"scheme": "L402", "token": T, "invoice": INVOICE}
    lsat = read | {"scheme": "LSAT"}
    yield answered("unauthenticated", "status 16 with challenges demands payment", with_status("16") + lines, "pay", result=read)
    yield answered("lsat-only", "one line of the older scheme", unpaid + lines[:1], "pay", result=lsat)
    yield answered("joined-lines", "lines joined with a comma are the same", unpaid + [("www-authenticate", f"{LSAT}, {V2}")], "pay", result=read)
    yield answered("any-case", "field names ignore letter case", [("Grpc-Status", "13"), ("WWW-Authenticate", V2)], "pay", result=read)
    yield answered("status-behind", "fields have no order", lines + unpaid[::-1], "pay", result=read)
    yield answered("http-402", "the status of HTTP counts too", with_status("2") + lines, "pay", status=402, result=read)
    yield answered("success", "status 0 demands nothing", with_status("0") + lines, "deliver")
    yield answered("exhausted", "status 8 demands nothing", with_status("8") + lines, "deliver")
    yield answered("no-grpc-status", "200 without a status of gRPC demands nothing", lines, "deliver")
    yield answered("broken-challenge", "a challenge that cannot be answered is an error", unpaid + [("www-authenticate", f'L402 token="{T}"')], "error", "missing-invoice")
    yield answered("other-scheme", "status 13 with another scheme's challenge is handed on", unpaid + [("www-authenticate", 'Basic realm="x"')], "deliver")
    yield answered("no-challenge", "status 13 without a challenge is an error of its own", unpaid, "deliver")


def kinds():
    yield kind("grpc/credential", "Credentials in gRPC metadata.", credential())
    yield kind("grpc/response", "Trailers-only answers, and whether they demand payment.", response())
