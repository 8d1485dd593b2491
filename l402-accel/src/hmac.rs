//! HMAC over the vector types of the architecture: written once, compiled for each.
//!
//! States stay in registers from the first block of a message to its last. `SITE` serves that: it tells callers apart, and a
//! function that has one caller is inlined, however long it is.

use crate::arch::sha::{
    Block, Hash, add, compress2, digest_block, key_block, load_block, load_words, pack, rounds4, schedule, unpack,
    words,
};
use crate::{BLOCK, IV, State};

/// HMAC under a key of 32 bytes that is held as words.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sha,sse4.1"))]
#[cfg_attr(target_arch = "aarch64", target_feature(enable = "sha2"))]
pub(crate) fn hmac(key: &State, message: &[u8]) -> State {
    // The end of the message is ready before the key: it is copied while the hash before this one still runs.
    let end = End::of(message);
    let (inner, outer) = key_states::<2>(key);
    let hash = finish::<0>(inner, message.as_chunks().0, &end);
    unpack(compress(outer, digest_block(words(hash))))
}

/// As [`hmac`], and SHA-256 of 32 other bytes, which is compressed together with the first whole block of the message.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sha,sse4.1"))]
#[cfg_attr(target_arch = "aarch64", target_feature(enable = "sha2"))]
pub(crate) fn hmac_and_digest32(key: &State, message: &[u8], other: &[u8; 32]) -> (State, State) {
    let end = End::of(message);
    let other = digest32_block(other);
    let (inner, outer) = key_states::<0>(key);
    let (hash, digest, rest) = match message.as_chunks().0 {
        [first, rest @ ..] => {
            let (hash, digest) = compress2::<1>([inner, pack(&IV)], [load_block(first), other]);
            (hash, digest, rest)
        }
        [] => (inner, compress(pack(&IV), other), &[][..]),
    };
    let hash = finish::<1>(hash, rest, &end);
    (unpack(compress(outer, digest_block(words(hash)))), unpack(digest))
}

/// HMAC from the states after its key blocks.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sha,sse4.1"))]
#[cfg_attr(target_arch = "aarch64", target_feature(enable = "sha2"))]
pub(crate) fn hmac_from(midstates: [&State; 2], message: &[u8]) -> State {
    let end = End::of(message);
    let [inner, outer] = [pack(midstates[0]), pack(midstates[1])];
    let hash = finish::<2>(inner, message.as_chunks().0, &end);
    unpack(compress(outer, digest_block(words(hash))))
}

/// As [`hmac_from`], for a message of 32 bytes that is held as words.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sha,sse4.1"))]
#[cfg_attr(target_arch = "aarch64", target_feature(enable = "sha2"))]
pub(crate) fn hmac_words_from(midstates: [&State; 2], message: &State) -> State {
    let [inner, outer] = [pack(midstates[0]), pack(midstates[1])];
    let hash = compress(inner, digest_block(load_words(message)));
    unpack(compress(outer, digest_block(words(hash))))
}

/// SHA-256's compression.
#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sha,sse4.1"))]
#[cfg_attr(target_arch = "aarch64", target_feature(enable = "sha2"))]
fn compress(start: Hash, mut w: Block) -> Hash {
    let mut hash = start;
    for (i, &four) in w.iter().enumerate() {
        rounds4(&mut hash, four, i);
    }
    for sixteen in 1..4 {
        for i in 0..4 {
            w[i] = schedule(&w, i);
            rounds4(&mut hash, w[i], 4 * sixteen + i);
        }
    }
    add(hash, start)
}

/// The states after the two key blocks.
#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sha,sse4.1"))]
#[cfg_attr(target_arch = "aarch64", target_feature(enable = "sha2"))]
fn key_states<const SITE: usize>(key: &State) -> (Hash, Hash) {
    let (key, iv) = (load_words(key), pack(&IV));
    compress2::<SITE>([iv, iv], [key_block(key, 0x3636_3636), key_block(key, 0x5c5c_5c5c)])
}

/// Hashes whole blocks and the end of a message.
#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sha,sse4.1"))]
#[cfg_attr(target_arch = "aarch64", target_feature(enable = "sha2"))]
fn finish<const SITE: usize>(mut hash: Hash, whole: &[[u8; BLOCK]], end: &End) -> Hash {
    for block in whole {
        hash = compress(hash, load_block(block));
    }
    if end.spills {
        hash = compress(hash, load_block(&end.blocks[0]));
    }
    compress(hash, load_block(&end.blocks[1]))
}

/// The block of a message of 32 bytes that nothing stands before.
#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sha,sse4.1"))]
#[cfg_attr(target_arch = "aarch64", target_feature(enable = "sha2"))]
fn digest32_block(message: &[u8; 32]) -> Block {
    let mut block = [0; BLOCK];
    if let Some((head, _)) = block.split_first_chunk_mut::<32>() {
        *head = *message;
    }
    (block[32], block[62]) = (0x80, 1); // 256 bits
    load_block(&block)
}

/// The bytes of a message behind its last whole block, and its padding: one block, the second, or both.
struct End {
    blocks: [[u8; BLOCK]; 2],
    spills: bool,
}

impl End {
    #[inline]
    fn of(message: &[u8]) -> Self {
        let tail = message.as_chunks::<BLOCK>().1;
        let spills = tail.len() > BLOCK - 9;
        let mut blocks = [[0; BLOCK]; 2];
        let start = if spills { 0 } else { BLOCK };
        if let Some((head, padding)) = blocks.as_flattened_mut()[start..].split_at_mut_checked(tail.len()) {
            head.copy_from_slice(tail);
            if let Some(first) = padding.first_mut() {
                *first = 0x80;
            }
        }
        if let Some(length) = blocks[1].last_chunk_mut::<8>() {
            *length = ((BLOCK as u64 + message.len() as u64) * 8).to_be_bytes();
        }
        Self { blocks, spills }
    }
}
