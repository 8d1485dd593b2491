//! What is valid and may not be meant: told by `check`.

use super::Config;

/// Says where a spelling of a sold path that the upstream may read as that path costs less.
///
/// A path with an encoded `?` or `#` is another path than the one before it. An upstream that decodes too early takes
/// `/v1/now%3F` for `/v1/now`: where one path is sold and a cheaper pattern covers what begins like it, it gives that away.
pub(super) fn warnings(config: &Config) -> Vec<String> {
    let sold = config.settings.services().iter().flat_map(|service| &service.routes);
    let sold: Vec<(&str, u64)> = sold.map(|route| (route.path.as_str(), route.offer.price_msat.get())).collect();
    let free = config.settings.services().iter().flat_map(|service| &service.free).map(|path| (path.as_str(), 0));
    let wide: Vec<(&str, u64)> = sold.iter().copied().chain(free).filter(|(path, _)| path.ends_with('*')).collect();
    let exact = sold.iter().filter(|(path, _)| !path.ends_with('*'));
    let mut warnings = Vec::new();
    for (path, price) in exact {
        for (pattern, _) in wide.iter().filter(|(pattern, cheaper)| cheaper < price && covers(pattern, path)) {
            let path = path.trim_end_matches('/');
            warnings.push(format!(
                "{pattern} costs less than {path}: an upstream that takes {path}%3F or {path}%23 for {path} would serve it \
                 for the lower price; make sure that it does not, or sell {}* instead",
                path.rsplit_once('/').map_or("/", |(parent, _)| path.get(..=parent.len()).unwrap_or("/")),
            ));
        }
    }
    warnings
}

/// Whether a pattern such as `/v1/*` covers paths that begin like another pattern.
fn covers(pattern: &str, path: &str) -> bool {
    let prefix = pattern.trim_end_matches('*').split('/').filter(|segment| !segment.is_empty());
    let mut path = path.split('/').filter(|segment| !segment.is_empty());
    prefix.into_iter().all(|wanted| {
        path.next().is_some_and(|found| {
            wanted.starts_with('{') || found.starts_with('{') || wanted.eq_ignore_ascii_case(found)
        })
    }) && path.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    fn warnings(routes: &str) -> Vec<String> {
        let text = format!("data_dir = \"data\"\n[[service]]\nname = \"a\"\nupstream = \"http://a\"\n{routes}");
        Config::from_text(&text, &|_| None).expect("a configuration").warnings()
    }

    #[test]
    fn p3_a_cheaper_pattern_around_an_exact_path_is_warned_of() {
        let exact = "[[service.route]]\npath = \"/v1/now\"\nprice = \"5 sat\"\n";
        for free in ["/*", "/v1/*", "/{any}/*"] {
            let found = warnings(&format!("free = [\"{free}\"]\n{exact}"));
            assert!(matches!(&found[..], [one] if one.contains("/v1/now%3F") && one.contains(free)), "{found:?}");
        }
        let cheap = "[[service.route]]\npath = \"/v1/*\"\nprice = \"1 sat\"\n";
        assert_eq!(warnings(&format!("{exact}{cheap}")).len(), 1);
        let dear = cheap.replace("1 sat", "9 sat");
        for fine in [format!("{exact}{dear}"), format!("free = [\"/status\", \"/v2/*\", \"/v1/now/*\"]\n{exact}")] {
            assert_eq!(warnings(&fine), [""; 0], "{fine}");
        }
    }
}
