//! What decoding met.

/// What a base64 text held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks {
    /// A character of neither alphabet.
    pub invalid: bool,
    /// `+` or `/`.
    pub standard: bool,
    /// `-` or `_`.
    pub url_safe: bool,
    /// The bits behind the last byte of `out`, of the step in which it was written; zero where there are none.
    pub spare: u8,
}
