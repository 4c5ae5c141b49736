//! Events as JSON lines on standard error, so that standard output holds one JSON value.

use super::{Display, complain};
use crate::event::Event;

/// One JSON object a line.
pub(super) struct JsonLines;

impl Display for JsonLines {
    fn show(&mut self, event: &Event) {
        if let Ok(line) = serde_json::to_string(event) {
            complain(&line);
        }
    }
}
