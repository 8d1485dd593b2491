//! Moving money: what would be done, and doing it.

use core::ops::RangeInclusive;
use core::str::FromStr as _;
use core::time::Duration;
use l402_core::Msat;
use l402_lightning::operate::{NewChannel, NodeChannel, OperateError, Operator};
use l402_lightning::{Invoice, NodeId, PayLimit, PaymentSource as _, unix_now};
use l402_program::Causes;

use crate::control::wire::{Money, Outcome};

/// Says what an operation would do, or why it would not.
pub(super) async fn plan(node: &dyn Operator, money: &Money) -> Result<Vec<String>, String> {
    match money {
        Money::Send { address, amount_sat, fee_rate } => send_plan(node, address, *amount_sat, *fee_rate).await,
        Money::Pay { invoice, max_fee_sat } => pay_plan(node, invoice, *max_fee_sat),
        Money::Open { peer, address, capacity_sat, push_sat, announced } => {
            new_channel(node, peer, address, (*capacity_sat, *push_sat), *announced)?;
            let balances = node.balances().await.map_err(told)?;
            let known = if *announced { "announced to the network" } else { "not announced" };
            Ok(vec![
                format!("open a channel of {capacity_sat} sat, {known}, with {peer} at {address}"),
                format!("pushed to the peer: {push_sat} sat"),
                format!("on-chain, spendable: {} sat", balances.spendable_onchain_sat),
                "the on-chain balance also pays the fee, and keeps a reserve for closing the channel".to_owned(),
            ])
        }
        Money::Close { channel } => {
            let found = find(node, channel)?;
            Ok(vec![
                format!("close the channel {channel} of {} sat together with {}", found.capacity_sat, found.peer),
                format!(
                    "your balance in it: about {} sat, less the transaction fee",
                    found.outbound_msat.to_sat_floor()
                ),
            ])
        }
        Money::ForceClose { channel } => {
            let found = find(node, channel)?;
            Ok(vec![
                format!("close the channel {channel} of {} sat without {}", found.capacity_sat, found.peer),
                format!(
                    "your balance in it: about {} sat, locked for days, less higher fees",
                    found.outbound_msat.to_sat_floor()
                ),
            ])
        }
    }
}

async fn send_plan(
    node: &dyn Operator,
    address: &str,
    amount_sat: Option<u64>,
    fee_rate: Option<u64>,
) -> Result<Vec<String>, String> {
    let payee = node.onchain_address(address).map_err(|fault| fault.to_string())?;
    if amount_sat == Some(0) {
        return Err("the amount is zero".to_owned());
    }
    if fee_rate.is_some_and(|rate| !FEE_RATES.contains(&rate)) {
        return Err(format!("the fee rate must be {} to {} sat/vB", FEE_RATES.start(), FEE_RATES.end()));
    }
    let least = payee.least_sat;
    if amount_sat.is_some_and(|amount| amount < least) {
        return Err(format!("too small for the network; send at least {least} sat to this address"));
    }
    let balances = node.balances().await.map_err(told)?;
    let (spendable, reserve) = (balances.spendable_onchain_sat, balances.reserve_sat);
    if amount_sat.is_some_and(|amount| amount >= spendable) || spendable == 0 {
        return Err(format!(
            "the on-chain wallet can spend {spendable} sat, fee included; {reserve} sat are kept for closing channels"
        ));
    }
    let what = amount_sat.map_or_else(
        || format!("send all spendable on-chain money, {spendable} sat less the fee, to {address}"),
        |amount| format!("send {amount} sat to {address}"),
    );
    let fee = fee_rate.map_or_else(
        || "fee rate: estimated by the chain source".to_owned(),
        |rate| {
            format!(
                "fee rate: {rate} sat/vB, {} sat for a transaction of {USUAL_VSIZE} vB",
                rate.saturating_mul(USUAL_VSIZE)
            )
        },
    );
    let left = amount_sat.map_or(0, |amount| spendable.saturating_sub(amount));
    Ok(vec![
        what,
        fee,
        format!("kept for closing channels: {reserve} sat"),
        format!("left to spend on-chain: {left} sat, less the fee"),
    ])
}

fn pay_plan(node: &dyn Operator, invoice: &str, max_fee_sat: Option<u64>) -> Result<Vec<String>, String> {
    let invoice = Invoice::parse(invoice).map_err(told)?;
    let amount = invoice.payable(node.info().network, unix_now()).map_err(told)?;
    Ok(vec![
        format!("pay {amount} ({} sat) over Lightning", amount.to_sat_ceil()),
        format!("for: {:?}", invoice.description().unwrap_or_default()),
        format!("maximum routing fee: {} sat", max_fee(max_fee_sat, amount).to_sat_floor()),
    ])
}

/// Does it. The intent is on record.
pub(super) async fn act(node: &dyn Operator, money: &Money) -> Outcome {
    match money {
        Money::Send { address, amount_sat, fee_rate } => send(node, address, *amount_sat, *fee_rate).await,
        Money::Pay { invoice, max_fee_sat } => pay(node, invoice, *max_fee_sat).await,
        Money::Open { peer, address, capacity_sat, push_sat, announced } => {
            let request = match new_channel(node, peer, address, (*capacity_sat, *push_sat), *announced) {
                Ok(request) => request,
                Err(why) => return Outcome::NotDone { why },
            };
            let done = |id: String| Outcome::Done {
                what: format!("opening channel {id}; usable after confirmation"),
                reference: id,
            };
            node.open_channel(&request).await.map_or_else(|fault| failed(&fault), done)
        }
        Money::Close { channel } => closed(channel, node.close_channel(channel).await),
        Money::ForceClose { channel } => closed(channel, node.force_close_channel(channel).await),
    }
}

async fn send(node: &dyn Operator, address: &str, amount_sat: Option<u64>, fee_rate: Option<u64>) -> Outcome {
    let address = match node.onchain_address(address) {
        Ok(address) => address.text,
        Err(fault) => return Outcome::NotDone { why: fault.to_string() },
    };
    match node.send_onchain(&address, amount_sat, fee_rate).await {
        Ok(txid) => sent(&address, amount_sat, txid),
        Err(fault) => failed(&fault),
    }
}

pub(super) fn sent(address: &str, amount_sat: Option<u64>, txid: String) -> Outcome {
    let amount = amount_sat.map_or_else(|| "all but the reserve".to_owned(), |amount| format!("{amount} sat"));
    Outcome::Done { what: format!("sent {amount} to {address} in the transaction {txid}"), reference: txid }
}

async fn pay(node: &dyn Operator, invoice: &str, max_fee_sat: Option<u64>) -> Outcome {
    let invoice = match Invoice::parse(invoice) {
        Ok(invoice) => invoice,
        Err(fault) => return Outcome::NotDone { why: Causes(&fault).to_string() },
    };
    let most = max_fee(max_fee_sat, invoice.amount_msat().unwrap_or_default());
    let limit = PayLimit { timeout: PAY_TIMEOUT, ..PayLimit::fee(most) };
    match node.wallet().pay(&invoice, limit).await {
        Ok(paid) => paid_outcome(&invoice.payment_hash().to_string(), paid.amount_msat, paid.fee_msat),
        Err(fault) if fault.is_unknown() => Outcome::Unknown { why: Causes(&fault).to_string() },
        Err(fault) => Outcome::NotDone { why: Causes(&fault).to_string() },
    }
}

pub(super) fn paid_outcome(hash: &str, amount: Msat, fee: Msat) -> Outcome {
    Outcome::Done { what: format!("paid {amount}, fee {fee}, payment hash {hash}"), reference: hash.to_owned() }
}

fn closed(channel: &str, asked: Result<(), OperateError>) -> Outcome {
    match asked {
        Ok(()) => {
            Outcome::Done { what: format!("the channel {channel} is being closed"), reference: channel.to_owned() }
        }
        Err(fault) => failed(&fault),
    }
}

/// A node that refuses has done nothing; one that broke in the middle may have.
fn failed(fault: &OperateError) -> Outcome {
    let why = Causes(fault).to_string();
    if fault.is_unknown() { Outcome::Unknown { why } } else { Outcome::NotDone { why } }
}

fn find(node: &dyn Operator, channel: &str) -> Result<NodeChannel, String> {
    node.channel(channel).map_err(|fault| fault.to_string())
}

/// The amounts are those of the channel and of the peer, in satoshis.
fn new_channel(
    node: &dyn Operator,
    peer: &str,
    address: &str,
    (capacity_sat, peer_sat): (u64, u64),
    announced: bool,
) -> Result<NewChannel, String> {
    let peer = NodeId::from_str(peer).map_err(|fault| fault.to_string())?;
    node.peer_address(address).map_err(|fault| fault.to_string())?;
    if !(MIN_CHANNEL_SAT..=MAX_CHANNEL_SAT).contains(&capacity_sat) || peer_sat >= capacity_sat {
        return Err(format!("the capacity must be {MIN_CHANNEL_SAT} to {MAX_CHANNEL_SAT} sat, and more than --push"));
    }
    let push_msat = Msat::from_sat(peer_sat);
    Ok(NewChannel { peer, address: address.to_owned(), capacity_sat, push_msat, announced })
}

/// Where nothing is said: a hundredth, and ten satoshis for small amounts.
fn max_fee(max_fee_sat: Option<u64>, amount: Msat) -> Msat {
    max_fee_sat.map_or_else(|| Msat::new(amount.get() / 100 + 10_000), Msat::from_sat)
}

fn told(fault: impl core::error::Error + 'static) -> String {
    Causes(&fault).to_string()
}

/// Virtual bytes of a transaction with one input and two outputs.
const USUAL_VSIZE: u64 = 141;
/// The fee rates that a command may name, in satoshis per virtual byte. More is a mistake.
pub const FEE_RATES: RangeInclusive<u64> = 1..=1_000;
const PAY_TIMEOUT: Duration = Duration::from_mins(1);
const MIN_CHANNEL_SAT: u64 = 20_000;
/// BOLT 2: 2^24 - 1.
const MAX_CHANNEL_SAT: u64 = 16_777_215;
