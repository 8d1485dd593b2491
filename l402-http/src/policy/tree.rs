//! From a path and a method to a route.
//!
//! 1. In each segment a literal goes before a parameter, and a parameter before `*`.
//! 2. The pattern that wins by path alone decides about methods; a less specific one is not asked.
//! 3. A route for the method goes before one for any method; HEAD goes with GET where no route names HEAD.

use super::pattern::{Pattern, Segment};
use http::{HeaderValue, Method};
use std::collections::BTreeMap;

/// Routes by path. The depth of a look-up is bounded by the longest pattern, not by the request.
#[derive(Debug, Default)]
pub(super) struct Tree {
    literals: BTreeMap<Box<str>, Self>,
    parameter: Option<Box<Self>>,
    here: Option<Methods>,
    subtree: Option<Methods>,
}

impl Tree {
    /// Returns the place of a pattern.
    pub(super) fn place(&mut self, pattern: &Pattern) -> &mut Methods {
        let node = pattern.segments.iter().fold(self, |node, segment| match segment {
            Segment::Literal(text) => node.literals.entry(text.clone()).or_default(),
            Segment::Parameter => node.parameter.get_or_insert_default(),
        });
        let place = if pattern.subtree { &mut node.subtree } else { &mut node.here };
        place.get_or_insert_default()
    }

    /// Finds the most specific place for a canonical path.
    pub(super) fn find(&self, path: &str) -> Option<&Methods> {
        let path = path.strip_prefix('/').unwrap_or(path);
        self.descend(path.strip_suffix('/').unwrap_or(path))
    }

    fn descend(&self, path: &str) -> Option<&Methods> {
        if path.is_empty() {
            return self.here.as_ref().or(self.subtree.as_ref());
        }
        let (segment, rest) = path.split_once('/').unwrap_or((path, ""));
        let literal = self.literals.get(segment).and_then(|node| node.descend(rest));
        literal.or_else(|| self.parameter.as_ref().and_then(|node| node.descend(rest))).or(self.subtree.as_ref())
    }
}

/// The routes of one place by method, as positions in the policy's list.
#[derive(Debug, Default)]
pub(super) struct Methods {
    any: Option<usize>,
    named: Vec<(Method, usize)>,
}

impl Methods {
    /// Adds a route for any method; [`Err`] holds the route that was there.
    pub(super) fn add_any(&mut self, route: usize) -> Result<(), usize> {
        match self.any.replace(route) {
            Some(earlier) => Err(earlier),
            None => Ok(()),
        }
    }

    /// Adds a route for one method; [`Err`] holds the route that was there.
    pub(super) fn add(&mut self, method: Method, route: usize) -> Result<(), usize> {
        if let Some(earlier) = self.named(&method) {
            return Err(earlier);
        }
        self.named.push((method, route));
        Ok(())
    }

    /// Finds the route for a method.
    pub(super) fn route(&self, method: &Method) -> Option<usize> {
        let named = self.named(method).or_else(|| self.named(&Method::GET).filter(|_| method == Method::HEAD));
        named.or(self.any)
    }

    /// Returns the value of `Allow` for a method that has no route here.
    pub(super) fn allow(&self) -> HeaderValue {
        let mut methods: Vec<&str> = self.named.iter().map(|(method, _)| method.as_str()).collect();
        if methods.contains(&"GET") && !methods.contains(&"HEAD") {
            methods.push("HEAD");
        }
        HeaderValue::try_from(methods.join(", ")).unwrap_or(HeaderValue::from_static("")) // a method is a token
    }

    fn named(&self, method: &Method) -> Option<usize> {
        self.named.iter().find(|(named, _)| named == method).map(|(_, route)| *route)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tree(patterns: &[&str]) -> Tree {
        let mut tree = Tree::default();
        for (route, pattern) in patterns.iter().enumerate() {
            tree.place(&Pattern::parse(pattern).unwrap()).add_any(route).unwrap();
        }
        tree
    }

    #[test]
    fn the_most_specific_pattern_wins() {
        let patterns = ["/*", "/v1/*", "/v1/{id}", "/v1/demo", "/v1/{id}/x", "/v1/demo/y", "/"];
        let tree = tree(&patterns);
        for (path, winner) in [
            ("/", "/"),
            ("/other", "/*"),
            ("/v1", "/v1/*"),
            ("/v1/", "/v1/*"),
            ("/v1/demo", "/v1/demo"),
            ("/v1/demo/", "/v1/demo"),
            ("/v1/Demo", "/v1/{id}"),
            ("/v1/demo/x", "/v1/{id}/x"),
            ("/v1/demo/y", "/v1/demo/y"),
            ("/v1/demo/z", "/v1/*"),
            ("/v1/a/b/c", "/v1/*"),
        ] {
            let found = tree.find(path).and_then(|methods| methods.any).map(|route| patterns[route]);
            assert_eq!(found, Some(winner), "{path}");
        }
    }

    #[test]
    fn a_path_without_a_pattern_is_not_found() {
        let tree = tree(&["/v1/demo", "/v2/{id}"]);
        for path in ["/", "/v1", "/v1/demo/x", "/v2", "/v2/a/b", "/v1/demo%20"] {
            assert!(tree.find(path).is_none(), "{path}");
        }
    }

    proptest! {
        /// A second way to the same answer: every pattern is tried, and the first in order of specificity wins.
        #[test]
        fn the_tree_agrees_with_trying_every_pattern(
            patterns in prop::collection::btree_set("(/([ab]|\\{p\\})){0,3}(/\\*)?", 1..8),
            path in "(/[abc]){0,4}/?",
        ) {
            let patterns: Vec<&str> = patterns.iter().map(|p| if p.is_empty() { "/" } else { p }).collect();
            let found = tree(&patterns).find(&path).and_then(|methods| methods.any).map(|route| patterns[route]);
            let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
            let best = patterns.iter().filter_map(|p| Some((rank(p, &segments)?, *p))).min();
            prop_assert_eq!(found, best.map(|(_, pattern)| pattern));
        }
    }

    /// 0 for a literal, 1 for a parameter, 2 for the end of the pattern before that of the path; [`None`] for no match.
    fn rank(pattern: &str, path: &[&str]) -> Option<Vec<u8>> {
        let Pattern { segments, subtree } = Pattern::parse(pattern).unwrap();
        if path.len() < segments.len() || (path.len() > segments.len() && !subtree) {
            return None;
        }
        let mut ranks = Vec::new();
        for (segment, text) in segments.iter().zip(path) {
            match segment {
                Segment::Literal(literal) if **literal == **text => ranks.push(0),
                Segment::Literal(_) => return None,
                Segment::Parameter => ranks.push(1),
            }
        }
        ranks.push(if subtree { 2 } else { 0 });
        Some(ranks)
    }
}
