//! Tables as people like to read them: aligned, no lines between rows.

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, ContentArrangement};

/// A table under construction.
#[derive(Debug)]
pub struct Table(comfy_table::Table);

impl Table {
    /// A table with these headings.
    #[must_use]
    pub fn new(headings: &[&str]) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(headings.iter().map(|heading| Cell::new(heading.to_uppercase())));
        Self(table)
    }

    /// Adds a row.
    pub fn row<I>(&mut self, cells: I)
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.0.add_row(cells.into_iter().map(|cell| Cell::new(cell.into())));
    }

    /// The text, without trailing blanks.
    #[must_use]
    pub fn render(&self) -> String {
        let lines: Vec<String> = self.0.to_string().lines().map(|line| line.trim().to_owned()).collect();
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_have_no_trailing_blanks() {
        let mut table = Table::new(&["service", "state"]);
        table.row(["api", "running"]);
        table.row(["database", "exited"]);
        assert_eq!(table.render(), "SERVICE   STATE\napi       running\ndatabase  exited");
    }
}
