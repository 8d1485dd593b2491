//! What happened, for people or for programs.
//!
//! 1. For people: a line for each payment, one for a token that was kept from before, and errors.
//! 2. For programs (`--json`): one JSON object for each [`ReportEvent`], a line each. Amounts are in millisatoshi, times in Unix
//!    seconds. Neither form holds a secret.

use crate::exit::Failure;
use crate::get::step::Step;
use core::fmt;
use core::time::Duration;
use http::StatusCode;
use l402_agent::CredentialUsed;
use l402_agent::amount::Amount;
use l402_agent::json;
use l402_agent::price::Price;
use l402_agent::store::news::{News, Purchase};
use l402_agent::text::printable;
use l402_agent::unpaid::{Unpaid, UnpaidReason};
use l402_agent::withheld::{Pause, Withheld};
use l402_core::Msat;
use serde::Serialize;
use std::io::Write;

/// Something worth telling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReportEvent {
    /// Money moved.
    Paid(Payment),
    /// A payment of an earlier call turned out to have succeeded; its token is used now.
    Recovered(Payment),
    /// An earlier call of the same request paid, and its answer was lost. The server does not give it again.
    NotKept {
        /// The URL that was asked.
        url: String,
    },
    /// The server is waited for, and the request is repeated then. Nothing was paid for that.
    Waiting {
        /// The URL that was answered so.
        url: String,
        /// What is waited for.
        reason: Withheld,
        /// For how long.
        milliseconds: u64,
    },
    /// The network or the server failed, and the request is repeated. The repetition buys nothing.
    Repeating {
        /// The URL.
        url: String,
        /// What failed.
        why: String,
        /// For how long it is waited for.
        milliseconds: u64,
    },
    /// `--wallet auto` chose a wallet.
    Wallet {
        /// Its name.
        wallet: String,
        /// Why.
        why: String,
    },
    /// A step of `--explain`.
    Explain(Step),
    /// The rest of a file is asked for (`-C`). That is one more request, which can take a use of the token.
    Continuing {
        /// The URL.
        url: String,
        /// How many bytes are there.
        offset: u64,
    },
    /// The response is here.
    Served(Served),
    /// The response has ended, and says what is left of the balance that paid for it.
    Balance {
        /// How much.
        #[serde(serialize_with = "json::msat")]
        balance_msat: Msat,
    },
    /// The server did not serve a token that is good. Nothing was paid.
    Withheld {
        /// The URL that answered.
        url: String,
        /// Why.
        reason: Withheld,
    },
    /// A demand for payment was not met, and its answer is passed on.
    Unpaid(Box<Unpaid>),
    /// The answer to `--dry-run`.
    Price(Box<Price>),
    /// The call failed.
    Error {
        /// The exit code.
        exit: u8,
        /// What was wrong.
        message: String,
    },
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Payment {
    /// Who was paid.
    pub origin: String,
    /// The payment hash.
    pub payment_hash: String,
    /// What the payee received.
    #[serde(serialize_with = "json::msat")]
    pub amount_msat: Msat,
    /// What routing cost.
    #[serde(serialize_with = "json::msat")]
    pub fee_msat: Msat,
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Served {
    /// The URL that answered, after redirects.
    pub url: String,
    /// The status.
    pub status: u16,
    /// What opened it.
    pub credential: CredentialUsed,
    /// How many of its uses are left, as far as the server says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uses_left: Option<u64>,
    /// Whether the server has kept the answer of an earlier call, and gives it again.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub again: bool,
}

impl From<News> for ReportEvent {
    fn from(news: News) -> Self {
        match news {
            News::Recovered(purchase) => Self::Recovered(purchase.into()),
            News::Paid(purchase) => Self::Paid(purchase.into()),
            News::NotKept { url } => Self::NotKept { url },
            News::Waiting(Pause { url, reason, time }) => {
                Self::Waiting { url, reason, milliseconds: u64::try_from(time.as_millis()).unwrap_or(u64::MAX) }
            }
        }
    }
}

impl From<Purchase> for Payment {
    fn from(purchase: Purchase) -> Self {
        let Purchase { origin, payment_hash, amount_msat, fee_msat } = purchase;
        Self { origin: origin.to_string(), payment_hash: payment_hash.to_string(), amount_msat, fee_msat }
    }
}

impl From<&Failure> for ReportEvent {
    fn from(failure: &Failure) -> Self {
        Self::Error { exit: failure.exit().code(), message: failure.to_string() }
    }
}

impl fmt::Display for ReportEvent {
    /// Writes the form for people, without control characters; nothing at all where there is nothing to say.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Paid(payment) => write!(f, "paid {payment}"),
            Self::Recovered(payment) => write!(f, "an earlier call paid {payment}; using its token"),
            Self::NotKept { .. } => f.write_str(
                "an earlier call of this request paid, and its answer was lost: the server does not give it again",
            ),
            Self::Waiting { reason, milliseconds, .. } => {
                write!(f, "waiting {:?}, paying nothing: {reason}", Duration::from_millis(*milliseconds))
            }
            Self::Repeating { why, milliseconds, .. } => {
                write!(f, "{}; repeating in {:?}, buying nothing", printable(why), Duration::from_millis(*milliseconds))
            }
            Self::Withheld { reason: reason @ Withheld::LeftInDoubt, .. } => write!(f, "{reason}{}", advice(*reason)),
            Self::Withheld { reason, .. } => write!(f, "not served, and nothing paid: {reason}{}", advice(*reason)),
            Self::Wallet { wallet, why } => write!(f, "wallet: {wallet}: {why}"),
            Self::Explain(step) => write!(f, "explain: {step}"),
            Self::Continuing { offset, .. } => {
                write!(f, "continuing at byte {offset}; this can take a use of the token, or cost money")
            }
            Self::Served(served) => served.fmt(f),
            Self::Balance { balance_msat } => write!(f, "{} of the balance left", Amount::new(*balance_msat)),
            Self::Unpaid(unpaid) => write!(f, "not paid: {unpaid}{}", hint(unpaid)),
            Self::Price(price) => Shown(price).fmt(f),
            Self::Error { message, .. } => write!(f, "l402: {}", printable(message)),
        }
    }
}

impl fmt::Display for Served {
    /// Writes what a person cannot see in the body, which may be empty. A 402 is told as [`ReportEvent::Unpaid`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.credential == CredentialUsed::Kept;
        let answered = self.credential == CredentialUsed::Answered;
        if answered {
            f.write_str("paid nothing: the answer of an earlier call, which nobody waited for")?;
        } else if self.again {
            f.write_str("paid nothing: the server gave the answer of an earlier call again")?;
        } else if kept {
            f.write_str("paid nothing: sent a kept token")?;
        }
        let left = self.uses_left.filter(|_| self.credential != CredentialUsed::None);
        let left = match left {
            Some(0) if self.credential == CredentialUsed::Bought => None, // it was sold for one use
            left => left,
        };
        let mut between = if kept || answered || self.again { "; " } else { "" };
        if let Some(left) = left {
            let noun = if left == 1 { "use" } else { "uses" };
            write!(f, "{between}{left} {noun} of the token left")?;
            between = "; ";
        }
        let Ok(status) = StatusCode::from_u16(self.status) else { return Ok(()) };
        let code = status.as_u16();
        match code {
            301 | 302 | 303 | 307 | 308 => {
                write!(f, "{between}status {status}, a redirect; use -L to follow it")
            }
            400.. if code != 402 => write!(f, "{between}status {status}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Payment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (amount, fee) = (Amount::new(self.amount_msat), Amount::new(self.fee_msat));
        write!(f, "{amount} (and a fee of {fee}) to {}", printable(&self.origin))
    }
}

/// What `--dry-run` prints.
struct Shown<'a>(&'a Price);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Price { status, free, invoice, refusal, unpaid, .. } = self.0;
        let hint = unpaid.as_ref().map(hint).unwrap_or_default();
        let Some(invoice) = invoice else {
            return match refusal {
                Some(reason) => write!(f, "would not be paid: {reason}{hint}"),
                None if *free => write!(f, "free: status {status}"),
                None => write!(f, "price unknown: status {status}"),
            };
        };
        match invoice.amount_msat {
            Some(amount) => writeln!(f, "price         {}", Amount::new(amount))?,
            None => writeln!(f, "price         not in the invoice")?,
        }
        writeln!(f, "payment hash  {}", invoice.payment_hash)?;
        writeln!(f, "network       {}", invoice.network)?;
        writeln!(f, "payee         {}", invoice.payee)?;
        if let Some(description) = &invoice.description {
            writeln!(f, "description   {}", printable(description))?;
        }
        writeln!(f, "expires at    {} (Unix seconds)", invoice.expires_at.get())?;
        writeln!(f, "invoice       {}", invoice.bolt11)?;
        match refusal {
            Some(reason) => write!(f, "would not be paid: {reason}{hint}"),
            None => f.write_str("would be paid"),
        }
    }
}

/// What the user can do about a token that is not served.
const fn advice(reason: Withheld) -> &'static str {
    match reason {
        Withheld::InDoubt => {
            "; only its operator can find out: wait, or ask them. To buy another token for a new request, add --no-token-cache and \
             -H \"Idempotency-Key: …\" with a new key"
        }
        Withheld::LeftInDoubt => {
            "; to repeat it as the same request, run the same command again. If the server then says that the use is in doubt, only its \
             operator can find out"
        }
        Withheld::UsesReserved => {
            "; run the command again later, or, to buy another token, add --no-token-cache and -H \"Idempotency-Key: …\" with a new key"
        }
        _ => "; run the command again later",
    }
}

/// What the user can do about a payment that is not made.
const fn hint(unpaid: &Unpaid) -> &'static str {
    match unpaid.reason {
        UnpaidReason::OwnAuthorization => "; use `--token-field macaroon` to send the token in the `Macaroon` header",
        _ => "",
    }
}

/// Writes events.
#[derive(Debug)]
pub struct Reporter<W> {
    out: W,
    json: bool,
    quiet: bool,
    silent: bool,
}

impl<W: Write> Reporter<W> {
    /// Writes to `out`, as JSON or for people; a quiet one writes errors only.
    pub const fn new(out: W, json: bool, quiet: bool) -> Self {
        Self { out, json, quiet, silent: false }
    }

    /// Says for people only errors and what was not paid, or with `silent` nothing at all.
    #[must_use]
    pub fn hushed(self, quiet: bool, silent: bool) -> Self {
        Self { quiet: self.quiet || quiet, silent, ..self }
    }

    /// Tells an event. If the output is closed, the text is lost and nothing else.
    pub fn tell(&mut self, event: &ReportEvent) {
        if self.silent && !self.json {
            return;
        }
        if self.quiet
            && !matches!(
                event,
                ReportEvent::Error { .. }
                    | ReportEvent::Unpaid(_)
                    | ReportEvent::Withheld { .. }
                    | ReportEvent::Price(_)
            )
        {
            return;
        }
        let line = if self.json { serde_json::to_string(event).unwrap_or_default() } else { event.to_string() };
        if !line.is_empty() {
            let _ = writeln!(self.out, "{line}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(json: bool, quiet: bool, event: &ReportEvent) -> String {
        let mut out = Vec::new();
        Reporter::new(&mut out, json, quiet).tell(event);
        String::from_utf8(out).unwrap()
    }

    fn paid() -> ReportEvent {
        let (origin, payment_hash) = ("http://a".to_owned(), "00".repeat(32));
        ReportEvent::Paid(Payment { origin, payment_hash, amount_msat: 21_000.into(), fee_msat: 3.into() })
    }

    #[test]
    fn people_read_a_sentence_and_programs_an_object() {
        assert_eq!(told(false, false, &paid()), "paid 21 sat (and a fee of 0.003 sat) to http://a\n");
        let json: serde_json::Value = serde_json::from_str(&told(true, false, &paid())).unwrap();
        assert_eq!((json["event"].as_str(), json["amount_msat"].as_u64()), (Some("paid"), Some(21_000)));
    }

    #[test]
    fn the_page_of_the_command_lists_every_key_of_an_event() {
        let page = include_str!("../../../docs/client.md");
        let payment = || Payment {
            origin: String::new(),
            payment_hash: String::new(),
            amount_msat: 1.into(),
            fee_msat: 0.into(),
        };
        let (url, status, offers) = (String::new(), 402, Vec::new());
        let credential = CredentialUsed::None;
        let served = Served { url: url.clone(), status, credential, uses_left: Some(1), again: true };
        let reason = UnpaidReason::NoChallenge;
        let unpaid = Unpaid {
            url: url.clone(),
            status,
            reason,
            amount_msat: Some(1.into()),
            refusal: Some(String::new()),
            offers: Vec::new(),
        };
        let price =
            Price { url, status, free: false, service: None, invoice: None, refusal: None, offers, unpaid: None };
        let listed = [
            ReportEvent::Paid(payment()),
            ReportEvent::Served(served),
            ReportEvent::NotKept { url: String::new() },
            ReportEvent::Waiting { url: String::new(), reason: Withheld::KeyHeld, milliseconds: 1 },
            ReportEvent::Repeating { url: String::new(), why: String::new(), milliseconds: 1 },
            ReportEvent::Withheld { url: String::new(), reason: Withheld::InDoubt },
            ReportEvent::Unpaid(Box::new(unpaid)),
            ReportEvent::Price(Box::new(price)),
            ReportEvent::Error { exit: 3, message: String::new() },
        ];
        for event in listed {
            let json = serde_json::to_value(&event).unwrap();
            let name = format!("| `{}` |", json["event"].as_str().unwrap());
            let row = page.lines().find(|line| line.starts_with(&name)).unwrap_or_else(|| panic!("no row {name}"));
            for key in json.as_object().unwrap().keys().filter(|key| *key != "event") {
                assert!(row.contains(&format!("`{key}`")), "{name} does not list {key}");
            }
        }
        let recovered = serde_json::to_value(ReportEvent::Recovered(payment())).unwrap();
        assert!(page.contains(&format!("| `{}` |", recovered["event"].as_str().unwrap())));
    }

    #[test]
    fn a_quiet_one_tells_errors_only() {
        let error = ReportEvent::Error { exit: 3, message: "no\nanswer".to_owned() };
        assert_eq!(told(false, true, &paid()), "");
        assert_eq!(told(false, true, &error), "l402: no\u{fffd}answer\n");
    }

    #[test]
    fn what_is_free_is_no_news() {
        let served = |credential| {
            ReportEvent::Served(Served {
                url: "http://a/".to_owned(),
                status: 200,
                credential,
                uses_left: None,
                again: false,
            })
        };
        let answered = |status| {
            ReportEvent::Served(Served {
                url: String::new(),
                status,
                credential: CredentialUsed::None,
                uses_left: None,
                again: false,
            })
        };
        assert_eq!(told(false, false, &served(CredentialUsed::None)), "");
        assert!(told(false, false, &served(CredentialUsed::Kept)).contains("paid nothing"));
        assert!(told(true, false, &served(CredentialUsed::None)).contains(r#""credential":"none""#));
        assert_eq!(told(false, false, &answered(404)), "status 404 Not Found\n");
        assert_eq!(told(false, false, &answered(302)), "status 302 Found, a redirect; use -L to follow it\n");
        assert_eq!(told(false, false, &answered(402)), "", "told as unpaid");
        assert_eq!(told(false, true, &answered(404)), "");
    }
}
