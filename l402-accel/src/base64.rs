//! Base64 by wide vectors.

use crate::{Marks, arch};

/// Decoding of base64 in constant time, 32 characters a step: AVX2.
#[derive(Debug, Clone, Copy)]
pub struct Base64(arch::Base64);

impl Base64 {
    /// Returns the engine where the processor has the instructions. The answer is kept: asking again costs one load.
    #[inline]
    pub fn detect() -> Option<Self> {
        arch::Base64::detect().map(Self)
    }

    /// Decodes text without padding, in the standard or the URL-safe alphabet (RFC 4648 §4 and §5), and says what it met.
    ///
    /// Four characters make three bytes; what does not fit `out` is dropped, and bytes of `out` behind the text's last whole
    /// byte are not defined. What a character of neither alphabet counts as is not defined either.
    ///
    /// ```
    /// use l402_accel::Base64;
    ///
    /// let mut out = [0; 2];
    /// if let Some(engine) = Base64::detect() {
    ///     let marks = engine.decode(b"_-8", &mut out);
    ///     assert_eq!(out, [0xff, 0xef]);
    ///     assert!(marks.url_safe && !marks.standard && !marks.invalid && marks.spare == 0);
    /// }
    /// ```
    #[inline]
    pub fn decode(self, text: &[u8], out: &mut [u8]) -> Marks {
        self.0.decode(text, out)
    }
}
