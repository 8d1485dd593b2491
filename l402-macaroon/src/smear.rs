//! Comparisons without branches and tables, on the sign of differences, in a form that compilers vectorise.
//!
//! Arguments are below 128. Of a verdict only the highest bit counts; [`mask`] spreads it over the byte.

/// Whether `low <= c <= high`.
#[inline]
pub(crate) const fn within(c: u8, low: u8, high: u8) -> u8 {
    low.wrapping_sub(1).wrapping_sub(c) & c.wrapping_sub(high.wrapping_add(1))
}

/// Whether `c == other`.
#[inline]
pub(crate) const fn equal(c: u8, other: u8) -> u8 {
    (c ^ other).wrapping_sub(1)
}

/// `0xff` where the verdict is yes, else 0.
#[inline]
#[expect(clippy::cast_possible_wrap, clippy::cast_sign_loss, reason = "the sign bit is the point")]
pub(crate) const fn mask(verdict: u8) -> u8 {
    (verdict as i8 >> 7) as u8
}

/// Whether any of many verdicts is yes; this one is for a branch.
#[inline]
pub(crate) fn any(verdicts: &[u8]) -> bool {
    verdicts.iter().fold(0, |all, verdict| all | verdict) & 0x80 != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "walks over every case, which takes an interpreter minutes")]
    fn verdicts_are_those_of_comparisons() {
        let step = if cfg!(miri) { 13 } else { 1 }; // an interpreter would take minutes for all of them
        for c in (0..128).step_by(step) {
            for low in (0..128).step_by(step) {
                assert_eq!(mask(equal(c, low)), if c == low { 0xff } else { 0 });
                for high in (0..128).step_by(step) {
                    let expected = if (low..=high).contains(&c) { 0xff } else { 0 };
                    assert_eq!(mask(within(c, low, high)), expected, "{low} <= {c} <= {high}");
                }
            }
        }
    }
}
