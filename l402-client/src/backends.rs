//! The wallets of this program, each in one line: the only place that names them. The first is the default.

use l402_lightning::backend::PayerBackend;

/// Lists wallets by their cargo features: those of this build in `WALLETS`, the names of the others in `LEFT_OUT`.
macro_rules! wallets {
    ($($feature:literal => $backend:path,)*) => {
        /// The wallets of this build.
        pub(crate) static WALLETS: &[&dyn PayerBackend] = &[$(#[cfg(feature = $feature)] &$backend,)*];
        /// The names of those that it leaves out.
        pub(crate) const LEFT_OUT: &[&str] = &[$(#[cfg(not(feature = $feature))] $feature,)*];
    };
}

wallets! {
    "sandbox" => l402_sandbox::SandboxPayer,
    "ldk" => l402_ldk::LdkPayer,
    "lnd" => l402_lnd::LndWallet,
    "nwc" => l402_nwc::NwcWallet,
}
