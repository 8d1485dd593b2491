//! The environment variables of the program. The backends have more of their own.
//!
//! `--help`, the override of the file, the JSON schema's reference and the texts of errors take them from here.

use crate::backends::PAYEES;
use l402_program::config::Variable;

/// The upstream that is sold without a file, or in place of the file's.
pub const UPSTREAM: Variable = Variable::new("UPSTREAM_URL", "upstream", "sell every path of this server");
/// What a token for that upstream costs.
pub const PRICE: Variable =
    Variable::new("L402_PRICE", "price", "price of a token for UPSTREAM_URL, such as \"21 sat\"");
/// How often a token for that upstream can be used.
pub const USES: Variable =
    Variable::new("L402_USES", "uses", "how often a token for UPSTREAM_URL can be used: a number, or \"unlimited\"");
/// Where clients connect.
pub const LISTEN: Variable = Variable::new("L402_LISTEN", "listen", "address and port for clients");
/// The directory of everything that the gateway keeps.
pub const DATA_DIR: Variable = Variable::new("L402_SERVER_DATA_DIR", "data_dir", "data directory: keys, node, sandbox");

/// All of them, in the order of `--help`: those of the program, then those of the backends of this build.
pub fn all() -> Vec<Variable> {
    let of_backends = PAYEES.iter().flat_map(|backend| backend.variables());
    [UPSTREAM, PRICE, USES, LISTEN, DATA_DIR].iter().chain(of_backends).copied().collect()
}

/// Finds variables that look like ours and are none: a slip of the pen, or one of `l402`.
pub(crate) fn unknown(set: impl Iterator<Item = String>) -> Vec<String> {
    let known = all();
    let mut names: Vec<_> =
        set.filter(|name| name.starts_with(PREFIX) && known.iter().all(|variable| variable.name != name)).collect();
    names.sort();
    names
}

const PREFIX: &str = "L402_";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::KNOWN;

    #[test]
    fn a_slip_of_the_pen_is_noticed() {
        let set = ["L402_USE", "L402_USES", "LND_SOCKET", "L402_DATA_DIR", "HOME"].map(str::to_owned);
        assert_eq!(unknown(set.into_iter()), ["L402_DATA_DIR", "L402_USE"]);
    }

    #[test]
    fn a_backend_is_chosen_by_the_variables_of_its_settings() {
        for backend in PAYEES {
            let of_settings = backend.variables().iter().filter(|variable| !variable.key.is_empty());
            let expected: Vec<&str> = of_settings.map(|variable| variable.name).collect();
            let (_, chosen_by) = KNOWN.iter().find(|(name, _)| *name == backend.name()).expect("a known name");
            assert_eq!(*chosen_by, expected, "{}", backend.name());
        }
    }
}
