// Decides with the module that EDGE_VERIFY names about the vectors of the gate, and about what a server in JavaScript hands over.
import assert from "node:assert/strict";
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
const cases = vectors.cases.filter(({ policy, min_ram = 0 }) => usual(policy) && min_ram < 24_000);
const admitted = cases.find(({ verdict }) => verdict === "admit");

test("the vectors of the gate", async () => {
  assert(cases.length >= 4);
  for (const vector of cases) {
    const { decision, paymentHash, tokenId, expiresAt, status, reason } = (await verifier(vector)).decide(headers(vector), vector.now);
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
  const found = (await verifier(admitted)).decide(new Headers(headers(admitted)), admitted.now);
  assert.equal(found.decision, "admit");
});

test("every character of the signature and of the preimage counts", async () => {
  const gate = await verifier(admitted);
  const [[name, value]] = headers(admitted);
  for (let at = value.length - 100; at < value.length; at++) {
    const other = value[at] === "A" || value[at] === "1" ? "2" : value[at] === ":" ? "x" : "1";
    const changed = value.slice(0, at) + other + value.slice(at + 1);
    assert.notEqual(gate.decide([[name, changed]], admitted.now).decision, "admit", `character ${at}`);
  }
});

test("no master key stays in the module's memory", async () => {
  const { exports } = await WebAssembly.instantiate(module, {});
  const gate = new Verifier(exports, [{ epoch: 0, master: new Uint8Array(32).fill(0xa7) }], { service: "weather" });
  assert.equal(gate.decide(headers(admitted), admitted.now).status, 401);
  assert.equal(Buffer.from(exports.memory.buffer).indexOf(Buffer.alloc(8, 0xa7)), -1);
});

test("fields that do not fit are refused, and what cannot be an offer or a key throws", async () => {
  const gate = await verifier(admitted);
  assert.equal(gate.decide([["authorization", "L402 " + "A".repeat(40_000)]], 0).status, 431);
  assert.equal(gate.decide([["cookie", "A".repeat(100_000)]], 0).reason, "payment-required");
  assert.equal(gate.decide(headers(admitted), admitted.now).decision, "admit");
  const wrong = await Verifier.create(module, { keys: [{ epoch: 0, master: new Uint8Array(32) }], offer: { service: "a,b" } });
  assert.throws(() => wrong.decide([], 0), TypeError);
  await assert.rejects(Verifier.create(module, { keys: [], offer: { service: "a" } }), RangeError);
});
