"""Macaroons: decode, verify, mint, attenuate, and the older packet format V1."""

from .tokens import BASE, IDENTIFIER, PAID, ROOT, THIRD, encode, encode_v1, field, mac, packet, sign, token, token_v1
from .values import case, hexed, kind

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
    def read(id, rule, origin, caveats, location=b"lsat", identifier=IDENTIFIER, data=None):
        data = data or token(caveats, location=location, identifier=identifier)
        return case(id, rule, origin, "read", macaroon=hexed(data), result=facts(caveats, identifier, location))

    yield read("base", "a chain of two first-party caveats", DEPLOYED, BASE)
    yield read("no-caveats", "the list may be empty", FORMAT, [])
    yield read("no-location", "the location is optional", FORMAT, BASE, location=b"")
    yield read("empty-location", "a location may be empty", FORMAT, [], b"", data=b"\x02\x01\x00" + token([], location=b"")[1:])
    yield read("binary-location", "a location is bytes", FORMAT, [], location=b"\x00\xff")
    yield read("empty-identifier", "an identifier may be empty", FORMAT, [], identifier=b"")
    yield read("length-127", "lengths up to 127 take one byte", FORMAT, [b"x" * 127])
    yield read("length-128", "lengths above 127 take two bytes, the lower seven bits first", FORMAT, [b"x" * 128])
    yield read("long-caveat", "every bit of a length counts", FORMAT, [b"a=" + b"x" * 300])
    yield read("binary-caveat", "a caveat is bytes", FORMAT, [bytes(range(256))])
    yield read("empty-caveat", "a caveat may be empty", FORMAT, [b""])
    yield read("same-caveat-twice", "caveats may repeat", FORMAT, [b"a=1", b"a=1"])
    yield read("caveats-32", "32 caveats are read", LIMIT, [b"a=%d" % i for i in range(32)])
    yield read("size-8192", "8192 bytes are read", LIMIT, [padding(8192)])
    yield read("third-party", "a caveat may have a location and a verification id", DEPLOYED, [b"a=1", THIRD])
    yield read("third-party-without-location", "a third-party caveat may have no location", FORMAT, [(b"",) + THIRD[1:]])
    yield read("empty-verification-id", "an empty verification id is one", LIMIT, [(b"", b"id", b"")])
    first = case("first-party-with-location", "a first-party caveat may have a location", FORMAT, "read",
                 macaroon=hexed(HEAD + field(1, b"here") + field(2, b"a") + b"\0" + b"\0" + field(6, sign(ROOT, IDENTIFIER, [b"a"]))), result=facts([b"a"]))
    first["result"]["caveats"][0]["location"] = b"here".hex()
    yield first
    yield from truncated()
    yield from lengths()
    yield from misplaced()


def reject(id, rule, error, data, origin=FORMAT):
    return case(id, rule, origin, "malformed", error, macaroon=hexed(data))


def padding(size):
    """A caveat with which a token without others has this size."""
    return b"x" * (size - len(token([b"x" * 200])) + 200)


def truncated():
    def cut(id, place, data):
        return reject(f"ends-{id}", f"the bytes do not end {place}", "truncated", data)

    base = token(BASE)
    yield reject("empty", "there must be bytes", "empty", b"")
    yield cut("behind-version", "behind the version", b"\x02")
    yield cut("before-location-length", "between a type and its length", b"\x02\x01")
    yield cut("in-location", "inside the location", b"\x02\x01\x04ls")
    yield cut("before-identifier", "before the identifier", b"\x02" + field(1, b"lsat"))
    yield cut("in-length", "inside a length of two bytes", b"\x02\x02\xc2")
    yield cut("in-identifier", "inside the identifier", base[:20])
    yield cut("before-end-of-section", "before the end of the first section", HEAD[:-1])
    yield cut("before-list", "before the list of caveats", HEAD)
    yield cut("in-caveat", "inside a caveat", HEAD + b"\x02\x05a=")
    yield cut("before-end-of-caveat", "before the end of a caveat", HEAD + field(2, b"a=1"))
    yield cut("behind-caveat", "before the end of the list", HEAD + field(2, b"a=1") + b"\0")
    yield cut("in-verification-id", "inside a verification id", HEAD + field(2, b"a") + b"\x04\x30\xaa")
    yield cut("before-signature", "before the signature", HEAD + b"\0")
    yield cut("before-signature-length", "before the signature's length", HEAD + b"\0\x06")
    yield cut("in-signature", "inside the signature", base[:-1])
    yield reject("trailing-byte", "nothing follows the signature; deployed code writes no end marker there", "trailing-bytes", base + b"\0", DEPLOYED)
    yield reject("two-macaroons", "exactly one macaroon", "trailing-bytes", base + base)
    yield reject("signature-twice", "the signature ends the macaroon", "trailing-bytes", base + field(6, SIGNATURE))


def lengths():
    yield reject("overlong-length", "lengths are minimal", "overlong-length", b"\x02\x02\xc2\x00" + IDENTIFIER + b"\0" + SEAL, "LEB128, this implementation reads one encoding")
    yield reject("overlong-zero", "a zero takes one byte", "overlong-length", b"\x02\x01\x80\x00" + field(2, IDENTIFIER) + b"\0" + SEAL)
    yield reject("overlong-three-bytes", "three bytes for what two can say", "overlong-length", HEAD + b"\x02\x80\x81\x00" + b"x" * 128 + b"\0" + SEAL)
    yield reject("overlong-caveat-length", "a caveat's length is minimal", "overlong-length", HEAD + b"\x02\x83\x00a=1\0" + SEAL)
    yield reject("overlong-signature-length", "the signature's length is minimal", "overlong-length", HEAD + b"\0\x06\xa0\x00" + SIGNATURE)
    yield reject("length-16383", "a length does not point behind the end", "truncated", b"\x02\x02\xff\x7f" + IDENTIFIER)
    yield reject("length-16384", "a length of three bytes is above the limit", "too-long", b"\x02\x02\x80\x80\x01" + IDENTIFIER)
    yield reject("length-of-32-bits", "lengths are bounded", "too-long", b"\x02\x02\xff\xff\xff\xff\x0f" + IDENTIFIER)
    yield reject("length-of-64-bits", "no length overflows", "too-long", b"\x02\x02" + b"\xff" * 9 + b"\x01" + IDENTIFIER)
    yield reject("length-above-64-bits", "no length wraps around", "too-long", b"\x02\x02\xc2" + b"\x80" * 9 + b"\x02" + IDENTIFIER + b"\0" + SEAL)
    yield reject("endless-length", "a length ends", "truncated", b"\x02\x02" + b"\xff" * 20)
    yield reject("size-8193", "8192 bytes at most", "too-long", token([padding(8193)]), LIMIT)
    yield reject("size-64-kib", "the size is looked at first", "too-long", token([b"x" * 65536]), LIMIT)
    yield reject("caveats-33", "32 caveats at most", "too-many-caveats", token([b"a=%d" % i for i in range(33)]), LIMIT)
    yield reject("caveats-2000", "caveats are counted while they are read", "too-many-caveats", token([b"x"] * 2000), LIMIT)
    yield reject("signature-31", "a signature has 32 bytes", "signature-length", HEAD + b"\0" + field(6, SIGNATURE[1:]))
    yield reject("signature-33", "a signature has 32 bytes", "signature-length", HEAD + b"\0" + field(6, SIGNATURE + b"\0"))
    yield reject("signature-empty", "a signature has 32 bytes", "signature-length", HEAD + b"\0\x06\x00")


def misplaced():
    i = field(2, IDENTIFIER)
    yield reject("version-1-byte", "the first byte is 2", "unsupported-version", b"\x01" + token(BASE)[1:])
    yield reject("v1-as-v2", "formats are told apart by the caller", "unsupported-version", token_v1(BASE))
    yield reject("json", "the JSON form is not read", "unsupported-version", b'{"v":2,"i":"a","s64":""}', DEPLOYED)
    yield reject("location-twice", "a field stands once in a section", "duplicate-field", b"\x02" + field(1, b"a") + field(1, b"b") + i + b"\0" + SEAL)
    yield reject("identifier-twice", "a field stands once in a section", "duplicate-field", b"\x02" + i + i + b"\0" + SEAL)
    yield reject("caveat-location-twice", "a field stands once in a caveat", "duplicate-field", HEAD + field(1, b"a") * 2 + field(2, b"b") + b"\0" + SEAL)
    yield reject("caveat-id-twice", "a field stands once in a caveat", "duplicate-field", HEAD + field(2, b"a") * 2 + b"\0" + SEAL)
    yield reject("verification-id-twice", "a field stands once in a caveat", "duplicate-field", HEAD + field(2, b"a") + field(4, b"v") * 2 + b"\0" + SEAL)
    yield reject("location-after-identifier", "types ascend in a section", "field-order", b"\x02" + i + field(1, b"a") + b"\0" + SEAL)
    yield reject("caveat-location-after-id", "types ascend in a caveat", "field-order", HEAD + field(2, b"a") + field(1, b"b") + b"\0" + SEAL)
    yield reject("id-after-verification-id", "types ascend in a caveat", "field-order", HEAD + field(2, b"a") + field(4, b"v") + field(2, b"b") + b"\0" + SEAL)
    yield reject("no-identifier", "a section has an identifier", "missing-identifier", b"\x02" + field(1, b"lsat") + b"\0" + SEAL)
    yield reject("nothing-in-head", "a section has an identifier", "missing-identifier", b"\x02\0" + SEAL)
    yield reject("caveat-without-id", "a caveat has an identifier", "missing-identifier", HEAD + field(1, b"here") + b"\0" + SEAL)
    yield reject("verification-id-without-id", "a caveat has an identifier", "missing-identifier", HEAD + field(4, b"vid") + b"\0" + SEAL)
    yield reject("unknown-field-in-head", "types are known", "unknown-field", b"\x02" + i + field(3, b"?") + b"\0" + SEAL)
    yield reject("unknown-field-in-caveat", "types are known", "unknown-field", HEAD + field(2, b"a") + field(5, b"?") + b"\0" + SEAL)
    yield reject("unknown-field-in-list", "types are known", "unknown-field", HEAD + field(3, b"?") + b"\0" + SEAL)
    yield reject("unknown-field-as-signature", "types are known", "unknown-field", HEAD + b"\0" + field(7, SIGNATURE))
    yield reject("high-bit-in-type", "a type is one byte", "unknown-field", b"\x02\x82" + field(2, IDENTIFIER)[1:] + b"\0" + SEAL)
    yield reject("verification-id-in-head", "a verification id belongs to a caveat", "unexpected-field", b"\x02" + i + field(4, b"v") + b"\0" + SEAL)
    yield reject("signature-in-head", "the signature follows the list", "unexpected-field", b"\x02" + i + field(6, SIGNATURE))
    yield reject("no-end-of-list", "the list has an end", "unexpected-field", HEAD + field(6, SIGNATURE))
    yield reject("no-end-of-caveat", "a caveat has an end", "unexpected-field", HEAD + field(2, b"a") + field(6, SIGNATURE))
    yield reject("identifier-as-signature", "a signature ends the macaroon", "unexpected-field", HEAD + b"\0" + field(2, SIGNATURE))
    yield reject("two-ends-of-list", "the list has one end", "unexpected-field", HEAD + b"\0" + SEAL)


def verify():
    def check(id, rule, origin, verdict, data, root=ROOT):
        return case(id, rule, origin, verdict, root_key=root.hex(), macaroon=hexed(data))

    def accept(id, rule, origin, caveats, root=ROOT, **more):
        return check(id, rule, origin, "authentic", token(caveats, root, **more), root)

    def forged(id, rule, data, root=ROOT):
        return check(id, rule, CHAIN, "forged", data, root)

    def moved(caveats, signed):
        return encode(IDENTIFIER, caveats, sign(ROOT, IDENTIFIER, signed))

    base, sha = token(BASE), "FIPS 180-4 §5.1.1"
    yield accept("base", "the chain begins at the root key and ends in the signature", DEPLOYED, BASE)
    yield accept("no-caveats", "without caveats the signature is that of the identifier", CHAIN, [])
    yield accept("preimage-caveat", "a caveat appended by a client", DEPLOYED, PAID)
    yield accept("caveats-32", "every caveat is a step of the chain", LIMIT, [b"a=%d" % i for i in range(32)])
    yield accept("size-8192", "a caveat of many blocks", LIMIT, [padding(8192)])
    yield accept("other-location", "no signature covers the location", FORMAT, BASE, location=b"elsewhere")
    yield check("location-removed", "no signature covers the location", FORMAT, "authentic", encode(IDENTIFIER, BASE, SIGNATURE, b""))
    for length in (54, 55, 56, 63, 64, 119, 120, 183, 184):
        yield accept(f"caveat-of-{length}", "padding at the block borders of SHA-256, in a caveat", sha, [b"x" * length])
    for length in (0, 55, 56, 119, 120):
        yield accept(f"identifier-of-{length}", "padding at the block borders of SHA-256, in the identifier", sha, [], identifier=b"i" * length)
    for length in (0, 1, 55, 56, 64, 65):
        yield accept(f"root-key-of-{length}", "a root key is a message, whatever its length", "libmacaroons generate_derived_key", [], root=bytes(range(length)))
    yield accept("third-party", "a third-party caveat binds two hashes", DEPLOYED, [b"a=1", THIRD])
    yield check("third-party-elsewhere", "no signature covers a third party's location", DEPLOYED, "authentic", moved([(b"x",) + THIRD[1:]], [THIRD]))
    yield accept("third-party-then-first", "the chain goes on behind a third-party caveat", DEPLOYED, [THIRD, b"b=2"])
    yield accept("empty-verification-id", "an empty verification id is hashed as one", LIMIT, [(b"", b"id", b"")])

    yield forged("other-root-key", "the root key signs", base, bytes(32))
    yield forged("root-key-with-a-zero", "a root key is not padded", base, ROOT + b"\0")
    yield forged("flipped-first-bit", "every bit of the signature counts", base[:-32] + bytes([base[-32] ^ 0x80]) + base[-31:])
    yield forged("flipped-middle-bit", "every bit of the signature counts", base[:-16] + bytes([base[-16] ^ 0x10]) + base[-15:])
    yield forged("flipped-last-bit", "every bit of the signature counts", base[:-1] + bytes([base[-1] ^ 1]))
    yield forged("zero-signature", "a signature of zeros is not special", base[:-32] + bytes(32))
    yield forged("caveat-removed", "a caveat cannot be removed", moved(BASE[:1], BASE))
    yield forged("all-caveats-removed", "the list cannot be emptied", moved([], BASE))
    yield forged("caveat-added", "a caveat is signed", moved(BASE + [b"a"], BASE))
    yield forged("empty-caveat-added", "an empty caveat is a step of the chain", moved(BASE + [b""], BASE))
    yield forged("caveat-doubled", "a caveat counts each time", moved(BASE + BASE[-1:], BASE))
    yield forged("caveat-changed", "a caveat cannot be changed", moved([b"services=service2:0", BASE[1]], BASE))
    yield forged("caveat-cut", "a caveat is signed to its end", moved([BASE[0][:-1], BASE[1]], BASE))
    yield forged("caveats-swapped", "the order is signed", moved(BASE[::-1], BASE))
    yield forged("caveats-joined", "the borders are signed", moved([b"".join(BASE)], BASE))
    yield forged("border-moved", "the borders are signed", moved([BASE[0] + BASE[1][:1], BASE[1][1:]], BASE))
    yield forged("identifier-changed", "the identifier is signed", encode(IDENTIFIER[:-1] + b"\0", BASE, SIGNATURE))
    yield forged("identifier-as-caveat", "the identifier is a step of its own", encode(b"", [IDENTIFIER], sign(ROOT, IDENTIFIER, [])))
    yield forged("no-generator", "the root key goes through the key generator", encode(IDENTIFIER, [], mac(ROOT, IDENTIFIER)))
    yield forged("location-signed", "the location is no step of the chain", encode(IDENTIFIER, [], mac(sign(ROOT, IDENTIFIER, []), b"lsat")))
    yield forged("third-party-id-changed", "a third party's identifier is signed", moved([THIRD[:1] + (b"other",) + THIRD[2:]], [THIRD]))
    yield forged("third-party-key-changed", "a verification id is signed", moved([THIRD[:2] + (b"\xab" + THIRD[2][1:],)], [THIRD]))
    yield forged("third-party-made-first", "a verification id cannot be removed", moved([THIRD[1]], [THIRD]))
    yield forged("third-party-hashes-swapped", "the verification id is hashed first", moved([THIRD], [(b"", THIRD[2], THIRD[1])]))


def mint():
    def given(caveats, location=b"lsat", identifier=IDENTIFIER, root=ROOT, **more):
        return {"root_key": root.hex(), "location": hexed(location), "identifier": hexed(identifier), "caveats": list(map(hexed, caveats))} | more

    def minted(id, rule, origin, caveats, location=b"lsat", identifier=IDENTIFIER, root=ROOT, **more):
        return case(id, rule, origin, "minted", **given(caveats, location, identifier, root), **more,
                    result={"macaroon": hexed(token(caveats, root, identifier, location))})

    def refused(id, rule, error, caveats, **more):
        return case(id, rule, LIMIT, "refused", error, **given(caveats, **more))

    many = [b"a=%d" % i for i in range(33)]
    yield minted("base", "version, location, identifier, caveats, signature", DEPLOYED, BASE)
    yield minted("no-caveats", "the list may be empty", FORMAT, [])
    yield minted("no-location", "an empty location is left out", FORMAT, BASE, location=b"")
    yield minted("empty-identifier", "an empty identifier is written", FORMAT, [], identifier=b"")
    yield minted("empty-caveat", "an empty caveat is written", FORMAT, [b""])
    yield minted("long-caveat", "a length of two bytes is written, the lower seven bits first", FORMAT, [b"x" * 300])
    yield minted("empty-root-key", "a root key may be empty", FORMAT, [], root=b"")
    yield minted("caveats-32", "32 caveats fit", LIMIT, many[:32])
    yield minted("size-8192", "8192 bytes fit", LIMIT, [padding(8192)])
    yield minted("buffer-exact", "the whole buffer is used", LIMIT, BASE, capacity=158)
    yield refused("caveats-33", "32 caveats at most", "too-many-caveats", many)
    yield refused("size-8193", "8192 bytes at most", "too-long", [padding(8193)], capacity=8193)
    yield refused("buffer-one-short", "nothing is written past the buffer", "buffer-too-small", BASE, capacity=157)
    yield refused("buffer-empty", "a buffer may have no bytes", "buffer-too-small", BASE, capacity=0)


def attenuate():
    def given(data, caveat, **more):
        return {"macaroon": hexed(data), "caveat": hexed(caveat)} | more

    def narrowed(id, rule, origin, caveats, caveat, data=None, location=b"lsat", **more):
        data, result = data or token(caveats, location=location), token(caveats + [caveat], location=location)
        return case(id, rule, origin, "attenuated", **given(data, caveat, **more), result={"macaroon": hexed(result)})

    def refused(id, rule, error, caveats, caveat, **more):
        return case(id, rule, LIMIT, "refused", error, **given(token(caveats), caveat, **more))

    many, room = [b"a=%d" % i for i in range(32)], len(token([])) + 2
    yield narrowed("preimage", "a client appends the preimage", DEPLOYED, BASE, PAID[-1])
    yield narrowed("first-caveat", "a token without caveats takes one", CHAIN, [], b"a=1")
    yield narrowed("empty-caveat", "an empty caveat is a step of the chain", CHAIN, BASE, b"")
    yield narrowed("no-location", "a token without location stays without", FORMAT, BASE, b"a=1", location=b"")
    yield narrowed("behind-third-party", "third-party caveats stay as they are", DEPLOYED, [b"a=1", THIRD], b"b=2")
    yield narrowed("caveat-32", "a 32nd caveat fits", LIMIT, many[:31], b"b")
    yield narrowed("size-8192", "8192 bytes fit", LIMIT, [padding(8192 - 5)], b"b=")
    yield narrowed("buffer-exact", "the whole buffer is used", LIMIT, [], b"abc", capacity=room + 4)
    forged = encode(IDENTIFIER, BASE, bytes(32))
    yield case("forged-stays-forged", "without the key nobody can tell, and the chain goes on from what is there", CHAIN, "attenuated", **given(forged, b"a"),
               result={"macaroon": hexed(encode(IDENTIFIER, BASE + [b"a"], mac(bytes(32), b"a")))})
    yield refused("caveat-33", "32 caveats at most", "too-many-caveats", many, b"b")
    yield refused("size-8193", "8192 bytes at most", "too-long", [padding(8192 - 5)], b"b=1", capacity=9000)
    yield refused("buffer-one-short", "nothing is written past the buffer", "buffer-too-small", [], b"abc", capacity=room + 3)


def v1():
    def judged(id, rule, origin, verdict, data, error=None, root=ROOT, **more):
        return case(id, rule, origin, verdict, error, root_key=root.hex(), macaroon=hexed(data), **more)

    def accept(id, rule, origin, caveats, data=None, location=b"lsat"):
        return judged(id, rule, origin, "authentic", data or token_v1(caveats, location=location), result=facts(caveats, location=location))

    def reject(id, rule, error, data, origin=FORMAT):
        return judged(id, rule, origin, "malformed", data, error)

    base, seal = token_v1(BASE), packet(b"signature", SIGNATURE)
    cid = packet(b"cid", b"a")
    yield accept("base", "the packet format is read", FORMAT, BASE)
    yield accept("no-caveats", "the list may be empty", FORMAT, [])
    yield accept("empty-location", "a location may be empty", FORMAT, BASE, location=b"")
    yield accept("third-party", "cid, vid, cl", FORMAT, [b"a=1", THIRD])
    yield accept("binary-caveat", "a value may hold spaces and line feeds", FORMAT, [b" a\n b \n"])
    yield accept("empty-caveat", "a value may be empty", FORMAT, [b""])
    yield accept("caveats-32", "32 caveats are read", LIMIT, [b"a=%d" % i for i in range(32)])
    yield judged("other-root-key", "the root key signs", CHAIN, "forged", base, root=bytes(32))
    yield judged("flipped-last-bit", "every bit of the signature counts", CHAIN, "forged", base[:-2] + bytes([base[-2] ^ 1]) + b"\n")
    yield judged("caveat-added", "a caveat is signed", CHAIN, "forged", encode_v1(IDENTIFIER, BASE + [b"a"], SIGNATURE))

    yield reject("empty", "there must be bytes", "empty", b"")
    yield reject("size-8193", "8192 bytes at most", "too-long", token_v1([b"x" * (8193 - len(token_v1([b""])))]), LIMIT)
    yield reject("six-byte-packets", "packets are counted, not recursed into", "missing-identifier", b"0006a\n" * 1365, "deployed: a parser that recurses overflows its stack")
    yield reject("five-byte-packets", "the smallest packet ends a list", "packet", V1_HEAD + b"0005\n" * 1500, "deployed: a parser that recurses overflows its stack")
    yield reject("caveats-33", "32 caveats at most", "too-many-caveats", V1_HEAD + packet(b"cid", b"") * 33 + seal, LIMIT)
    yield reject("v2-as-v1", "formats are told apart by the caller", "packet", token(BASE))
    yield reject("length-not-hex", "a length is four hexadecimal digits", "packet", b"00zz" + base[4:])
    yield reject("upper-case-length", "a length's digits are lower-case", "packet", token_v1([b"a" * 66]).replace(b"004bcid", b"004Bcid"), "deployed: libmacaroons, go-macaroon")
    yield reject("length-below-4", "a packet counts its own length", "packet", b"0003")
    yield reject("length-of-4", "a packet has a line feed", "packet", b"0004")
    yield reject("length-digits-cut", "a length is whole", "truncated", V1_HEAD + b"00")
    yield reject("length-behind-end", "a packet is whole", "truncated", V1_HEAD + b"ffffcid a\n")
    yield reject("no-newline", "a packet ends with a line feed", "packet", b"000blocation")
    yield reject("no-space", "a key is followed by a space", "packet", V1_HEAD + b"0009cid=\n" + seal)
    yield reject("truncated", "a packet is whole", "truncated", base[:-2])
    yield reject("no-signature", "there is a signature", "truncated", V1_HEAD + cid)
    yield reject("trailing", "nothing follows the signature", "trailing-bytes", base + b"0")
    yield reject("two-macaroons", "exactly one macaroon", "trailing-bytes", base + base)
    yield reject("no-identifier", "there is an identifier", "missing-identifier", packet(b"location", b"lsat") + cid + seal)
    yield reject("caveat-first", "the identifier stands before the caveats", "missing-identifier", packet(b"location", b"lsat") + cid + packet(b"identifier", IDENTIFIER) + seal)
    yield reject("identifier-twice", "a packet stands once", "packet", V1_HEAD + packet(b"identifier", IDENTIFIER) + seal)
    yield reject("vid-without-cid", "a verification id belongs to a caveat", "packet", V1_HEAD + packet(b"vid", b"v") + seal)
    yield reject("vid-twice", "a caveat has one verification id", "packet", V1_HEAD + cid + packet(b"vid", b"v") * 2 + seal)
    yield reject("cl-before-vid", "vid stands before cl", "packet", V1_HEAD + cid + packet(b"cl", b"l") + packet(b"vid", b"v") + seal)
    yield reject("unknown-key", "keys are known", "packet", V1_HEAD + packet(b"colour", b"blue") + seal)
    yield reject("signature-31", "a signature has 32 bytes", "signature-length", V1_HEAD + packet(b"signature", SIGNATURE[1:]))
    yield reject("signature-33", "a signature has 32 bytes", "signature-length", V1_HEAD + packet(b"signature", SIGNATURE + b"\0"))


def kinds():
    yield kind("macaroon/decode", "The binary format V2: bytes to parts.", decode())
    yield kind("macaroon/verify", "The signature chain of a well-formed macaroon V2 under a root key.", verify())
    yield kind("macaroon/mint", "A new macaroon V2 from its parts.", mint())
    yield kind("macaroon/attenuate", "One more first-party caveat on a macaroon V2, without the root key.", attenuate())
    yield kind("macaroon/v1", "The older packet format V1, which is read and never written.", v1())
