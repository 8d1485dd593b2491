//! A kind of wallet that was left out of this build.

use crate::cli::WalletCommand;
use crate::exit::{Exit, Failure};
use crate::home::Home;
use l402_core::PaymentHash;
use l402_lightning::{Cause, Invoice, LookupError, Network, Paid, PayError, PayLimit, PaymentSource, PaymentStatus};

/// There is none.
#[derive(Debug)]
pub enum Opened {}

impl PaymentSource for Opened {
    fn network(&self) -> Network {
        match *self {}
    }

    async fn pay(&self, _: &Invoice, _: PayLimit) -> Result<Paid, PayError> {
        match *self {}
    }

    async fn payment(&self, _: &PaymentHash) -> Result<PaymentStatus, LookupError> {
        match *self {}
    }
}

pub(super) fn network(_: &Home) -> Result<Network, Cause> {
    Err(NOT_BUILT.into())
}

#[allow(dead_code, reason = "only one of the wallets has a place")]
pub(super) fn place(_: &Home) -> Result<String, Cause> {
    Err(NOT_BUILT.into())
}

#[expect(clippy::unused_async, reason = "stands where opening a wallet would")]
pub(super) async fn open(_: &Home) -> Result<Opened, Cause> {
    Err(NOT_BUILT.into())
}

#[allow(dead_code, clippy::unused_async, reason = "stands where closing a wallet would; only one of them is closed")]
pub(super) async fn close(wallet: Opened) {
    match wallet {}
}

/// Refuses every command.
#[allow(dead_code, clippy::unused_async, reason = "only one of the wallets has commands")]
pub(crate) async fn run(_: &WalletCommand, _: &Home) -> Result<String, Failure> {
    Err(Failure::say(Exit::Usage, NOT_BUILT))
}

const NOT_BUILT: &str = "this wallet was left out of the build; build with its cargo feature";
