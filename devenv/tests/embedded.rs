//! The embedded engine for real: small shell commands under the supervisor of the built program.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail as tests do")]

#[path = "embedded/bench.rs"]
mod bench;
#[path = "embedded/crash.rs"]
mod crash;
#[path = "embedded/life.rs"]
mod life;
#[path = "embedded/output.rs"]
mod output;
#[path = "embedded/ready.rs"]
mod ready;
