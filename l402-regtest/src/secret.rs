//! Random secrets, as text, and the one place that compares them.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Returns 32 bytes from the system's random source in lower-case hexadecimal.
pub(crate) fn random_hex() -> Result<Zeroizing<String>, getrandom::Error> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut())?;
    let mut hex = Zeroizing::new(String::with_capacity(2 * bytes.len()));
    for nibble in bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]) {
        hex.push(char::from_digit(u32::from(nibble), 16).expect("four bits are one digit"));
    }
    Ok(hex)
}

/// Whether two secrets are the same, found out in a time that depends on their lengths only.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}
