//! The whole API, with a fake provider and a fake IAM.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop where it stands")]

mod attacks;
mod fake;
mod flaws;
mod sound;
mod stack;
mod store;
