//! `exchange`: decisions of the gate, answers to a client, and whole sales.

use crate::challenge::MAX_LINES;
use crate::check::{Checked, Differs, FaultName, differs, displays, is_error, is_verdict, plain, right, same, wrong};
use crate::credential::presentation;
use crate::data::{
    Answered, Case, EXCHANGE_CLIENT, EXCHANGE_GATE, EXCHANGE_WHOLE, ExchangeClient, ExchangeGate, ExchangeWhole, Field,
    Sold, Step,
};
use crate::room::Room;
use crate::{Report, names, run, sold};
use l402_core::macaroon::MAX_LEN;
use l402_core::{
    ChallengeLine, CredentialLine, Decision, DerivedKeys, Exchange, Gate, Grant, Identifier, InvoiceFacts, Msat, Next,
    PaymentHash, Preimage, ResponseStatus, SpendLimits, TokenFacts, TokenId, TokenText, UnixSeconds,
};

/// Runs `exchange`.
pub fn exchange(room: &mut [u8], report: &mut dyn FnMut(Report)) {
    run(EXCHANGE_GATE, gate, room, report);
    run(EXCHANGE_CLIENT, client, room, report);
    run(EXCHANGE_WHOLE, whole, room, report);
}

fn gate(case: &ExchangeGate, room: Room<'_>) -> Checked {
    let gate = Gate::new(sold::good_keys(case.keys)?, sold::policy(&case.policy)?);
    match decide(&gate, case.fields, &case.offer, case.now, room)? {
        Decision::Admit(grant) => granted(case, "admit", &grant),
        Decision::Settle(grant) => granted(case, "settle", &grant),
        Decision::Reserve { grant, .. } => granted(case, "reserve", &grant.reserved()),
        Decision::Charge(charge) => {
            let stated = right(case, "charge")?;
            same("status", stated.status == Some(charge.status))?;
            same("reason", stated.reason == Some(charge.reason.as_str()))
        }
        Decision::Refuse(refusal) => {
            is_verdict(case, "refuse")?;
            is_error(case.error(), names::credential(refusal.fault))?;
            let stated = case.result().ok_or(differs("result"))?;
            same("status", stated.status == Some(refusal.status))?;
            same("reason", stated.reason == Some(refusal.reason()))
        }
    }
}

fn decide(
    gate: &Gate<DerivedKeys>,
    fields: &[Field],
    offer: &Sold,
    now: u64,
    mut room: Room<'_>,
) -> Result<Decision, Differs> {
    let fields = presentation(fields, &mut room)?;
    let offer = sold::offer(offer).map_err(sold::refused)?;
    let buffer = room.take(fields.buffer_len().min(MAX_LEN))?;
    Ok(gate.decide_in(buffer, &fields, &offer, now.into()))
}

fn granted(case: &ExchangeGate, verdict: &'static str, grant: &Grant) -> Checked {
    let stated = right(case, verdict)?;
    same("payment_hash", stated.payment_hash.as_ref() == Some(grant.payment_hash().as_bytes()))?;
    same("token_id", stated.token_id.as_ref() == Some(grant.token_id().as_bytes()))?;
    same("expires_at", stated.expires_at == grant.expires_at().map(u64::from))
}

fn client(case: &ExchangeClient, Room(room): Room<'_>) -> Checked {
    let limits = SpendLimits { max_price_msat: Msat::new(1000), max_fee_msat: Msat::new(10) };
    let mut exchange = if case.stored_token { Exchange::with_token(limits) } else { Exchange::new(limits) };
    for step in case.steps {
        follow(&mut exchange, step, Room(room))?;
    }
    let last = case.steps.last().ok_or(differs("steps"))?;
    same("verdict", case.verdict() == last.next)?;
    same("error", case.error() == last.error)?;
    same("result", case.result().is_none())
}

fn follow(exchange: &mut Exchange, step: &Step, mut room: Room<'_>) -> Checked {
    let mut lines = [&[][..]; MAX_LINES];
    let lines = room.lines((step.lines, step.lines_hex), &mut lines)?;
    let answer = ResponseStatus { status: step.status, grpc_status: step.grpc_status };
    let (next, error) = match exchange.on_response(answer, lines.iter().copied()) {
        Ok(Next::Deliver) | Err(_) if exchange.leave_out_token(answer) => ("leave-out", None),
        Ok(Next::Deliver) => ("deliver", None),
        Ok(Next::Pay(_)) => ("pay", None),
        Ok(Next::Replace(_)) => ("replace", None),
        Ok(Next::Refused) => ("refused", None),
        Err(fault) => ("error", Some(names::challenge(fault))),
    };
    if next != step.next {
        return Err(Differs { part: "next", found: FaultName("", next) });
    }
    if error != step.error {
        return Err(Differs { part: "error", found: FaultName("", error.unwrap_or("none")) });
    }
    if step.paid { pay(exchange) } else { Ok(()) }
}

/// Pays with an invoice and a preimage that agree.
fn pay(exchange: &mut Exchange) -> Checked {
    let preimage = Preimage::from_bytes([0x11; 32]);
    let token = Identifier::new(preimage.hash(), TokenId::from_bytes([0; 32]));
    let facts = InvoiceFacts {
        payment_hash: preimage.hash(),
        amount_msat: Some(Msat::new(1)),
        expires_at: UnixSeconds::new(u64::MAX),
    };
    let order = exchange.authorize(&token, &facts, 0.into()).map_err(|_| differs("paid"))?;
    exchange.paid(&order, &preimage).map_err(|_| differs("paid"))
}

fn whole(case: &ExchangeWhole, room: Room<'_>) -> Checked {
    let gate = Gate::new(sold::good_keys(case.keys)?, sold::policy(&case.policy)?);
    let first = decide(&gate, &[], &case.offer, case.now, Room(&mut *room.0))?;
    same("first answer", matches!(first, Decision::Charge(charge) if charge.status == 402))?;

    let mut text = TokenText::new();
    let token = show(case, gate.keys(), &mut text)?;
    if !buy(case, token, Room(&mut *room.0))? {
        return Ok(());
    }
    match decide(&gate, case.fields, &case.second_offer, case.later, room)? {
        Decision::Admit(_) => answered(right(case, "admit")?, 200, None),
        Decision::Settle(_) => plain(case, "settle"),
        Decision::Reserve { .. } => plain(case, "reserve"),
        Decision::Charge(charge) => answered(right(case, "charge")?, charge.status, Some(charge.reason.as_str())),
        Decision::Refuse(refusal) => {
            is_verdict(case, "refuse")?;
            is_error(case.error(), names::credential(refusal.fault))?;
            answered(case.result().ok_or(differs("result"))?, refusal.status, Some(refusal.reason()))
        }
    }
}

/// The server's part of the first answer: mints the token, and shows the lines.
fn show<'t>(case: &ExchangeWhole, keys: &DerivedKeys, text: &'t mut TokenText) -> Result<&'t str, Differs> {
    let offer = sold::offer(&case.offer).map_err(sold::refused)?;
    let hash = PaymentHash::from_bytes(case.payment_hash);
    let token = keys.mint(&offer, &hash, case.random, case.now.into(), text).map_err(|_| differs("token"))?;
    let lines = ChallengeLine::both(token, case.invoice);
    same("lines", case.lines.len() == lines.len())?;
    lines.iter().zip(case.lines).try_for_each(|(found, stated)| displays("lines", found, stated))?;
    Ok(token)
}

/// The client's part: `false` where the case ends with it.
fn buy(case: &ExchangeWhole, token: &str, mut room: Room<'_>) -> Result<bool, Differs> {
    let mut lines = [&[][..]; MAX_LINES];
    let lines = room.join_all(case.lines, &mut lines)?;
    let mut exchange = Exchange::new(sold::limits(&case.limits));
    let answer = ResponseStatus { status: 402, grpc_status: None };
    let Ok(Next::Pay(challenge)) = exchange.on_response(answer, lines.iter().copied()) else {
        return Err(differs("lines"));
    };
    let length = challenge.token().bytes().count();
    let text = challenge.token().unescape(room.take(length)?).ok_or(differs("lines"))?;
    let facts = TokenFacts::read(text, room.take(length)?);
    same("lines", facts.payment_hash.is_some())?;
    let order = match exchange.authorize_token(&facts, &sold::facts(&case.facts), case.now.into()) {
        Ok(order) => order,
        Err(fault) => return wrong(case, "declined", FaultName("", names::declined(fault))).map(|()| false),
    };
    let preimage = Preimage::from_bytes(case.preimage);
    if exchange.paid(&order, &preimage).is_err() {
        return plain(case, "wrong-preimage").map(|()| false);
    }
    let credential = CredentialLine { scheme: challenge.scheme(), token, preimage: &preimage };
    displays("credential", credential, &case.credential).map(|()| true)
}

fn answered(stated: &Answered, status: u16, reason: Option<&'static str>) -> Checked {
    same("status", stated.status == status)?;
    same("reason", stated.reason == reason)
}
