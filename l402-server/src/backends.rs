//! The nodes that can be paid, each in one line: the only place that names them. The first is the default.

use l402_lightning::backend::PayeeBackend;

/// Lists backends by their cargo features, with the variables that choose them: those are known also where the build leaves a
/// backend out, so that an operator who means it is not given another.
macro_rules! payees {
    ($($feature:literal => $backend:path, chosen by $variables:expr;)*) => {
        /// The backends of this build.
        pub(crate) static PAYEES: &[&dyn PayeeBackend] = &[$(#[cfg(feature = $feature)] &$backend,)*];
        /// Their names.
        pub(crate) const BUILT: &[&str] = &[$(#[cfg(feature = $feature)] $feature,)*];
        /// All that there are, with the variables that choose them.
        pub(crate) const KNOWN: &[(&str, &[&str])] = &[$(($feature, &$variables),)*];
    };
}

payees! {
    "sandbox" => l402_regtest::SandboxPayee, chosen by [];
    "ldk" => l402_ldk::LdkPayee, chosen by [];
    "lnd" => l402_lnd::LndNode, chosen by ["LND_SOCKET", "LND_CERT", "LND_MACAROON", "LND_CONNECT"];
    "nwc" => l402_nwc::NwcNode, chosen by ["NWC_URI"];
    "gateway" => l402_replica::GatewayPayee, chosen by [];
}
