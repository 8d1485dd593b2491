//! Several gateways with one node: what that needs.

use core::str::FromStr as _;
use l402_lightning::backend::PayeeSetup;
use l402_replica::Address;

use super::file;
use super::resolver::{Noted, Resolver};
use crate::stores::StoreSetup;

impl Resolver<'_> {
    /// Reads where replicas ask for invoices.
    pub(super) fn replicas(
        &mut self,
        written: &file::Replicas,
        lightning: &dyn PayeeSetup,
        ledger: &dyn StoreSetup,
    ) -> Result<Option<Address>, Noted> {
        if lightning.needs_shared_ledger() && !ledger.is_shared() {
            self.problems.missing("ledger.backend", format_args!("a gateway without a node needs {SHARED}"));
            return Err(Noted);
        }
        let Some(at) = &written.listen else { return Ok(None) };
        let wrong = if lightning.needs_shared_ledger() {
            "this gateway has no node that makes invoices".to_owned()
        } else if ledger.is_shared() {
            let address = self.problems.parse_with(LISTEN, at, Address::from_str).ok_or(Noted)?;
            return Ok(Some(address.under(self.base)));
        } else {
            format!("replicas need {SHARED}")
        };
        self.problems.wrong(LISTEN, at, wrong);
        Err(Noted)
    }
}

const LISTEN: &str = "replicas.listen";
const SHARED: &str = "a ledger that gateways share: \"redis\" or \"postgres\"";
