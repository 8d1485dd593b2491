//! Canaries: what must never leave.

use crate::support::{Answer, Shop, policy, request};
use l402_core::{GatePolicy, Msat, Preimage, SettlementRule};
use l402_http::service::{Event, LogFaults, Paywall};
use l402_lightning::testing::{FakeFault, FakeNode};
use std::io;
use std::sync::{Arc, Mutex};
use tracing_subscriber::fmt::MakeWriter;

/// Every spelling of a preimage that a leak could have.
fn spellings(preimage: &Preimage) -> Vec<String> {
    let hex = preimage.to_hex().expose().to_owned();
    let mut text = [0; 64];
    let base64 = l402_core::macaroon::base64::encode_into(preimage.expose(), &mut text).unwrap();
    vec![hex.to_uppercase(), base64.trim_end_matches('=').to_owned(), format!("{:?}", preimage.expose()), hex]
}

fn assert_without(text: &str, preimage: &Preimage) {
    for spelling in spellings(preimage) {
        assert!(!text.contains(&spelling), "a preimage leaves: {text}");
    }
}

#[tokio::test]
async fn t1_no_preimage_leaves_before_it_is_presented() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.subscriber());
    let shop = Shop::open();
    let answers = every_answer(&shop).await;
    let challenges: Vec<_> = answers.iter().filter(|answer| !answer.challenges().is_empty()).collect();
    assert_eq!((answers.len(), challenges.len()), (9, 3), "one challenge of each form, all of them checked");
    for answer in challenges {
        let invoice = answer.challenges()[1].rsplit('"').nth(1).unwrap();
        let invoice = l402_lightning::Invoice::parse(invoice).unwrap();
        let paid =
            l402_lightning::PaymentSource::pay(&shop.payer, &invoice, l402_lightning::PayLimit::fee(Msat::ZERO)).await;
        let preimage = paid.unwrap().preimage;
        for other in &answers {
            assert_without(&other.everything(), &preimage);
        }
        assert_without(&log.text(), &preimage);
        assert_without(&format!("{:?}", shop.service), &preimage);
    }
}

/// One answer of each kind and form.
async fn every_answer(shop: &Shop) -> Vec<Answer> {
    let mut answers = Vec::new();
    for form in [&[][..], &[("accept", "text/html")], &[("content-type", "application/grpc")]] {
        answers.push(shop.ask(request("/v1/demo", form)).await);
        answers.push(shop.ask(request("/nothing", form)).await);
        shop.payee.misbehave(FakeFault::WrongAmount);
        answers.push(shop.ask(request("/v1/demo", form)).await);
        shop.payee.behave();
    }
    answers
}

#[tokio::test]
async fn h2_no_credential_reaches_the_upstream_or_the_log() {
    for settlement in [SettlementRule::Trust, SettlementRule::Strict] {
        let log = Log::default();
        let _guard = tracing::subscriber::set_default(log.subscriber());
        let rule = GatePolicy { settlement, ..GatePolicy::default() };
        let shop = Shop::with(policy(), |paywall| paywall.gate_policy(rule));
        let bought = shop.buy("/v1/demo").await;
        let credential = bought.credential();
        let fields = [("authorization", credential.as_str()), ("cookie", "a=b"), ("x-l402-verified", "true")];
        assert_eq!(shop.ask(request("/v1/demo", &fields)).await.text(), "served");
        let seen = shop.upstream.seen();
        assert_eq!(seen.len(), 1);
        let names: Vec<_> = seen[0].headers.keys().map(http::HeaderName::as_str).collect();
        assert_eq!(names, ["cookie"]);

        shop.payee.misbehave(FakeFault::Unreachable);
        shop.present("/v1/demo", &credential).await;
        shop.present("/v1/demo", &format!("L402 {}:{}", bought.token, "00".repeat(32))).await;
        shop.present("/v1/demo", &format!("{credential}0")).await;
        for text in [format!("{seen:?}"), log.text(), format!("{:?}", shop.service)] {
            assert_without(&text, &bought.preimage);
            assert!(!text.contains(&bought.token[60..]), "a token leaves: {text}");
        }
        assert!(log.text().contains("no invoice to show"), "the log is read");
    }
}

#[tokio::test]
async fn h2_a_free_route_strips_credentials_too() {
    let policy = l402_http::policy::Policy::builder().free(l402_http::policy::Free::new("/*")).build().unwrap();
    let shop = Shop::with(policy, |paywall| paywall);
    for (name, value, stays) in [
        ("authorization", "L402 AgEE:00", false),
        ("authorization", "LSAT AgEE:00", false),
        ("authorization", "Bearer upstream", true),
        ("macaroon", "0201036c6e", false),
        ("grpc-metadata-macaroon", "0201036c6e", false),
        ("token", "a word", true),
    ] {
        shop.ask(request("/", &[(name, value)])).await;
        assert_eq!(shop.upstream.seen()[0].headers.contains_key(name), stays, "{name}: {value}");
    }
}

#[tokio::test]
async fn the_causes_of_faults_are_logged_once_unless_that_is_replaced() {
    let strict = GatePolicy { settlement: SettlementRule::Strict, ..GatePolicy::default() };
    let counts = async |adjust: fn(Paywall<FakeNode>) -> Paywall<FakeNode>| {
        let log = Log::default();
        let _guard = tracing::subscriber::set_default(log.subscriber());
        let shop = Shop::with(policy(), |paywall| adjust(paywall.gate_policy(strict)));
        let bought = shop.buy("/v1/demo").await.credential();
        shop.payee.misbehave(FakeFault::Unreachable);
        shop.get("/v1/demo").await;
        shop.present("/v1/demo", &bought).await;
        let text = log.text();
        ["no invoice to show", "no answer whether a payment was settled", "told to be unreachable"]
            .map(|message| text.matches(message).count())
    };
    assert_eq!(counts(|paywall| paywall).await, [1, 1, 2]);
    assert_eq!(counts(|paywall| paywall.observe(|_: &Event<'_>| {})).await, [1, 1, 2]);
    assert_eq!(counts(Paywall::without_observers).await, [0, 0, 0]);
    assert_eq!(counts(|paywall| paywall.without_observers().observe(LogFaults)).await, [1, 1, 2]);
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn subscriber(&self) -> impl tracing::Subscriber + Send + Sync + 'static {
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(self.clone()).finish()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
