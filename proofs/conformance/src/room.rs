//! Memory of the caller, handed out piece by piece.

use crate::check::{Differs, differs};
use crate::data::{Bytes, Field};
use l402_core::macaroon::MAX_LEN;

/// The caller lent too little.
pub(crate) const NO_ROOM: Differs = differs("room");

/// What is left of the caller's memory for one case.
pub(crate) struct Room<'r>(pub(crate) &'r mut [u8]);

impl<'r> Room<'r> {
    /// Takes `length` zeroed bytes.
    pub(crate) fn take(&mut self, length: usize) -> Result<&'r mut [u8], Differs> {
        let (taken, rest) = core::mem::take(&mut self.0).split_at_mut_checked(length).ok_or(NO_ROOM)?;
        self.0 = rest;
        taken.fill(0);
        Ok(taken)
    }

    /// Takes an output of the capacity that a case states. Where it states none, that is a token of the greatest length,
    /// or as much as is left if the result fits that.
    pub(crate) fn output(&mut self, capacity: Option<usize>, result: Option<&Bytes>) -> Result<&'r mut [u8], Differs> {
        let fits = result.is_some_and(|result| result.len() <= self.0.len());
        let usual = if fits { MAX_LEN.min(self.0.len()) } else { MAX_LEN };
        self.take(capacity.unwrap_or(usual))
    }

    /// Joins the pieces of a value. One that is a single piece needs no memory.
    pub(crate) fn join(&mut self, value: &Bytes) -> Result<&'r [u8], Differs> {
        if let [(whole, 1)] = value.0 {
            return Ok(whole);
        }
        let joined = self.take(value.len())?;
        for (to, from) in joined.iter_mut().zip(value.iter()) {
            *to = from;
        }
        Ok(joined)
    }

    /// Joins text.
    pub(crate) fn text(&mut self, value: &Bytes) -> Result<&'r str, Differs> {
        core::str::from_utf8(self.join(value)?).map_err(|_| differs("text"))
    }

    /// Joins the value of a header field, however it is written.
    pub(crate) fn field(&mut self, field: &Field) -> Result<&'r [u8], Differs> {
        match (&field.value, &field.value_hex) {
            (Some(value), None) | (None, Some(value)) => self.join(value),
            _ => Err(differs("value")),
        }
    }

    /// Joins lines, however they are written, into `out`, and returns those.
    pub(crate) fn lines<'o>(
        &mut self,
        lines: (Option<&[Bytes]>, Option<&[Bytes]>),
        out: &'o mut [&'r [u8]],
    ) -> Result<&'o [&'r [u8]], Differs> {
        match lines {
            (Some(lines), None) | (None, Some(lines)) => self.join_all(lines, out),
            _ => Err(differs("lines")),
        }
    }

    /// Joins every value into `out`, and returns those.
    pub(crate) fn join_all<'o>(
        &mut self,
        values: &[Bytes],
        out: &'o mut [&'r [u8]],
    ) -> Result<&'o [&'r [u8]], Differs> {
        let out = out.get_mut(..values.len()).ok_or(NO_ROOM)?;
        for (to, from) in out.iter_mut().zip(values) {
            *to = self.join(from)?;
        }
        Ok(out)
    }
}
