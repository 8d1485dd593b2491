//! What a connection allows, and on which chain its wallet is.

use crate::stand::wallet;
use l402_lightning::Network;
use l402_lightning::testing::FakeNetwork;
use l402_nwc::testing::{FakeRelay, FakeWallet};
use l402_nwc::{NwcError, NwcPayer};

async fn refused(change: impl FnOnce(FakeWallet) -> FakeWallet) -> NwcError {
    let (relay, node, folder) = (FakeRelay::start().await, FakeNetwork::new().node(), tempfile::tempdir().unwrap());
    let wallet = change(wallet(&node)).start(&[relay.url()]).await;
    NwcPayer::connect(&wallet.config(), folder.path()).await.unwrap_err()
}

#[tokio::test]
async fn o2_a_connection_that_may_not_pay_is_refused_before_anything_is_sent() {
    let fault = refused(|wallet| wallet.methods(&["make_invoice", "lookup_invoice", "get_info"])).await;
    assert!(matches!(fault, NwcError::Lacks("pay_invoice")), "{fault:?}");
    let fault = refused(|wallet| wallet.methods(&["make_invoice"])).await;
    assert!(matches!(fault, NwcError::Lacks("pay_invoice")), "{fault:?}");
}

#[tokio::test]
async fn a1_a_wallet_on_another_chain_is_refused() {
    let fault = refused(|wallet| wallet.network("mainnet")).await;
    assert!(
        matches!(fault, NwcError::WrongNetwork { expected: Network::Regtest, found: Network::Bitcoin }),
        "{fault:?}"
    );
    assert!(matches!(refused(|wallet| wallet.network("liquid")).await, NwcError::UnsupportedNetwork));
}

#[tokio::test]
async fn a_wallet_without_known_encryption_is_refused() {
    assert!(matches!(refused(|wallet| wallet.encryption(Some("nip99"))).await, NwcError::Encryption));
}
