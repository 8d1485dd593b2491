//! How the server is reached, from the options and the environment.

use super::{explain, verbose};
use crate::cli::GetArgs;
use crate::exit::{Exit, Failure, OrExit};
use crate::home::Home;
use l402_agent::http::egress::Egress;
use l402_agent::http::pins::Pins;
use l402_agent::http::proxy::Proxies;
use l402_agent::http::settings::HttpSettings;
use l402_agent::http::tls::Certificates;
use l402_agent::http::trace::Trace;

/// Joins the options with what the user's home says.
pub(super) fn settings(args: &GetArgs, home: &Home) -> Result<HttpSettings, Failure> {
    let connection = &args.connection;
    let proxies = match &connection.proxy {
        None => home.proxies.clone(),
        Some(url) => Proxies::given(url, &|name| std::env::var(name).ok()).or_exit(Exit::Usage)?,
    };
    Ok(HttpSettings {
        timeout: connection.timeout,
        connect_timeout: connection.connect_timeout,
        cacert: connection.cacert.clone(),
        certificates: if connection.insecure { Certificates::Unchecked } else { Certificates::Checked },
        proxies,
        pins: Pins::new(connection.resolve.clone()),
        egress: Egress::default(),
        cookies: None, // see `jar`
        trace: trace(args),
    })
}

fn trace(args: &GetArgs) -> Trace {
    let (verbose, explain, json) = (args.output.verbose, args.pay.explain, args.output.json);
    if !(verbose || explain) {
        return Trace::default();
    }
    Trace::new(move |traced| {
        if verbose {
            verbose::print(traced, json);
        }
        if explain {
            explain::watch(traced, json);
        }
    })
}
