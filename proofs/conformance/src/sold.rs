//! What several subjects state: names, offers, keys, policies, limits, invoices.

use crate::check::{Differs, FaultName, differs};
use crate::data::{Bounds, EpochKey, Facts, Policy, Sold};
use crate::names;
use core::time::Duration;
use l402_core::{
    DerivedKeys, EpochError, ForgedStatus, GatePolicy, InvoiceFacts, MalformedStatus, MasterKey, Msat, Name, NameError,
    Offer, PaymentHash, SettlementRule, SpendLimits, UnixSeconds, UnknownCaveats, Uses,
};

/// A name that the case does not mean to be refused.
pub(crate) fn name(text: &str) -> Result<Name, Differs> {
    Name::new(text).map_err(refused)
}

pub(crate) fn refused(fault: NameError) -> Differs {
    Differs { part: "name", found: names::name(fault) }
}

pub(crate) fn offer(sold: &Sold) -> Result<Offer, NameError> {
    let offer = Offer::new(Name::new(sold.service)?, Msat::new(sold.price_msat.unwrap_or(1000)))
        .tier(sold.tier)
        .capability(sold.capability.map(Name::new).transpose()?)
        .valid_for(Duration::from_secs(sold.valid_for))
        .uses(uses(sold.uses, sold.metered));
    Ok(if let Some(plan) = sold.plan { offer.plan(Name::new(plan)?) } else { offer })
}

/// How often a token can be used.
pub(crate) fn uses(times: Option<u32>, metered: Option<bool>) -> Uses {
    match metered {
        Some(true) => Uses::Metered,
        _ => times.and_then(Uses::times).unwrap_or_default(),
    }
}

pub(crate) fn unknown(text: &str) -> Result<UnknownCaveats, Differs> {
    match text {
        "refuse" => Ok(UnknownCaveats::Refuse),
        "skip" => Ok(UnknownCaveats::Skip),
        _ => Err(differs("unknown")),
    }
}

/// The keys of all epochs, the minting one first; the inner fault is one that a case may mean.
pub(crate) fn keys(keys: &[EpochKey]) -> Result<Result<DerivedKeys, EpochError>, Differs> {
    let [newest, retired @ ..] = keys else { return Err(differs("keys")) };
    let master = |key: &EpochKey| MasterKey::from_bytes(key.master);
    let newest = DerivedKeys::new(newest.epoch, &master(newest));
    Ok(retired.iter().try_fold(newest, |keys, key| keys.with_retired(key.epoch, &master(key))))
}

/// Keys that the case does not mean to be refused.
pub(crate) fn good_keys(stated: &[EpochKey]) -> Result<DerivedKeys, Differs> {
    keys(stated)?.map_err(|fault| Differs { part: "keys", found: FaultName("", names::epoch(fault)) })
}

pub(crate) fn policy(policy: &Policy) -> Result<GatePolicy, Differs> {
    Ok(GatePolicy {
        malformed: match policy.malformed {
            400 => MalformedStatus::BadRequest,
            401 => MalformedStatus::Unauthorized,
            _ => return Err(differs("policy.malformed")),
        },
        forged: match policy.forged {
            401 => ForgedStatus::Unauthorized,
            402 => ForgedStatus::PaymentRequired,
            _ => return Err(differs("policy.forged")),
        },
        unknown_caveats: unknown(policy.unknown)?,
        settlement: match policy.settlement {
            "trust" => SettlementRule::Trust,
            "strict" => SettlementRule::Strict,
            _ => return Err(differs("policy.settlement")),
        },
    })
}

pub(crate) const fn limits(bounds: &Bounds) -> SpendLimits {
    SpendLimits { max_price_msat: Msat::new(bounds.max_price_msat), max_fee_msat: Msat::new(bounds.max_fee_msat) }
}

pub(crate) fn facts(facts: &Facts) -> InvoiceFacts {
    InvoiceFacts {
        payment_hash: PaymentHash::from_bytes(facts.payment_hash),
        amount_msat: facts.amount_msat.map(Msat::new),
        expires_at: UnixSeconds::new(facts.expires_at),
    }
}
