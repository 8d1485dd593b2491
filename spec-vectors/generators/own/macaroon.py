"""Macaroons: decode, verify, mint, attenuate, and the older packet format V1."""

from .tokens import (BASE, IDENTIFIER, PAID, ROOT, THIRD, encode, field, mac, packet, sign, token, token_v1)
from .values import case, hexed, write

DEPLOYED = "deployed: go-macaroon"
FORMAT = "libmacaroons doc/format.txt"
LIMIT = "limit of this implementation"
CHAIN = "Macaroons (NDSS 2014) §V"
SIGNATURE = sign(ROOT, IDENTIFIER, BASE)
HEAD = b"\x02" + field(1, b"lsat") + field(2, IDENTIFIER) + b"\0"
SEAL = b"\0" + field(6, SIGNATURE)
V1_HEAD = packet(b"location", b"lsat") + packet(b"identifier", IDENTIFIER)


def caveat_facts(caveat):
    if isinstance(caveat, tuple):
        return {"id": hexed(caveat[1]), "location": hexed(caveat[0]), "verification_id": hexed(caveat[2])}
    return {"id": hexed(caveat), "location": "", "verification_id": None}


def facts(caveats, identifier=IDENTIFIER, location=b"lsat", root=ROOT):
    return {"location": hexed(location), "identifier": hexed(identifier), "caveats": list(map(caveat_facts, caveats)),
            "signature": sign(root, identifier, caveats).hex()}


def decode():
    def read(id, rule, origin, caveats, location=b"lsat"):
        return case(id, rule, origin, "read", macaroon=hexed(token(caveats, location=location)), result=facts(caveats, location=location))

    def reject(id, rule, error, data, origin=FORMAT):
        return case(id, rule, origin, "malformed", error, macaroon=hexed(data))

    yield read("base", "a chain of two first-party caveats", DEPLOYED, BASE)
    yield read("no-caveats", "the list may be empty", FORMAT, [])
    yield read("no-location", "the location is optional", FORMAT, BASE, location=b"")
    yield read("long-caveat", "lengths above 127 take two bytes", FORMAT, [b"a=" + b"x" * 300])
    yield read("binary-caveat", "a caveat is bytes", FORMAT, [bytes(range(256))])
    yield read("empty-caveat", "an identifier may be empty", FORMAT, [b""])
    yield read("caveats-32", "32 caveats are read", LIMIT, [b"a=%d" % i for i in range(32)])
    yield read("third-party", "a caveat may have a location and a verification id", DEPLOYED, [b"a=1", THIRD])

    base = token(BASE)
    yield reject("empty", "there must be bytes", "empty", b"")
    yield reject("version-1-byte", "the first byte is 2", "unsupported-version", b"\x01" + base[1:])
    yield reject("v1-as-v2", "formats are told apart by the caller", "unsupported-version", token_v1(BASE))
    yield reject("truncated-signature", "the signature must be whole", "truncated", base[:-1])
    yield reject("truncated-head", "the first section must be whole", "truncated", base[:20])
    yield reject("version-only", "the first section must be whole", "truncated", b"\x02")
    yield reject("trailing-byte", "nothing follows the signature", "trailing-bytes", base + b"\0")
    yield reject("two-macaroons", "exactly one macaroon", "trailing-bytes", base + base)
    yield reject("overlong-length", "lengths are minimal", "overlong-length", b"\x02\x02\xc2\x00" + IDENTIFIER + b"\0" + SEAL)
    yield reject("huge-length", "lengths are bounded", "too-long", b"\x02\x02\xff\xff\xff\xff\x7f")
    yield reject("endless-length", "a length ends", "truncated", b"\x02\x02" + b"\xff" * 20)
    yield reject("too-long", "8192 bytes at most", "too-long", token([b"x" * 8100]), LIMIT)
    yield reject("caveats-33", "32 caveats at most", "too-many-caveats", token([b"a=%d" % i for i in range(33)]), LIMIT)
    yield reject("location-twice", "a field stands once", "unexpected-field", b"\x02" + field(1, b"a") + field(1, b"b") + HEAD[8:])
    yield reject("identifier-twice", "a field stands once", "unexpected-field", b"\x02" + field(2, IDENTIFIER) + field(2, b"b") + b"\0" + SEAL)
    yield reject("location-after-identifier", "types ascend", "unexpected-field", b"\x02" + field(2, IDENTIFIER) + field(1, b"a") + b"\0" + SEAL)
    yield reject("no-identifier", "a section has an identifier", "missing-identifier", b"\x02" + field(1, b"lsat") + b"\0" + SEAL)
    yield reject("vid-without-id", "a section has an identifier", "missing-identifier", HEAD + field(4, b"vid") + b"\0" + SEAL)
    yield reject("unknown-field", "types are known", "unexpected-field", HEAD + field(3, b"?") + b"\0" + SEAL)
    yield reject("no-end-of-list", "the list has an end", "unexpected-field", HEAD + field(6, SIGNATURE))
    yield reject("signature-31", "a signature has 32 bytes", "signature-length", HEAD + b"\0" + field(6, SIGNATURE[1:]))
    yield reject("signature-33", "a signature has 32 bytes", "signature-length", HEAD + b"\0" + field(6, SIGNATURE + b"\0"))


def verify():
    def check(id, rule, origin, verdict, data, root=ROOT):
        return case(id, rule, origin, verdict, root_key=root.hex(), macaroon=hexed(data))

    def accept(id, rule, origin, caveats, **more):
        return check(id, rule, origin, "authentic", token(caveats, **more))

    def forged(id, rule, data, root=ROOT):
        return check(id, rule, CHAIN, "forged", data, root)

    base = token(BASE)
    yield accept("base", "the chain begins at the root key and ends in the signature", DEPLOYED, BASE)
    yield accept("preimage-caveat", "a caveat appended by a client", DEPLOYED, PAID)
    yield accept("other-location", "no signature covers the location", FORMAT, BASE, location=b"elsewhere")
    yield accept("third-party", "a third-party caveat binds two hashes", DEPLOYED, [b"a=1", THIRD])
    for length in (54, 55, 56, 63, 64, 119, 120, 183, 184):
        yield accept(f"caveat-of-{length}", "padding at the block borders of SHA-256", "FIPS 180-4 §5.1.1", [b"x" * length])

    yield forged("other-root-key", "the root key signs", base, bytes(32))
    yield forged("flipped-first-bit", "every bit of the signature counts", base[:-32] + bytes([base[-32] ^ 0x80]) + base[-31:])
    yield forged("flipped-last-bit", "every bit of the signature counts", base[:-1] + bytes([base[-1] ^ 1]))
    yield forged("caveat-removed", "a caveat cannot be removed", encode(IDENTIFIER, BASE[:1], SIGNATURE))
    yield forged("caveat-changed", "a caveat cannot be changed", encode(IDENTIFIER, [b"services=service2:0", BASE[1]], SIGNATURE))
    yield forged("caveats-swapped", "the order is signed", encode(IDENTIFIER, BASE[::-1], SIGNATURE))
    yield forged("identifier-changed", "the identifier is signed", encode(IDENTIFIER[:-1] + b"\0", BASE, SIGNATURE))
    yield forged("no-generator", "the root key goes through the key generator", encode(IDENTIFIER, [], mac(ROOT, IDENTIFIER)))


def mint():
    def minted(id, rule, origin, caveats, location=b"lsat", identifier=IDENTIFIER, root=ROOT):
        return case(id, rule, origin, "minted", **given(caveats, location, identifier, root),
                    result={"macaroon": hexed(token(caveats, root, identifier, location))})

    def refused(id, rule, error, caveats, **more):
        return case(id, rule, LIMIT, "refused", error, **given(caveats), **more)

    def given(caveats, location=b"lsat", identifier=IDENTIFIER, root=ROOT):
        return {"root_key": root.hex(), "location": hexed(location), "identifier": hexed(identifier), "caveats": list(map(hexed, caveats))}

    yield minted("base", "version, location, identifier, caveats, signature", DEPLOYED, BASE)
    yield minted("no-location", "an empty location is left out", FORMAT, BASE, location=b"")
    yield refused("caveats-33", "32 caveats at most", "too-many-caveats", [b"a=%d" % i for i in range(33)])
    yield refused("buffer-one-short", "nothing is written past the buffer", "buffer-too-small", BASE, capacity=157)


def attenuate():
    def narrowed(id, rule, origin, caveats, caveat):
        return case(id, rule, origin, "attenuated", macaroon=hexed(token(caveats)), caveat=hexed(caveat),
                    result={"macaroon": hexed(token(caveats + [caveat]))})

    yield narrowed("preimage", "a client appends the preimage", DEPLOYED, BASE, PAID[-1])
    yield narrowed("behind-third-party", "third-party caveats stay as they are", DEPLOYED, [b"a=1", THIRD], b"b=2")
    yield case("caveat-33", "32 caveats at most", LIMIT, "refused", "too-many-caveats", macaroon=hexed(token([b"a=%d" % i for i in range(32)])), caveat=b"b".hex())


def v1():
    def judged(id, rule, origin, verdict, data, error=None, **more):
        return case(id, rule, origin, verdict, error, root_key=ROOT.hex(), macaroon=hexed(data), **more)

    def reject(id, rule, error, data, origin=FORMAT):
        return judged(id, rule, origin, "malformed", data, error)

    yield judged("base", "the packet format is read", FORMAT, "authentic", token_v1(BASE), result=facts(BASE))
    yield reject("six-byte-packets", "packets are counted, not recursed into", "missing-identifier", b"0006a\n" * 1000)
    yield reject("caveats-33", "32 caveats at most", "too-many-caveats", V1_HEAD + packet(b"cid", b"") * 34, LIMIT)
    yield reject("length-below-4", "a packet counts its own length", "packet", b"0003")
    yield reject("no-newline", "a packet ends with a line feed", "packet", b"000blocation")
    yield reject("truncated", "a packet is whole", "truncated", token_v1(BASE)[:-2])
    yield reject("trailing", "nothing follows the signature", "trailing-bytes", token_v1(BASE) + b"0")


def write_all():
    yield write("macaroon/decode", "The binary format V2: bytes to parts.", decode())
    yield write("macaroon/verify", "The signature chain of a well-formed macaroon V2 under a root key.", verify())
    yield write("macaroon/mint", "A new macaroon V2 from its parts.", mint())
    yield write("macaroon/attenuate", "One more first-party caveat on a macaroon V2, without the root key.", attenuate())
    yield write("macaroon/v1", "The older packet format V1, which is read and never written.", v1())
