//! `grpc`: credentials in metadata, and trailers-only answers.

use crate::challenge::{MAX_LINES, shows};
use crate::check::{Checked, FaultName, differs, plain, right, wrong};
use crate::credential::parse_grpc;
use crate::data::{Field, GRPC_CREDENTIAL, GRPC_RESPONSE, GrpcResponse};
use crate::room::Room;
use crate::{Report, names, run};
use l402_core::{Exchange, Msat, Next, ResponseStatus, SpendLimits};

/// Runs `grpc`.
pub fn grpc(room: &mut [u8], report: &mut dyn FnMut(Report)) {
    run(GRPC_CREDENTIAL, parse_grpc, room, report);
    run(GRPC_RESPONSE, response, room, report);
}

fn response(case: &GrpcResponse, mut room: Room<'_>) -> Checked {
    let named = |wanted: &'static str| move |field: &&Field| field.name.eq_ignore_ascii_case(wanted);
    let status = case.headers.iter().find(named("grpc-status")).map(|field| room.field(field)).transpose()?;
    let status = status.map(|status| core::str::from_utf8(status).ok().and_then(|status| status.parse().ok()));
    let grpc_status = status.map(|status| status.ok_or(differs("grpc-status"))).transpose()?;

    let mut lines = [&[][..]; MAX_LINES];
    let mut count = 0;
    for field in case.headers.iter().filter(named("www-authenticate")) {
        *lines.get_mut(count).ok_or(differs("lines"))? = room.field(field)?;
        count += 1;
    }
    let mut exchange = Exchange::new(SpendLimits { max_price_msat: Msat::new(1000), max_fee_msat: Msat::new(10) });
    match exchange.on_response(ResponseStatus { status: case.status, grpc_status }, lines[..count].iter().copied()) {
        Ok(Next::Pay(challenge)) => shows(right(case, "pay")?, &challenge),
        Ok(Next::Deliver) => plain(case, "deliver"),
        Ok(Next::Replace(_)) => plain(case, "replace"),
        Ok(Next::Refused) => plain(case, "refused"),
        Err(fault) => wrong(case, "error", FaultName("", names::challenge(fault))),
    }
}
