//! The part of `docs/universal.md` that is made from the rules.

use std::fmt::Write;

use super::replace::RULES;

/// A table with a row for each rule.
pub fn page() -> String {
    let mut table = String::from("| instruction | replaced by | on cards from |\n|---|---|---|\n");
    for rule in RULES.iter().copied().flatten() {
        let _ = writeln!(table, "| {} | {} | sm_{} |", rule.what, rule.by, rule.needs.0);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::page;

    const BEGIN: &str = "<!-- replacements: written by `UPDATE_EXPECT=1 cargo test -p ptx retarget` -->\n";
    const END: &str = "<!-- end of replacements -->\n";

    #[test]
    fn the_documentation_has_every_rule() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/universal.md");
        let text = std::fs::read_to_string(path).expect("docs/universal.md is there");
        let (before, rest) = text.split_once(BEGIN).expect("the table has a beginning");
        let (_, after) = rest.split_once(END).expect("the table has an end");
        let expected = format!("{before}{BEGIN}\n{}\n{END}{after}", page());
        if text != expected && std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(path, &expected).expect("it can be written");
            return;
        }
        assert!(text == expected, "docs/universal.md is out of date: UPDATE_EXPECT=1 cargo test -p ptx retarget");
    }
}
