//! Every setting, environment variable and exit code of the program, as Markdown.

use core::fmt::Write as _;

use crate::exit::Exit;
use crate::{config, variables};

/// Returns the page.
pub fn reference() -> String {
    let schema = serde_json::from_str(&config::schema()).unwrap_or_default(); // it is JSON that was just written
    let mut page = l402_program::config::reference(&schema, &variables::all());
    page.push_str("\n## Exit codes\n\n| code | meaning |\n|---|---|\n");
    for exit in Exit::ALL {
        let _ = writeln!(page, "| {} | {} |", exit.code(), exit.about()); // a string takes everything
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_every_variable_and_its_key() {
        let page = reference();
        for variable in variables::all() {
            assert!(page.contains(&format!("`{}`", variable.name)), "{}\n{page}", variable.name);
        }
        assert!(page.contains("| `listen` | string | `127.0.0.1:8402` | `L402_LISTEN` | Address and port"), "{page}");
        assert!(page.contains("## `[[service.route]]`"), "{page}");
    }
}
