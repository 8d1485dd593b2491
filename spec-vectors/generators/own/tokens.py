"""Macaroons, keys and constants, written from the format descriptions in plain Python: no line is shared with the Rust code."""

import base64
import hashlib
import hmac

ROOT = bytes(range(32))
PREIMAGE = bytes([0x11] * 32)
PAYMENT_HASH = hashlib.sha256(PREIMAGE).digest()
OTHER_PREIMAGE = bytes([0x12] * 32)
OTHER_HASH = hashlib.sha256(OTHER_PREIMAGE).digest()
TOKEN_ID = bytes([0x22] * 32)
IDENTIFIER = b"\0\0" + PAYMENT_HASH + TOKEN_ID
OTHER_IDENTIFIER = b"\0\0" + OTHER_HASH + TOKEN_ID
BASE = [b"services=service1:0", b"service1_capabilities="]
PAID = BASE + [b"preimage=" + PREIMAGE.hex().encode()]
THIRD = (b"https://third", b"third-party id", b"\xaa" * 48)


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


def bind(signature, caveat):
    """One step of the chain. A third-party caveat is a tuple of location, id and verification id."""
    if isinstance(caveat, tuple):
        return mac(signature, mac(signature, caveat[2]) + mac(signature, caveat[1]))
    return mac(signature, caveat)


def sign(root, identifier, caveats):
    signature = mac(mac(b"macaroons-key-generator", root), identifier)
    for caveat in caveats:
        signature = bind(signature, caveat)
    return signature


def section(caveat):
    if isinstance(caveat, tuple):
        return (field(1, caveat[0]) if caveat[0] else b"") + field(2, caveat[1]) + field(4, caveat[2]) + b"\0"
    return field(2, caveat) + b"\0"


def encode(identifier, caveats, signature, location=b"lsat"):
    head = b"\x02" + (field(1, location) if location else b"") + field(2, identifier) + b"\0"
    return head + b"".join(map(section, caveats)) + b"\0" + field(6, signature)


def token(caveats, root=ROOT, identifier=IDENTIFIER, location=b"lsat"):
    made = encode(identifier, caveats, sign(root, identifier, caveats), location)
    return remember(made, 2, caveats, root, identifier, location)


# What other implementations can be asked to make: token bytes → (format, root key, location, identifier, caveats).
RECIPES = {}


def remember(made, version, caveats, root, identifier, location):
    if not any(isinstance(caveat, tuple) for caveat in caveats):
        RECIPES[made] = (version, root, location, identifier, *caveats)
    return made


def packet(key, value):
    body = key + b" " + value + b"\n"
    return b"%04x" % (len(body) + 4) + body


def packets(caveat):
    if isinstance(caveat, tuple):
        return packet(b"cid", caveat[1]) + packet(b"vid", caveat[2]) + packet(b"cl", caveat[0])
    return packet(b"cid", caveat)


def encode_v1(identifier, caveats, signature, location=b"lsat"):
    head = packet(b"location", location) + packet(b"identifier", identifier)
    return head + b"".join(map(packets, caveats)) + packet(b"signature", signature)


def token_v1(caveats, root=ROOT, identifier=IDENTIFIER, location=b"lsat"):
    made = encode_v1(identifier, caveats, sign(root, identifier, caveats), location)
    return remember(made, 1, caveats, root, identifier, location)


def derived_root(master, identifier):
    """The root key that this project derives from a master key."""
    return mac(mac(master, b"l402 root key v1"), identifier)


def b64(data):
    return base64.b64encode(data).decode()
