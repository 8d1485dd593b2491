//! What a macaroon of LND allows, and what each side of a payment needs (threat O2).
//!
//! LND writes the permissions into the macaroon's identifier, so that they can be read without asking the node. A caveat can
//! only take away from them.

use super::rpc::{
    AddInvoiceRequest, Call, GetInfoRequest, InvoiceSubscription, LookupInvoiceRequest, MacaroonId, Needs,
    SendPaymentRequest, TrackPaymentRequest,
};
use core::fmt;
use l402_lightning::Network;
use prost::Message as _;
use std::borrow::Cow;

/// Something that a macaroon may allow, such as `invoices:write`. The entity `uri` stands for a single method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    entity: Cow<'static, str>,
    action: Cow<'static, str>,
}

impl Permission {
    pub(super) const fn new((entity, action): Needs) -> Self {
        Self { entity: Cow::Borrowed(entity), action: Cow::Borrowed(action) }
    }

    /// Returns what the action is on, such as `invoices`.
    pub fn entity(&self) -> &str {
        &self.entity
    }

    /// Returns the action, such as `write`.
    pub fn action(&self) -> &str {
        &self.action
    }

    /// Whether it stands for one method, this one.
    fn is_for(&self, path: &str) -> bool {
        self.entity() == "uri" && self.action() == path
    }

    /// Whether it can move money, or make a macaroon that can. Of a single method that is not known: there are hundreds, and
    /// each release of LND has more.
    fn may_spend(&self) -> bool {
        match self.entity() {
            "offchain" | "onchain" => self.action() == "write",
            "macaroon" => matches!(self.action(), "generate" | "write"),
            "signer" => self.action() == "generate",
            "uri" => true,
            _ => false,
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.entity, self.action)
    }
}

/// What a macaroon allows, as its identifier says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permissions(Vec<Permission>);

impl Permissions {
    /// Reads the identifier of a macaroon; `None` where LND did not write it.
    pub(super) fn of(identifier: &[u8]) -> Option<Self> {
        let (&VERSION, rest) = identifier.split_first()? else { return None };
        let id = MacaroonId::decode(rest).ok()?;
        let each = id.ops.into_iter().flat_map(|op| {
            let entity = op.entity;
            op.actions
                .into_iter()
                .map(move |action| Permission { entity: entity.clone().into(), action: action.into() })
        });
        Some(Self(each.collect()))
    }

    /// Iterates over them.
    pub fn iter(&self) -> impl Iterator<Item = &Permission> {
        self.0.iter()
    }

    /// Returns what a role needs and these do not allow.
    pub fn missing(&self, role: Role) -> Vec<Permission> {
        let mut missing = Vec::new();
        for (path, needs) in role.calls() {
            let needs = Permission::new(*needs);
            if !self.iter().any(|held| *held == needs || held.is_for(path)) && !missing.contains(&needs) {
                missing.push(needs);
            }
        }
        missing
    }

    /// Returns what these allow beyond a role's needs and that may move money, itself or through another macaroon; of single
    /// methods all that the role does not call.
    pub fn excess(&self, role: Role) -> Vec<Permission> {
        let needed = |held: &Permission| {
            role.calls().iter().any(|(path, needs)| *held == Permission::new(*needs) || held.is_for(path))
        };
        self.iter().filter(|held| held.may_spend() && !needed(held)).cloned().collect()
    }
}

/// Which side of a payment a macaroon is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Makes invoices and looks them up.
    Payee,
    /// Pays invoices.
    Payer,
}

impl Role {
    /// Returns the shell command that makes a macaroon with what the role needs and nothing else, for its owner alone to read.
    ///
    /// ```
    /// use l402_lightning::Network;
    /// use l402_lnd::Role;
    ///
    /// assert_eq!(
    ///     Role::Payee.bake(Some(Network::Bitcoin)),
    ///     "(umask 077; lncli bakemacaroon --save_to=l402-payee.macaroon info:read invoices:read invoices:write)"
    /// );
    /// ```
    pub fn bake(self, network: Option<Network>) -> String {
        let network = match network {
            None | Some(Network::Bitcoin) => String::new(), // what lncli assumes
            Some(other) => format!(" --network={other}"),
        };
        let (name, permissions) = match self {
            Self::Payee => ("l402-payee", "info:read invoices:read invoices:write"),
            Self::Payer => ("l402-payer", "info:read offchain:read offchain:write"),
        };
        format!("(umask 077; lncli{network} bakemacaroon --save_to={name}.macaroon {permissions})")
    }

    /// The methods that the role calls, and what each takes.
    const fn calls(self) -> &'static [(&'static str, Needs)] {
        match self {
            Self::Payee => &PAYEE,
            Self::Payer => &PAYER,
        }
    }
}

const fn needs<C: Call>() -> (&'static str, Needs) {
    (C::PATH, C::NEEDS.expect("a role is made of calls that take a permission"))
}

const PAYEE: [(&str, Needs); 4] = [
    needs::<GetInfoRequest>(),
    needs::<LookupInvoiceRequest>(),
    needs::<InvoiceSubscription>(),
    needs::<AddInvoiceRequest>(),
];
const PAYER: [(&str, Needs); 3] =
    [needs::<GetInfoRequest>(), needs::<TrackPaymentRequest>(), needs::<SendPaymentRequest>()];

/// The version of the macaroon bakery that LND uses.
const VERSION: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::Op;

    fn permissions(ops: &[(&str, &[&str])]) -> Permissions {
        let ops = ops.iter().map(|(entity, actions)| Op {
            entity: (*entity).to_owned(),
            actions: actions.iter().map(|action| (*action).to_owned()).collect(),
        });
        let mut identifier = vec![VERSION];
        MacaroonId { ops: ops.collect() }.encode(&mut identifier).unwrap();
        Permissions::of(&identifier).unwrap()
    }

    fn names(permissions: &[Permission]) -> Vec<String> {
        permissions.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_identifier_is_read_as_lnd_writes_it() {
        // Nonce, storage id, and two operations, written out by hand.
        let identifier = [
            &[3, 0x0a, 2, 1, 2, 0x12, 1, b'0'][..],
            &[0x1a, 12, 0x0a, 4],
            b"info",
            &[0x12, 4],
            b"read",
            &[0x1a, 23, 0x0a, 8],
            b"invoices",
            &[0x12, 4],
            b"read",
            &[0x12, 5],
            b"write",
        ]
        .concat();
        let read = Permissions::of(&identifier).unwrap();
        assert_eq!(names(&read.0), ["info:read", "invoices:read", "invoices:write"]);
        assert_eq!(Permissions::of(b"another service's"), None);
        assert_eq!(Permissions::of(&[]), None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let invoice = permissions(&[("address", &["read", "write"]), ("invoices", &["read", "write"])]);
        assert_eq!(names(&invoice.missing(Role::Payee)), ["info:read"]);
        assert_eq!(names(&invoice.missing(Role::Payer)), ["info:read", "offchain:read", "offchain:write"]);
        let read_only = permissions(&[("info", &["read"]), ("invoices", &["read"]), ("offchain", &["read"])]);
        assert_eq!(names(&read_only.missing(Role::Payee)), ["invoices:write"]);
        assert_eq!(names(&read_only.missing(Role::Payer)), ["offchain:write"]);
    }

    #[test]
    fn o2_a_macaroon_that_can_spend_is_more_than_a_payee_needs() {
        let exact = permissions(&[("info", &["read"]), ("invoices", &["read", "write"])]);
        assert!(exact.missing(Role::Payee).is_empty() && exact.excess(Role::Payee).is_empty());
        for spends in [
            ("offchain", "write"),
            ("onchain", "write"),
            ("macaroon", "generate"),
            ("uri", "/lnrpc.Lightning/SendCoins"),
            ("uri", "/lnrpc.Lightning/OpenChannelSync"),
            ("uri", "/lnrpc.Lightning/CloseChannel"),
            ("uri", "/lnrpc.Lightning/FundingStateStep"),
            ("uri", "/signrpc.Signer/SignOutputRaw"),
            ("uri", "/lnrpc.Lightning/AddInvoicesOfAnother"),
        ] {
            let more = permissions(&[("info", &["read"]), (spends.0, &[spends.1])]);
            assert_eq!(more.excess(Role::Payee).len(), 1, "{spends:?}");
        }
        let payer = permissions(&[("offchain", &["read", "write"]), ("onchain", &["read"])]);
        assert!(payer.excess(Role::Payer).is_empty(), "a payer has to spend");
    }

    #[test]
    fn single_methods_are_enough() {
        let methods = [
            "/lnrpc.Lightning/GetInfo",
            "/lnrpc.Lightning/AddInvoice",
            "/lnrpc.Lightning/LookupInvoice",
            "/lnrpc.Lightning/SubscribeInvoices",
        ];
        assert!(permissions(&[("uri", &methods)]).missing(Role::Payee).is_empty());
        assert_eq!(names(&permissions(&[("uri", &methods[1..])]).missing(Role::Payee)), ["info:read"]);
        let paying = ["/routerrpc.Router/SendPaymentV2", "/routerrpc.Router/TrackPaymentV2"];
        assert!(permissions(&[("uri", &paying)]).excess(Role::Payer).is_empty());
        assert_eq!(permissions(&[("uri", &paying)]).excess(Role::Payee).len(), 2, "neither is a call of a payee's");
        let more = permissions(&[("uri", &[methods[1], "/lnrpc.Lightning/OpenChannel"])]);
        assert_eq!(names(&more.excess(Role::Payee)), ["uri:/lnrpc.Lightning/OpenChannel"]);
    }
}
