//! Challenges of any scheme: what a server offers besides L402.

use crate::challenge::MAX_HEADER_LEN;
use crate::params::{ParamValue, Params, RawChallenges};

/// A challenge of any scheme, with its parameters as they stand in the header.
///
/// For those that know what to do about another scheme, or want to say what it is. A challenge of L402 is read by
/// [`Challenge`](crate::Challenge), which also says what is wrong with it.
///
/// ```
/// use l402_core::AnyChallenge;
///
/// let field = br#"Payment id="1", method="lightning", L402 token="AgEE", invoice="lnbc1""#;
/// let mut offers = AnyChallenge::parse_all(field);
/// let first = offers.next().unwrap();
/// assert_eq!((first.scheme(), first.param("METHOD").unwrap().as_str()), ("Payment", Some("lightning")));
/// assert_eq!(offers.next().unwrap().scheme(), "L402");
/// ```
#[derive(Debug, Clone)]
pub struct AnyChallenge<'a> {
    scheme: &'a str,
    params: Params<'a>,
}

impl<'a> AnyChallenge<'a> {
    /// Reads the challenges of one header line, or of several lines joined with commas, up to the first that cannot be read. In
    /// a header of more than [`MAX_HEADER_LEN`] bytes, none is.
    pub fn parse_all(field: &'a [u8]) -> impl Iterator<Item = Self> {
        let field = if field.len() > MAX_HEADER_LEN { &[] } else { field };
        RawChallenges::new(field).map_while(|challenge| {
            let challenge = challenge.ok()?;
            Some(Self { scheme: core::str::from_utf8(challenge.scheme).ok()?, params: challenge.params })
        })
    }

    /// Returns the name of the scheme, whose letter case means nothing.
    pub const fn scheme(&self) -> &'a str {
        self.scheme
    }

    /// Returns the first parameter of that name, whose letter case means nothing.
    pub fn param(&self, name: &str) -> Option<ParamValue<'a>> {
        let is_it = |found: &[u8]| found.eq_ignore_ascii_case(name.as_bytes());
        self.params.clone().find_map(|(found, value)| is_it(found).then_some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_is_too_long_is_not_read() {
        let field = [b"Basic a=".as_slice(), &std::vec![b'x'; MAX_HEADER_LEN]].concat();
        assert_eq!(AnyChallenge::parse_all(&field).count(), 0);
        assert_eq!(AnyChallenge::parse_all(&field[..MAX_HEADER_LEN]).count(), 1);
    }
}
