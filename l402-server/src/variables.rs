//! The environment variables of the program: the only place where their names stand.
//!
//! `--help`, the override of the file, the JSON schema's reference and the texts of errors take them from here.

use l402_program::config::Variable;

/// The upstream that is sold without a file, or in place of the file's.
pub const UPSTREAM: Variable = Variable::new("UPSTREAM_URL", "upstream", "sell every path of this server");
/// What a token for that upstream costs.
pub const PRICE: Variable =
    Variable::new("L402_PRICE", "price", "price of a token for UPSTREAM_URL, such as \"21 sat\"");
/// Where clients connect.
pub const LISTEN: Variable = Variable::new("L402_LISTEN", "listen", "address and port for clients");
/// The directory of everything that the gateway keeps.
pub const DATA_DIR: Variable = Variable::new("L402_SERVER_DATA_DIR", "data_dir", "data directory: keys, node, sandbox");
/// The file through which `l402` finds the sandbox.
pub const SANDBOX: Variable = Variable::new("L402_SANDBOX", "", "file through which `l402` finds the sandbox");
/// How to reach an LND. Any of them makes `lnd` the backend where the file names none.
pub const LND: [Variable; 4] = [
    Variable::new("LND_SOCKET", "lightning.socket", "host and port of LND's gRPC interface"),
    Variable::new("LND_CERT", "lightning.cert", "LND's certificate: a path, PEM, or base64"),
    Variable::new("LND_MACAROON", "lightning.macaroon", "macaroon for LND: a path, hexadecimal, or base64"),
    Variable::new("LND_CONNECT", "lightning.connect", "lndconnect:// URI, replaces the three above"),
];

/// All of them, in the order of `--help`.
pub const ALL: [Variable; 9] = [UPSTREAM, PRICE, LISTEN, DATA_DIR, SANDBOX, LND[0], LND[1], LND[2], LND[3]];

#[cfg(all(test, feature = "lnd"))]
mod tests {
    use super::*;
    use l402_lnd::Setting;

    #[test]
    fn lnd_is_reached_by_the_same_names() {
        let names = [Setting::Socket, Setting::Certificate, Setting::Macaroon, Setting::Uri].map(Setting::variable);
        assert_eq!(LND.map(|variable| variable.name), names);
    }
}
