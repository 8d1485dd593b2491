//! The nodes that an origin has its money paid to.
//!
//! 1. The first node that is paid for an origin is taken as it comes: no pin stops a server that passes another's invoice on from the
//!    beginning.
//! 2. Another one is noted (`notice`). It needs a confirmation where it was paid for another origin before, so that one server may be
//!    passing on the other's invoices, or where the payment is above a threshold. With `first-use` it is not paid.
//! 3. An entry may list the nodes of its origins; no other is paid there then.
//! 4. An invoice that hides its node behind a blinded path names none: it counts as another one each time.

// Threats: A10.

use super::denied::Denial;
use super::entry::Entry;
use core::fmt;
use l402_core::Msat;
use l402_lightning::NodeId;
use serde::Deserialize;

/// What happens where an origin has another node paid than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pin {
    /// It is noted, and may need a confirmation.
    #[default]
    Notice,
    /// It is not paid.
    FirstUse,
}

/// What a policy says of the nodes that are paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Payees {
    /// What happens where there is another one.
    pub pin: Pin,
    /// Another one needs a confirmation where the payment is more than this.
    pub confirm_above_msat: Option<Msat>,
}

/// The node of an invoice, and what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payee {
    /// The node; [`None`] where the invoice hides it.
    pub node: Option<NodeId>,
    /// What the invoice asks for.
    pub amount_msat: Msat,
    /// Whether it was paid for the origin before.
    pub is_known: bool,
    /// Whether anything was paid for the origin before.
    pub has_others: bool,
    /// Whether it was paid for another origin before.
    pub is_elsewhere: bool,
}

/// What is to happen with a payment to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PayeeVerdict {
    /// It may be paid, and there is nothing to note.
    Expected,
    /// It may be paid. It is noted as another one.
    Noted,
    /// It may be paid once the owner has confirmed it, and is noted then.
    Confirm(PayeeChange),
    /// It is not paid.
    Deny(Denial),
}

/// Why a payment to another node needs a confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PayeeChange {
    /// It was paid for another origin before.
    Elsewhere,
    /// The payment is more than this.
    Above(Msat),
}

impl fmt::Display for PayeeChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elsewhere => {
                f.write_str("since it goes to another node than before, which was paid for another origin")
            }
            Self::Above(_) => f.write_str("since it goes to another node than before"),
        }
    }
}

impl Payees {
    /// Decides about a payment to a node, under the entry of the origin, if there is one.
    ///
    /// ```
    /// use l402_agent::policy::{Payee, PayeeChange, PayeeVerdict, Payees};
    /// use l402_core::Msat;
    ///
    /// let hidden = Payee { node: None, amount_msat: Msat::from_sat(21), is_known: false, has_others: true, is_elsewhere: false };
    /// assert_eq!(Payees::default().judge(None, &hidden), PayeeVerdict::Noted);
    /// let wary = Payees { confirm_above_msat: Some(Msat::from_sat(20)), ..Payees::default() };
    /// assert_eq!(wary.judge(None, &hidden), PayeeVerdict::Confirm(PayeeChange::Above(Msat::from_sat(20))));
    /// ```
    pub fn judge(&self, entry: Option<&Entry>, payee: &Payee) -> PayeeVerdict {
        if let Some(listed) = entry.map(Entry::payees).filter(|listed| !listed.is_empty()) {
            let is_listed = payee.node.is_some_and(|node| listed.contains(&node));
            return if is_listed { PayeeVerdict::Expected } else { PayeeVerdict::Deny(Denial::Payee) };
        }
        if payee.is_known || (payee.node.is_some() && !payee.has_others) {
            return PayeeVerdict::Expected;
        }
        if self.pin == Pin::FirstUse {
            return PayeeVerdict::Deny(Denial::OtherPayee);
        }
        let above = self.confirm_above_msat.filter(|most| payee.amount_msat > *most);
        match (payee.is_elsewhere, above) {
            (true, _) => PayeeVerdict::Confirm(PayeeChange::Elsewhere),
            (false, Some(most)) => PayeeVerdict::Confirm(PayeeChange::Above(most)),
            (false, None) => PayeeVerdict::Noted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Policy, Setting};
    use super::*;

    const NODE: &str = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619";
    const OTHER: &str = "0324653eac434488002cc06bbfb7f10fe18991e35f9fe4302dbea6d2353dc0ab1c";

    fn payee(node: &str, [is_known, has_others, is_elsewhere]: [bool; 3]) -> Payee {
        Payee { node: node.parse().ok(), amount_msat: Msat::from_sat(21), is_known, has_others, is_elsewhere }
    }

    #[test]
    fn a10_another_node_is_noted_confirmed_or_refused() {
        let sat = |sat| Some(Msat::from_sat(sat));
        let (notice, wary) = (Payees::default(), Payees { confirm_above_msat: sat(20), ..Payees::default() });
        let lax = Payees { confirm_above_msat: sat(21), ..Payees::default() };
        let strict = Payees { pin: Pin::FirstUse, ..Payees::default() };
        let (above, deny) = (PayeeChange::Above(Msat::from_sat(20)), PayeeVerdict::Deny(Denial::OtherPayee));
        for (rules, node, known, verdict) in [
            (notice, NODE, [false, false, true], PayeeVerdict::Expected),
            (notice, NODE, [true, true, true], PayeeVerdict::Expected),
            (notice, NODE, [false, true, false], PayeeVerdict::Noted),
            (notice, NODE, [false, true, true], PayeeVerdict::Confirm(PayeeChange::Elsewhere)),
            (wary, NODE, [false, true, false], PayeeVerdict::Confirm(above)),
            (lax, NODE, [false, true, false], PayeeVerdict::Noted),
            (strict, NODE, [false, false, true], PayeeVerdict::Expected),
            (strict, NODE, [true, true, false], PayeeVerdict::Expected),
            (strict, NODE, [false, true, false], deny),
            (strict, "", [false, false, false], deny),
            (notice, "", [false, false, false], PayeeVerdict::Noted),
            (wary, "", [false, true, false], PayeeVerdict::Confirm(above)),
        ] {
            assert_eq!(rules.judge(None, &payee(node, known)), verdict, "{rules:?} {node} {known:?}");
        }
    }

    #[test]
    fn a10_an_entry_lists_the_nodes_of_its_origins() {
        let text = format!("[[allow]]\norigins = ['https://a']\npayees = ['{NODE}']\n[payees]\npin = 'notice'");
        let policy = Policy::parse(&text, Setting::Command).unwrap();
        let entry = policy.entry(&"https://a".parse().unwrap());
        let judge = |node| policy.payees().judge(entry, &payee(node, [false, true, true]));
        assert_eq!(judge(NODE), PayeeVerdict::Expected);
        assert_eq!(judge(OTHER), PayeeVerdict::Deny(Denial::Payee));
        assert_eq!(judge(""), PayeeVerdict::Deny(Denial::Payee), "a hidden node may be any");
        for (text, part) in [
            ("[[allow]]\norigins = ['https://a']\npayees = ['02']", "line 3: allow.payees"),
            ("[payees]\npin = 'first-us'", "did you mean `first-use`?"),
            ("[payees]\nconfirm_above = '-5 sat'", "payees.confirm_above: the number must be digits"),
        ] {
            let told = Policy::parse(text, Setting::Command).unwrap_err().to_string();
            assert!(told.contains(part), "{told}");
        }
    }
}
