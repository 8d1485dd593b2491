//! What an invoice is asked to say.

use core::fmt;
use core::time::Duration;
use l402_core::Msat;

/// What an invoice is asked to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvoiceRequest<'a> {
    /// The amount, at least one millisatoshi.
    pub amount_msat: Msat,
    /// What the payer's wallet shows: at most 639 bytes of UTF-8 (BOLT 11 §Tagged Fields).
    pub description: &'a str,
    /// How long the invoice is valid; whole seconds, fractions are cut off.
    pub expiry: Duration,
}

impl InvoiceRequest<'_> {
    /// Refuses what BOLT 11 cannot express, or the node cannot. For the backends.
    ///
    /// # Errors
    /// [`InvalidRequest`] names what cannot be written as an invoice.
    pub fn validate(&self, max_msat: Msat, max_expiry_s: u64) -> Result<(), InvalidRequest> {
        if !(Msat::new(1)..=max_msat).contains(&self.amount_msat) {
            return Err(InvalidRequest::Amount);
        }
        if self.description.len() > 639 {
            return Err(InvalidRequest::Description);
        }
        if !(1..=max_expiry_s).contains(&self.expiry.as_secs()) {
            return Err(InvalidRequest::Expiry);
        }
        Ok(())
    }
}

/// What is wrong with an [`InvoiceRequest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidRequest {
    /// The amount is zero, or more than all bitcoin.
    Amount,
    /// The description is longer than 639 bytes.
    Description,
    /// The expiry is below a second, or longer than the node can express.
    Expiry,
}

impl fmt::Display for InvalidRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Amount => "the amount is zero or more than all bitcoin",
            Self::Description => "the description is longer than 639 bytes",
            Self::Expiry => "the expiry is below a second or too long",
        })
    }
}

impl core::error::Error for InvalidRequest {}
