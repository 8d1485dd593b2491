//! What a person sees when the gateway is ready: where it sells what, and in the sandbox how to buy the first call.

use core::fmt;
use core::net::SocketAddr;
use http::Method;
use l402_core::Uses;
use l402_http::response::Seconds;

use crate::config::Config;
use l402_gateway::settings::PricedRoute;

/// The lines for a person.
#[derive(Debug)]
pub struct Banner<'a> {
    config: &'a Config,
    address: SocketAddr,
}

impl<'a> Banner<'a> {
    /// Tells of a gateway that serves on `address`.
    pub const fn new(config: &'a Config, address: SocketAddr) -> Self {
        Self { config, address }
    }

    /// The address as a client on this machine writes it.
    fn origin(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(if address.is_ipv4() {
                [127, 0, 0, 1].into()
            } else {
                core::net::Ipv6Addr::LOCALHOST.into()
            });
        }
        format!("http://{address}")
    }

    /// A call that a newcomer can buy: the first route that takes GET.
    fn first_call(&self) -> Option<String> {
        let takes_get = |route: &&PricedRoute| route.methods.is_empty() || route.methods.contains(&Method::GET);
        let route = self.config.settings.services().iter().flat_map(|service| &service.routes).find(takes_get)?;
        let segments = route.path.split('/').map(|segment| if segment.starts_with('{') { "1" } else { segment });
        let path = segments.collect::<Vec<_>>().join("/");
        Some(format!("{}{}", self.origin(), path.strip_suffix('*').unwrap_or(&path)))
    }
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = self.origin();
        for service in self.config.settings.services() {
            writeln!(f, "{origin} sells {} ({}):", service.name, service.upstream.authority())?;
            for route in &service.routes {
                writeln!(f, "  {}", PriceLine(route))?;
            }
        }
        if !self.config.lightning.is_play_money() {
            return Ok(());
        }
        f.write_str("\nThis is the sandbox: real Lightning payments, but PLAY MONEY, worth nothing.\n")?;
        if let Some(url) = self.first_call() {
            write!(f, "Buy the first call in another terminal:\n\n    l402 get {url}\n\n")?;
        }
        Ok(())
    }
}

/// A route with its price, in one line.
#[derive(Debug)]
pub struct PriceLine<'a>(pub &'a PricedRoute);

impl fmt::Display for PriceLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PricedRoute { methods, path, offer, invoice_expiry, .. } = self.0;
        for method in methods {
            write!(f, "{method} ")?;
        }
        write!(f, "{path}  ")?;
        match (offer.price_msat.get() / 1_000, offer.price_msat.get() % 1_000) {
            (sat, 0) => write!(f, "{sat} sat")?,
            _ => write!(f, "{}", offer.price_msat)?,
        }
        let most = offer.valid_for.saturating_add(*invoice_expiry).as_secs();
        let span = Seconds(offer.valid_for.as_secs());
        match offer.uses {
            Uses::Metered => f.write_str(" of balance")?,
            Uses::ONCE => f.write_str(" for 1 use")?,
            uses => write!(f, " for {uses} uses")?,
        }
        write!(f, " within {span}, up to {} if paid at once", Seconds(most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config::from_text(&format!("data_dir = \"data\"\n{text}"), &|_| None).expect("a configuration")
    }

    #[test]
    fn the_line_to_paste_names_a_call_that_can_be_bought() {
        let one = config("upstream = \"http://127.0.0.1:3000\"");
        let banner = Banner::new(&one, "0.0.0.0:8402".parse().expect("an address")).to_string();
        assert_eq!(
            banner,
            "http://127.0.0.1:8402 sells default (127.0.0.1:3000):\n  /*  1 sat for 1 use within 1h, up to 1h10m if paid at once\n\n\
             This is the sandbox: real Lightning payments, but PLAY MONEY, worth nothing.\n\
             Buy the first call in another terminal:\n\n    l402 get http://127.0.0.1:8402/\n\n"
        );
        let routes = config(
            "[[service]]\nname = \"a\"\nupstream = \"http://b\"\nprice = \"5 msat\"\nvalid_for = \"90s\"\n\
             [[service.route]]\nmethods = [\"POST\"]\npath = \"/p\"\n[[service.route]]\npath = \"/v/{id}/*\"\n",
        );
        let banner = Banner::new(&routes, "[::]:80".parse().expect("an address"));
        assert_eq!(banner.first_call().as_deref(), Some("http://[::1]:80/v/1/"));
        assert!(
            banner
                .to_string()
                .contains("  POST /p  5 msat for unlimited uses within 1m30s, up to 11m30s if paid at once\n"),
            "{banner}"
        );
    }
}
