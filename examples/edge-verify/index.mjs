// The L402 verifier for servers in JavaScript. index.d.ts says what everything means.

const FIELDS = new Set(["authorization", "macaroon", "grpc-metadata-macaroon", "token", "grpc-metadata-token"]);

export class Verifier {
  #exports;
  #keys;
  #offer;

  /** Compiles the module (its bytes, or a WebAssembly.Module) and joins it with the keys and what the route sells. */
  static async create(module, { keys, offer }) {
    const source = module instanceof WebAssembly.Module ? module : await WebAssembly.compile(module);
    return new Verifier((await WebAssembly.instantiate(source, {})).exports, keys, offer);
  }

  constructor(exports, keys, offer) {
    if (keys.length < 1 || keys.length > 8) throw new RangeError("one key that mints, and at most 7 retired ones");
    for (const { epoch, master } of keys) {
      if (!isU32(epoch)) throw new RangeError("an epoch has 32 bits");
      if (master.length !== 32) throw new RangeError("a master key has 32 bytes");
    }
    const { service, tier = 0, capability = "" } = offer;
    if (!isU32(tier)) throw new RangeError("a tier has 32 bits");
    if (!isName(service) || !isName(capability)) throw new RangeError("a name has at most 64 characters, all in ASCII");
    this.#exports = exports;
    this.#keys = keys;
    this.#offer = offer;
  }

  /** Decides about a request by its header fields, at a time in Unix seconds. */
  decide(headers, now = Math.floor(Date.now() / 1000)) {
    // Here, since what does not fit below is told from a fault by its RangeError.
    if (!Number.isSafeInteger(now) || now < 0) throw new RangeError("the time is whole seconds since 1970");
    const { memory, buffer, buffer_len, decide } = this.#exports;
    const room = new Uint8Array(memory.buffer, buffer(), buffer_len());
    const length = write(room, this.#keys, this.#offer, now, headers);
    if (length === undefined) return { decision: "refuse", status: 431, reason: "fields-too-large" };
    const status = decide(length);
    if (status === 1) throw new TypeError("the offer or the keys cannot be used");
    return status === 0 ? granted(room) : refused(room, status);
  }
}

function granted(room) {
  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const end = new DataView(room.buffer, room.byteOffset).getBigUint64(64, true);
  return {
    decision: "admit",
    paymentHash: hex(room.subarray(0, 32)),
    tokenId: hex(room.subarray(32, 64)),
    expiresAt: end === 0n ? undefined : Number(end),
  };
}

function refused(room, status) {
  const length = room[0] | (room[1] << 8);
  const reason = new TextDecoder().decode(room.slice(2, 2 + length));
  const charged = !reason.endsWith("-credential");
  return { decision: charged ? "charge" : "refuse", status, reason };
}

/** Writes a request into the buffer and returns its length; undefined where it does not fit. */
function write(room, keys, { service, tier = 0, capability = "" }, now, headers) {
  const view = new DataView(room.buffer, room.byteOffset, room.length);
  let at = 0;
  const put = (bytes) => {
    room.set(bytes, at);
    at += bytes.length;
  };
  const text = (value) => {
    const bytes = typeof value === "string" ? latin1(value) : value;
    if (bytes.length > 0xffff) throw new RangeError("too long");
    view.setUint16(at, bytes.length, true);
    at += 2;
    put(bytes);
  };
  try {
    room[at++] = keys.length;
    for (const { epoch, master } of keys) {
      view.setUint32(at, epoch, true);
      at += 4;
      put(master);
    }
    text(service);
    view.setUint32(at, tier, true);
    at += 4;
    text(capability);
    view.setBigUint64(at, BigInt(now), true);
    at += 8;
    for (const [name, value] of headers) {
      if (!FIELDS.has(name.toLowerCase())) continue;
      text(name);
      text(value);
    }
    return at;
  } catch (fault) {
    room.fill(0);
    if (fault instanceof RangeError) return undefined;
    throw fault;
  }
}

/** Whether a DataView would write the number as it is. */
function isU32(number) {
  return Number.isInteger(number) && number >= 0 && number <= 0xffff_ffff;
}

/** Whether the text can be written; the module decides whether it is a name. */
function isName(text) {
  return typeof text === "string" && /^[\0-\x7f]{0,64}$/.test(text);
}

/** The bytes of a header value: fetch and Node hand them over one per character. Any other becomes what no credential has. */
function latin1(value) {
  return Uint8Array.from(value, (character) => Math.min(character.charCodeAt(0), 0xff));
}
