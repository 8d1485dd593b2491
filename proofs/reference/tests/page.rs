//! The page that is in the repository is the one that the code prints.

#[test]
fn the_page_is_what_the_tables_say() {
    let kept = include_str!("../../../docs/reference.md");
    for (number, (kept, printed)) in kept.lines().zip(reference::page().lines()).enumerate() {
        assert_eq!(kept, printed, "line {} of docs/reference.md: run `just reference`", number + 1);
    }
    assert_eq!(kept.lines().count(), reference::page().lines().count(), "docs/reference.md: run `just reference`");
}
