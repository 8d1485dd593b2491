//! Payments that wait for their owner's confirmation.
//!
//! 1. A question is about one payment of one call: its invoice, origin, amount and maximum fee. The answer holds for nothing else, and once.
//! 2. It ends before its invoice does. No answer is no.
//! 3. While one is open for a request of the same method and path, no other is asked for it.

use super::alert::Alert;
use super::happen::Moment;
use super::why::WhyAsk;
use crate::store::budget::{Payer, column};
use crate::store::record::Intent;
use l402_core::{Msat, UnixSeconds};
use l402_lightning::Invoice;
use rusqlite::{OptionalExtension, Row, Transaction, params};

/// A payment that waits for its owner's confirmation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What names it.
    pub id: String,
    /// The budget that would pay.
    pub budget: String,
    /// Who would be paid.
    pub origin: String,
    /// The method of the request.
    pub method: String,
    /// The path of the request.
    pub path: String,
    /// What the invoice asks for.
    pub amount_msat: Msat,
    /// The most that routing may cost.
    pub max_fee_msat: Msat,
    /// What the payment would prove.
    pub payment_hash: String,
    /// The invoice, BOLT11.
    pub invoice: String,
    /// Why it is asked.
    pub why: String,
    /// When.
    pub asked_at: UnixSeconds,
    /// When it is too late for an answer.
    pub ends_at: UnixSeconds,
}

/// What somebody says to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Pay.
    Yes,
    /// Do not pay.
    No,
}

impl Answer {
    const fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
        }
    }
}

/// What is to be waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) enum Asked {
    /// The answer to a question of one's own.
    Own(Question),
    /// That to one of somebody else, about the same request.
    Other(Question),
    /// There is no time left for an answer.
    TooLate,
}

/// How a question stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Stand {
    /// It was answered.
    Answered(Answer),
    /// It is open.
    Open,
    /// Nobody has answered in time.
    Over,
}

/// Asks.
pub(super) fn ask(moment: &Moment<'_>, payer: &Payer, intent: &Intent, why: WhyAsk) -> rusqlite::Result<Asked> {
    let now = now(moment);
    let (origin, invoice) = (intent.origin.to_string(), invoice(intent));
    let same = format!("{OPEN} AND origin = ?2 AND method = ?3 AND path = ?4 LIMIT 1");
    let request = params![column(now), origin, intent.method.as_str(), intent.path];
    if let Some(other) = moment.tx.query_row(&same, request, read).optional()? {
        return Ok(Asked::Other(other));
    }
    let latest = Invoice::parse(&invoice).map_or(u64::MAX, |invoice| invoice.expires_at().get().saturating_sub(TO_PAY));
    let ends_at = now.saturating_add(moment.guards.confirm_within.as_secs()).min(latest);
    if ends_at <= now {
        return Ok(Asked::TooLate);
    }
    let id: String = moment.tx.query_row("SELECT lower(hex(randomblob(5)))", [], |row| row.get(0))?;
    let insert = "INSERT INTO confirmations (id, payment_hash, call, budget, origin, method, path, amount_msat, max_fee_msat, \
                  invoice, why, asked_at, ends_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    let (hash, call, budget) = (intent.payment_hash.to_string(), payer.call.bytes(), payer.budget.number());
    let (method, path, [amount, fee]) = (intent.method.as_str(), &intent.path, amounts(intent));
    let times = [now, ends_at].map(column);
    let row = params![
        id,
        hash,
        call,
        budget,
        origin,
        method,
        path,
        amount,
        fee,
        invoice,
        why.to_string(),
        times[0],
        times[1]
    ];
    moment.tx.execute(insert, row)?;
    moment.tell(&Alert::Asked { id: &id, origin: &origin, amount_msat: intent.amount_msat, why })?;
    let own = moment.tx.query_row(&format!("{OPEN} AND confirmations.id = ?2"), params![column(now), id], read)?;
    Ok(Asked::Own(own))
}

/// Uses up the confirmation of a payment, and tells whether there was one.
pub(super) fn use_up(moment: &Moment<'_>, payer: &Payer, intent: &Intent) -> rusqlite::Result<bool> {
    let use_up = "UPDATE confirmations SET is_used = 1 WHERE payment_hash = ?1 AND call = ?2 AND origin = ?3 AND amount_msat = ?4 \
                  AND max_fee_msat >= ?5 AND invoice = ?6 AND answer = 'yes' AND NOT is_used AND ends_at > ?7";
    let (hash, origin, [amount, fee]) = (intent.payment_hash.to_string(), intent.origin.to_string(), amounts(intent));
    let row = params![hash, payer.call.bytes(), origin, amount, fee, invoice(intent), column(now(moment))];
    moment.tx.execute(use_up, row).map(|used| used > 0)
}

/// Tells whether a payment is confirmed, and leaves it so.
pub(super) fn is_given(moment: &Moment<'_>, payer: &Payer, intent: &Intent) -> rusqlite::Result<bool> {
    let given = "SELECT 1 FROM confirmations WHERE payment_hash = ?1 AND call = ?2 AND answer = 'yes' AND NOT is_used AND ends_at > ?3";
    let row = params![intent.payment_hash.to_string(), payer.call.bytes(), column(now(moment))];
    moment.tx.query_row(given, row, |_| Ok(())).optional().map(|given| given.is_some())
}

/// Answers a question that is open, and tells whether it was.
pub(super) fn answer(tx: &Transaction<'_>, now: u64, id: &str, answer: Answer, by: &str) -> rusqlite::Result<bool> {
    let write =
        "UPDATE confirmations SET answer = ?2, answered_by = ?3 WHERE id = ?1 AND answer IS NULL AND ends_at > ?4";
    tx.execute(write, params![id, answer.name(), by, column(now)]).map(|changed| changed > 0)
}

/// Tells how a question stands.
pub(super) fn stand(tx: &Transaction<'_>, now: u64, id: &str) -> rusqlite::Result<Stand> {
    let mut found = tx.prepare_cached("SELECT answer, ends_at FROM confirmations WHERE id = ?1")?;
    let read = |row: &Row<'_>| Ok((row.get::<_, Option<String>>(0)?, row.get::<_, u64>(1)?));
    Ok(match found.query_row([id], read).optional()? {
        Some((Some(answer), _)) if answer == Answer::Yes.name() => Stand::Answered(Answer::Yes),
        Some((Some(_), _)) => Stand::Answered(Answer::No),
        Some((None, ends_at)) if ends_at > now => Stand::Open,
        _ => Stand::Over,
    })
}

/// Returns the questions that are open, the first asked first.
pub(super) fn open(tx: &Transaction<'_>, now: u64) -> rusqlite::Result<Vec<Question>> {
    tx.prepare(&format!("{OPEN} ORDER BY asked_at, confirmations.id"))?.query_map([column(now)], read)?.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Question> {
    Ok(Question {
        id: row.get("id")?,
        budget: row.get("name")?,
        origin: row.get("origin")?,
        method: row.get("method")?,
        path: row.get("path")?,
        amount_msat: row.get("amount_msat").map(Msat::new)?,
        max_fee_msat: row.get("max_fee_msat").map(Msat::new)?,
        payment_hash: row.get("payment_hash")?,
        invoice: row.get("invoice")?,
        why: row.get("why")?,
        asked_at: row.get("asked_at").map(UnixSeconds::new)?,
        ends_at: row.get("ends_at").map(UnixSeconds::new)?,
    })
}

fn now(moment: &Moment<'_>) -> u64 {
    moment.clocks.read().wall_ms / 1_000
}

fn invoice(intent: &Intent) -> String {
    intent.order.as_ref().map(|order| order.invoice.clone()).unwrap_or_default()
}

fn amounts(intent: &Intent) -> [i64; 2] {
    let fee = intent.order.as_ref().map_or(Msat::ZERO, |order| order.max_fee_msat);
    [intent.amount_msat, fee].map(|amount| column(amount.get()))
}

const OPEN: &str = "SELECT confirmations.*, budgets.name FROM confirmations JOIN budgets ON budgets.id = confirmations.budget \
                    WHERE answer IS NULL AND ends_at > ?1";

/// How many seconds are left for the payment itself.
const TO_PAY: u64 = 15;
