#!/usr/bin/env python3
"""Writes the vector files beside this script.

It makes the tokens, keys and header fields with an implementation of its own: plain Python, standard library only,
written from the format descriptions and not from the Rust code. The verdicts are stated by hand, each with its rule and
origin. Run it after a change and commit what it wrote; `just vectors` fails on a difference.
"""

import base64
import hashlib
import hmac
import json
import pathlib

HERE = pathlib.Path(__file__).parent
ROOT = bytes(range(32))
PREIMAGE = bytes([0x11] * 32)
PAYMENT_HASH = hashlib.sha256(PREIMAGE).digest()
TOKEN_ID = bytes([0x22] * 32)
IDENTIFIER = b"\0\0" + PAYMENT_HASH + TOKEN_ID
INVOICE = "lnbcrt210n1exampleinvoice"


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def varint(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(kind, content):
    return bytes([kind]) + varint(len(content)) + content


def sign(root, identifier, caveats):
    signature = mac(mac(b"macaroons-key-generator", root), identifier)
    for caveat in caveats:
        if isinstance(caveat, tuple):  # third party: (location, id, verification id)
            signature = mac(signature, mac(signature, caveat[2]) + mac(signature, caveat[1]))
        else:
            signature = mac(signature, caveat)
    return signature


def encode(identifier, caveats, signature, location=b"lsat"):
    out = b"\x02" + (field(1, location) if location else b"") + field(2, identifier) + b"\0"
    for caveat in caveats:
        if isinstance(caveat, tuple):
            out += field(1, caveat[0]) + field(2, caveat[1]) + field(4, caveat[2]) + b"\0"
        else:
            out += field(2, caveat) + b"\0"
    return out + b"\0" + field(6, signature)


def token(caveats, root=ROOT, identifier=IDENTIFIER, location=b"lsat"):
    return encode(identifier, caveats, sign(root, identifier, caveats), location)


def packet(key, value):
    body = key + b" " + value + b"\n"
    return b"%04x" % (len(body) + 4) + body


def token_v1(caveats, root=ROOT, identifier=IDENTIFIER):
    out = packet(b"location", b"lsat") + packet(b"identifier", identifier)
    out += b"".join(packet(b"cid", caveat) for caveat in caveats)
    return out + packet(b"signature", sign(root, identifier, caveats))


def write(name, about, cases):
    ids = [case["id"] for case in cases]
    assert len(ids) == len(set(ids)), f"{name}: an id occurs twice"
    text = json.dumps({"about": about, "cases": cases}, indent=2, ensure_ascii=True) + "\n"
    (HERE / name).write_text(text)


DEPLOYED = "deployed: go-macaroon"
FORMAT = "libmacaroons doc/format.txt"
BASE = [b"services=service1:0", b"service1_capabilities="]


def macaroons():
    def case(id, rule, origin, data, verdict, error=None, root=ROOT, format=2, **more):
        return {"id": id, "rule": rule, "origin": origin, "format": format, "root_key": root.hex(), "macaroon": data.hex(),
                "verdict": verdict, **({"error": error} if error else {}), **more}

    def accept(id, rule, origin, caveats, data=None, **more):
        data = data or token(caveats)
        texts = [(c[1] if isinstance(c, tuple) else c).hex() for c in caveats]
        return case(id, rule, origin, data, "authentic", caveats=texts, signature=sign(ROOT, IDENTIFIER, caveats).hex(), **more)

    base = token(BASE)
    signature = sign(ROOT, IDENTIFIER, BASE)
    assert signature.hex() == "7d9320b20511a5ae9fe8f3c85f8d6171549f9b7cd050fe535b75f046abf827db" and len(base) == 158
    paid = BASE + [b"preimage=" + b"1" * 64]
    assert len(token(paid)) == 234
    head = b"\x02" + field(1, b"lsat") + field(2, IDENTIFIER) + b"\0"
    third = (b"https://third", b"third-party id", b"\xAA" * 48)
    yield accept("base", "a chain of two first-party caveats", DEPLOYED, BASE)
    yield accept("preimage-caveat", "a caveat appended by a client", DEPLOYED, paid)
    yield accept("no-caveats", "the list may be empty", FORMAT, [])
    yield accept("no-location", "the location is optional", FORMAT, BASE, token(BASE, location=b""))
    yield accept("other-location", "no signature covers the location", FORMAT, BASE, token(BASE, location=b"elsewhere"))
    yield accept("long-caveat", "lengths above 127 take two bytes", FORMAT, [b"a=" + b"x" * 300])
    yield accept("binary-caveat", "a caveat is bytes", FORMAT, [bytes(range(256))])
    yield accept("empty-caveat", "an identifier may be empty", FORMAT, [b""])
    yield accept("caveats-32", "32 caveats are read", "limit of this implementation", [b"a=%d" % i for i in range(32)])
    yield accept("third-party", "a third-party caveat binds two hashes", DEPLOYED, [b"a=1", third])
    yield accept("v1", "the packet format is read", FORMAT, BASE, token_v1(BASE), format=1)
    for length in (54, 55, 56, 63, 64, 119, 120, 183, 184):
        yield accept(f"caveat-of-{length}", "padding at the block borders of SHA-256", "FIPS 180-4", [b"x" * length])

    def forged(id, rule, data, **more):
        return case(id, rule, "HMAC chain", data, "forged", **more)

    yield forged("other-root-key", "the root key signs", base, root=bytes(32))
    yield forged("flipped-first-bit", "every bit of the signature counts", base[:-32] + bytes([base[-32] ^ 0x80]) + base[-31:])
    yield forged("flipped-last-bit", "every bit of the signature counts", base[:-1] + bytes([base[-1] ^ 1]))
    yield forged("caveat-removed", "a caveat cannot be removed", encode(IDENTIFIER, BASE[:1], signature))
    yield forged("caveat-changed", "a caveat cannot be changed", encode(IDENTIFIER, [b"services=service2:0", BASE[1]], signature))
    yield forged("caveats-swapped", "the order is signed", encode(IDENTIFIER, BASE[::-1], signature))
    yield forged("identifier-changed", "the identifier is signed", encode(IDENTIFIER[:-1] + b"\0", BASE, signature))
    yield forged("no-generator", "the root key goes through the key generator", encode(IDENTIFIER, [], mac(ROOT, IDENTIFIER)))

    def reject(id, rule, error, data, format=2):
        return case(id, rule, FORMAT, data, "malformed", error, format=format)

    yield reject("empty", "there must be bytes", "empty", b"")
    yield reject("version-1-byte", "the first byte is 2", "unsupported-version", b"\x01" + base[1:])
    yield reject("v1-as-v2", "formats are told apart by the caller", "unsupported-version", token_v1(BASE))
    yield reject("truncated-signature", "the signature must be whole", "truncated", base[:-1])
    yield reject("truncated-head", "the first section must be whole", "truncated", base[:20])
    yield reject("version-only", "the first section must be whole", "truncated", b"\x02")
    yield reject("trailing-byte", "nothing follows the signature", "trailing-bytes", base + b"\0")
    yield reject("two-macaroons", "exactly one macaroon", "trailing-bytes", base + base)
    yield reject("overlong-length", "lengths are minimal", "overlong-length", b"\x02\x02\xc2\x00" + IDENTIFIER + b"\0\0" + field(6, signature))
    yield reject("huge-length", "lengths are bounded", "too-long", b"\x02\x02\xff\xff\xff\xff\x7f")
    yield reject("endless-length", "a length ends", "truncated", b"\x02\x02" + b"\xff" * 20)
    yield reject("too-long", "8192 bytes at most", "too-long", token([b"x" * 8100]))
    yield reject("caveats-33", "32 caveats at most", "too-many-caveats", token([b"a=%d" % i for i in range(33)]))
    yield reject("location-twice", "a field stands once", "unexpected-field", b"\x02" + field(1, b"a") + field(1, b"b") + head[8:])
    yield reject("identifier-twice", "a field stands once", "unexpected-field", b"\x02" + field(2, IDENTIFIER) + field(2, b"b") + b"\0\0" + field(6, signature))
    yield reject("location-after-identifier", "types ascend", "unexpected-field", b"\x02" + field(2, IDENTIFIER) + field(1, b"a") + b"\0\0" + field(6, signature))
    yield reject("no-identifier", "a section has an identifier", "missing-identifier", b"\x02" + field(1, b"lsat") + b"\0\0" + field(6, signature))
    yield reject("vid-without-id", "a section has an identifier", "missing-identifier", head + field(4, b"vid") + b"\0\0" + field(6, signature))
    yield reject("unknown-field", "types are known", "unexpected-field", head + field(3, b"?") + b"\0\0" + field(6, signature))
    yield reject("no-end-of-list", "the list has an end", "unexpected-field", head + field(6, signature))
    yield reject("signature-31", "a signature has 32 bytes", "signature-length", head + b"\0" + field(6, signature[1:]))
    yield reject("signature-33", "a signature has 32 bytes", "signature-length", head + b"\0" + field(6, signature + b"\0"))
    v1_head = packet(b"location", b"lsat") + packet(b"identifier", IDENTIFIER)
    yield reject("v1-six-byte-packets", "packets are counted, not recursed into", "missing-identifier", b"0006a\n" * 1000, format=1)
    yield reject("v1-caveats-33", "32 caveats at most", "too-many-caveats", v1_head + packet(b"cid", b"") * 34, format=1)
    yield reject("v1-length-below-4", "a packet counts its own length", "packet", b"0003", format=1)
    yield reject("v1-no-newline", "a packet ends with a line feed", "packet", b"000blocation", format=1)
    yield reject("v1-truncated", "a packet is whole", "truncated", token_v1(BASE)[:-2], format=1)
    yield reject("v1-trailing", "nothing follows the signature", "trailing-bytes", token_v1(BASE) + b"0", format=1)


def identifiers():
    def case(id, rule, data, error=None):
        fine = {} if error else {"payment_hash": PAYMENT_HASH.hex(), "token_id": TOKEN_ID.hex()}
        return {"id": id, "rule": rule, "origin": "L402 §Identifier", "identifier": data.hex(),
                "verdict": "malformed" if error else "read", **({"error": error} if error else {}), **fine}

    yield case("version-0", "u16 version, payment hash, token id", IDENTIFIER)
    yield case("version-1", "only version 0 is known", b"\0\1" + IDENTIFIER[2:], "version")
    yield case("version-256", "the version is big-endian", b"\1\0" + IDENTIFIER[2:], "version")
    yield case("length-65", "66 bytes", IDENTIFIER[:-1], "length")
    yield case("length-67", "66 bytes", IDENTIFIER + b"\0", "length")
    yield case("empty", "66 bytes", b"", "length")
    yield case("one-byte", "66 bytes", b"\0", "length")


def challenges():
    t = base64.b64encode(token(BASE)).decode()
    v2 = f'L402 version="0", token="{t}", invoice="{INVOICE}"'
    lsat = f'LSAT macaroon="{t}", invoice="{INVOICE}"'

    def accept(id, rule, lines, scheme="L402", origin="RFC 9110 §11", token=t, invoice=INVOICE):
        return {"id": id, "rule": rule, "origin": origin, "lines": lines, "verdict": "read",
                "scheme": scheme, "token": token, "invoice": invoice}

    def reject(id, rule, error, lines, origin="RFC 9110 §11"):
        return {"id": id, "rule": rule, "origin": origin, "lines": lines, "verdict": "refused", "error": error}

    yield accept("specification", "the form of the specification", [v2], origin="L402 §HTTP Server Flow")
    yield accept("lsat", "the older scheme", [lsat], "LSAT", "deployed: Aperture")
    yield accept("two-lines", "L402 is preferred wherever it stands", [lsat, v2], origin="deployed: Aperture")
    yield accept("joined-lines", "lines joined with a comma are the same", [f"{lsat}, {v2}"])
    yield accept("macaroon-under-l402", "macaroon is a synonym of token", [f'L402 macaroon="{t}", invoice="{INVOICE}"'], origin="deployed: Aperture")
    yield accept("token-under-lsat", "token is a synonym of macaroon", [f'LSAT token="{t}", invoice="{INVOICE}"'], "LSAT")
    yield accept("both-agree", "synonyms may both be present", [f'L402 macaroon="{t}", token="{t}", invoice="{INVOICE}"'])
    yield accept("any-order", "parameters have no order", [f'L402 invoice="{INVOICE}", token="{t}", version="0"'])
    yield accept("any-case", "names ignore letter case", [f'l402 VERSION="0", Token="{t}", INVOICE="{INVOICE}"'])
    yield accept("white-space", "white space around = and , is optional", [f'L402   version = "0" ,\ttoken= "{t}",invoice ="{INVOICE}"  '])
    yield accept("unknown-parameter", "unknown parameters are ignored", [f'L402 version="0", realm="a, b=c", token="{t}", invoice="{INVOICE}", x=y'])
    yield accept("unquoted", "values may be tokens", [f"L402 version=0, token={t}, invoice={INVOICE}"], origin="met in the wild")
    yield accept("escaped", "a quoted string may escape any character", [f'L402 token="\\{t}", invoice="\\{INVOICE}"'])
    yield accept("empty-elements", "empty list elements are skipped", [f', ,L402 version="0",, token="{t}", ,invoice="{INVOICE}",'])
    yield accept("behind-basic", "other schemes are skipped", [f'Basic realm="x, L402 token=1", {v2}'])
    yield accept("before-basic", "a challenge ends where another begins", [f'{v2}, Basic realm="x"'])
    yield accept("behind-token68", "token68 of other schemes is skipped", [f"Negotiate oYGVMIGSoAMKAQE==, {v2}"])
    yield accept("behind-bare-scheme", "a scheme may stand alone", [f"Negotiate, {v2}"])
    yield accept("behind-unknown-version", "a version that is not 0 is not ours", [v2.replace('"0"', '"1"').replace(t, "AA=="), v2])
    yield accept("behind-a-broken-one", "a broken challenge does not hide a good one", ['L402 token="x"', v2])

    yield reject("nothing", "there must be a challenge", "missing", [])
    yield reject("empty-line", "there must be a challenge", "missing", [""])
    yield reject("other-scheme", "there must be a challenge of ours", "missing", ['Basic realm="x"'])
    yield reject("broken-other-scheme", "what is wrong with another scheme is not ours to report", "missing", ['Basic realm="x'])
    yield reject("unknown-version", "version 0 or none", "missing", [v2.replace('"0"', '"1"')])
    yield reject("no-token", "a token is needed", "missing-token", [f'L402 version="0", invoice="{INVOICE}"'])
    yield reject("no-invoice", "an invoice is needed", "missing-invoice", [f'L402 version="0", token="{t}"'])
    yield reject("synonyms-differ", "synonyms must agree", "contradiction", [f'L402 macaroon="{t}", token="AA==", invoice="{INVOICE}"'])
    yield reject("invoice-twice", "a parameter says one thing", "contradiction", [f'L402 token="{t}", invoice="a", invoice="b"'])
    yield reject("line-break-in-value", "a quoted string holds no control character", "quote", [f'L402 token="{t}\r\nX: y", invoice="{INVOICE}"'], "RFC 9110 §5.6.4")
    yield reject("escaped-nul", "an escape holds no control character", "quote", [f'L402 token="{t}\\\0", invoice="{INVOICE}"'], "RFC 9110 §5.6.4")
    yield reject("empty-version", "our challenges have parameters and no token68", "value", [f'L402 version=, token="{t}", invoice="{INVOICE}"'])
    yield reject("open-quote", "a quoted string ends", "quote", [f'L402 token="{t}'])
    yield reject("escape-at-end", "an escape has a character", "quote", ['L402 token="a\\'])
    yield reject("two-values", "a comma separates parameters", "value", [f'L402 token="{t}" "{t}", invoice="{INVOICE}"'])
    yield reject("no-value", "a parameter has a value", "value", ["L402 version=0, token=, invoice=x"])
    yield reject("no-scheme", "a field begins with a scheme", "scheme", ['="x"'])


def credentials():
    t = base64.b64encode(token(BASE)).decode()
    p = PREIMAGE.hex()
    paid = token(BASE + [b"preimage=" + p.encode()])
    other_payment = b"\0\0" + hashlib.sha256(b"\0" * 32).digest() + TOKEN_ID
    t_other = base64.b64encode(token(BASE, identifier=other_payment)).decode()
    b64 = lambda data: base64.b64encode(data).decode()
    auth = lambda value: [["Authorization", value]]
    lnget, metadata = "deployed: lnget", "deployed: Aperture"

    def case(id, rule, fields, verdict, error=None, origin="L402 §HTTP Client Flow"):
        return {"id": id, "rule": rule, "origin": origin, "root_key": ROOT.hex(), "fields": fields, "verdict": verdict,
                **({"error": error} if error else {})}

    yield case("specification", "token, colon, preimage", auth(f"L402 {t}:{p}"), "authentic")
    yield case("lsat", "the older scheme", auth(f"LSAT {t}:{p}"), "authentic")
    yield case("lower-case-scheme", "the scheme ignores letter case", auth(f"l402 {t}:{p}"), "authentic")
    yield case("lower-case-field", "the field name ignores letter case", [["authorization", f"L402 {t}:{p}"]], "authentic")
    yield case("upper-case-hex", "upper-case hex is read", auth(f"L402 {t}:{p.upper()}"), "authentic")
    yield case("url-safe", "the url-safe alphabet is read", auth(f"L402 {base64.urlsafe_b64encode(token(BASE)).decode()}:{p}"), "authentic")
    yield case("unpadded", "missing padding is read", auth(f"L402 {t.rstrip('=')}:{p}"), "authentic")
    yield case("two-spaces", "more than one space is read", auth(f"L402  {t}:{p}"), "authentic")
    yield case("two-tokens", "all tokens verify and bind one payment", auth(f"L402 {t},{b64(token([BASE[0]]))}:{p}"), "authentic")
    yield case("preimage-in-both", "the same preimage in caveat and field", auth(f"L402 {b64(paid)}:{p}"), "authentic", origin=lnget)
    for name in ["Macaroon", "Grpc-Metadata-Macaroon", "Token", "Grpc-Metadata-Token"]:
        yield case(f"field-{name.lower()}", "a hexadecimal token with a preimage caveat", [[name, paid.hex()]], "authentic", origin=metadata)
    yield case("field-upper-case", "upper-case hex is read", [["Macaroon", paid.hex().upper()]], "authentic", origin=metadata)
    yield case("both-agree", "authorization and metadata may agree", auth(f"L402 {t}:{p}") + [["Macaroon", paid.hex()]], "authentic", origin=metadata)
    yield case("same-metadata-twice", "equal metadata fields are one credential", [["Macaroon", paid.hex()], ["Grpc-Metadata-Macaroon", paid.hex()]], "authentic", origin=metadata)

    yield case("nothing", "no field", [], "none")
    yield case("bearer", "another scheme is not ours", auth("Bearer abc"), "none")
    yield case("scheme-prefix", "the scheme is a whole word", auth(f"L402x {t}:{p}"), "none")
    yield case("foreign-token-field", "a Token field that does not begin like a macaroon is not ours", [["Token", "session-17"]], "none")
    yield case("foreign-hex-token-field", "a Token field that does not begin like a macaroon is not ours", [["Token", "c0ffee" * 8]], "none")
    yield case("tab-after-scheme", "a tab is white space too", auth(f"L402\t{t}:{p}"), "authentic")

    yield case("wrong-preimage", "the preimage proves the payment", auth(f"L402 {t}:{'12' * 32}"), "forged")
    yield case("preimage-is-the-hash", "the hash is no proof", auth(f"L402 {t}:{PAYMENT_HASH.hex()}"), "forged")
    yield case("other-key", "the key signs", auth(f"L402 {b64(token(BASE, root=bytes(32)))}:{p}"), "forged")
    yield case("second-token-forged", "every token must verify", auth(f"L402 {t},{b64(token(BASE, root=bytes(32)))}:{p}"), "forged")
    yield case("appended-preimage-unsigned", "the preimage caveat is in the chain", [["Macaroon", encode(IDENTIFIER, BASE + [b"preimage=" + p.encode()], sign(ROOT, IDENTIFIER, BASE)).hex()]], "forged", origin=metadata)

    def reject(id, rule, error, fields, origin="L402 §HTTP Client Flow"):
        return case(id, rule, fields, "malformed", error, origin)

    yield reject("scheme-only", "a credential follows the scheme", "missing-preimage", auth("L402"))
    yield reject("no-colon", "a preimage is needed", "missing-preimage", auth(f"L402 {t}"))
    yield reject("no-preimage", "a preimage is needed", "preimage", auth(f"L402 {t}:"))
    yield reject("preimage-63", "64 digits", "preimage", auth(f"L402 {t}:{p[1:]}"))
    yield reject("preimage-65", "64 digits", "preimage", auth(f"L402 {t}:{p}1"))
    yield reject("preimage-not-hex", "hexadecimal digits", "preimage", auth(f"L402 {t}:{'g' * 64}"))
    yield reject("no-token", "a token is needed", "missing-token", auth(f"L402 :{p}"))
    yield reject("empty-second-token", "a token stands between commas", "missing-token", auth(f"L402 {t},:{p}"))
    yield reject("five-tokens", "four tokens at most", "too-many-tokens", auth(f"L402 {','.join([t] * 5)}:{p}"))
    yield reject("not-base64", "base64", "token", auth(f"L402 {t[:-1]}!:{p}"))
    yield reject("mixed-alphabets", "one alphabet", "token", auth(f"L402 -+AA:{p}"))
    yield reject("trailing-bits", "canonical base64", "token", auth(f"L402 AB==:{p}"))
    yield reject("not-a-macaroon", "a macaroon", "token", auth(f"L402 AAAA:{p}"))
    yield reject("two-macaroons-in-one", "one macaroon in one item", "token", auth(f"L402 {b64(token(BASE) * 2)}:{p}"))
    yield reject("short-identifier", "a 66-byte identifier", "identifier", auth(f"L402 {b64(token(BASE, identifier=IDENTIFIER[:-1]))}:{p}"))
    yield reject("two-payments", "all tokens bind one payment", "payments-differ", auth(f"L402 {t},{t_other}:{p}"))
    yield reject("preimages-differ", "caveat and field agree", "preimages-differ", auth(f"L402 {b64(paid)}:{'12' * 32}"), lnget)
    yield reject("two-authorizations", "one credential", "ambiguous", auth(f"L402 {t}:{p}") * 2, "RFC 9110 §11.6.2")
    yield reject("authorization-and-bearer", "one credential", "ambiguous", auth("Bearer abc") + auth(f"L402 {t}:{p}"), "RFC 9110 §11.6.2")
    yield reject("joined-behind-bearer", "one credential, also where lines were joined", "ambiguous", auth(f"Bearer abc, L402 {t}:{p}"), "RFC 9110 §5.3")
    yield reject("joined-twice", "one credential, also where lines were joined", "token", auth(f"L402 {t}:{p}, L402 {t}:{p}"), "RFC 9110 §5.3")
    yield reject("metadata-differs", "metadata fields agree", "ambiguous", [["Macaroon", paid.hex()], ["Token", token(BASE).hex()]], metadata)
    yield reject("metadata-of-another-payment", "authorization and metadata agree", "payments-differ", auth(f"L402 {t}:{p}") + [["Macaroon", token(BASE, identifier=other_payment).hex()]], metadata)
    yield reject("metadata-not-hex", "hexadecimal", "hex", [["Macaroon", "zz"]], metadata)
    yield reject("metadata-empty", "a token is needed", "missing-token", [["Macaroon", ""]], metadata)
    yield reject("metadata-without-preimage", "a preimage caveat is needed", "missing-preimage", [["Macaroon", token(BASE).hex()]], metadata)
    yield reject("preimage-caveat-not-hex", "64 digits", "preimage", [["Macaroon", token(BASE + [b"preimage=x"]).hex()]], metadata)


def caveats():
    now = 1_700_000_000
    narrowing, known = "L402 §Caveats", "L402 §Caveats"

    def case(id, rule, texts, verdict, reason=None, service="weather", tier=0, capability=None, unknown="refuse", expires_at=None, origin=narrowing):
        texts = [text if isinstance(text, bytes) else text.encode() for text in texts]
        return {"id": id, "rule": rule, "origin": origin, "caveats": [text.hex() for text in texts], "service": service,
                "tier": tier, "capability": capability, "unknown": unknown, "now": now, "root_key": ROOT.hex(),
                "macaroon": token(texts).hex(), "preimage": PREIMAGE.hex(), "verdict": verdict,
                **({"reason": reason} if reason else {}), **({"expires_at": expires_at} if expires_at else {})}

    def grant(id, rule, *texts, **more):
        return case(id, rule, texts, "granted", **more)

    def deny(id, rule, reason, *texts, **more):
        return case(id, rule, texts, "denied", reason, **more)

    s = "services=weather:0"
    yield grant("service", "the service is named", s)
    yield grant("service-among-others", "services are a list", "services=maps:1,weather:0")
    yield grant("white-space", "white space around both parts is read", " services \t= weather:0 ")
    yield grant("higher-tier", "a higher tier includes the lower ones", "services=weather:2", tier=1)
    yield grant("capability", "the capability is named", s, "weather_capabilities=read,write", capability="write")
    yield grant("empty-capabilities", "an empty list restricts nothing where no capability is asked for", s, "weather_capabilities=", origin="deployed: Aperture")
    yield grant("valid", "the token has not ended", s, f"weather_valid_until={now + 1}", expires_at=now + 1)
    yield grant("valid-narrowed", "the earliest end counts", s, f"weather_valid_until={now + 9}", f"weather_valid_until={now + 5}", expires_at=now + 5)
    yield grant("valid-repeated", "the same end again is not wider", s, f"weather_valid_until={now + 5}", f"weather_valid_until={now + 5}", expires_at=now + 5)
    yield grant("services-narrowed", "a later list is a subset", "services=weather:3,maps:0", "services=weather:1", tier=1)
    yield grant("capabilities-narrowed", "a later list is a subset", s, "weather_capabilities=a,b,c", "weather_capabilities=b", capability="b")
    yield grant("other-service-condition", "conditions of another named service are its own", "services=weather:0,maps:0", "maps_valid_until=1")
    yield grant("prefix-of-another", "a condition belongs to the longest named service", "services=a:0,a_b:0", "a_b_capabilities=x", "a_b_valid_until=1", service="a")
    yield grant("begins-with-another", "a condition belongs to the longest named service", "services=a:0,a_b:0", "a_capabilities=x", "a_b_capabilities=y", service="a_b", capability="y")
    yield grant("unreadable-skipped", "the literal rule skips what is no caveat of ours", s, "no equals sign", unknown="skip", origin="deployed: Aperture")
    yield grant("preimage", "the preimage that paid", s, "preimage=" + PREIMAGE.hex())
    yield grant("unknown-skipped", "the literal rule skips unknown conditions", s, "colour=blue", unknown="skip")
    yield grant("value-with-equals", "a caveat splits at its first =", s, "note=a=b", unknown="skip")

    yield deny("no-services", "services must be present", "no-services", f"weather_valid_until={now + 1}")
    yield deny("no-caveats", "services must be present", "no-services")
    yield deny("other-service", "the service must be named", "other-service", "services=maps:0")
    yield deny("service-prefix", "names compare whole", "other-service", "services=weather2:0")
    yield deny("service-case", "names compare exactly", "other-service", "services=Weather:0")
    yield deny("tier", "the tier suffices", "tier-too-low", "services=weather:0", tier=1)
    yield deny("capability-missing", "the capability must be named", "other-capability", s, "weather_capabilities=read", capability="write")
    yield deny("capabilities-absent", "a required caveat is present", "no-capabilities", s, capability="read")
    yield deny("restricted-for-whole", "a restricted token does not open the whole service", "other-capability", s, "weather_capabilities=read")
    yield deny("capabilities-of-another", "a capability counts for its service", "no-capabilities", "services=weather:0,maps:0", "maps_capabilities=read", capability="read")
    yield deny("expired", "the token has ended", "expired", s, f"weather_valid_until={now - 1}")
    yield deny("expires-now", "the end is exclusive", "expired", s, f"weather_valid_until={now}")
    yield deny("expired-then-extended", "an end cannot be moved back", "expired", s, f"weather_valid_until={now - 1}", f"weather_valid_until={now + 9}")
    yield deny("end-widened", "a later caveat narrows", "widened", s, f"weather_valid_until={now + 5}", f"weather_valid_until={now + 9}")
    yield deny("services-widened", "a later caveat narrows", "widened", s, "services=weather:0,maps:0")
    yield deny("tier-widened", "a later caveat narrows", "widened", s, "services=weather:1")
    yield deny("capabilities-widened", "a later caveat narrows", "widened", s, "weather_capabilities=a", "weather_capabilities=a,b", capability="a")
    yield deny("service-dropped", "a later caveat narrows", "other-service", "services=weather:0,maps:0", "services=maps:0")
    yield deny("end-not-a-number", "a value reads as its condition demands", "undecodable-caveat", s, "weather_valid_until=soon")
    yield deny("end-signed", "a number is digits", "undecodable-caveat", s, "weather_valid_until=+1800000000")
    yield deny("end-empty", "a number is digits", "undecodable-caveat", s, "weather_valid_until=")
    yield deny("end-too-large", "a number fits 64 bits", "undecodable-caveat", s, "weather_valid_until=99999999999999999999")
    yield deny("services-empty", "a value reads as its condition demands", "undecodable-caveat", "services=")
    yield deny("services-without-tier", "an entry is name:tier", "undecodable-caveat", "services=weather")
    yield deny("services-bad-tier", "a tier is a number", "undecodable-caveat", "services=weather:x")
    yield deny("services-twice", "a name occurs once", "undecodable-caveat", "services=weather:0,weather:9")
    yield deny("services-trailing-comma", "no entry is empty", "undecodable-caveat", "services=weather:0,")
    yield deny("capabilities-hole", "no entry is empty", "undecodable-caveat", s, "weather_capabilities=a,,b", capability="a")
    yield deny("no-equals", "a caveat is condition=value", "undecodable-caveat", s, "weather")
    yield deny("no-condition", "a caveat is condition=value", "undecodable-caveat", s, "=x")
    yield deny("not-utf8", "a caveat is UTF-8", "undecodable-caveat", s, b"weather_x=\xff")
    yield deny("unknown", "unknown conditions deny", "unknown-caveat", s, "colour=blue")
    yield deny("unknown-of-own-service", "unknown conditions of the service deny", "unknown-caveat", s, "weather_volume=1")
    yield deny("unknown-of-unnamed-service", "a service must be named to have conditions", "unknown-caveat", s, "maps_volume=1")
    yield deny("own-condition-of-a-prefix", "a condition belongs to the longest named service", "expired", "services=a:0,a_b:0", "a_b_valid_until=1", service="a_b")
    yield deny("unnamed-longer-service", "a service must be named to have conditions", "unknown-caveat", "services=a:0", "a_b_valid_until=1", service="a")
    yield deny("known-condition-without-value", "the literal rule skips only what is unknown", "undecodable-caveat", s, "weather_valid_until", unknown="skip")
    yield deny("other-preimage", "another preimage is false", "other-preimage", s, "preimage=" + "12" * 32)
    yield deny("literal-rule-still-decodes", "the literal rule skips only what is unknown", "undecodable-caveat", s, "weather_valid_until=x", unknown="skip")


def keys():
    def case(id, rule, master, epoch, keys, verdict):
        identifier = b"\0\0" + PAYMENT_HASH + epoch.to_bytes(4, "big") + bytes(28)
        root = mac(mac(master, b"l402 root key v1"), identifier)
        return {"id": id, "rule": rule, "origin": "this project: stateless root keys", "keys": keys, "root_key": root.hex(),
                "macaroon": token(BASE, root, identifier).hex(), "preimage": PREIMAGE.hex(), "verdict": verdict}

    one, two = bytes([1] * 32), bytes([2] * 32)
    both = [{"epoch": 2, "master": two.hex()}, {"epoch": 1, "master": one.hex()}]
    yield case("minting-epoch", "the newest epoch verifies", two, 2, both, "authentic")
    yield case("retired-epoch", "a retired epoch verifies", one, 1, both, "authentic")
    yield case("unknown-epoch", "an epoch without a key verifies nothing", two, 3, both, "forged")
    yield case("epoch-of-another-key", "an epoch has one key", one, 2, both, "forged")
    yield case("largest-epoch", "an epoch is 32 bits, big-endian", one, 0xFFFFFFFF, [{"epoch": 0xFFFFFFFF, "master": one.hex()}], "authentic")


if __name__ == "__main__":
    write("macaroon.json", "Macaroon V2 and V1: bytes, signature chain, malformed input. Verdict: authentic, forged or malformed.", list(macaroons()))
    write("identifier.json", "Identifier version 0. Verdict: read or malformed.", list(identifiers()))
    write("challenge.json", "WWW-Authenticate lines, and which challenge to answer. Verdict: read or refused.", list(challenges()))
    write("credential.json", "Credential fields of one request under one root key. Verdict: none, malformed, forged or authentic.", list(credentials()))
    write("caveat.json", "Caveats of an authentic, paid token against an offer at a time. Verdict: granted or denied.", list(caveats()))
    write("keys.json", "Root keys derived from master keys with epochs. Verdict: authentic or forged.", list(keys()))
