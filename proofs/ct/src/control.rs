//! Controls: code that leaks on purpose. A run in which a proof does not report them proves nothing, and fails.

use crate::case::Kind;
use crate::input::Input;
use crate::subject::{Caught, Subject, Verdict};
use crate::watch::watch;
use std::hint::black_box;

/// Each leaks in its own way.
pub const CONTROLS: &[Subject] = &[
    Subject {
        name: "control: signature, byte by byte",
        caveats: 3,
        kinds: &[(Kind::Sound, "equal"), (Kind::SignatureByte, "different")],
        run: compare,
        control: Some(Caught { memcheck: true, trace: true }),
    },
    Subject {
        name: "control: a branch on each key bit",
        caveats: 0,
        kinds: &[(Kind::Sound, "done")],
        run: bits,
        control: Some(Caught { memcheck: true, trace: true }),
    },
    Subject {
        name: "control: hex, stops at a wrong digit",
        caveats: 0,
        kinds: &[(Kind::Sound, "read"), (Kind::PreimageGarbage, "refused")],
        run: hex,
        control: Some(Caught { memcheck: true, trace: true }),
    },
    // The look-ups are the same instructions for every secret: only memcheck sees that their addresses differ.
    Subject {
        name: "control: base64 by table",
        caveats: 3,
        kinds: &[(Kind::Sound, "done")],
        run: table,
        control: Some(Caught { memcheck: true, trace: false }),
    },
];

fn compare(input: &Input) -> Verdict {
    let signature: &[u8] = &input.token.bytes()[input.token.bytes().len() - 32..];
    let equal = watch(|| {
        let (left, right) = (black_box(signature), black_box(&input.signature));
        left.iter().zip(right).all(|(left, right)| black_box(left) == right)
    });
    if equal { "equal" } else { "different" }
}

fn bits(input: &Input) -> Verdict {
    watch(|| {
        for byte in black_box(&input.preimage).expose() {
            if byte & 1 == 1 {
                black_box(byte);
            }
        }
    });
    "done"
}

fn hex(input: &Input) -> Verdict {
    let mut out = [0; 32];
    let read = watch(|| {
        for (byte, pair) in out.iter_mut().zip(black_box(input.digits()).chunks(2)) {
            let digit = |c: u8| char::from(c).to_digit(16);
            let (Some(high), Some(low)) = (digit(pair[0]), digit(pair[1])) else { return false };
            *byte = u8::try_from(high << 4 | low).unwrap_or(0);
        }
        black_box(&out);
        true
    });
    if read { "read" } else { "refused" }
}

fn table(input: &Input) -> Verdict {
    static VALUES: [u8; 256] = {
        let (mut values, mut at) = ([0; 256], 0_u8);
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        while at < 64 {
            values[alphabet[at as usize] as usize] = at;
            at += 1;
        }
        values
    };
    let mut out = [0_u8; 1024];
    watch(|| {
        for (to, from) in out.iter_mut().zip(black_box(input.token_text())) {
            *to = black_box(&VALUES)[usize::from(*from)];
        }
        black_box(&out);
    });
    "done"
}
