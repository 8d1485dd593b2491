//! What the demo prints: each step with the time that it took.

use crate::buyer::{Answer, Order, Purchase};
use anyhow::Result;
use core::fmt::Display;
use core::time::Duration;
use std::time::Instant;

/// Prints as things happen.
pub(crate) struct Transcript {
    start: Instant,
    step: Instant,
    ready: Duration,
    handshake: (Instant, Duration),
}

impl Transcript {
    pub(crate) fn new(title: &str) -> Self {
        println!("{title}\n");
        let now = Instant::now();
        Self { start: now, step: now, ready: Duration::ZERO, handshake: (now, Duration::ZERO) }
    }

    /// A part of the stage stands.
    pub(crate) fn set(&mut self, what: impl Display) {
        self.timed(what);
    }

    /// All of it stands.
    pub(crate) fn ready(&mut self) {
        self.ready = self.start.elapsed();
    }

    /// A request goes out.
    pub(crate) fn request(&mut self, line: &str, with: &str) {
        println!("\n{:>10}  {line}  ({with})", "→");
        self.step = Instant::now();
    }

    /// An answer has come.
    pub(crate) fn answer(&mut self, answer: &Answer) {
        let status = http::StatusCode::from_u16(answer.status).unwrap_or_default();
        match answer.reason() {
            Some(reason) => self.timed(format_args!("{status}: {reason}")),
            None => self.timed(format_args!("{status}  {}", answer.body.trim_end())),
        }
        let uses = answer.uses.iter().map(|what| format!("X-L402: {what}"));
        let remaining = answer.remaining.iter().map(|uses| format!("X-L402-Remaining: {uses}"));
        for field in uses.chain(remaining) {
            println!("{:10}  {field}", "");
        }
    }

    /// The answer asks for payment in these lines, and this is what they say.
    pub(crate) fn order(&mut self, answer: &Answer, order: &Order) -> Result<()> {
        for line in &answer.challenges {
            println!("{:10}  WWW-Authenticate: {}", "", shortened(line));
        }
        let (length, caveats) = order.caveats()?;
        self.timed("challenge read; token and invoice name the same payment");
        println!("{:10}  token: macaroon of {length} bytes, {}", "", caveats.join(", "));
        let (invoice, sat) = (&order.invoice, order.terms.amount_msat.get() / 1000);
        println!(
            "{:10}  invoice: {sat} sat, payment hash {}, expires at {}",
            "",
            invoice.payment_hash(),
            invoice.expires_at().get()
        );
        Ok(())
    }

    /// The payment went through.
    pub(crate) fn paid(&mut self, purchase: &Purchase) {
        let paid = &purchase.paid;
        self.timed(format_args!("paid {} sat over Lightning, fee {}", paid.amount_msat.to_sat_floor(), paid.fee_msat));
        println!("{:10}  SHA-256(preimage) = {} = payment hash", "", purchase.preimage().hash());
    }

    pub(crate) fn start_handshake(&mut self) {
        self.handshake.0 = Instant::now();
    }

    pub(crate) fn end_handshake(&mut self) {
        self.handshake.1 = self.handshake.0.elapsed();
    }

    pub(crate) fn summary(&self) {
        println!("\nready after {}, handshake 402 → pay → 200 in {}", shown(self.ready), shown(self.handshake.1));
    }

    fn timed(&mut self, what: impl Display) {
        println!("{:>10}  {what}", shown(self.step.elapsed()));
        self.step = Instant::now();
    }
}

fn shown(time: Duration) -> String {
    if time >= Duration::from_secs(1) {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{:.1} ms", time.as_secs_f64() * 1000.0)
    }
}

/// A field value whose long parameters are cut.
fn shortened(line: &str) -> String {
    let part = |text: &str| match text.char_indices().nth(24) {
        Some((end, _)) if text.len() > 40 => format!("{}…", &text[..end]),
        _ => text.to_owned(),
    };
    line.split('"').map(part).collect::<Vec<_>>().join("\"")
}
