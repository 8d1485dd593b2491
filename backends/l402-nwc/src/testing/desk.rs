//! What a wallet service does with requests: the money of it, without a relay.

use super::mood::Mood;
use core::time::Duration;
use l402_core::{Msat, PaymentHash};
use l402_lightning::{
    Invoice, InvoiceRequest, InvoiceSource as _, Paid, PayError, PayLimit, PayeeNode, PayerWallet, PaymentSource as _,
    SettlementSource as _,
};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The node of a wallet service, and what it remembers.
pub(super) struct Desk {
    pub(super) payee: PayeeNode,
    pub(super) payer: PayerWallet,
    pub(super) methods: Vec<&'static str>,
    pub(super) network: &'static str,
    payments: Mutex<HashMap<PaymentHash, State>>,
    invoices: Mutex<HashMap<PaymentHash, Invoice>>,
}

#[derive(Clone)]
enum State {
    Pending,
    Settled(Paid),
    Failed,
}

/// A result, or a code and a message.
type Answer = Result<Value, (&'static str, &'static str)>;

impl Desk {
    pub(super) fn new(payee: PayeeNode, wallet: PayerWallet) -> Self {
        let methods = vec!["pay_invoice", "make_invoice", "lookup_invoice", "list_transactions", "get_info"];
        Self {
            payee,
            payer: wallet,
            methods,
            network: "regtest",
            payments: Mutex::default(),
            invoices: Mutex::default(),
        }
    }

    pub(super) async fn answer(&self, method: &str, params: &Value, mood: Mood) -> Answer {
        match mood {
            Mood::Refuses(code) if method != "get_info" => return Err((code, "as it was told")),
            Mood::RefusesToPay(code) | Mood::PaysAndRefuses(code) if method == "pay_invoice" => {
                if matches!(mood, Mood::PaysAndRefuses(_)) {
                    let _ = self.pay(params, mood).await; // that is the lie
                }
                return Err((code, "as it was told"));
            }
            Mood::RefusesToLook(code) if matches!(method, "lookup_invoice" | "list_transactions") => {
                return Err((code, "as it was told"));
            }
            _ if !self.methods.contains(&method) => return Err(("RESTRICTED", "not on this connection")),
            _ => {}
        }
        match method {
            "get_info" => Ok(json!({ "alias": "fake", "network": self.network, "methods": self.methods })),
            "pay_invoice" => self.pay(params, mood).await,
            "make_invoice" => self.make(params, mood).await,
            "lookup_invoice" => self.look(params, mood).await,
            "list_transactions" if params["type"] == "incoming" => self.list_received(params).await,
            "list_transactions" => Ok(self.list(mood)),
            _ => Err(("NOT_IMPLEMENTED", "no such method")),
        }
    }

    async fn pay(&self, params: &Value, mood: Mood) -> Answer {
        let text = params["invoice"].as_str().unwrap_or_default();
        let invoice = Invoice::parse(text).map_err(|_| ("OTHER", "not an invoice"))?;
        let hash = invoice.payment_hash();
        lock(&self.payments).insert(hash, State::Pending);
        let limit = PayLimit { timeout: Duration::from_secs(30), ..PayLimit::fee(Msat::from_sat(100)) };
        match self.payer.pay(&invoice, limit).await {
            Ok(paid) => {
                lock(&self.payments).insert(hash, State::Settled(paid.clone()));
                let mut result = json!({ "preimage": preimage(&paid, mood) });
                if mood != Mood::ReportsNoFee {
                    result["fees_paid"] = paid.fee_msat.get().into();
                }
                Ok(result)
            }
            Err(PayError::Unknown(_)) => Err(("INTERNAL", "no outcome")),
            Err(PayError::InsufficientBalance { .. }) => self.fail(hash, "INSUFFICIENT_BALANCE"),
            Err(_) => self.fail(hash, "PAYMENT_FAILED"),
        }
    }

    fn fail(&self, hash: PaymentHash, code: &'static str) -> Answer {
        lock(&self.payments).insert(hash, State::Failed);
        Err((code, "the payment failed"))
    }

    async fn make(&self, params: &Value, mood: Mood) -> Answer {
        let more = u64::from(mood == Mood::LiesAboutAmount);
        let request = InvoiceRequest {
            amount_msat: Msat::new(params["amount"].as_u64().unwrap_or_default() + more),
            description: params["description"].as_str().unwrap_or_default(),
            expiry: Duration::from_secs(params["expiry"].as_u64().unwrap_or(3_600)),
        };
        let invoice = self.payee.create_invoice(request).await.map_err(|_| ("INTERNAL", "no invoice"))?;
        let hash = invoice.payment_hash();
        let text = invoice.bolt11().to_owned();
        lock(&self.invoices).insert(hash, invoice);
        let said = if mood == Mood::LiesAboutHash { PaymentHash::from_bytes([1; 32]) } else { hash };
        // A wallet may show the preimage of an invoice that nobody has paid.
        Ok(json!({ "type": "incoming", "invoice": text, "payment_hash": said.to_string(), "preimage": CANARY }))
    }

    async fn look(&self, params: &Value, mood: Mood) -> Answer {
        let hash = params["payment_hash"].as_str().and_then(|digits| digits.parse().ok());
        let hash: PaymentHash = hash.ok_or(("OTHER", "not a hash"))?;
        let payment = lock(&self.payments).get(&hash).cloned();
        if let Some(state) = payment {
            return Ok(outgoing(&hash, &state, mood));
        }
        let invoice = lock(&self.invoices).get(&hash).cloned().ok_or(("NOT_FOUND", "nothing"))?;
        let settled = self.payee.settled_msat(&hash).await.map_err(|_| ("INTERNAL", "no answer"))?;
        let state = match settled {
            Some(_) if mood == Mood::Holds => "accepted",
            Some(_) => "settled",
            None => "pending",
        };
        Ok(json!({ "type": "incoming", "state": state, "payment_hash": hash.to_string(), "invoice": invoice.bolt11(),
            "amount": settled.or(invoice.amount_msat()).unwrap_or_default().get(), "preimage": CANARY }))
    }

    async fn list_received(&self, params: &Value) -> Answer {
        let mut invoices: Vec<Invoice> = lock(&self.invoices).values().cloned().collect();
        invoices.sort_by_key(|invoice| (core::cmp::Reverse(invoice.expires_at()), invoice.payment_hash()));
        let mut list = Vec::new();
        let number = |key: &str| usize::try_from(params[key].as_u64().unwrap_or_default()).unwrap_or_default();
        for invoice in invoices.iter().skip(number("offset")).take(number("limit")) {
            let hash = invoice.payment_hash();
            let settled = self.payee.settled_msat(&hash).await.map_err(|_| ("INTERNAL", "no answer"))?;
            let state = if settled.is_some() { "settled" } else { "pending" };
            list.push(json!({ "type": "incoming", "state": state, "payment_hash": hash.to_string(),
                "expires_at": invoice.expires_at().get(), "preimage": CANARY }));
        }
        Ok(json!({ "transactions": list }))
    }

    fn list(&self, mood: Mood) -> Value {
        let payments = lock(&self.payments);
        let list: Vec<Value> = payments.iter().map(|(hash, state)| outgoing(hash, state, mood)).collect();
        json!({ "transactions": list })
    }
}

fn outgoing(hash: &PaymentHash, state: &State, mood: Mood) -> Value {
    let mut found = json!({ "type": "outgoing", "payment_hash": hash.to_string() });
    match state {
        State::Pending => found["state"] = "pending".into(),
        State::Failed => found["state"] = "failed".into(),
        State::Settled(paid) => {
            found["state"] = "settled".into();
            found["preimage"] = if mood == Mood::AnswersLate { Value::Null } else { preimage(paid, mood) };
            found["amount"] = paid.amount_msat.get().into();
            found["fees_paid"] = paid.fee_msat.get().into();
        }
    }
    found
}

fn preimage(paid: &Paid, mood: Mood) -> Value {
    match mood {
        Mood::LiesAboutPreimage => "5e".repeat(32).into(),
        Mood::HidesPreimage => Value::Null,
        _ => paid.preimage.to_hex().expose().into(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What must never be seen on the other side.
const CANARY: &str = "ca0a47ca0a47ca0a47ca0a47ca0a47ca0a47ca0a47ca0a47ca0a47ca0a47ca0a";
