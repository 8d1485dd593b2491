"""`Authorization` and its variants."""

import base64

from .tokens import (BASE, IDENTIFIER, OTHER_IDENTIFIER, PAID, PAYMENT_HASH, PREIMAGE, ROOT, b64, encode, sign, token)
from .values import case, texted, write

T = b64(token(BASE))
P = PREIMAGE.hex()
OTHER_P = "12" * 32
CLIENT = "L402 §HTTP Client Flow"
ONE = "RFC 9110 §11.6.2"
JOINED = "RFC 9110 §5.3"
LNGET, APERTURE = "deployed: lnget", "deployed: Aperture"


def auth(value):
    return [("Authorization", value)]


def header(name, value):
    """A field as cases hold it: bytes that are no UTF-8 in hexadecimal."""
    if isinstance(value, bytes):
        return {"name": name, "value_hex": value.hex()}
    return {"name": name, "value": texted(value)}


def presented(id, rule, origin, verdict, fields, error=None, strip=None, **more):
    """A case of what a request presents; `strip` tells for each field whether it must not reach the upstream."""
    strip = [verdict != "none"] * len(fields) if strip is None else strip
    return case(id, rule, origin, verdict, error, root_key=ROOT.hex(), fields=[header(*field) for field in fields], strip=strip, **more)


def parse():
    def read(id, rule, fields, origin=CLIENT, **more):
        return presented(id, rule, origin, "authentic", fields, result={"payment_hash": PAYMENT_HASH.hex()}, **more)

    def reject(id, rule, error, fields, origin=CLIENT, **more):
        return presented(id, rule, origin, "malformed", fields, error, **more)

    def none(id, rule, fields):
        return presented(id, rule, CLIENT, "none", fields)

    def forged(id, rule, fields, origin=CLIENT):
        return presented(id, rule, origin, "forged", fields)

    paid = token(PAID)
    t_other = b64(token(BASE, identifier=OTHER_IDENTIFIER))
    yield read("specification", "token, colon, preimage", auth(f"L402 {T}:{P}"))
    yield read("lsat", "the older scheme", auth(f"LSAT {T}:{P}"))
    yield read("lower-case-scheme", "the scheme ignores letter case", auth(f"l402 {T}:{P}"))
    yield read("lower-case-field", "the field name ignores letter case", [("authorization", f"L402 {T}:{P}")])
    yield read("upper-case-hex", "upper-case hex is read", auth(f"L402 {T}:{P.upper()}"))
    yield read("url-safe", "the url-safe alphabet is read", auth(f"L402 {base64.urlsafe_b64encode(token(BASE)).decode()}:{P}"))
    yield read("unpadded", "missing padding is read", auth(f"L402 {T.rstrip('=')}:{P}"))
    yield read("two-spaces", "more than one space is read", auth(f"L402  {T}:{P}"))
    yield read("tab-after-scheme", "a tab is white space too", auth(f"L402\t{T}:{P}"))
    yield read("two-tokens", "all tokens verify and bind one payment", auth(f"L402 {T},{b64(token([BASE[0]]))}:{P}"))
    yield read("preimage-in-both", "the same preimage in caveat and field", auth(f"L402 {b64(paid)}:{P}"), LNGET)
    for name in ["Macaroon", "Grpc-Metadata-Macaroon", "Token", "Grpc-Metadata-Token"]:
        yield read(f"field-{name.lower()}", "a hexadecimal token with a preimage caveat", [(name, paid.hex())], APERTURE)
    yield read("field-upper-case", "upper-case hex is read", [("Macaroon", paid.hex().upper())], APERTURE)
    yield read("both-agree", "authorization and metadata may agree", auth(f"L402 {T}:{P}") + [("Macaroon", paid.hex())], APERTURE)
    yield read("same-metadata-twice", "equal metadata fields are one credential", [("Macaroon", paid.hex()), ("Grpc-Metadata-Macaroon", paid.hex())], APERTURE)

    yield none("nothing", "no field", [])
    yield none("bearer", "another scheme is not ours", auth("Bearer abc"))
    yield none("scheme-prefix", "the scheme is a whole word", auth(f"L402x {T}:{P}"))
    yield none("foreign-token-field", "a Token field that does not begin like a macaroon is not ours", [("Token", "session-17")])
    yield none("foreign-hex-token-field", "a Token field that does not begin like a macaroon is not ours", [("Token", "c0ffee" * 8)])

    yield forged("wrong-preimage", "the preimage proves the payment", auth(f"L402 {T}:{OTHER_P}"))
    yield forged("preimage-is-the-hash", "the hash is no proof", auth(f"L402 {T}:{PAYMENT_HASH.hex()}"))
    yield forged("other-key", "the key signs", auth(f"L402 {b64(token(BASE, root=bytes(32)))}:{P}"))
    yield forged("second-token-forged", "every token must verify", auth(f"L402 {T},{b64(token(BASE, root=bytes(32)))}:{P}"))
    yield forged("appended-preimage-unsigned", "the preimage caveat is in the chain", [("Macaroon", encode(IDENTIFIER, PAID, sign(ROOT, IDENTIFIER, BASE)).hex())], APERTURE)

    yield reject("scheme-only", "a credential follows the scheme", "missing-preimage", auth("L402"))
    yield reject("no-colon", "a preimage is needed", "missing-preimage", auth(f"L402 {T}"))
    yield reject("no-preimage", "a preimage is needed", "preimage", auth(f"L402 {T}:"))
    yield reject("preimage-63", "64 digits", "preimage", auth(f"L402 {T}:{P[1:]}"))
    yield reject("preimage-65", "64 digits", "preimage", auth(f"L402 {T}:{P}1"))
    yield reject("preimage-not-hex", "hexadecimal digits", "preimage", auth(f"L402 {T}:{'g' * 64}"))
    yield reject("no-token", "a token is needed", "missing-token", auth(f"L402 :{P}"))
    yield reject("empty-second-token", "a token stands between commas", "missing-token", auth(f"L402 {T},:{P}"))
    yield reject("five-tokens", "four tokens at most", "too-many-tokens", auth(f"L402 {','.join([T] * 5)}:{P}"))
    yield reject("not-base64", "base64", "base64-invalid-character", auth(f"L402 {T[:-1]}!:{P}"))
    yield reject("mixed-alphabets", "one alphabet", "base64-mixed-alphabets", auth(f"L402 -+AA:{P}"))
    yield reject("trailing-bits", "canonical base64", "base64-not-canonical", auth(f"L402 AB==:{P}"))
    yield reject("not-a-macaroon", "a macaroon", "macaroon-unsupported-version", auth(f"L402 AAAA:{P}"))
    yield reject("two-macaroons-in-one", "one macaroon in one item", "macaroon-trailing-bytes", auth(f"L402 {b64(token(BASE) * 2)}:{P}"))
    yield reject("short-identifier", "a 66-byte identifier", "identifier-length", auth(f"L402 {b64(token(BASE, identifier=IDENTIFIER[:-1]))}:{P}"))
    yield reject("two-payments", "all tokens bind one payment", "payments-differ", auth(f"L402 {T},{t_other}:{P}"))
    yield reject("preimages-differ", "caveat and field agree", "preimages-differ", auth(f"L402 {b64(paid)}:{OTHER_P}"), LNGET)
    yield reject("two-authorizations", "one credential", "ambiguous", auth(f"L402 {T}:{P}") * 2, ONE)
    yield reject("authorization-and-bearer", "one credential", "ambiguous", auth("Bearer abc") + auth(f"L402 {T}:{P}"), ONE, strip=[False, True])
    yield reject("joined-behind-bearer", "one credential, also where lines were joined", "ambiguous", auth(f"Bearer abc, L402 {T}:{P}"), JOINED)
    yield reject("joined-twice", "one credential, also where lines were joined", "ambiguous", auth(f"L402 {T}:{P}, L402 {T}:{P}"), JOINED)
    yield reject("metadata-differs", "metadata fields agree", "ambiguous", [("Macaroon", paid.hex()), ("Token", token(BASE).hex())], APERTURE)
    yield reject("metadata-of-another-payment", "authorization and metadata agree", "payments-differ", auth(f"L402 {T}:{P}") + [("Macaroon", token(BASE, identifier=OTHER_IDENTIFIER).hex())], APERTURE)
    yield reject("metadata-not-hex", "hexadecimal", "hex", [("Macaroon", "zz")], APERTURE)
    yield reject("metadata-empty", "a token is needed", "missing-token", [("Macaroon", "")], APERTURE)
    yield reject("metadata-without-preimage", "a preimage caveat is needed", "missing-preimage", [("Macaroon", token(BASE).hex())], APERTURE)
    yield reject("preimage-caveat-not-hex", "64 digits", "preimage", [("Macaroon", token(BASE + [b"preimage=x"]).hex())], APERTURE)


def emit():
    yield case("l402", "scheme, token, colon, lower-case preimage", CLIENT, "emitted", scheme="L402", token=T, preimage=P, result={"value": f"L402 {T}:{P}"})
    yield case("lsat", "the scheme of the challenge is mirrored", LNGET, "emitted", scheme="LSAT", token=T, preimage="ab" * 32, result={"value": f"LSAT {T}:{'ab' * 32}"})


def write_all():
    yield write("credential/parse", "The credential fields of one request, under one root key.", parse())
    yield write("credential/emit", "The Authorization field that a client sends.", emit())
