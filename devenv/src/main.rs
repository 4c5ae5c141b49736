//! The binary: everything is in the library.

fn main() -> std::process::ExitCode {
    devenv::run(std::env::args_os())
}
