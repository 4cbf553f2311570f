//! Reports as text for a terminal, or as Markdown.

use std::fmt::Write as _;

/// A report: parts, one after another.
#[derive(Default)]
pub struct Document {
    parts: Vec<Part>,
}

enum Part {
    /// A heading; 1 for the report's own.
    Heading(usize, String),
    /// A line.
    Line(String),
    /// Names and what they are.
    Facts(Vec<(&'static str, String)>),
    Table {
        columns: Vec<&'static str>,
        rows: Vec<Vec<String>>,
    },
    List(Vec<String>),
}

impl Document {
    pub fn heading(&mut self, level: usize, text: impl Into<String>) {
        self.parts.push(Part::Heading(level, text.into()));
    }

    pub fn line(&mut self, text: impl Into<String>) {
        self.parts.push(Part::Line(text.into()));
    }

    /// Facts; those with an empty text are left out.
    pub fn facts(&mut self, facts: Vec<(&'static str, String)>) {
        let facts = facts.into_iter().filter(|(_, text)| !text.is_empty()).collect();
        self.parts.push(Part::Facts(facts));
    }

    /// A table with a title; nothing where it has no rows.
    pub fn table(&mut self, level: usize, title: &str, columns: Vec<&'static str>, rows: Vec<Vec<String>>) {
        if !rows.is_empty() {
            self.heading(level, title);
            self.parts.push(Part::Table { columns, rows });
        }
    }

    /// A list with a title; nothing where it is empty.
    pub fn list(&mut self, level: usize, title: impl Into<String>, items: Vec<String>) {
        if !items.is_empty() {
            self.heading(level, title);
            self.parts.push(Part::List(items));
        }
    }

    /// As text for a terminal.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for part in &self.parts {
            let _ = match part {
                Part::Heading(1, heading) => writeln!(text, "{}", plain(heading)),
                Part::Heading(_, heading) => writeln!(text, "\n{}", plain(heading)),
                Part::Line(line) => writeln!(text, "  {}", plain(line)),
                Part::Facts(facts) => {
                    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
                    facts.iter().try_for_each(|(name, fact)| writeln!(text, "  {name:<width$}  {}", plain(fact)))
                }
                Part::List(items) => items.iter().try_for_each(|item| writeln!(text, "  {}", plain(item))),
                Part::Table { columns, rows } => {
                    text_table(&mut text, columns, rows);
                    Ok(())
                }
            };
        }
        text
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        for part in &self.parts {
            let _ = match part {
                Part::Heading(level, heading) => writeln!(text, "{} {}\n", "#".repeat(*level), escaped(heading)),
                Part::Line(line) => writeln!(text, "{}\n", escaped(line)),
                Part::Facts(facts) => {
                    let rows =
                        facts.iter().map(|(name, fact)| vec![(*name).to_owned(), fact.clone()]).collect::<Vec<_>>();
                    markdown_table(&mut text, &["", ""], &rows);
                    writeln!(text)
                }
                Part::List(items) => {
                    let _ = items.iter().try_for_each(|item| writeln!(text, "- {}", escaped(item)));
                    writeln!(text)
                }
                Part::Table { columns, rows } => {
                    markdown_table(&mut text, columns, rows);
                    writeln!(text)
                }
            };
        }
        text.truncate(text.trim_end().len());
        text + "\n"
    }
}

/// Names come from files: what would move the cursor or end a line is shown as its escape.
fn plain(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// The same for Markdown, where some characters mean something as well.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in plain(text).chars() {
        if matches!(c, '\\' | '|' | '*' | '_' | '`' | '<' | '[' | '#') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

fn text_table(text: &mut String, columns: &[&str], rows: &[Vec<String>]) {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.chain([columns[column].len()]).max().unwrap_or(0)
        })
        .collect();
    // Numbers line up at their right ends.
    let is_number = |column: usize| rows.iter().all(|row| row[column].starts_with(|c: char| c.is_ascii_digit()));
    let right: Vec<bool> = (0..columns.len()).map(is_number).collect();
    let mut line = |cells: Vec<&str>| {
        let mut line = String::new();
        for ((cell, width), right) in cells.iter().zip(&widths).zip(&right) {
            let _ = if *right { write!(line, "  {cell:>width$}") } else { write!(line, "  {cell:<width$}") };
        }
        let _ = writeln!(text, "{}", line.trim_end());
    };
    line(columns.to_vec());
    for row in &rows {
        line(row.iter().map(String::as_str).collect());
    }
}

fn markdown_table(text: &mut String, columns: &[&str], rows: &[Vec<String>]) {
    let _ = writeln!(text, "| {} |", columns.join(" | "));
    let _ = writeln!(text, "|{}", "---|".repeat(columns.len()));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| escaped(cell)).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn document() -> Document {
        let mut document = Document::default();
        document.heading(1, "lib|x.so");
        document.facts(vec![("kind", "library".to_owned()), ("nothing", String::new())]);
        document.table(
            2,
            "Symbols",
            vec!["name", "bytes"],
            vec![vec!["cuInit".to_owned(), "9".to_owned()], vec!["cu_x\n\x1b[2J".to_owned(), "1234".to_owned()]],
        );
        document.list(2, "Problems", vec!["<none>".to_owned()]);
        document.list(2, "Nothing", Vec::new());
        document
    }

    #[test]
    fn text_lines_up_and_hides_no_escapes() {
        expect![[r#"
            lib|x.so
              kind  library

            Symbols
              name             bytes
              cuInit               9
              cu_x\n\u{1b}[2J   1234

            Problems
              <none>
        "#]]
        .assert_eq(&document().text());
    }

    #[test]
    fn markdown_is_escaped() {
        expect![[r#"
            # lib\|x.so

            |  |  |
            |---|---|
            | kind | library |

            ## Symbols

            | name | bytes |
            |---|---|
            | cuInit | 9 |
            | cu\_x\\n\\u{1b}\[2J | 1234 |

            ## Problems

            - \<none>
        "#]]
        .assert_eq(&document().markdown());
    }
}
