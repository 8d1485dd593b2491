//! Subjects that turn secrets into text and back.

use crate::case::Kind;
use crate::input::Input;
use crate::subject::{Subject, Verdict};
use crate::watch::watch;
use l402_core::macaroon::base64;
use l402_core::{CredentialLine, Preimage, Scheme};
use std::fmt::{self, Write};
use std::hint::black_box;

/// Base64 and hexadecimal text of secrets.
pub const SUBJECTS: &[Subject] = &[
    Subject {
        name: "base64 to token",
        caveats: 3,
        kinds: &[(Kind::Sound, "read"), (Kind::SignatureCharacter, "read"), (Kind::SignatureGarbage, "refused")],
        run: base64_decode,
        control: None,
    },
    Subject { name: "token to base64", caveats: 3, kinds: &[(Kind::Sound, "done")], run: base64_encode, control: None },
    Subject {
        name: "hex to preimage",
        caveats: 0,
        kinds: &[(Kind::Sound, "read"), (Kind::PreimageDigit, "read"), (Kind::PreimageGarbage, "refused")],
        run: hex_decode,
        control: None,
    },
    Subject {
        name: "preimage to hex",
        caveats: 0,
        kinds: &[(Kind::Sound, "done"), (Kind::PreimageByte, "done")],
        run: hex_encode,
        control: None,
    },
    Subject {
        name: "write the credential",
        caveats: 0,
        kinds: &[(Kind::Sound, "done"), (Kind::PreimageByte, "done")],
        run: credential,
        control: None,
    },
];

fn base64_decode(input: &Input) -> Verdict {
    let mut out = [0; 1024];
    let read = watch(|| base64::decode_into(black_box(input.token_text()), black_box(&mut out)).is_ok());
    if read { "read" } else { "refused" }
}

fn base64_encode(input: &Input) -> Verdict {
    let mut out = [0; 1024];
    let made = watch(|| base64::encode_into(black_box(input.token.bytes()), black_box(&mut out)).is_some());
    if made { "done" } else { "too long" }
}

fn hex_decode(input: &Input) -> Verdict {
    let read = watch(|| {
        Preimage::from_hex(black_box(input.digits())).is_ok_and(|preimage| !black_box(preimage).expose().is_empty())
    });
    if read { "read" } else { "refused" }
}

fn hex_encode(input: &Input) -> Verdict {
    let text = watch(|| black_box(&input.preimage).to_hex());
    if black_box(text).expose().len() == 64 { "done" } else { "too long" }
}

fn credential(input: &Input) -> Verdict {
    let mut out = Fixed { bytes: [0; 1024], len: 0 };
    let made = watch(|| {
        let line = CredentialLine {
            scheme: Scheme::L402,
            token: black_box("AgEEbHNhdA"),
            preimage: black_box(&input.preimage),
        };
        write!(black_box(&mut out), "{line}").is_ok()
    });
    if made { "done" } else { "too long" }
}

/// A writer that allocates nothing.
struct Fixed {
    bytes: [u8; 1024],
    len: usize,
}

impl Write for Fixed {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}
