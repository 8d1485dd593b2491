//! Text on its way to a terminal.

/// Replaces control characters in the words of a stranger, so that a server or an invoice cannot move the cursor or hide a line.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_invisible(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Ends each line.
pub fn lines(lines: impl IntoIterator<Item = String>) -> String {
    lines.into_iter().map(|line| line + "\n").collect()
}

/// Marks that reorder or hide what stands beside them (Unicode bidirectional controls and zero-width characters).
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_defused() {
        assert_eq!(printable("\u{1b}[2Jpaid\n0 sat\u{202e}"), "\u{fffd}[2Jpaid\u{fffd}0 sat\u{fffd}");
        assert_eq!(printable("ein Gedicht, 21 ₿"), "ein Gedicht, 21 ₿");
    }
}
