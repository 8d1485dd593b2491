//! The examples of BOLT 11: what an invoice says, and what is none.

use l402_core::{Msat, UnixSeconds};
use l402_lightning::{AmountError, Invoice, InvoiceError, InvoiceRequest, Mismatch, Network, PayError};

/// One line of the table.
struct Example {
    title: &'static str,
    says: [&'static str; 4],
    text: &'static str,
}

fn examples(valid: bool) -> Vec<Example> {
    let lines = include_str!("bolt11.tsv").lines().filter(|line| !line.starts_with('#'));
    let examples = lines.map(|line| {
        let fields: [&str; 6] = line.split('\t').collect::<Vec<_>>().try_into().expect("six columns");
        let [title, network, msat, expires_at, description, text] = fields;
        Example { title, says: [network, msat, expires_at, description], text }
    });
    examples.filter(|example| (example.says[0] != "!") == valid).collect()
}

fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[test]
fn a1_an_invoice_says_what_the_specification_says() {
    let examples = examples(true);
    assert_eq!(examples.len(), 16);
    for Example { title, says, text } in examples {
        let invoice = Invoice::parse(text).unwrap_or_else(|fault| panic!("{title}: {fault}"));
        let found = [
            invoice.network().to_string(),
            or_dash(invoice.amount_msat().map(Msat::get)),
            invoice.expires_at().get().to_string(),
            or_dash(invoice.description()),
        ];
        assert_eq!(found, says, "{title}");
        // Its signature was mirrored, its recovery flag was not: it is valid, for an unknown key.
        let mirrored = title == "Public-key recovery with high-S signature";
        assert_eq!(invoice.payee().to_string() == PAYEE, !mirrored, "{title}");
        if !text.starts_with("lnbc9678785340p") {
            assert_eq!(invoice.payment_hash().to_string(), HASH, "{title}");
        }
        assert_eq!(invoice.bolt11(), text);
    }
}

#[test]
fn what_the_specification_calls_invalid_is_refused() {
    let examples = examples(false);
    assert_eq!(examples.len(), 10);
    for Example { title, text, .. } in examples {
        assert!(Invoice::parse(text).is_err(), "{title}");
    }
}

#[test]
fn no_prefix_of_an_invoice_is_one() {
    let text = coffee();
    for end in 0..text.len() {
        assert!(Invoice::parse(&text[..end]).is_err(), "{end}");
    }
}

#[test]
fn a_changed_character_is_found() {
    let text = coffee();
    for at in 0..text.len() {
        let other = if text.as_bytes()[at] == b'q' { "p" } else { "q" };
        let changed = [&text[..at], other, &text[at + 1..]].concat();
        assert!(Invoice::parse(&changed).is_err(), "{at}");
    }
}

#[test]
fn l3_an_invoice_matches_one_request_only() {
    let invoice = Invoice::parse(coffee()).unwrap();
    let request = InvoiceRequest {
        amount_msat: Msat::new(250_000_000),
        description: "1 cup coffee",
        expiry: core::time::Duration::from_mins(1),
    };
    let payee = PAYEE.parse().unwrap();
    let now = UnixSeconds::new(1_496_314_658);
    assert_eq!(invoice.answers(&request, Network::Bitcoin, Some(&payee), now), Ok(()));
    assert_eq!(invoice.answers(&request, Network::Bitcoin, None, now.saturating_add(59)), Ok(()));

    let stranger = "039e03a901b85534ff1e92c43c74431f7ce72046060fcf7a95c37e148f78c77255".parse().unwrap();
    let other_amount = InvoiceRequest { amount_msat: Msat::new(249_999_999), ..request };
    let other_expiry = InvoiceRequest { expiry: core::time::Duration::from_secs(61), ..request };
    for (found, expected) in [
        (
            invoice.answers(&other_amount, Network::Bitcoin, None, now),
            Mismatch::Amount { expected_msat: Msat::new(249_999_999), found_msat: Some(Msat::new(250_000_000)) },
        ),
        (
            invoice.answers(&request, Network::Regtest, None, now),
            Mismatch::Network { expected: Network::Regtest, found: Network::Bitcoin },
        ),
        (invoice.answers(&request, Network::Bitcoin, Some(&stranger), now), Mismatch::Payee),
        (invoice.answers(&other_expiry, Network::Bitcoin, None, now), Mismatch::Expiry),
        (invoice.answers(&request, Network::Bitcoin, None, now.saturating_add(60)), Mismatch::Expiry),
    ] {
        assert_eq!(found, Err(expected));
    }
}

#[test]
fn a1_a_wallet_refuses_before_it_sends() {
    let coffee = Invoice::parse(coffee()).unwrap();
    assert!(
        coffee
            .payable(Network::Bitcoin, UnixSeconds::new(1_496_314_717))
            .is_ok_and(|amount| amount == Msat::new(250_000_000))
    );
    assert!(matches!(coffee.payable(Network::Bitcoin, UnixSeconds::new(1_496_314_718)), Err(PayError::Expired)));
    assert!(matches!(coffee.payable(Network::Testnet, UnixSeconds::new(0)), Err(PayError::WrongNetwork { .. })));
    let donation = Invoice::parse(examples(true)[0].text).unwrap();
    assert!(matches!(donation.payable(Network::Bitcoin, UnixSeconds::new(0)), Err(PayError::NoAmount)));
}

#[test]
fn a3_an_invoice_proves_one_hash_only() {
    let invoice = Invoice::parse(coffee()).unwrap();
    assert_eq!(invoice.proves(&HASH.parse().unwrap()), Ok(()));
    assert_eq!(invoice.proves(&PAYEE[2..].parse().unwrap()), Err(Mismatch::Hash));
}

fn coffee() -> &'static str {
    examples(true)[1].text
}

const PAYEE: &str = "03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad";
const HASH: &str = "0001020304050607080900010203040506070809000102030405060708090102";

/// The coffee's invoice with other amounts before it, and the checksums of those: decoders take each of them.
#[test]
fn a1_an_amount_that_cannot_be_paid_is_refused() {
    for (amount, checksum, fault) in [
        ("0", "saj0fp", AmountError::Zero),
        ("0210n", "cx7x5y", AmountError::LeadingZero),
        ("00210n", "tkp73t", AmountError::LeadingZero),
        ("20000000", "7x37um", AmountError::TooLarge),
    ] {
        let (_, data) = coffee().split_once("lnbc2500u1").unwrap();
        let text = format!("lnbc{amount}1{}{checksum}", &data[..data.len() - 6]);
        assert!(text.parse::<lightning_invoice::Bolt11Invoice>().is_ok(), "{amount}: the checksum is right");
        assert_eq!(Invoice::parse(&text), Err(InvoiceError::Amount(fault)), "{amount}");
        assert_eq!(Invoice::parse(&text.to_uppercase()), Err(InvoiceError::Amount(fault)), "{amount}");
    }
}
