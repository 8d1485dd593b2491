//! The decision of an L402 server as a wasm module without imports: bytes in, a decision out.
//!
//! The host writes a request into the buffer (`buffer`), calls `decide`, and reads the answer from the
//! front of the same buffer. The module keeps nothing but the answer between two calls: the request, which holds the master
//! keys, and the stack, where keys were derived from them, are wiped.
//!
//! Numbers are little-endian. A text is its length, 16 bits, and that many bytes.
//!
//! | request | |
//! |---|---|
//! | keys | count (8 bits), then for each the epoch (32 bits) and the master key (32 bytes); the minting one first |
//! | offer | service (text), tier (32 bits), capability (text, empty for none) |
//! | time | Unix seconds, 64 bits |
//! | fields | until the end: name (text) and value (text) |
//!
//! | answer | |
//! |---|---|
//! | `decide` returns 0: admit | payment hash (32 bytes), token id (32), end in Unix seconds (64 bits, 0 for none) |
//! | a status of HTTP | the machine-readable reason as text |
//! | 1: the request cannot be read | nothing |
#![no_std]

mod request;

use core::sync::atomic::{AtomicU8, Ordering};
use l402_core::{Decision, Grant, UnixSeconds, Unsatisfied};
use request::Request;

/// Room for one request, and for the tokens in it. Atomic, so that it can be written without `unsafe`; there is one thread.
static BUFFER: [AtomicU8; BUFFER_LEN] = [const { AtomicU8::new(0) }; BUFFER_LEN];

/// Bytes of the buffer.
const BUFFER_LEN: usize = 32 * 1024;

/// Bytes of the stack that are wiped: more than a decision uses, as the test sees by what is left.
const STACK_LEN: usize = 64 * 1024;

/// The request cannot be read.
const UNREADABLE: u32 = 1;

/// What the host sees.
#[expect(unsafe_code, reason = "a function must keep its name to be an export; nothing else of these names is linked")]
mod exports {
    use super::{BUFFER, BUFFER_LEN, answer};

    /// Returns where the buffer stands.
    #[unsafe(no_mangle)]
    extern "C" fn buffer() -> *const u8 {
        BUFFER.as_ptr().cast()
    }

    /// Returns how many bytes it has.
    #[unsafe(no_mangle)]
    extern "C" fn buffer_len() -> usize {
        BUFFER_LEN
    }

    /// Decides about the request of `length` bytes in the buffer.
    #[unsafe(no_mangle)]
    extern "C" fn decide(length: usize) -> u32 {
        answer(length)
    }
}

/// Decides, and wipes what the decision left on the stack: a key that is moved stays behind where it was.
fn answer(length: usize) -> u32 {
    let status = decide(length);
    wipe_stack();
    status
}

/// Copies the request out of the buffer, which is wiped, and writes the answer into it.
#[inline(never)] // so that its frame begins where that of `wipe_stack` does
#[expect(clippy::large_stack_arrays, reason = "the stack has 1 MiB")]
fn decide(length: usize) -> u32 {
    let mut copy = [0; BUFFER_LEN];
    for (to, from) in copy.iter_mut().zip(&BUFFER).take(length) {
        *to = from.swap(0, Ordering::Relaxed);
    }
    match copy.get(..length).and_then(Request::read) {
        Some(request) => match request.decide() {
            Decision::Admit(grant) | Decision::Settle(grant) => admit(&grant),
            // Uses cannot be counted here.
            Decision::Reserve { .. } => refuse(402, Unsatisfied::Counted.as_str()),
            Decision::Charge(charge) => refuse(charge.status, charge.reason.as_str()),
            Decision::Refuse(refusal) => refuse(refusal.status, refusal.reason()),
        },
        None => UNREADABLE,
    }
}

/// Overwrites the stack from the caller's frame downwards.
#[inline(never)]
#[expect(clippy::large_stack_arrays, reason = "the stack has 1 MiB")]
fn wipe_stack() {
    core::hint::black_box(&mut [0_u8; STACK_LEN]);
}

fn admit(grant: &Grant) -> u32 {
    let (hash, id) = (grant.payment_hash(), grant.token_id());
    let end = grant.expires_at().map_or(0, UnixSeconds::get).to_le_bytes();
    put(hash.as_bytes().iter().chain(id.as_bytes()).chain(&end));
    0
}

fn refuse(status: u16, reason: &str) -> u32 {
    let [low, high] = u16::try_from(reason.len()).unwrap_or(0).to_le_bytes();
    put([low, high].iter().chain(reason.as_bytes()));
    status.into()
}

fn put<'a>(bytes: impl Iterator<Item = &'a u8>) {
    for (to, from) in BUFFER.iter().zip(bytes) {
        to.store(*from, Ordering::Relaxed);
    }
}

#[cfg(target_family = "wasm")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
