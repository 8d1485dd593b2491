//! A wallet that is opened when it is first needed: a call that is free, or that a kept token opens, needs none.

use core::fmt;
use core::pin::Pin;
use l402_core::PaymentHash;
use l402_lightning::{
    Cause, EnforcedLimits, Invoice, LookupError, Network, Paid, PayError, PayLimit, PaymentSource, PaymentStatus,
};
use tokio::sync::OnceCell;

/// Opens a wallet.
type Open<W> = dyn Fn() -> Pin<Box<dyn Future<Output = Result<W, Cause>> + Send>> + Send + Sync;

/// A wallet, opened when it is first asked for something.
///
/// ```
/// use l402_agent::wallet::LazyWallet;
/// use l402_lightning::testing::FakeNetwork;
/// use l402_lightning::{Network, PaymentSource};
///
/// let wallet = LazyWallet::new(Network::Regtest, || async { Ok(FakeNetwork::new().node()) });
/// assert_eq!(wallet.network(), Network::Regtest);
/// assert!(wallet.into_opened().is_none(), "nothing was paid");
/// ```
pub struct LazyWallet<W> {
    network: Network,
    enforces: EnforcedLimits,
    open: Box<Open<W>>,
    opened: OnceCell<W>,
}

impl<W> LazyWallet<W> {
    /// Takes what opens the wallet, and the network that it will be on. Opening that fails is tried again when the wallet is next
    /// asked for something.
    pub fn new<F>(network: Network, open: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<W, Cause>> + Send + 'static,
    {
        let open = Box::new(move || Box::pin(open()) as Pin<Box<dyn Future<Output = Result<W, Cause>> + Send>>);
        Self { network, enforces: EnforcedLimits::ALL, open, opened: OnceCell::new() }
    }

    /// Says which limits of a payment the wallet will keep; all of them unless it is said.
    #[must_use]
    pub fn enforcing(self, enforces: EnforcedLimits) -> Self {
        Self { enforces, ..self }
    }

    /// Returns the wallet, if it was opened, so that it can be closed.
    pub fn into_opened(self) -> Option<W> {
        self.opened.into_inner()
    }

    async fn opened(&self) -> Result<&W, Cause>
    where
        W: Send + Sync,
    {
        self.opened.get_or_try_init(|| (self.open)()).await
    }
}

impl<W: PaymentSource> PaymentSource for LazyWallet<W> {
    fn network(&self) -> Network {
        self.network
    }

    fn enforces(&self) -> EnforcedLimits {
        self.opened.get().map_or(self.enforces, PaymentSource::enforces)
    }

    async fn pay(&self, invoice: &Invoice, limit: PayLimit) -> Result<Paid, PayError> {
        match self.opened().await {
            Ok(wallet) => wallet.pay(invoice, limit).await,
            Err(fault) => Err(PayError::Unavailable(fault)),
        }
    }

    async fn payment(&self, hash: &PaymentHash) -> Result<PaymentStatus, LookupError> {
        match self.opened().await {
            Ok(wallet) => wallet.payment(hash).await,
            Err(fault) => Err(LookupError::new(fault)),
        }
    }
}

impl<W: fmt::Debug> fmt::Debug for LazyWallet<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { network, opened, .. } = self;
        f.debug_struct("LazyWallet").field("network", network).field("opened", opened).finish_non_exhaustive()
    }
}
