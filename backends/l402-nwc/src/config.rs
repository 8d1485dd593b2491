//! What an operator decides about the connection to a wallet.

use crate::uri::NwcUri;
use core::time::Duration;
use l402_lightning::Network;

/// The settings of an [`NwcPayee`](crate::NwcPayee) or an [`NwcPayer`](crate::NwcPayer).
///
/// ```
/// use l402_nwc::NwcConfig;
///
/// let uri = "nostr+walletconnect://b889ff5b1513b641e2a139f661a661364979c5beee91842f8f0ef42ab558e9d4?relay=wss%3A%2F%2Frelay.example\
///            &secret=71a8c14c1407c113601079c4302dab36460f0ccd0ad506f1f2dc73b5100e4f3c";
/// let config = NwcConfig::new(uri.parse()?);
/// assert_eq!(config.deadline.as_secs(), 4);
/// # Ok::<(), l402_nwc::UriError>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NwcConfig {
    /// The connection.
    pub uri: NwcUri,
    /// The chain that the wallet must be on; `bitcoin` where it is [`None`] and the wallet does not say.
    pub network: Option<Network>,
    /// How long the wallet may take for one answer, relays included; four seconds by default, which leaves a gateway time to say so. What a
    /// payment takes is not meant.
    pub deadline: Duration,
    /// Payee: whether a connection is taken that allows `pay_invoice`. It is not by default: who reads the settings could empty the wallet.
    pub allow_spending: bool,
    /// Payee: how many invoices may be unpaid at the same time; 1,000 by default. Each is a row at the wallet.
    pub max_unpaid: usize,
    /// Payee: how many invoices are asked for in a second, on average; 10 by default, and three times as many at once.
    pub invoices_per_second: u32,
}

impl NwcConfig {
    /// Returns the defaults.
    pub const fn new(uri: NwcUri) -> Self {
        Self {
            uri,
            network: None,
            deadline: Duration::from_secs(4),
            allow_spending: false,
            max_unpaid: 1_000,
            invoices_per_second: 10,
        }
    }
}
