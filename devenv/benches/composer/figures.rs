//! Measured times to the table of ratios. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Who was measured.
pub(crate) const DEVENV: &str = "devenv";
pub(crate) const FLOOR: &str = "floor";
pub(crate) const COMPOSE: &str = "compose";
/// `devenv --version`: what it takes to start the program.
pub(crate) const START: &str = "start";

/// Milliseconds by what and who, one for each round.
#[derive(Debug, Default)]
pub(crate) struct Figures(BTreeMap<(&'static str, &'static str), Vec<f64>>);

/// What a figure is held to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bar {
    /// At most so many times another's.
    Times(f64, &'static str),
    /// At most so much above another's.
    Beyond(f64, &'static str),
    /// At most so much.
    Most(f64),
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) what: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) bars: &'static [Bar],
}

impl Figures {
    pub(crate) fn add(&mut self, what: &'static str, who: &'static str, value: f64) {
        self.0.entry((what, who)).or_default().push(value);
    }

    /// The middle of all rounds.
    fn median(&self, what: &'static str, who: &'static str) -> Option<f64> {
        let mut values = self.0.get(&(what, who))?.clone();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }

    fn spread(&self, what: &'static str, who: &'static str) -> String {
        let values = self.0.get(&(what, who)).map(Vec::as_slice).unwrap_or_default();
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(0.0, f64::max);
        self.median(what, who).map_or_else(|| "-".into(), |median| format!("{median:.0} ({least:.0}–{most:.0})"))
    }

    /// Markdown, a line for each row.
    pub(crate) fn table(&self, rows: &[Row]) -> String {
        let mut text = String::from("| what | devenv | floor | Compose | bar |\n|---|---|---|---|---|\n");
        for row in rows {
            let bars: Vec<String> = row.bars.iter().filter_map(|bar| self.judge(row, *bar)).collect();
            let shown = [DEVENV, FLOOR, COMPOSE].map(|who| self.spread(row.what, who)).join(" | ");
            let _ = writeln!(text, "| {}, {} | {shown} | {} |", row.what, row.unit, bars.join("; "));
        }
        text
    }

    /// Whether every bar is met that can be judged.
    pub(crate) fn missed(&self, rows: &[Row]) -> usize {
        let judged = rows.iter().flat_map(|row| row.bars.iter().filter_map(|bar| self.judge(row, *bar)));
        judged.filter(|text| text.contains("MISSED")).count()
    }

    fn judge(&self, row: &Row, bar: Bar) -> Option<String> {
        let ours = self.median(row.what, DEVENV)?;
        let (text, met) = match bar {
            Bar::Times(most, who) => {
                let ratio = ours / self.median(row.what, who)?;
                (format!("{ratio:.2} × {who}, ≤ {most:.2}"), ratio <= most)
            }
            Bar::Beyond(most, who) => {
                let more = ours - self.median(row.what, who)?;
                (format!("{more:.0} {} beyond {who}, ≤ {most:.0}", row.unit), more <= most)
            }
            Bar::Most(most) => (format!("≤ {most:.0} {}", row.unit), ours <= most),
        };
        Some(if met { text } else { format!("{text} MISSED") })
    }
}
