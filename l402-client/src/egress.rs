//! Which addresses an agent reaches: public ones, and those that the owner names, for the command or in the policy as it is then.

use l402_agent::http::egress::Egress;
use l402_agent::policy::{AddressRule, Rules};

/// Joins the addresses of the command line with those of the policy.
pub(crate) fn guarded(addresses: &[AddressRule], rules: Rules) -> Egress {
    let addresses = addresses.to_vec();
    Egress::guarded(move |origin, to| {
        let (address, port) = (to.ip(), to.port());
        let is_in_policy = || rules.current().is_ok_and(|now| now.policy().permits_address(origin, address, port));
        addresses.iter().any(|rule| rule.permits(address, port)) || is_in_policy()
    })
}
