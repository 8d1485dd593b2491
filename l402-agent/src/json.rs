//! Amounts and times in JSON, for `#[serde(serialize_with = "…")]`: bare numbers, of millisatoshi and of seconds since 1970. The
//! names of the fields say which.

use l402_core::{Msat, UnixSeconds};
use serde::{Serialize, Serializer};

/// Writes the number of millisatoshi.
///
/// ```
/// #[derive(serde::Serialize)]
/// struct Payment {
///     #[serde(serialize_with = "l402_agent::json::msat")]
///     amount_msat: l402_core::Msat,
/// }
/// # let json = serde_json::to_string(&Payment { amount_msat: l402_core::Msat::from_sat(21) })?;
/// # assert_eq!(json, r#"{"amount_msat":21000}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # Errors
/// Those of the format.
pub fn msat<S: Serializer>(amount: &Msat, serializer: S) -> Result<S::Ok, S::Error> {
    amount.get().serialize(serializer)
}

/// Writes the number of millisatoshi, or null.
///
/// # Errors
/// Those of the format.
pub fn optional_msat<S: Serializer>(amount: &Option<Msat>, serializer: S) -> Result<S::Ok, S::Error> {
    amount.map(Msat::get).serialize(serializer)
}

/// Writes the number of seconds.
///
/// # Errors
/// Those of the format.
pub fn unix_seconds<S: Serializer>(time: &UnixSeconds, serializer: S) -> Result<S::Ok, S::Error> {
    time.get().serialize(serializer)
}
