//! `l402 tokens export`: a whole token, which is a secret.

use super::which;
use crate::cli::ExportArgs;
use crate::exit::{Exit, Failure};
use l402_agent::store::lnget::{self, ExportError};
use l402_agent::store::tokens::Tokens;
use l402_agent::text::{lines, printable};
use l402_core::CredentialLine;

/// Returns the line to print: `L402 TOKEN:PREIMAGE`, or where the file is.
pub(super) fn run(args: &ExportArgs, tokens: &Tokens) -> Result<String, Failure> {
    let token = which::one(args.token.as_deref(), tokens)?;
    let Some(directory) = &args.lnget else {
        let line = CredentialLine { scheme: token.scheme, token: &token.token, preimage: &token.preimage };
        return Ok(lines([line.to_string()]));
    };
    let path = lnget::write(directory, &token).map_err(|fault| {
        let exit = if matches!(fault, ExportError::Write(..)) { Exit::Local } else { Exit::Usage };
        Failure::new(exit, fault)
    })?;
    Ok(lines([format!("wrote {}", printable(&path.display().to_string()))]))
}
