//! How to choose the wallet that an earlier call has paid with.

/// Returns what chooses a wallet of this name: `sandbox`, `ldk/<network>`, or `lnd/<network>/<address>/<certificate>`.
pub(crate) fn flags(wallet: &str) -> String {
    let parts: Vec<_> = wallet.splitn(4, '/').collect();
    match *parts {
        [kind, network] => format!("--wallet {kind} --network {network}"),
        [kind, network, address, certificate] => format!(
            "--wallet {kind} --network {network}, and the LND at {address} whose certificate has the fingerprint {certificate}"
        ),
        _ => format!("--wallet {wallet}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_chooses_a_wallet_is_said_so_that_it_can_be_typed() {
        assert_eq!(flags("sandbox"), "--wallet sandbox");
        assert_eq!(flags("ldk/signet"), "--wallet ldk --network signet");
        let lnd = flags("lnd/bitcoin/127.0.0.1:10009/0011223344556677");
        assert!(lnd.starts_with("--wallet lnd --network bitcoin, and the LND at 127.0.0.1:10009 "), "{lnd}");
    }
}
