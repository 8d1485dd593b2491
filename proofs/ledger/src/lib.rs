//! Proofs of the ledger of uses on real gateways, servers and sockets. All of it is in `tests`, as it needs nodes that are none.
