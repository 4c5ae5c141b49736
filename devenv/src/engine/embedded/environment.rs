//! What of the caller's environment reaches a service, and where its program is.
//!
//! A built-in service or `binary:` gets only what every program needs: nothing of the developer's shell may leak into
//! it or change how it behaves. A `run:` process gets all of it, as a development server started by hand would.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Variables that every program may expect (POSIX.1-2024, XBD 8.2 and 8.3), `LC_*` aside.
const USUAL: [&str; 9] = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR", "TERM"];

/// How much of the caller's environment is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inherit {
    /// What every program needs.
    Usual,
    /// Everything.
    All,
}

/// The part of an environment that is passed on.
pub(crate) fn inherited(
    caller: impl IntoIterator<Item = (OsString, OsString)>,
    inherit: Inherit,
) -> Vec<(OsString, OsString)> {
    caller.into_iter().filter(|(name, _)| inherit == Inherit::All || name.to_str().is_some_and(usual)).collect()
}

fn usual(name: &str) -> bool {
    USUAL.contains(&name) || name.starts_with("LC_")
}

/// The program as it is found from the working directory of its process; a bare name is looked up in `PATH` later.
pub(crate) fn program(word: &str, directory: &Path) -> PathBuf {
    if word.contains('/') { directory.join(word) } else { PathBuf::from(word) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller() -> Vec<(OsString, OsString)> {
        [("PATH", "/bin"), ("LC_ALL", "C"), ("AWS_SECRET_ACCESS_KEY", "x")].map(|(n, v)| (n.into(), v.into())).into()
    }

    #[test]
    fn nothing_of_the_developers_shell_leaks_into_a_built_in_service() {
        let names: Vec<_> = inherited(caller(), Inherit::Usual).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["PATH", "LC_ALL"]);
    }

    #[test]
    fn a_process_of_the_team_gets_everything() {
        assert_eq!(inherited(caller(), Inherit::All), caller());
    }

    #[test]
    fn only_a_path_is_taken_relative_to_the_working_directory() {
        assert_eq!(program("./serve", Path::new("/app")), Path::new("/app/./serve"));
        assert_eq!(program("/bin/sh", Path::new("/app")), Path::new("/bin/sh"));
        assert_eq!(program("npm", Path::new("/app")), Path::new("npm"));
    }
}
