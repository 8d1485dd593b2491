//! `credential`: reading and writing the proof of payment.

use crate::check::{Checked, Differs, differs, displays, plain, right, same, wrong};
use crate::data::{
    CREDENTIAL_EMIT, CREDENTIAL_PARSE, Case, CredentialEmit, CredentialParse, Field, GrpcCredential, Hex, Payment,
};
use crate::names;
use crate::room::Room;
use crate::{Report, run};
use l402_core::macaroon::{MAX_LEN, RootKey};
use l402_core::{CredentialHeaders, CredentialLine, Denied, Identifier, Preimage, Scheme};

/// Runs `credential`.
pub fn credential(room: &mut [u8], report: &mut dyn FnMut(Report)) {
    run(CREDENTIAL_PARSE, parse, room, report);
    run(CREDENTIAL_EMIT, emit, room, report);
}

fn parse(case: &CredentialParse, room: Room<'_>) -> Checked {
    present(case, (case.root_key.as_ref(), case.fields, case.strip), room)
}

pub(crate) fn parse_grpc(case: &GrpcCredential, room: Room<'_>) -> Checked {
    present(case, (case.root_key.as_ref(), case.fields, case.strip), room)
}

fn present(
    case: &impl Case<Facts = Payment>,
    (key, fields, strip): (Option<&Hex>, &[Field], &[bool]),
    mut room: Room<'_>,
) -> Checked {
    let key = key.map(|key| room.join(key)).transpose()?;
    same("strip", strip.len() == fields.len())?;
    for (field, strip) in fields.iter().zip(strip) {
        // Joined once more below: memory is lent for one field at a time.
        let value = Room(&mut *room.0).field(field).map(|value| CredentialHeaders::is_credential(field.name, value))?;
        same("strip", value == *strip)?;
    }
    let fields = presentation(fields, &mut room)?;
    let buffer = room.take(fields.buffer_len().min(MAX_LEN))?;
    match fields.decode(buffer) {
        Ok(None) => plain(case, "none"),
        Err(fault) => wrong(case, "malformed", names::credential(fault)),
        Ok(Some(presented)) => match presented.verify(&|_: &Identifier| key.map(RootKey::new)) {
            Ok(verified) => {
                let found = verified.identifier().payment_hash();
                same("payment_hash", right(case, "authentic")?.payment_hash == *found.as_bytes())
            }
            Err(Denied) => plain(case, "forged"),
        },
    }
}

/// Presents the fields of a request in order.
pub(crate) fn presentation<'r>(fields: &[Field], room: &mut Room<'r>) -> Result<CredentialHeaders<'r>, Differs> {
    let mut presentation = CredentialHeaders::new();
    for field in fields {
        presentation.add(field.name, room.field(field)?);
    }
    Ok(presentation)
}

fn emit(case: &CredentialEmit, mut room: Room<'_>) -> Checked {
    let scheme = match case.scheme {
        "L402" => Scheme::L402,
        "LSAT" => Scheme::Lsat,
        _ => return Err(differs("scheme")),
    };
    let (token, preimage) = (room.text(&case.token)?, Preimage::from_bytes(case.preimage));
    let found = CredentialLine { scheme, token, preimage: &preimage };
    displays("value", found, &right(case, "emitted")?.value)
}
