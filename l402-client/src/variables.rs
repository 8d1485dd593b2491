//! The environment variables of the command, in one table.

use crate::wallet::WalletKind;
use l402_program::config::Variable;

/// Where tokens, payments and the embedded wallet are kept.
pub const DATA_DIR: Variable =
    Variable::new("L402_DATA_DIR", "", "directory of tokens, payments and the embedded wallet (`--data-dir`)");
/// The configuration file.
pub const CONFIG: Variable = Variable::new("L402_CONFIG", "", "configuration file (`--config`)");
/// The owner's policy.
pub const POLICY: Variable = Variable::new("L402_POLICY", "", "policy file (`--policy`)");
/// What pays.
pub const WALLET: Variable = Variable::new("L402_WALLET", "wallet", "wallet that pays (`--wallet`)");
/// The file of a running sandbox.
pub const SANDBOX: Variable = Variable::new("L402_SANDBOX", "", "file of a running sandbox (`--sandbox`)");
/// The network of the wallet.
pub const NETWORK: Variable =
    Variable::new("L402_NETWORK", "", "network of the embedded wallet or of LND (`--network`)");

/// The broker that pays.
pub const AGENT: Variable = Variable::new("L402_AGENT", "", "broker that pays in place of the command (`--agent`)");
/// The key of a budget.
pub const AGENT_KEY_FILE: Variable =
    Variable::new("L402_AGENT_KEY_FILE", "", "file with the key of a budget, for a broker (`--agent-key-file`)");

/// Returns every variable that the command reads: its own, those of the wallets of this build, and those of proxies.
pub fn all() -> Vec<Variable> {
    let own = [DATA_DIR, CONFIG, POLICY, WALLET, SANDBOX, NETWORK, AGENT, AGENT_KEY_FILE];
    let wallets = WalletKind::all().flat_map(WalletKind::variables).copied();
    own.into_iter().chain(wallets).chain(PROXIES).collect()
}

const PROXIES: [Variable; 4] = [
    Variable::new("http_proxy", "", "proxy for http URLs; `HTTP_PROXY` where it is not set"),
    Variable::new("https_proxy", "", "proxy for https URLs; `HTTPS_PROXY` where it is not set"),
    Variable::new("all_proxy", "", "proxy for both, where those are not set; `ALL_PROXY` where it is not set"),
    Variable::new("no_proxy", "", "hosts and networks that are reached directly; `NO_PROXY` where it is not set"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory;

    #[test]
    fn every_variable_of_a_flag_is_in_the_table() {
        let command = Cli::command();
        let read = command.get_arguments().filter_map(|argument| argument.get_env()?.to_str());
        assert!(read.into_iter().all(|name| all().iter().any(|variable| variable.name == name)));
    }
}
