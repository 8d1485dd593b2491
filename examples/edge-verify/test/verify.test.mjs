// Decides with the module that EDGE_VERIFY names about the vectors of the gate, and about what a server in JavaScript hands over.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Verifier } from "../index.mjs";

const module = await WebAssembly.compile(readFileSync(process.env.EDGE_VERIFY));
const vectors = JSON.parse(readFileSync(new URL("../../../spec-vectors/exchange/gate.json", import.meta.url), "utf8"));
const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const joined = (value) =>
  typeof value === "string" ? value : value.map((piece) => (typeof piece === "string" ? piece : piece.repeat.repeat(piece.times))).join("");
const usual = (policy) =>
  policy.malformed === 400 && policy.forged === 401 && policy.unknown === "refuse" && policy.settlement === "trust";

const verifier = ({ keys, offer: { service, tier, capability } }) =>
  Verifier.create(module, {
    keys: keys.map(({ epoch, master }) => ({ epoch, master: bytes(master) })),
    offer: { service, tier, capability: capability ?? undefined },
  });
const headers = ({ fields }) =>
  fields.map(({ name, value, value_hex }) => [name, value === undefined ? String.fromCharCode(...bytes(joined(value_hex))) : joined(value)]);
// No ledger counts uses here: a number of them denies, whatever else is wrong with it.
const uncounted = (vector) =>
  vector.verdict === "reserve" || /^(uses|balance)-/.test(vector.id) ? { ...vector, verdict: "charge", result: { status: 402, reason: "no-ledger" } } : vector;
const cases = vectors.cases.filter(({ policy, min_ram = 0 }) => usual(policy) && min_ram < 24_000).map(uncounted);
const ANSWER = 72; // bytes, at most
const admitted = cases.find(({ verdict }) => verdict === "admit");
const now = Number(admitted.now);

test("the vectors of the gate", async () => {
  assert(cases.length >= 4);
  for (const vector of cases) {
    const found = (await verifier(vector)).decide(headers(vector), Number(vector.now));
    const { decision, paymentHash, tokenId, expiresAt, status, reason } = found;
    assert.equal(decision, vector.verdict, vector.id);
    const { result } = vector;
    if (decision === "admit") {
      assert.deepEqual([paymentHash, tokenId], [result.payment_hash, result.token_id], vector.id);
      assert.equal(expiresAt, result.expires_at === null ? undefined : Number(result.expires_at), vector.id);
    } else {
      assert.deepEqual([status, reason], [result.status, result.reason], vector.id);
    }
  }
});

test("a Headers object is read", async () => {
  const found = (await verifier(admitted)).decide(new Headers(headers(admitted)), now);
  assert.equal(found.decision, "admit");
});

test("every character of the signature and of the preimage counts", async () => {
  const gate = await verifier(admitted);
  const [[name, value]] = headers(admitted);
  for (let at = value.length - 100; at < value.length; at++) {
    const other = value[at] === "A" || value[at] === "1" ? "2" : value[at] === ":" ? "x" : "1";
    const changed = value.slice(0, at) + other + value.slice(at + 1);
    assert.notEqual(gate.decide([[name, changed]], now).decision, "admit", `character ${at}`);
  }
});

const xor = (bytes, pad) => bytes.map((byte) => byte ^ pad);
const padded = (key) => [key, xor(key, 0x36), xor(key, 0x5c)];
const derived = (master) => createHmac("sha256", master).update("l402 root key v1").digest();

test("no key stays in the module's memory, nor what is made of one", async () => {
  for (const vector of cases) {
    const { exports } = await WebAssembly.instantiate(module, {});
    const before = Buffer.from(exports.memory.buffer.slice());
    const { keys, offer } = vector;
    const masters = [...keys.map(({ master }) => bytes(master)), new Uint8Array(32).fill(0xa7)];
    const held = masters.map((master, at) => ({ epoch: keys[at]?.epoch ?? 0xffff_fffe, master }));
    const gate = new Verifier(exports, held, { ...offer, capability: offer.capability ?? undefined });
    assert.equal(gate.decide(headers(vector), Number(vector.now)).decision, vector.verdict, vector.id);
    const memory = Buffer.from(exports.memory.buffer);
    for (const secret of masters.flatMap((master) => [...padded(master), ...padded(derived(master))])) {
      assert.equal(memory.indexOf(secret), before.indexOf(secret), vector.id); // 01 × 32 is in a table of the module too
    }
    // Nothing else stays either, root keys and signatures among it: beyond the answer, the memory is as it was. What wipes the
    // stack leaves an address there, 4 bytes.
    const answer = exports.buffer();
    before.copy(memory, answer, answer, answer + ANSWER);
    let left = 0;
    for (let at = 0; at < memory.length; at++) if (memory[at] !== before[at]) left++;
    assert(left <= 4, `${vector.id}: ${left} bytes were left`);
  }
});

test("fields that do not fit are refused, and what cannot be an offer or a key throws", async () => {
  const gate = await verifier(admitted);
  assert.equal(gate.decide([["authorization", "L402 " + "A".repeat(40_000)]], 0).status, 431);
  assert.equal(gate.decide([["cookie", "A".repeat(100_000)]], 0).reason, "payment-required");
  assert.equal(gate.decide(headers(admitted), now).decision, "admit");
  const wrong = await Verifier.create(module, { keys: [{ epoch: 0, master: new Uint8Array(32) }], offer: { service: "a,b" } });
  assert.throws(() => wrong.decide([], 0), TypeError);
  await assert.rejects(Verifier.create(module, { keys: [], offer: { service: "a" } }), RangeError);
});

test("numbers and characters that do not fit are thrown, not cut", async () => {
  const key = { epoch: 0, master: new Uint8Array(32) };
  const offer = { service: "weather" };
  const epochs = [-1, 2 ** 32, 0.5, undefined].map((epoch) => ({ keys: [{ ...key, epoch }], offer }));
  const tiers = [-1, 2 ** 32, 0.5].map((tier) => ({ keys: [key], offer: { ...offer, tier } }));
  // The low byte of the first character is that of a w, and of the second that of an r.
  const names = [{ service: "\u0177eather" }, { ...offer, capability: "\u0172ead" }].map((offer) => ({ keys: [key], offer }));
  for (const options of [...epochs, ...tiers, ...names]) await assert.rejects(Verifier.create(module, options), RangeError);

  const gate = await verifier(admitted);
  for (const wrong of [-1, 0.5, NaN, 2 ** 53, `${now}`]) assert.throws(() => gate.decide([], wrong), RangeError);
  const [[name, value]] = headers(admitted);
  const wide = value.slice(0, -1) + String.fromCharCode(0x100 + value.charCodeAt(value.length - 1));
  assert.equal(gate.decide([[name, wide]], now).decision, "refuse");
});

test("a request without a key cannot be read", async () => {
  const { exports } = await WebAssembly.instantiate(module, {});
  const request = new Uint8Array(1 + 36 + 9 + 4 + 2 + 8); // no key, and then what would be one
  request.set([7, 0, ...Buffer.from("weather")], 37);
  const decide = (count) => {
    request[0] = count;
    new Uint8Array(exports.memory.buffer, exports.buffer()).set(request);
    return exports.decide(request.length);
  };
  assert.deepEqual([decide(1), decide(0)], [402, 1]);
});
