/** A master key of 32 bytes, and the epoch that tokens minted with it name. */
export interface EpochKey {
  epoch: number;
  master: Uint8Array;
}

/** What a token must open: a service at a tier, and a capability where the route asks for one. */
export interface Offer {
  service: string;
  tier?: number;
  capability?: string;
}

export type Decision =
  /** Serve the request. Both hashes are hexadecimal; `expiresAt` is in Unix seconds, absent where the token does not end. */
  | { decision: "admit"; paymentHash: string; tokenId: string; expiresAt?: number }
  /** Answer with the status and a fresh challenge, which a server with a Lightning node makes. */
  | { decision: "charge"; status: number; reason: string }
  /** Answer with the status, and no challenge: the credential cannot be read. */
  | { decision: "refuse"; status: number; reason: string };

/** Decides about requests for one offer. Keeps the keys; the module wipes them, and what it derives from them, in every call. */
export class Verifier {
  /** The first key is the one that mints, the others are retired. A RangeError tells of a number or text that cannot be written. */
  static create(
    module: BufferSource | WebAssembly.Module,
    options: { keys: EpochKey[]; offer: Offer },
  ): Promise<Verifier>;

  /** `headers`: all fields of the request in order, as `Headers` or pairs; `now` in whole Unix seconds, else a RangeError. */
  decide(headers: Iterable<[string, string]>, now?: number): Decision;
}
