//! What the caveats of an authentic token permit.
//!
//! All caveats are read into lists first, one for each condition; a list must be present where it is required, must narrow from
//! each entry to the next, and each of its entries must permit the request.

use super::credential::split_caveat;
use super::macaroon::Macaroon;
use super::text::{hex, sha256, trimmed};
use std::collections::{BTreeMap, BTreeSet};

/// What a request needs.
#[derive(Debug, Clone)]
pub struct Request {
    /// The service.
    pub service: String,
    /// The lowest tier that suffices.
    pub tier: u32,
    /// The capability, if the route asks for one.
    pub capability: Option<String>,
    /// The time in Unix seconds.
    pub now: u64,
    /// Whether the route is metered.
    pub is_metered: bool,
    /// Whether unknown conditions are skipped.
    pub skip_unknown: bool,
}

/// A counter: its key, whether it counts money, and how much it holds.
pub type Counter = (Vec<u8>, bool, u64);

/// Says whether tokens that are authentic, and paid for with this hash, permit a request: [`None`] where they do not, else the
/// counters of which each must have enough left.
pub fn permits(tokens: &[Macaroon], payment_hash: &[u8], request: &Request) -> Option<Vec<Counter>> {
    let mut counters: Vec<Counter> = Vec::new();
    for token in tokens {
        let lists = read(token, payment_hash, request).filter(|lists| lists.permit(request))?;
        for (key, is_money, limit) in lists.counters(token)? {
            match counters.iter_mut().find(|(other, ..)| *other == key) {
                Some((.., lower)) => *lower = limit.min(*lower),
                None => counters.push((key, is_money, limit)),
            }
        }
        // Uses and money are never compared.
        if lists.counts.iter().any(|(_, count)| counters.iter().any(|(_, is_money, _)| *is_money != count.is_money)) {
            return None;
        }
    }
    (counters.len() <= 4).then_some(counters)
}

pub(super) type Services = BTreeMap<String, u32>;

#[derive(Default)]
struct Lists {
    services: Vec<Services>,
    capabilities: Vec<BTreeSet<String>>,
    /// Each with the position of its caveat.
    ends: Vec<(usize, u64)>,
    counts: Vec<(usize, Count)>,
    sales: usize,
}

/// `<number>` or `<number>:<label>`, of uses or of msat.
struct Count {
    number: u64,
    is_money: bool,
    has_label: bool,
}

impl Lists {
    fn permit(&self, request: &Request) -> bool {
        let within = |later: &Services, earlier: &Services| {
            later.iter().all(|(name, tier)| earlier.get(name).is_some_and(|most| tier <= most))
        };
        let services = self.services.is_sorted_by(|earlier, later| within(later, earlier))
            && !self.services.is_empty()
            && self
                .services
                .iter()
                .all(|services| services.get(&request.service).is_some_and(|tier| *tier >= request.tier));
        let capabilities = self.capabilities.is_sorted_by(|earlier, later| later.is_subset(earlier))
            && match &request.capability {
                None => self.capabilities.iter().all(BTreeSet::is_empty),
                Some(name) => !self.capabilities.is_empty() && self.capabilities.iter().all(|set| set.contains(name)),
            };
        let ends = self.ends.is_sorted_by(|(_, earlier), (_, later)| later <= earlier)
            && self.ends.iter().all(|(_, end)| *end > request.now);
        let counts = self.counts.is_sorted_by(|(_, earlier), (_, later)| later.number <= earlier.number);
        services && capabilities && ends && counts && self.sales <= 1
    }

    /// The counters of a token; [`None`] where one of them stands before the end that it needs.
    fn counters(&self, token: &Macaroon) -> Option<Vec<Counter>> {
        let first_end = self.ends.first().map(|(at, _)| *at);
        let counters = self.counts.iter().enumerate().map(|(nth, (at, count))| {
            let is_sale = nth == 0 && !count.has_label && *at < first_end?;
            if is_sale {
                return Some((vec![0; 16], count.is_money, count.number));
            }
            (*at > first_end?).then(|| (branch(token, *at), count.is_money, count.number))
        });
        counters.collect()
    }
}

/// Sorts the caveats by condition; [`None`] where one of them denies by itself.
fn read(token: &Macaroon, payment_hash: &[u8], request: &Request) -> Option<Lists> {
    let mut lists = Lists::default();
    let named = named(token);
    for (at, caveat) in token.caveats.iter().enumerate() {
        if caveat.verification_id.is_some() {
            return None;
        }
        let Some((condition, value)) = split_caveat(&caveat.id) else {
            let known = [request.service.as_str(), "services", "preimage"];
            let forgotten = known.iter().any(|name| trimmed(&caveat.id).starts_with(name.as_bytes()));
            if request.skip_unknown && !forgotten {
                continue;
            }
            return None;
        };
        match (condition, owner(condition, &request.service, &named)) {
            ("services", _) => lists.services.push(services(value)?),
            ("preimage", _) => {
                hex(value.as_bytes()).filter(|bytes| bytes.len() == 32 && sha256(bytes)[..] == *payment_hash)?;
            }
            (_, Some((own, "capabilities"))) if own == request.service => lists.capabilities.push(capabilities(value)?),
            (_, Some((own, "valid_until"))) if own == request.service => lists.ends.push((at, number(value)?)),
            (_, Some((own, "uses"))) if own == request.service => {
                lists.counts.push((at, count(value, false)?));
            }
            (_, Some((own, "sale"))) if own == request.service => {
                sale(value)?;
                lists.sales += 1;
            }
            (_, Some((own, "balance_msat"))) if own == request.service && request.is_metered => {
                lists.counts.push((at, count(value, true)?));
            }
            (_, Some((own, "balance_msat"))) if own == request.service => return None,
            (_, Some((other, _))) if other != request.service => {}
            _ if request.skip_unknown => {}
            _ => return None,
        }
    }
    Some(lists)
}

/// The services of the first `services` caveat.
fn named(token: &Macaroon) -> Vec<String> {
    let mut caveats = token.caveats.iter().filter_map(|caveat| split_caveat(&caveat.id));
    let first = caveats.find(|(condition, _)| *condition == "services").and_then(|(_, value)| services(value));
    first.unwrap_or_default().into_keys().collect()
}

/// The service to which a condition belongs (the longest whose name and a `_` it begins with), and the rest of the condition.
fn owner<'c>(condition: &'c str, own: &str, named: &[String]) -> Option<(String, &'c str)> {
    let all = named.iter().map(String::as_str).chain([own]);
    let begins = all.filter(|name| condition.starts_with(&format!("{name}_")));
    let longest = begins.max_by_key(|name| name.len())?;
    Some((longest.to_owned(), &condition[longest.len() + 1..]))
}

/// `name:tier,…`, where no name occurs twice, and at most 64 of them.
pub(super) fn services(value: &str) -> Option<Services> {
    let mut services = Services::new();
    if value.split(',').count() > 64 {
        return None;
    }
    for entry in value.split(',') {
        let (name, tier) = entry.split_once(':')?;
        let tier = u32::try_from(number(tier)?).ok()?;
        if !is_name(name) || services.insert(name.to_owned(), tier).is_some() {
            return None;
        }
    }
    Some(services)
}

/// `name,…` with at most 64 entries, or nothing at all.
fn capabilities(value: &str) -> Option<BTreeSet<String>> {
    if value.split(',').count() > 64 {
        return None;
    }
    let names = value.split(',').filter(|_| !value.is_empty());
    names.map(|name| is_name(name).then(|| name.to_owned())).collect()
}

/// A number above zero, of uses that fits 32 bits, or of msat that fits 53, alone or with a label.
fn count(value: &str, is_money: bool) -> Option<Count> {
    let (digits, label) = value.split_once(':').map_or((value, None), |(digits, label)| (digits, Some(label)));
    let number = number(digits)?;
    let bits = if is_money { 53 } else { 32 };
    let is_right = number > 0 && number >> bits == 0 && label.is_none_or(is_plain_name);
    is_right.then_some(Count { number, is_money, has_label: label.is_some() })
}

/// `<price>,<plan>`.
fn sale(value: &str) -> Option<()> {
    let (price, plan) = value.split_once(',')?;
    number(price)?;
    is_plain_name(plan).then_some(())
}

/// 16 bytes of a hash over a label, the identifier, and the caveats up to the one at this position, each behind its length.
fn branch(token: &Macaroon, at: usize) -> Vec<u8> {
    let caveats = token.caveats.iter().take(at + 1).map(|caveat| &caveat.id);
    let mut text = b"l402 ledger branch v1".to_vec();
    for part in [&token.identifier].into_iter().chain(caveats) {
        text.extend(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        text.extend(part);
    }
    sha256(&text)[..16].to_vec()
}

/// Decimal digits that fit 64 bits.
pub(super) fn number(digits: &str) -> Option<u64> {
    let mut value = if digits.is_empty() { None } else { Some(0_u64) };
    for digit in digits.chars() {
        value = value?.checked_mul(10)?.checked_add(digit.to_digit(10)?.into());
    }
    value
}

/// What an offer may be called, and a plan or a label.
fn is_plain_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with([' ', '\t']) && !name.ends_with([' ', '\t'])
}
