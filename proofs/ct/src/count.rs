//! Instructions of the reference work, and the gate on them.
//!
//! The reference work is a credential with three caveats (252 base64 characters): field in, verdict out. Single-stepping
//! counts exactly; what the marks themselves take is counted too, as the subject that does nothing, and subtracted.

use crate::Failure;
use crate::catalogue::named;
use crate::input::Input;
use std::arch::is_x86_feature_detected;

/// The name of the reference work among the subjects, and the verdict of its class.
pub const REFERENCE: (&str, &str) = ("authorization field to verdict", "admitted");

/// The most instructions that the reference work may take on a processor with SHA-NI.
pub const MOST: usize = 9_700;

/// The base64 characters of the reference token.
const CHARACTERS: usize = 252;

/// Whether this processor has the instructions that [`MOST`] presumes.
pub fn comparable() -> bool {
    is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1")
}

/// Checks that the reference work is what it is said to be.
pub fn check_reference() -> Result<(), Failure> {
    let subject = named(REFERENCE.0).ok_or("the reference work is no subject")?;
    match Input::token_len(subject.caveats).div_ceil(3) * 4 {
        CHARACTERS => Ok(()),
        other => Err(format!("the reference token has {other} characters").into()),
    }
}
