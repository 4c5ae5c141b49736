//! Hooks of git: puts a call of `devenv` into them and takes it out again, byte for byte. A hook that is there already keeps
//! running. Must not know what `devenv` does when it is called.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::{GitError, Repository};

/// The hooks that are put in.
pub const HOOKS: [&str; 2] = ["pre-commit", "pre-push"];

const BEGIN: &str = "# >>> devenv >>> `devenv hook uninstall` takes this block out again\n";
const END: &str = "# <<< devenv <<<\n";
/// The first line of a file that is ours as a whole.
const OURS: &str = "#!/bin/sh\n# made by `devenv hook install`\n";
/// What a hook is renamed to that is no shell script, or does not run.
const SAVED: &str = ".before-devenv";
/// What it says when `devenv` is gone: a clone without it can still commit.
const MISSING: &str = "devenv is not found, so nothing was tested; install it, or take its block out of";

/// How a hook calls `devenv`.
#[derive(Clone, Debug)]
pub struct Call {
    /// The program, absolute.
    pub program: PathBuf,
    /// Directory of the project, relative to the top of the work tree; empty at the top.
    pub project: String,
    /// Only where `devenv.hookMode` is set: the directory of the hooks serves other repositories, too.
    pub only_where_set: bool,
}

/// How a hook calls `devenv` now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not at all.
    Absent,
    /// By a file of its own.
    Own,
    /// By a block in a script that was there.
    Block,
    /// Before a hook that was there and was renamed.
    Before,
}

impl State {
    /// In a few words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "not installed",
            Self::Own => "installed",
            Self::Block => "installed, in the script that was there",
            Self::Before => "installed, calls the hook that was there",
        }
    }
}

/// How a hook calls `devenv` now.
#[must_use]
pub fn state(path: &Path) -> State {
    match fs::read_to_string(path) {
        Ok(text) if text.contains(BEGIN) => match (text.starts_with(OURS), saved(path).symlink_metadata().is_ok()) {
            (false, _) => State::Block,
            (true, true) => State::Before,
            (true, false) => State::Own,
        },
        Ok(_) | Err(_) => State::Absent,
    }
}

/// Puts a call into one hook; a call that is there is replaced.
///
/// # Errors
/// The hook cannot be read or written.
pub fn install(repository: &Repository, hook: &str, call: &Call) -> Result<State, GitError> {
    let path = repository.hooks.join(hook);
    let failed = |cause| GitError::File { path: path.clone(), cause };
    fs::create_dir_all(&repository.hooks).map_err(failed)?;
    uninstall(repository, hook)?;
    let block = block(hook, call, &path);
    match script(&path) {
        Some(text) => {
            let (shebang, rest) = text.split_at(text.find('\n').map_or(text.len(), |end| end + 1));
            let mode = fs::metadata(&path).map_err(failed)?.permissions().mode();
            replace(&path, &format!("{shebang}{block}{rest}"), mode).map_err(failed)?;
        }
        None => {
            if path.symlink_metadata().is_ok() {
                fs::rename(&path, saved(&path)).map_err(failed)?;
            }
            let next = format!("if [ -x \"$0{SAVED}\" ]; then exec \"$0{SAVED}\" \"$@\"; fi\n");
            replace(&path, &format!("{OURS}{block}{next}"), 0o755).map_err(failed)?;
        }
    }
    Ok(state(&path))
}

/// Takes the call out of one hook and says whether there was one.
///
/// # Errors
/// The hook cannot be written.
pub fn uninstall(repository: &Repository, hook: &str) -> Result<bool, GitError> {
    let path = repository.hooks.join(hook);
    let failed = |cause| GitError::File { path: path.clone(), cause };
    let without = || {
        let text = fs::read_to_string(&path)?;
        let mode = fs::metadata(&path)?.permissions().mode();
        replace(&path, &without_block(&text), mode)
    };
    match state(&path) {
        State::Absent => return Ok(false),
        State::Own => fs::remove_file(&path).map_err(failed)?,
        State::Before => fs::rename(saved(&path), &path).map_err(failed)?,
        State::Block => without().map_err(failed)?,
    }
    Ok(true)
}

/// The text of a hook that is a shell script which git would run, so that a block can go into it.
fn script(path: &Path) -> Option<String> {
    let found = path.symlink_metadata().ok()?;
    let text = fs::read_to_string(path).ok()?;
    let (first, _) = text.split_once('\n')?;
    let mut words = first.strip_prefix("#!")?.split_whitespace();
    let mut program = words.next()?.rsplit('/').next()?;
    if program == "env" {
        program = words.next()?;
    }
    let is_shell = ["sh", "bash", "dash", "ash", "ksh", "zsh"].contains(&program);
    // Git passes over a hook that is not executable: it must not begin to run now. A link belongs to somebody else.
    let runs = found.is_file() && found.permissions().mode() & 0o111 != 0;
    (is_shell && runs && !text.starts_with(OURS)).then_some(text)
}

fn saved(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(SAVED);
    name.into()
}

/// Whole or not at all: a signal must not leave half a hook.
fn replace(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".devenv-new");
    fs::write(&beside, text)?;
    fs::set_permissions(&beside, fs::Permissions::from_mode(mode))?;
    fs::rename(beside, path)
}

fn without_block(text: &str) -> String {
    let Some((before, rest)) = text.split_once(BEGIN) else { return text.to_owned() };
    let Some((_, after)) = rest.split_once(END) else { return text.to_owned() };
    format!("{before}{after}")
}

/// The lines that call `devenv`. They come first, because what is there may end with `exit` or `exec`; what is on standard
/// input is kept for what follows.
fn block(hook: &str, call: &Call, path: &Path) -> String {
    let Call { program, project, only_where_set } = call;
    let program = quoted(&program.display().to_string());
    let project = if project.is_empty() { String::new() } else { format!(" --dir {}", quoted(project)) };
    let (condition, end) = match only_where_set {
        true => ("if git config --get devenv.hookMode >/dev/null; then\n", "fi\n"),
        false => ("", ""),
    };
    let gone = quoted(&format!("{MISSING} {}", path.display()));
    let (keep, call, restore) = match hook {
        "pre-push" => (
            "devenv_lines=$(cat)\n",
            format!("printf '%s\\n' \"$devenv_lines\" | \"$devenv\" hook run {hook}{project}"),
            "if [ -n \"$devenv_lines\" ]; then\nexec <<DEVENV_LINES\n$devenv_lines\nDEVENV_LINES\nelse exec </dev/null; fi\n",
        ),
        _ => ("", format!("\"$devenv\" hook run {hook}{project}"), ""),
    };
    format!(
        "{BEGIN}{keep}{condition}devenv={program}\n[ -x \"$devenv\" ] || devenv=$(command -v devenv) || devenv=\n\
         if [ -n \"$devenv\" ]; then {call} || exit $?\nelse echo {gone} >&2; fi\n{end}{restore}{END}"
    )
}

/// A word of a POSIX shell, whatever is in it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    struct Place {
        _directory: tempfile::TempDir,
        repository: Repository,
        call: Call,
    }

    /// A repository, and a `devenv` that writes down how it was called and what it read.
    fn place() -> Place {
        let directory = tempfile::tempdir().unwrap();
        assert!(Command::new("git").arg("-C").arg(directory.path()).args(["init", "-q"]).status().unwrap().success());
        let program = directory.path().join("it's devenv");
        replace(&program, "#!/bin/sh\necho \"$@\" >>\"$0.log\"\ncat >>\"$0.log\"\nexit ${FAIL:-0}\n", 0o755).unwrap();
        let repository = Repository::open(directory.path()).unwrap();
        let call = Call { program, project: "a b".into(), only_where_set: false };
        Place { _directory: directory, repository, call }
    }

    impl Place {
        fn path(&self, hook: &str) -> PathBuf {
            self.repository.hooks.join(hook)
        }

        fn write(&self, hook: &str, text: &str, mode: u32) {
            fs::create_dir_all(&self.repository.hooks).unwrap();
            replace(&self.path(hook), text, mode).unwrap();
        }

        /// Exit code and standard output of a hook that reads two lines.
        fn run(&self, hook: &str, fail: &str) -> (Option<i32>, String) {
            let script = format!("printf 'one\\ntwo\\n' | '{}' origin", self.path(hook).display());
            let mut shell = Command::new("sh");
            shell.args(["-c", &script]).env("FAIL", fail).current_dir(&self.repository.top);
            let output = shell.output().unwrap();
            (output.status.code(), String::from_utf8(output.stdout).unwrap())
        }

        fn log(&self) -> String {
            fs::read_to_string(format!("{}.log", self.call.program.display())).unwrap_or_default()
        }
    }

    #[test]
    fn without_a_hook_there_is_one_afterwards_and_none_after_that() {
        let place = place();
        assert_eq!(install(&place.repository, "pre-push", &place.call).unwrap(), State::Own);
        let first = fs::read_to_string(place.path("pre-push")).unwrap();
        assert_eq!(install(&place.repository, "pre-push", &place.call).unwrap(), State::Own);
        assert_eq!(fs::read_to_string(place.path("pre-push")).unwrap(), first, "a second time changes nothing");
        assert_eq!(place.run("pre-push", "0").0, Some(0));
        assert_eq!(place.log(), "hook run pre-push --dir a b\none\ntwo\n");
        assert_eq!(place.run("pre-push", "1").0, Some(1));
        assert!(uninstall(&place.repository, "pre-push").unwrap());
        assert!(!place.path("pre-push").exists());
        assert!(!uninstall(&place.repository, "pre-push").unwrap());
    }

    #[test]
    fn a_script_that_is_there_keeps_running_with_its_input_and_comes_back_byte_for_byte() {
        let place = place();
        let script = "#!/usr/bin/env bash\nset -eu\necho \"$1\"; cat; exit 0";
        place.write("pre-push", script, 0o750);
        assert_eq!(install(&place.repository, "pre-push", &place.call).unwrap(), State::Block);
        assert_eq!(install(&place.repository, "pre-push", &place.call).unwrap(), State::Block);
        assert_eq!(place.run("pre-push", "0"), (Some(0), "origin\none\ntwo\n".to_owned()));
        assert_eq!(place.run("pre-push", "4").0, Some(4));
        assert!(uninstall(&place.repository, "pre-push").unwrap());
        assert_eq!(fs::read_to_string(place.path("pre-push")).unwrap(), script);
        assert_eq!(fs::metadata(place.path("pre-push")).unwrap().permissions().mode() & 0o777, 0o750);
    }

    #[test]
    fn what_is_no_shell_script_is_called_afterwards_and_comes_back() {
        let place = place();
        let program = "#!/usr/bin/awk -f\nBEGIN { print \"awk\" }\n";
        place.write("pre-commit", program, 0o755);
        assert_eq!(install(&place.repository, "pre-commit", &place.call).unwrap(), State::Before);
        assert_eq!(install(&place.repository, "pre-commit", &place.call).unwrap(), State::Before);
        assert_eq!(place.run("pre-commit", "0"), (Some(0), "awk\n".to_owned()));
        assert!(uninstall(&place.repository, "pre-commit").unwrap());
        assert_eq!(fs::read_to_string(place.path("pre-commit")).unwrap(), program);
        assert!(!saved(&place.path("pre-commit")).exists());
    }

    #[test]
    fn a_hook_that_git_passes_over_does_not_begin_to_run() {
        let place = place();
        place.write("pre-commit", "#!/bin/sh\necho dormant\n", 0o644);
        install(&place.repository, "pre-commit", &place.call).unwrap();
        assert_eq!(place.run("pre-commit", "0"), (Some(0), String::new()));
        assert!(place.log().starts_with("hook run pre-commit --dir a b\n"));
    }

    #[test]
    fn without_the_program_the_commit_passes_and_the_reason_is_told() {
        let mut place = place();
        place.call.program = "/nowhere/devenv".into();
        install(&place.repository, "pre-commit", &place.call).unwrap();
        let output = Command::new(place.path("pre-commit")).env("PATH", "/bin:/usr/bin").output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("nothing was tested") && said.contains("pre-commit"), "{said}");
    }

    #[test]
    fn in_a_directory_of_several_repositories_only_those_that_asked_for_it_are_tested() {
        let mut place = place();
        place.call.only_where_set = true;
        install(&place.repository, "pre-push", &place.call).unwrap();
        assert_eq!(place.run("pre-push", "1").0, Some(0));
        place.repository.set("devenv.hookMode", Some("block")).unwrap();
        assert_eq!(place.run("pre-push", "1").0, Some(1));
    }
}
