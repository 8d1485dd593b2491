//! T1 and L4: known secrets are planted, then every byte that left is searched for them.

use crate::stand::h2::Connection;
use crate::stand::{MASTER, Purchase, Stand, UPSTREAM_KEY, log, to_hex};
use l402_core::macaroon::{MacaroonRef, base64};
use l402_core::{Identifier, MasterKey, Msat, Preimage};
use l402_lightning::testing::FakeFault;
use l402_lightning::{Invoice, PayLimit, PaymentSource};
use std::collections::HashSet;

/// Every spelling of 32 secret bytes that a leak could have.
fn spellings(secret: &[u8; 32]) -> Vec<Vec<u8>> {
    let mut backwards = *secret;
    backwards.reverse();
    let (hex, reversed) = (to_hex(secret), to_hex(&backwards));
    let mut text = [0; 44];
    let base64 = base64::encode_into(secret, &mut text).unwrap().trim_end_matches('=').to_owned();
    let url_safe = base64.replace('+', "-").replace('/', "_");
    let list = format!("{secret:?}");
    let texts = [hex.to_uppercase(), hex, reversed, base64, url_safe, list.trim_matches(['[', ']']).to_owned()];
    texts.into_iter().map(String::into_bytes).chain([secret.to_vec()]).collect()
}

/// Demands that no secret is anywhere in the bytes.
#[track_caller]
fn assert_absent(secrets: &[Vec<u8>], place: &str, bytes: &[u8]) {
    let starts: HashSet<&[u8]> = secrets.iter().map(|secret| &secret[..START]).collect();
    let mut firsts = [false; 256]; // most places are passed over by a look at one byte
    for start in &starts {
        firsts[usize::from(start[0])] = true;
    }
    for at in 0..bytes.len().saturating_sub(START) {
        if !firsts[usize::from(bytes[at])] || !starts.contains(&bytes[at..at + START]) {
            continue;
        }
        if let Some(secret) = secrets.iter().find(|secret| bytes[at..].starts_with(secret)) {
            let before = String::from_utf8_lossy(&bytes[at.saturating_sub(200)..at]);
            panic!("{} is in {place}, behind {before}", String::from_utf8_lossy(secret));
        }
    }
}

/// Looks everywhere that a secret could have gone to.
#[track_caller]
fn assert_kept(stand: &Stand, secrets: &[Vec<u8>]) {
    assert_absent(secrets, "an answer", &stand.outgoing());
    assert_absent(secrets, "what the upstream saw", stand.upstream.seen().concat().as_bytes());
    assert_absent(secrets, "the log", &log::text());
}

/// Enough of a secret to look at the rest of it.
const START: usize = 8;

/// Asks for everything that the gateway can answer, in every form, and with everything that goes wrong.
async fn ask_everything(stand: &Stand, fields: &[(&str, &str)]) {
    let forms = [("Accept", "*/*"), ("Accept", "text/html"), ("Content-Type", "application/grpc")];
    for form in forms {
        let fields: Vec<_> = fields.iter().copied().chain([form]).collect();
        for fault in [None, Some(FakeFault::Unreachable), Some(FakeFault::WrongAmount), Some(FakeFault::WrongExpiry)] {
            match fault {
                Some(fault) => stand.payee.misbehave(fault),
                None => stand.payee.behave(),
            }
            for target in ["/v1/now", "/tile/1/2", "/nothing", "/v1//now", "/health", "/info", "/status"] {
                for method in ["GET", "POST", "DELETE"] {
                    stand.ask(method, target, &fields).await;
                }
            }
        }
        stand.payee.behave();
    }
}

/// The preimages behind all challenges: the buyer pays every invoice that was shown.
async fn preimages(stand: &Stand) -> Vec<Preimage> {
    let outgoing = stand.outgoing();
    let text = String::from_utf8_lossy(&outgoing);
    let mut invoices: Vec<&str> = text.split("invoice=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    invoices.dedup();
    let mut preimages = Vec::new();
    for invoice in invoices {
        let invoice = Invoice::parse(invoice).unwrap();
        let paid = stand.wallet.pay(&invoice, PayLimit::fee(Msat::ZERO)).await;
        preimages.push(paid.unwrap().preimage);
    }
    preimages
}

#[tokio::test]
async fn t1_no_preimage_leaves_before_it_is_presented() {
    let stand = Stand::open().await;
    ask_everything(&stand, &[]).await;
    let unpaid = Purchase {
        token: stand.ask("GET", "/v1/now", &[]).await.challenge().0,
        preimage: Preimage::from_bytes([3; 32]),
    };
    ask_everything(&stand, &[("Authorization", &unpaid.credential())]).await;
    ask_everything(&stand, &[("Authorization", "L402 ????:00")]).await;
    let preimages = preimages(&stand).await;
    assert!(preimages.len() > 10, "challenges were shown");
    let secrets: Vec<_> = preimages.iter().flat_map(|preimage| spellings(preimage.expose())).collect();
    assert_kept(&stand, &secrets);
}

#[tokio::test]
async fn l4_the_preimage_of_a_paid_invoice_is_served_to_nobody() {
    let stand = Stand::open().await;
    let bought = stand.buy("GET", "/v1/now").await;
    let hash = bought.preimage.hash().to_string();
    assert_eq!(stand.present("GET", "/v1/now", &bought.credential()).await.body, "served");
    // Somebody who saw the challenge asks for what its buyer paid for, in every way that comes to mind.
    ask_everything(&stand, &[("Payment-Hash", &hash)]).await;
    let wrong = format!("L402 {}:{}", bought.token, "00".repeat(32));
    ask_everything(&stand, &[("Authorization", &wrong)]).await;
    for target in [
        "/info",
        "/health",
        "/invoice",
        "/v1/invoice",
        "/invoices",
        "/payments",
        "/tokens",
        "/admin",
        "/metrics",
        "/.well-known/l402",
    ] {
        for target in [target.to_owned(), format!("{target}?payment_hash={hash}"), format!("{target}/{hash}")] {
            stand.ask("GET", &target, &[]).await;
        }
    }
    assert_kept(&stand, &spellings(bought.preimage.expose()));
}

#[tokio::test]
async fn t1_no_key_leaves() {
    let stand = Stand::open().await;
    ask_everything(&stand, &[]).await;
    let bought = stand.buy("GET", "/v1/now").await;
    assert_eq!(stand.present("GET", "/v1/now", &bought.credential()).await.body, "served");
    let mut connection = Connection::open(stand.address()).await;
    let over_h2 = connection.ask("GET", "/v1/now", &[]).await.text();
    let seen = stand.upstream.seen().concat();
    assert!(seen.contains(UPSTREAM_KEY), "the upstream has its key: {seen}");
    let keys = [spellings(&MASTER), spellings(&root_key_seed(&bought))].concat();
    assert_kept(&stand, &keys);
    let shown = [keys, vec![UPSTREAM_KEY.into()]].concat();
    assert_absent(&shown, "an answer", &stand.outgoing());
    assert_absent(&shown, "an answer over HTTP/2", over_h2.as_bytes());
    assert_absent(&shown, "the log", &log::text());
    let text = String::from_utf8(log::text()).unwrap();
    assert!(text.contains("path=\"/v1/now\" status=402"), "the log is read");
}

/// The secret that the key of a token is made from.
fn root_key_seed(bought: &Purchase) -> [u8; 32] {
    let mut bytes = [0; 1024];
    let bytes = base64::decode_into(bought.token.as_bytes(), &mut bytes).unwrap();
    let token = MacaroonRef::parse(bytes).unwrap();
    let identifier = Identifier::parse(token.identifier()).unwrap();
    MasterKey::from_bytes(MASTER).derive("l402 root key v1").mac(&identifier.to_bytes())
}
