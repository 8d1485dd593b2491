//! What a token says that it opens.

use l402_core::Caveat;
use l402_core::macaroon::{MAX_LEN, MacaroonRef, base64};

/// Returns the first service that a token names, as far as it can be read. It is the origin's word.
pub(crate) fn service(token: &str) -> Option<String> {
    let mut bytes = vec![0; MAX_LEN];
    let token = MacaroonRef::parse(base64::decode_into(token.as_bytes(), &mut bytes).ok()?).ok()?;
    let services = token.unverified_caveats().find_map(|caveat| {
        let caveat = Caveat::parse(caveat.id).ok().filter(|caveat| caveat.condition == "services")?;
        Some(caveat.value.to_owned())
    })?;
    services.split(',').next()?.split(':').next().map(|name| name.trim().to_owned())
}
