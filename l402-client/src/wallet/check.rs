//! `l402 wallet check`: whether the wallet can pay, and whether it proves what it pays.

use super::{chosen, directory, environment};
use crate::exit::{Exit, Failure, OrExit};
use crate::home::Home;
use core::time::Duration;
use l402_agent::amount::Amount;
use l402_agent::text::lines;
use l402_core::Msat;
use l402_lightning::backend::{PayerHome, PayerSetup};
use l402_lightning::{Invoice, PayError, PayLimit, unix_now};

/// Looks at the wallet that the user chose, and pays an invoice where one is given. Returns what the command prints.
pub(super) async fn run(pay: Option<&str>, home: &Home) -> Result<String, Failure> {
    let (kind, setup) = chosen(home).or_exit(Exit::Usage)?;
    let directory = |name: &str| directory(home, name);
    let around = PayerHome { directory: &directory, environment: &environment, flags: &home.flags };
    match pay {
        None => {
            let found = setup.check(&around).await;
            found.map(lines).map_err(|cause| {
                Failure::new(Exit::Payment, anyhow::Error::from_boxed(cause).context(kind.0.unusable()))
            })
        }
        Some(text) => prove(&*setup, &around, text, home).await,
    }
}

/// Pays within the limits of a call.
async fn prove(setup: &dyn PayerSetup, around: &PayerHome<'_>, text: &str, home: &Home) -> Result<String, Failure> {
    let invoice = Invoice::parse(text.trim()).or_exit(Exit::Usage)?;
    let network = setup.network(around).map_err(|cause| Failure::new(Exit::Usage, anyhow::Error::from_boxed(cause)))?;
    let amount_msat = invoice.payable(network, unix_now()).or_exit(Exit::Usage)?;
    if amount_msat > home.max_price {
        let (amount, limit) = (Amount::new(amount_msat), Amount::new(home.max_price));
        return Err(Failure::say(
            Exit::Limit,
            format!("the invoice asks for {amount}, the limit is {limit}; nothing was paid"),
        ));
    }
    let limit = PayLimit { timeout: PATIENCE, ..PayLimit::fee(home.max_fee) };
    match setup.prove(around, &invoice, limit).await {
        Ok(paid) if paid.preimage.matches(&invoice.payment_hash()) => Ok(proven(amount_msat, paid.fee_msat)),
        Ok(_) => Err(Failure::say(Exit::Unknown, "the preimage from the wallet does not match the payment")),
        Err(fault @ PayError::Unknown(_)) => Err(Failure::new(Exit::Unknown, fault)),
        Err(fault) => Err(Failure::new(Exit::Payment, fault)),
    }
}

fn proven(amount_msat: Msat, fee_msat: Msat) -> String {
    let (amount, fee) = (Amount::new(amount_msat), Amount::new(fee_msat));
    lines([format!("preimages: proven; paid {amount} and a fee of {fee}")])
}

const PATIENCE: Duration = Duration::from_mins(1);
