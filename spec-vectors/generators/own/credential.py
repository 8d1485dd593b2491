"""`Authorization` and its variants."""

import hashlib

from .macaroon import HEAD, LIMIT, SEAL, padding
from .tokens import (BASE, IDENTIFIER, OTHER_IDENTIFIER, PAID, PAYMENT_HASH, PREIMAGE, ROOT, TOKEN_ID, b64, encode, field,
                     sign, token, token_v1)
from .values import case, texted, kind

T = b64(token(BASE))
PLUS = next(t for t in (b64(token([b"n=%d" % n])) for n in range(99)) if "+" in t and "/" in t)
TWICE = b"\0\0" + hashlib.sha256(PAYMENT_HASH).digest() + TOKEN_ID
P = PREIMAGE.hex()
OTHER_P = "12" * 32
CLIENT = "L402 §HTTP Client Flow"
ONE = "RFC 9110 §11.6.2"
JOINED = "RFC 9110 §5.3"
GO = "deployed: Aperture's library since 2024-04"
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
    def read(id, rule, fields, origin=CLIENT, payment_hash=PAYMENT_HASH, **more):
        return presented(id, rule, origin, "authentic", fields, result={"payment_hash": payment_hash.hex()}, **more)

    def reject(id, rule, error, fields, origin=CLIENT, **more):
        return presented(id, rule, origin, "malformed", fields, error, **more)

    def none(id, rule, fields):
        return presented(id, rule, CLIENT, "none", fields)

    def forged(id, rule, fields, origin=CLIENT):
        return presented(id, rule, origin, "forged", fields)

    yield from accepted(read)
    yield from passed_over(none)
    yield from forgeries(forged)
    yield from malformed(reject)
    yield from too_long(reject)
    yield from ambiguous(reject)


def accepted(read):
    paid = token(PAID)
    letters = bytes([0xAB] * 32)
    hashed = hashlib.sha256(letters).digest()
    t_letters = b64(token(BASE, identifier=b"\0\0" + hashed + TOKEN_ID))
    yield read("specification", "token, colon, preimage", auth(f"L402 {T}:{P}"))
    yield read("lsat", "the older scheme", auth(f"LSAT {T}:{P}"))
    yield read("lower-case-scheme", "the scheme ignores letter case", auth(f"l402 {T}:{P}"))
    yield read("lower-case-field", "the field name ignores letter case", [("authorization", f"L402 {T}:{P}")])
    yield read("url-safe", "the url-safe alphabet is read", auth(f"L402 {PLUS.replace('+', '-').replace('/', '_')}:{P}"))
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
    yield read("upper-case-hex", "upper-case hex is read", auth(f"L402 {t_letters}:{'AB' * 32}"), payment_hash=hashed)
    yield read("mixed-case-hex", "hex of both cases is read", auth(f"L402 {t_letters}:{'aB' * 32}"), payment_hash=hashed)
    yield read("mixed-case-scheme", "the scheme ignores letter case", auth(f"lSaT {T}:{P}"))
    yield read("spaces-around", "white space around the field is not part of it", auth(f" \tL402 {T}:{P} \t"), "RFC 9110 §5.5")
    yield read("four-tokens", "four tokens are read", auth(f"L402 {','.join([T] * 4)}:{P}"), LIMIT)
    yield read("own-alphabets", "each token has its own alphabet", auth(f"L402 {PLUS},{PLUS.replace('+', '-').replace('/', '_')}:{P}"))
    yield read("preimage-caveat-twice", "the same preimage in two caveats", auth(f"L402 {b64(token(PAID + PAID[-1:]))}:{P}"), LNGET)
    yield read("preimage-caveat-spaced", "white space in the caveat is tolerated", [("Macaroon", token(BASE + [b" preimage = " + P.encode()]).hex())], "L402 §Caveats")
    yield read("preimage-in-one-of-two", "the preimage stands in one token", [("Macaroon", paid.hex())] + auth(f"L402 {T}:{P}"), APERTURE)
    yield read("field-spaces-around", "white space around the field is not part of it", [("Macaroon", f" {paid.hex()}\t")], "RFC 9110 §5.5")
    yield read("metadata-beside-bearer", "another scheme beside a metadata field is not ours", auth("Bearer abc") + [("Macaroon", paid.hex())], APERTURE, strip=[False, True])
    yield read("foreign-token-beside", "a foreign Token field beside a credential is not ours", auth(f"L402 {T}:{P}") + [("Token", "session-17")], strip=[True, False])
    for name in ["Macaroon", "Token"]:
        yield read(f"field-{name.lower()}-v1", "a hexadecimal token of format V1 is read", [(name, token_v1(PAID).hex())], APERTURE)
    yield read("field-token-v1-upper-case", "upper-case hex of format V1 is read", [("Token", token_v1(PAID).hex().upper())], APERTURE)
    yield read("field-token-v1-without-location", "a token of format V1 begins with its location or its identifier", [("Token", token_v1(PAID).hex()[2 * int(token_v1(PAID)[:4], 16):])], APERTURE)
    yield read("lsat-beside-l402", "the same in both schemes is one credential", auth(f"LSAT {T}:{P}") + auth(f"L402 {T}:{P}"), GO)
    yield read("l402-beside-lsat", "the same in both schemes is one credential, in whichever order", auth(f"L402 {T}:{P}") + auth(f"LSAT {T}:{P}"), GO)
    yield read("lsat-beside-l402-other-forms", "the same once decoded is one credential", auth(f"LSAT {PLUS}:{P}") + auth(f"L402 {PLUS.replace('+', '-').replace('/', '_').rstrip('=')}:{P}"), GO)
    yield read("lsat-beside-l402-two-tokens", "the same tokens in both schemes are one credential", auth(f"LSAT {T},{T}:{P}") + auth(f"L402 {T},{T}:{P}"), GO)
    yield read("joined-lsat-and-l402", "the same in both schemes is one credential, also where lines were joined", auth(f"LSAT {T}:{P}, L402 {T}:{P}"), JOINED)
    yield read("joined-without-blank", "white space behind a comma is optional", auth(f"L402 {T}:{P},LSAT {T.rstrip('=')}:{P}"), JOINED)
    yield read("joined-two-tokens", "joined lines may hold several tokens", auth(f"LSAT {T},{T}:{P} , L402 {T},{T}:{P}"), JOINED)
    yield read("both-schemes-and-metadata", "both schemes and a metadata field may agree", auth(f"LSAT {T}:{P}") + [("Macaroon", paid.hex())] + auth(f"L402 {T}:{P}"), APERTURE)
    yield read("empty-metadata-beside", "an empty metadata field beside a credential says nothing", auth(f"L402 {T}:{P}") + [("Macaroon", "")], GO)
    yield read("empty-metadata-beside-metadata", "an empty metadata field beside a credential says nothing", [("Grpc-Metadata-Macaroon", " "), ("Macaroon", paid.hex()), ("Grpc-Metadata-Token", "")], GO)
    yield read("token-of-8192", "a token of the greatest length is read", auth(f"L402 {b64(token([padding(8192)]))}:{P}"), LIMIT)


def passed_over(none):
    yield none("nothing", "no field", [])
    yield none("bearer", "another scheme is not ours", auth("Bearer abc"))
    yield none("scheme-prefix", "the scheme is a whole word", auth(f"L402x {T}:{P}"))
    yield none("foreign-token-field", "a Token field that does not begin like a macaroon is not ours", [("Token", "session-17")])
    yield none("foreign-hex-token-field", "a Token field that does not begin like a macaroon is not ours", [("Token", "c0ffee" * 8)])
    yield none("empty-authorization", "an empty field is not ours", auth(""))
    yield none("scheme-with-colon", "white space ends the scheme", auth(f"L402:{T}:{P}"))
    yield none("scheme-cut", "the scheme is a whole word", auth(f"L40 {T}:{P}"))
    yield none("other-fields", "a credential in another field is not one", [("Cookie", f"L402 {T}:{P}"), ("X-Authorization", f"L402 {T}:{P}"), ("Proxy-Authorization", f"L402 {T}:{P}")])
    yield none("bearer-twice", "two lines of other schemes are not ours to judge", auth("Bearer abc") * 2)
    yield none("latin1-bearer", "bytes that are no UTF-8 are passed over in other schemes", auth(b"Bearer \xe9"))
    yield none("parameters-of-digest", "parameters of another scheme hide no credential", auth('Digest username="x", realm="L402", uri="/a,b"'))


def forgeries(forged):
    yield forged("wrong-preimage", "the preimage proves the payment", auth(f"L402 {T}:{OTHER_P}"))
    yield forged("preimage-is-the-hash", "the hash is no proof", auth(f"L402 {T}:{PAYMENT_HASH.hex()}"))
    yield forged("other-key", "the key signs", auth(f"L402 {b64(token(BASE, root=bytes(32)))}:{P}"))
    yield forged("second-token-forged", "every token must verify", auth(f"L402 {T},{b64(token(BASE, root=bytes(32)))}:{P}"))
    yield forged("appended-preimage-unsigned", "the preimage caveat is in the chain", [("Macaroon", encode(IDENTIFIER, PAID, sign(ROOT, IDENTIFIER, BASE)).hex())], APERTURE)
    yield forged("signature-flipped", "every bit of the signature counts", auth(f"L402 {b64(token(BASE)[:-1] + bytes([token(BASE)[-1] ^ 1]))}:{P}"))
    yield forged("payment-chosen", "a client does not choose the payment hash", auth(f"L402 {b64(encode(OTHER_IDENTIFIER, BASE, sign(ROOT, IDENTIFIER, BASE)))}:{OTHER_P}"), "threat L2")
    yield forged("preimage-doubly-hashed", "the preimage is hashed once", auth(f"L402 {b64(token(BASE, identifier=TWICE))}:{P}"))
    yield forged("wrong-preimage-in-both", "agreement alone proves nothing", [("Macaroon", token(BASE + [b"preimage=" + OTHER_P.encode()]).hex())], APERTURE)
    yield forged("first-token-forged", "every token must verify", auth(f"L402 {b64(token(BASE, root=bytes(32)))},{T}:{P}"))
    yield presented("no-key", "a token without a key proves nothing", "this project: retired keys", "forged", auth(f"L402 {T}:{P}")) | {"root_key": None}


def malformed(reject):
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
    yield reject("metadata-not-hex", "hexadecimal", "hex", [("Macaroon", "zz")], APERTURE)
    yield reject("metadata-empty", "a token is needed", "missing-token", [("Macaroon", "")], APERTURE)
    yield reject("metadata-without-preimage", "a preimage caveat is needed", "missing-preimage", [("Macaroon", token(BASE).hex())], APERTURE)
    yield reject("preimage-caveat-not-hex", "64 digits", "preimage", [("Macaroon", token(BASE + [b"preimage=x"]).hex())], APERTURE)
    yield reject("preimage-with-prefix", "no prefix", "preimage", auth(f"L402 {T}:0x{P[2:]}"))
    yield reject("preimage-prefixed-64", "64 digits and no more", "preimage", auth(f"L402 {T}:0x{P}"))
    yield reject("preimage-behind-space", "no white space inside", "preimage", auth(f"L402 {T}: {P}"))
    yield reject("preimage-nul", "no control character", "preimage", auth(f"L402 {T}:{P[1:]}\0"))
    yield reject("preimage-line-feed", "a line feed is not trimmed", "preimage", auth(f"L402 {T}:{P}\n"))
    yield reject("preimage-latin1", "no byte above 127", "preimage", auth(f"L402 {T}:{P[2:]}".encode() + b"\xb1\xb1"))
    yield reject("preimage-full-width", "no digit of another script", "preimage", auth(f"L402 {T}:" + "\uff11" * 64))
    yield reject("preimage-base64", "not base64", "preimage", auth(f"L402 {T}:{b64(PREIMAGE)}"))
    yield reject("two-colons", "one colon", "base64-invalid-character", auth(f"L402 {T.rstrip('=')}:{P}:{P}"))
    yield reject("colon-only", "a token and a preimage", "preimage", auth("L402 :"))
    yield reject("empty-first-token", "a token stands before a comma", "missing-token", auth(f"L402 ,{T}:{P}"))
    yield reject("commas-only", "thousands of commas", "missing-token", auth(f"L402 {',' * 4000}:{P}"))
    yield reject("nul-in-token", "no control character", "base64-invalid-character", auth(f"L402 {T[:40]}\0{T[41:]}:{P}"))
    yield reject("latin1-in-token", "no byte above 127", "base64-invalid-character", auth(f"L402 {T[:40]}".encode() + b"\xe9" + f"{T[41:]}:{P}".encode()))
    yield reject("space-in-token", "no white space inside", "base64-invalid-character", auth(f"L402 {T[:40]} {T[41:]}:{P}"))
    yield reject("token-with-parameters", "no parameters", "base64-invalid-character", auth(f'L402 token="{T}", preimage="{P}":{P}'.replace(", ", "")))
    yield reject("base64-length", "no single last character", "base64-length", auth(f"L402 AgEEA:{P}"))
    yield reject("base64-padding", "padding fills a group", "base64-padding", auth(f"L402 AgE==:{P}"))
    yield reject("base64-padding-inside", "padding ends the text", "base64-invalid-character", auth(f"L402 AgE=AgEE:{P}"))
    yield reject("base64-padding-only", "padding has something to fill", "base64-padding", auth(f"L402 =:{P}"))
    yield reject("hex-for-base64", "a token in hexadecimal belongs into a metadata field", "macaroon-unsupported-version", auth(f"L402 {token(BASE).hex()}:{P}"))
    yield reject("token-truncated", "a whole macaroon", "macaroon-truncated", auth(f"L402 {b64(token(BASE)[:-3])}:{P}"))
    yield reject("token-overlong-length", "lengths are minimal", "macaroon-overlong-length", auth(f"L402 {b64(HEAD + bytes([2, 0x81, 0]) + b'a' + bytes(1) + SEAL)}:{P}"))
    yield reject("token-field-twice", "a field stands once", "macaroon-duplicate-field", auth(f"L402 {b64(HEAD + field(2, b'a') * 2 + bytes(1) + SEAL)}:{P}"))
    yield reject("token-field-order", "types ascend", "macaroon-field-order", auth(f"L402 {b64(HEAD + field(2, b'a') + field(1, b'a') + bytes(1) + SEAL)}:{P}"))
    yield reject("token-caveats-33", "32 caveats at most", "macaroon-too-many-caveats", auth(f"L402 {b64(token([b'a'] * 33))}:{P}"), LIMIT)
    yield reject("second-token-malformed", "every token is well-formed", "base64-invalid-character", auth(f"L402 {T},{T[:-1]}!:{P}"))
    yield reject("identifier-version-1", "identifiers of version 0", "identifier-version", auth(f"L402 {b64(token(BASE, identifier=bytes([0, 1]) + IDENTIFIER[2:]))}:{P}"), "L402 §Identifier")
    yield reject("preimage-caveat-alone", "the field has a preimage of its own", "missing-preimage", auth(f"L402 {b64(token(PAID))}"), LNGET)
    yield reject("preimage-caveat-empty", "64 digits", "preimage", [("Macaroon", token(BASE + [b"preimage="]).hex())], APERTURE)
    yield reject("preimage-caveat-other-case", "conditions compare exactly", "missing-preimage", [("Macaroon", token(BASE + [b"Preimage=" + P.encode()]).hex())], "L402 §Caveats")
    yield reject("metadata-odd", "two digits a byte", "hex", [("Macaroon", token(PAID).hex()[:-1])], APERTURE)
    yield reject("metadata-base64", "a metadata field is hexadecimal", "hex", [("Macaroon", b64(token(PAID)))], APERTURE)
    yield reject("metadata-two-tokens", "a metadata field holds one token", "hex", [("Macaroon", f"{token(PAID).hex()},{token(PAID).hex()}")], APERTURE)
    yield reject("metadata-latin1", "no byte above 127", "hex", [("Macaroon", token(PAID).hex()[:-2].encode() + b"\xe9\xe9")], APERTURE)
    yield reject("metadata-trailing", "one macaroon and nothing behind it", "macaroon-trailing-bytes", [("Macaroon", token(PAID).hex() + "00")], APERTURE)


def too_long(reject):
    wide = token([b"x" * 5000])
    yield reject("token-of-8193", "8192 bytes at most", "token-too-long", auth(f"L402 {b64(token([padding(8193)]))}:{P}"), LIMIT)
    yield reject("tokens-of-10-kib", "8192 bytes at most, all tokens together", "token-too-long", auth(f"L402 {b64(wide)},{b64(wide)}:{P}"), LIMIT)
    yield reject("metadata-of-8193", "8192 bytes at most", "token-too-long", [("Macaroon", token([padding(8193)]).hex())], LIMIT)
    full = f"L402 {'A' * (32768 - 70)}:{P}"
    yield reject("field-of-32768", "a field of 32768 bytes is looked into", "token-too-long", auth(full), LIMIT)
    yield reject("field-of-32769", "a field of more bytes is not", "too-long", auth(full.replace("A:", "AA:")), LIMIT)
    yield reject("field-of-64-kib", "a field of more bytes is not", "too-long", auth("L402 " + "A" * 65536), LIMIT)
    yield reject("metadata-of-64-kib", "a field of more bytes is not", "too-long", [("Macaroon", "02" * 32768)], LIMIT)


def ambiguous(reject):
    paid = token(PAID)
    t_other = b64(token(BASE, identifier=OTHER_IDENTIFIER))
    yield reject("two-payments", "all tokens bind one payment", "payments-differ", auth(f"L402 {T},{t_other}:{P}"))
    yield reject("preimages-differ", "caveat and field agree", "preimages-differ", auth(f"L402 {b64(paid)}:{OTHER_P}"), LNGET)
    yield reject("two-authorizations", "one credential", "ambiguous", auth(f"L402 {T}:{P}") * 2, ONE)
    yield reject("authorization-and-bearer", "one credential", "ambiguous", auth("Bearer abc") + auth(f"L402 {T}:{P}"), ONE, strip=[False, True])
    yield reject("joined-behind-bearer", "one credential, also where lines were joined", "ambiguous", auth(f"Bearer abc, L402 {T}:{P}"), JOINED)
    yield reject("joined-twice", "one credential, also where lines were joined", "ambiguous", auth(f"L402 {T}:{P}, L402 {T}:{P}"), JOINED)
    yield reject("metadata-differs", "metadata fields agree", "ambiguous", [("Macaroon", paid.hex()), ("Token", token(BASE).hex())], APERTURE)
    yield reject("metadata-of-another-payment", "authorization and metadata agree", "payments-differ", auth(f"L402 {T}:{P}") + [("Macaroon", token(BASE, identifier=OTHER_IDENTIFIER).hex())], APERTURE)
    yield reject("lsat-beside-l402-of-another", "two lines of both schemes say the same", "ambiguous", auth(f"LSAT {T}:{P}") + auth(f"L402 {t_other}:{P}"), GO)
    yield reject("lsat-beside-l402-other-preimage", "two lines of both schemes say the same", "ambiguous", auth(f"LSAT {T}:{P}") + auth(f"L402 {T}:{OTHER_P}"), GO)
    yield reject("lsat-beside-l402-narrowed", "two lines of both schemes hold the same caveats", "ambiguous", auth(f"LSAT {T}:{P}") + auth(f"L402 {b64(token(BASE + [b'n=1']))}:{P}"), GO)
    yield reject("lsat-beside-l402-more-tokens", "two lines of both schemes hold as many tokens", "ambiguous", auth(f"LSAT {T}:{P}") + auth(f"L402 {T},{T}:{P}"), GO)
    yield reject("lsat-beside-l402-fewer-tokens", "two lines of both schemes hold as many tokens", "ambiguous", auth(f"LSAT {T},{T}:{P}") + auth(f"L402 {T}:{P}"), GO)
    yield reject("lsat-beside-l402-malformed", "the second line is well-formed", "base64-invalid-character", auth(f"LSAT {T}:{P}") + auth(f"L402 {T[:-1]}!:{P}"), GO)
    yield reject("lsat-beside-l402-without-preimage", "the second line has a preimage", "missing-preimage", auth(f"LSAT {T}:{P}") + auth(f"L402 {T}"), GO)
    yield reject("lsat-twice-beside-l402", "at most one line of each scheme", "ambiguous", auth(f"LSAT {T}:{P}") + auth(f"L402 {T}:{P}") + auth(f"lsat {T}:{P}"), GO)
    yield reject("lsat-beside-l402-and-bearer", "one credential, whatever its scheme", "ambiguous", auth(f"LSAT {T}:{P}") + auth(f"L402 {T}:{P}") + auth("Bearer abc"), ONE, strip=[True, True, False])
    yield reject("joined-of-another", "joined lines of both schemes say the same", "ambiguous", auth(f"LSAT {T}:{P}, L402 {t_other}:{P}"), JOINED)
    yield reject("joined-other-preimage", "joined lines of both schemes say the same", "ambiguous", auth(f"LSAT {T}:{P}, L402 {T}:{OTHER_P}"), JOINED)
    yield reject("joined-three", "at most one line of each scheme", "ambiguous", auth(f"LSAT {T}:{P}, L402 {T}:{P}, LSAT {T}:{P}"), JOINED)
    yield reject("joined-beside-a-line", "at most one line of each scheme", "ambiguous", auth(f"LSAT {T}:{P}, L402 {T}:{P}") + auth(f"L402 {T}:{P}"), JOINED)
    yield reject("joined-twice-in-two-lines", "at most one line of each scheme", "ambiguous", auth(f"LSAT {T}:{P}, L402 {T}:{P}") + auth(f"L402 {T}:{P}, LSAT {T}:{P}"), JOINED)
    yield reject("joined-blank-before-the-preimage", "nothing stands between a token and its preimage", "base64-length", auth(f"LSAT {T}:{P}, L402 {T} :{P}"), JOINED)
    yield reject("joined-before-bearer", "one credential, also where lines were joined", "preimage", auth(f"L402 {T}:{P}, Bearer abc"), JOINED)
    yield reject("metadata-empty-twice", "a token is needed", "missing-token", [("Macaroon", " "), ("Grpc-Metadata-Token", "")], APERTURE)
    yield reject("bearer-behind", "one credential, in whichever order", "ambiguous", auth(f"L402 {T}:{P}") + auth("Bearer abc"), ONE, strip=[True, False])
    yield reject("joined-behind-basic-of-64-kib", "one credential, however far behind", "ambiguous", auth(f"Basic {'x' * 65536}, L402 {T}:{P}"), JOINED)
    yield reject("metadata-token-and-macaroon", "metadata fields of two names agree", "ambiguous", [("Grpc-Metadata-Macaroon", paid.hex()), ("Grpc-Metadata-Token", token(PAID[:1] + PAID[2:]).hex())], APERTURE)
    yield reject("three-payments", "the third token binds the payment too", "payments-differ", auth(f"L402 {T},{T},{t_other}:{P}"))
    yield reject("preimage-caveats-differ", "two caveats agree", "preimages-differ", [("Macaroon", token(PAID + [b"preimage=" + OTHER_P.encode()]).hex())], LNGET)
    yield reject("preimages-of-two-tokens-differ", "all tokens agree", "preimages-differ", auth(f"L402 {T},{b64(token(BASE + [b'preimage=' + OTHER_P.encode()]))}:{P}"), LNGET)
    yield reject("metadata-preimage-differs", "authorization and metadata agree", "preimages-differ", auth(f"L402 {T}:{OTHER_P}") + [("Macaroon", paid.hex())], APERTURE)


def emit():
    yield case("l402", "scheme, token, colon, lower-case preimage", CLIENT, "emitted", scheme="L402", token=T, preimage=P, result={"value": f"L402 {T}:{P}"})
    yield case("lsat", "the scheme of the challenge is mirrored", LNGET, "emitted", scheme="LSAT", token=T, preimage="ab" * 32, result={"value": f"LSAT {T}:{'ab' * 32}"})


def kinds():
    yield kind("credential/parse", "The credential fields of one request, under one root key.", parse())
    yield kind("credential/emit", "The Authorization field that a client sends.", emit())
