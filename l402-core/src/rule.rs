//! Conditions of a service's own, decided by its own code (L402 §Caveats).
//!
//! 1. A rule is asked about the conditions that this crate does not know: of the offer's service, or of no service that the token
//!    names. It cannot replace `services`, `preimage`, `<service>_capabilities` or `<service>_valid_until`, nor speak for another
//!    service.
//! 2. It is asked about authentic tokens only, in the order of their caveats, one token after the other, until something
//!    denies: whatever it noted counts only where a grant comes out.
//! 3. [`Ruling::Fails`] denies whatever else is the case; [`Ruling::NotMine`] leaves the verdict to [`crate::UnknownCaveats`].
//! 4. A condition can only restrict: the holder of a token can add any. What a rule permits because a caveat is there, it must
//!    permit without it too.

use crate::caveat::{Caveat, Parts};
use l402_macaroon::Authentic;

/// Decides conditions of a service's own; see [`crate::Verified::grant_with`]. Closures implement it.
///
/// All caveats must hold, so that a rule which looks at one at a time is never widened by a later one. A rule that takes a value
/// out of a token, such as a limit, must see to it that a later caveat narrows the earlier one (`earlier`), or take the least.
///
/// ```
/// use l402_core::{Caveat, CaveatRule, Ruling};
///
/// /// `region=<name>`: the token is good in one region.
/// struct Region(&'static str);
///
/// impl CaveatRule for Region {
///     fn judge(&mut self, caveat: Caveat<'_>, _earlier: Option<&str>) -> Ruling {
///         match caveat.condition {
///             "region" if caveat.value == self.0 => Ruling::Holds,
///             "region" => Ruling::Fails,
///             _ => Ruling::NotMine,
///         }
///     }
/// }
///
/// let caveat = Caveat::parse(b"region=north")?;
/// assert_eq!(Region("north").judge(caveat, None), Ruling::Holds);
/// assert_eq!(Region("south").judge(caveat, None), Ruling::Fails);
/// # Ok::<(), l402_core::CaveatError>(())
/// ```
pub trait CaveatRule {
    /// Decides one caveat. `earlier` is the value of the caveat of the same condition that stands before it in the same token,
    /// the last one where there are several.
    fn judge(&mut self, caveat: Caveat<'_>, earlier: Option<&str>) -> Ruling;
}

impl<F: FnMut(Caveat<'_>, Option<&str>) -> Ruling> CaveatRule for F {
    fn judge(&mut self, caveat: Caveat<'_>, earlier: Option<&str>) -> Ruling {
        self(caveat, earlier)
    }
}

/// What a [`CaveatRule`] says of a caveat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// The condition holds.
    Holds,
    /// It does not hold, or its value cannot be read: the request is denied.
    Fails,
    /// The rule does not know the condition.
    NotMine,
}

/// Who is asked about a condition that is not known.
pub(crate) trait Judge {
    fn judge(&mut self, token: &Authentic<'_>, caveat: &Parts<'_>) -> Ruling;
}

/// Nobody is, which costs nothing.
pub(crate) struct Nobody;

impl Judge for Nobody {
    #[inline]
    fn judge(&mut self, _token: &Authentic<'_>, _caveat: &Parts<'_>) -> Ruling {
        Ruling::NotMine
    }
}

/// The caller's rule is.
pub(crate) struct Asked<'r, R: ?Sized>(pub(crate) &'r mut R);

impl<R: CaveatRule + ?Sized> Judge for Asked<'_, R> {
    fn judge(&mut self, token: &Authentic<'_>, caveat: &Parts<'_>) -> Ruling {
        match caveat.text() {
            Ok(text) => self.0.judge(text, earlier(token, caveat)),
            Err(_) => Ruling::Fails, // it was UTF-8 when it was split
        }
    }
}

/// The value of the last caveat of this condition before this one.
fn earlier<'a>(token: &Authentic<'a>, caveat: &Parts<'_>) -> Option<&'a str> {
    let all = token.caveats().filter_map(|caveat| Parts::split(caveat.id).ok());
    let before = all.take_while(|other| !core::ptr::eq(other.condition, caveat.condition));
    let last = before.filter(|other| other.condition == caveat.condition).last()?;
    core::str::from_utf8(last.value).ok()
}
