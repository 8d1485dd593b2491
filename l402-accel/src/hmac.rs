//! HMAC over the vector types of the architecture: written once, compiled for each.
//!
//! States stay in registers from the first block of a message to its last.

use crate::arch::sha::{
    Hash, compress, compress2, digest_block, key_block, load_block, load_words, pack, unpack, words,
};
use crate::{BLOCK, IV, State};

/// HMAC under a key of 32 bytes that is held as words.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sha,sse4.1"))]
#[cfg_attr(target_arch = "aarch64", target_feature(enable = "sha2"))]
pub(crate) fn hmac(key: &State, message: &[u8]) -> State {
    let (key, iv) = (load_words(key), pack(&IV));
    let (inner, outer) = compress2([iv, iv], [key_block(key, 0x3636_3636), key_block(key, 0x5c5c_5c5c)]);
    unpack(hmac_outer(outer, finish(inner, message)))
}

/// Finishes HMAC from the states after its key blocks.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sha,sse4.1"))]
#[cfg_attr(target_arch = "aarch64", target_feature(enable = "sha2"))]
pub(crate) fn hmac_from(inner: &State, outer: &State, message: &[u8]) -> State {
    unpack(hmac_outer(pack(outer), finish(pack(inner), message)))
}

/// The longest message tail that shares its block with the padding.
const TAIL_IN_ONE: usize = BLOCK - 9;

#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sha,sse4.1"))]
#[cfg_attr(target_arch = "aarch64", target_feature(enable = "sha2"))]
fn hmac_outer(outer: Hash, inner: Hash) -> Hash {
    compress(outer, digest_block(words(inner)))
}

/// Hashes a message that follows a key block, and its padding.
#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sha,sse4.1"))]
#[cfg_attr(target_arch = "aarch64", target_feature(enable = "sha2"))]
fn finish(mut hash: Hash, message: &[u8]) -> Hash {
    let (whole, tail) = message.as_chunks::<BLOCK>();
    for block in whole {
        hash = compress(hash, load_block(block));
    }
    let mut last = [0; BLOCK];
    if let Some((head, padding)) = last.split_at_mut_checked(tail.len()) {
        head.copy_from_slice(tail);
        if let Some(first) = padding.first_mut() {
            *first = 0x80;
        }
    }
    if tail.len() > TAIL_IN_ONE {
        hash = compress(hash, load_block(&last));
        last = [0; BLOCK];
    }
    if let Some(length) = last.last_chunk_mut::<8>() {
        *length = ((BLOCK as u64 + message.len() as u64) * 8).to_be_bytes();
    }
    compress(hash, load_block(&last))
}
