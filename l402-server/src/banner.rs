//! What a person sees when the gateway is ready: where it sells what, and in the sandbox how to buy the first call.

use core::fmt;
use core::net::SocketAddr;
use http::Method;
use l402_core::{Msat, Uses};
use l402_http::policy::Meter;
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
        write!(f, "{}", Amount(offer.price_msat))?;
        let most = offer.valid_for.saturating_add(*invoice_expiry).as_secs();
        let span = Seconds(offer.valid_for.as_secs());
        match offer.uses {
            Uses::Metered => self.0.meter.map_or(Ok(()), |meter| charged(f, &meter))?,
            Uses::ONCE => f.write_str(" for 1 use")?,
            uses => write!(f, " for {uses} uses")?,
        }
        write!(f, " within {span}, up to {} if paid at once", Seconds(most))
    }
}

/// Says what a balance is for.
fn charged(f: &mut fmt::Formatter<'_>, meter: &Meter) -> fmt::Result {
    let unit = meter.unit();
    let tariff = match meter {
        Meter::Bytes(tariff) | Meter::Seconds(tariff) => *tariff,
        Meter::Tokens(tariff) => tariff.input(),
    };
    write!(f, " of balance, at {} for {} {unit}{}", Amount(tariff.price_msat()), tariff.per(), plural(tariff.per()))?;
    match meter {
        Meter::Tokens(tokens) if tokens.output() != tokens.input() => {
            write!(f, " ({} for those of a response),", Amount(tokens.output().price_msat()))
        }
        _ => f.write_str(","),
    }
}

const fn plural(number: u64) -> &'static str {
    if number == 1 { "" } else { "s" }
}

/// An amount in whole sat, where it is one.
struct Amount(Msat);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.get() / 1_000, self.0.get() % 1_000) {
            (sat, 0) => write!(f, "{sat} sat"),
            _ => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config::from_text(&format!("data_dir = \"data\"\n{text}"), &|_| None).expect("a configuration")
    }

    #[test]
    fn a_balance_says_what_it_pays_for() {
        let metered = |meter: &str| {
            let route = format!("[[service.route]]\npath = \"/*\"\nprice = \"50 sat\"\nmeter = {{ {meter} }}");
            let config = config(&format!("[[service]]\nname = \"a\"\nupstream = \"http://b\"\n{route}"));
            PriceLine(&config.settings.services()[0].routes[0]).to_string()
        };
        let end = "within 1h, up to 1h10m if paid at once";
        assert_eq!(
            metered("unit = \"second\", price = \"50 msat\""),
            format!("/*  50 sat of balance, at 50 msat for 1 second, {end}")
        );
        assert_eq!(
            metered("unit = \"token\", price = \"2 sat\", output_price = \"6 sat\", per = 1_000, up_to = 8_000"),
            format!("/*  50 sat of balance, at 2 sat for 1000 tokens (6 sat for those of a response), {end}")
        );
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
