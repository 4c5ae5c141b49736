//! How lines on a terminal look. Pure: width and colours are arguments.

use std::time::Duration;

/// Marks and colours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) good: &'static str,
    pub(super) bad: &'static str,
    pub(super) skipped: &'static str,
    pub(super) warning: &'static str,
    pub(super) coloured: bool,
}

impl Style {
    pub(super) const COLOURED: Self = Self {
        good: "\x1b[32m✔\x1b[0m",
        bad: "\x1b[31m✘\x1b[0m",
        skipped: "\x1b[33m-\x1b[0m",
        warning: "\x1b[33mwarning:\x1b[0m",
        coloured: true,
    };
    pub(super) const PLAIN: Self = Self { good: "✔", bad: "✘", skipped: "-", warning: "warning:", coloured: false };
}

/// Columns of a subject.
pub(super) const SUBJECT: usize = 16;

/// A line that fits into so many columns.
pub(super) fn line(mark: &str, subject: &str, text: &str, columns: usize) -> String {
    let rest: String = format!("{} {text}", cut(subject, SUBJECT));
    format!("{mark} {}", cut(&rest, columns.saturating_sub(2)).trim_end())
}

/// Exactly so many characters wide when shorter than that, and at most so many.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return format!("{text:<most$}");
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// A time as people say it: `85 ms`, `2.9 s`, `3 min 5 s`.
pub(super) fn took(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds @ 1..60 => format!("{seconds}.{} s", time.subsec_millis() / 100),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_aligned_and_never_wider_than_the_terminal() {
        assert_eq!(line("✔", "api", "ready in 85 ms", 80), "✔ api              ready in 85 ms");
        assert_eq!(line("✔", "api", "a long message", 26), "✔ api              a long…");
        assert_eq!(line("✔", "a-service-with-a-long-name", "ready", 80), "✔ a-service-with-… ready");
    }

    #[test]
    fn a_time_is_told_as_precisely_as_it_matters() {
        let told = [85, 2_949, 185_000].map(|millis| took(Duration::from_millis(millis)));
        assert_eq!(told, ["85 ms", "2.9 s", "3 min 5 s"]);
    }
}
