//! The Lightning side of L402: invoices, payments, settlements.

mod invoice;
mod network;
mod payment;
#[cfg(any(feature = "ldk", feature = "sandbox"))]
mod secret_file;
mod source;

pub use invoice::{Invoice, InvoiceError, Mismatch};
pub use network::{Network, NetworkError, NodeId, NodeIdError};
pub use payment::{FailureReason, Paid, PayError, PayLimit, PaymentSource, PaymentStatus, TimedOut};
pub use source::{
    Cause, Checked, InvalidRequest, InvoiceRequest, InvoiceSource, InvoiceSourceError, LookupError, SettlementSource,
};

#[cfg(feature = "ldk")]
pub mod ldk;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(feature = "testing")]
pub mod testing;
