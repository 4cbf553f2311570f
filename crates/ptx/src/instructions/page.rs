//! The page about instructions, `docs/ptx.md`: what there is, and in which forms.

use std::fmt::Write;

use super::Form;
use super::isa::SECTIONS;

const INTRODUCTION: &str = "\
# The instructions of PTX

Every instruction of PTX ISA 9.0, and in which forms kernels may have it. Written by `cargo xtask codegen docs` from the
declarations in `crates/ptx/src/instructions`.

- A form is the operation with its modifiers: those in capitals are one of the names in braces, `?` makes one optional.
  Sets without braces: `RND` is `rn rz rm rp`, `SCOPE` is `cta cluster gpu sys`, `V` is `v2 v4 v8`, `L1` and `L2` are
  priorities of eviction, `PREFETCH` sizes.
- *refused*: a kernel that has the instruction is not launched; the error names instruction and line. So are forms that
  are not in the list, such as stochastic rounding (`cvt.rs`).
";

/// The whole page.
pub fn page() -> String {
    let forms: Vec<Form> = super::families().flat_map(|(_, forms)| forms).collect();
    let mut tables = String::new();
    let (mut done, mut refused) = (0, 0);
    for section in SECTIONS {
        let title = section.title;
        let _ = write!(tables, "\n## {title} ({})\n\n| instruction | forms |\n| --- | --- |\n", section.number);
        for name in section.names() {
            let texts: Vec<String> = forms.iter().filter(|form| section.has(name, form)).map(modifiers).collect();
            if texts.is_empty() {
                refused += 1;
            } else {
                done += 1;
            }
            let cell = if texts.is_empty() { "*refused*".to_owned() } else { texts.join("<br>") };
            let _ = writeln!(tables, "| `{name}` | {cell} |");
        }
    }
    format!("{INTRODUCTION}\n{done} instructions are implemented, {refused} are refused.\n{tables}")
}

/// The operation and modifiers of a form, as code.
fn modifiers(form: &Form) -> String {
    let mut depth = 0;
    let end = form.text.find(|character: char| {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        depth == 0 && character == ' '
    });
    let until = form.until.map(|version| format!(" before PTX {}.{}", version.major, version.minor));
    format!("`{}`{}", &form.text[..end.unwrap_or(form.text.len())], until.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every form is one of an instruction that the manual has.
    #[test]
    fn no_form_is_left_out() {
        let is_listed =
            |form: &Form| SECTIONS.iter().any(|section| section.names().any(|name| section.has(name, form)));
        let forms = super::super::families().flat_map(|(_, forms)| forms);
        let missing: Vec<&str> = forms.filter(|form| !is_listed(form)).map(|form| form.text).collect();
        assert!(missing.is_empty(), "{missing:#?}");
    }

    #[test]
    fn the_page_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/ptx.md");
        let current = std::fs::read_to_string(path).unwrap_or_default();
        assert!(current == page(), "docs/ptx.md is out of date: run `cargo xtask codegen docs`");
    }
}
