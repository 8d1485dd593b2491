//! How a kept token is shown.

use l402_agent::amount::Amount;
use l402_agent::delegate;
use l402_agent::store::record::KeptToken;
use l402_agent::text::printable;
use l402_http::pay::Standing;

/// Says what its server has made of a token.
pub(super) const fn accepted(standing: Standing) -> &'static str {
    match standing {
        Standing::New => "not presented yet",
        Standing::Served => "yes",
        Standing::Refused => "no: its server refused it",
    }
}

/// Describes a token, without its secrets.
pub(super) fn line(token: &KeptToken) -> String {
    let paid = Amount::new(token.amount_msat);
    let bought_for = printable(&format!("{} {}{}", token.method, token.origin, token.path));
    let standing = if token.standing == Standing::Refused { "\tnot accepted" } else { "" };
    let left = match delegate::uses_left(token) {
        None => delegate::balance(token)
            .map_or_else(String::new, |msat| format!("\tsold with a balance of {}", Amount::new(msat))),
        Some(0) => "\tspent".to_owned(),
        Some(1) => "\t1 use left".to_owned(),
        Some(left) => format!("\t{left} uses left"),
    };
    let routes = delegate::routes(token);
    let opens = if routes.is_empty() { String::new() } else { format!("\topens {}", printable(&routes.join(","))) };
    format!("{}\t{paid}\t{bought_for}{opens}{left}{standing}", token.payment_hash)
}
