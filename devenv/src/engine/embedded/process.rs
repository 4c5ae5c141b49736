//! Processes of this machine: who is alive, who is whose, and how they are signalled.
//!
//! Must not know records or services beyond the mark that each process of a stack carries.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;

use rustix::process::{Pid, Signal};

use super::record::Identity;

/// Variable that names the stack of a process.
pub(crate) const PROJECT: &str = "DEVENV_PROJECT";
/// Variable that names its service.
pub(crate) const SERVICE: &str = "DEVENV_SERVICE";
/// Variable that tells a supervisor from what it supervises.
pub(crate) const SUPERVISOR: &str = "DEVENV_SUPERVISOR";

/// One living process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    /// Who it is.
    pub(crate) identity: Identity,
    /// Who made it, or took it over.
    parent: i32,
    /// Its process group.
    group: i32,
}

/// What `/proc/PID/stat` says; `None` when there is no such process or only its exit code is left of it.
pub(crate) fn look(pid: i32) -> Option<Process> {
    stat(pid).filter(|(_, over)| !over).map(|(process, _)| process)
}

/// Who a child is that its parent has not waited for yet, even when it already ended.
pub(crate) fn child_identity(pid: i32) -> Option<Identity> {
    stat(pid).map(|(process, _)| process.identity)
}

/// Whether exactly this process still runs.
pub(crate) fn alive(identity: Identity) -> bool {
    look(identity.pid).is_some_and(|process| process.identity == identity)
}

/// Whether exactly this process is stopped by a signal (proc(5), state `T`).
pub(crate) fn is_frozen(identity: Identity) -> bool {
    let text = fs::read_to_string(format!("/proc/{}/stat", identity.pid)).unwrap_or_default();
    let stopped = text.rsplit_once(')').is_some_and(|(_, fields)| fields.trim_start().starts_with('T'));
    stopped && alive(identity)
}

/// This process.
pub(crate) fn own() -> Option<Identity> {
    look(own_pid()).map(|process| process.identity)
}

/// Sends a signal to exactly this process; one that is gone needs none.
pub(crate) fn signal(identity: Identity, number: i32) {
    if alive(identity) {
        send(identity.pid, number, rustix::process::kill_process);
    }
}

/// Sends a signal to the group that this process leads, or led: a group outlives its leader.
pub(crate) fn signal_group(leader: i32, number: i32) {
    send(leader, number, rustix::process::kill_process_group);
}

fn send(pid: i32, number: i32, how: fn(Pid, Signal) -> rustix::io::Result<()>) {
    // Ids 0 and below would mean whole groups of strangers.
    if let (Some(pid), Some(signal), true) = (Pid::from_raw(pid), Signal::from_named_raw(number), pid > 1) {
        // The only failure that can come now is that it is gone.
        let _ = how(pid, signal);
    }
}

/// All living processes that this user may end, as they were at one moment.
#[derive(Debug, Default)]
pub(crate) struct Table {
    processes: BTreeMap<i32, Process>,
}

impl Table {
    /// Reads `/proc`; elsewhere it is empty.
    pub(crate) fn read() -> Self {
        let user = rustix::process::getuid().as_raw();
        let processes = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .filter_map(Result::ok)
            .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok().map(|pid| (pid, entry)))
            .filter(|(_, entry)| user == 0 || entry.metadata().is_ok_and(|meta| meta.uid() == user))
            .filter_map(|(pid, _)| look(pid).map(|process| (pid, process)))
            .collect();
        Self { processes }
    }

    /// Processes that carry the mark of a stack, by service, supervisors apart. Who reads this, and all above it, is
    /// left out: a `devenv down` typed within a service must not end itself.
    pub(crate) fn marked(&self, project: &str) -> BTreeMap<String, Marked> {
        let above = self.above(own_pid());
        let mut found: BTreeMap<String, Marked> = BTreeMap::new();
        for process in self.processes.values().filter(|process| !above.contains(&process.identity.pid)) {
            let Some((service, supervisor)) = mark(process.identity.pid, project) else { continue };
            let marked = found.entry(service).or_default();
            let list = if supervisor { &mut marked.supervisors } else { &mut marked.processes };
            list.push(process.identity);
        }
        found
    }

    /// Everything below a process and everything in its group, itself left out.
    pub(crate) fn belonging_to(&self, pid: i32) -> BTreeSet<Identity> {
        let mut known = BTreeSet::from([pid]);
        loop {
            let more: Vec<i32> = self
                .processes
                .values()
                .filter(|process| known.contains(&process.parent) || process.group == pid)
                .map(|process| process.identity.pid)
                .filter(|candidate| !known.contains(candidate))
                .collect();
            if more.is_empty() {
                break;
            }
            known.extend(more);
        }
        known.remove(&pid);
        known.iter().filter_map(|pid| self.processes.get(pid)).map(|process| process.identity).collect()
    }

    fn above(&self, pid: i32) -> BTreeSet<i32> {
        let mut above = BTreeSet::new();
        let mut next = Some(pid);
        while let Some(pid) = next.filter(|pid| above.insert(*pid)) {
            next = self.processes.get(&pid).map(|process| process.parent);
        }
        above
    }
}

/// Processes with the mark of one service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marked {
    /// Supervisors.
    pub(crate) supervisors: Vec<Identity>,
    /// The service itself and whatever it started.
    pub(crate) processes: Vec<Identity>,
}

/// This process's id.
pub(crate) fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

/// Takes over what descendants leave behind, so that a daemon cannot slip away from its supervisor.
pub(crate) fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_child_subreaper(Some(rustix::process::getpid())) {
        tracing::debug!(%error, "orphans of services go to init");
    }
}

/// Waits for adopted processes that ended; `own` is waited for elsewhere.
pub(crate) fn reap_adopted(own: Option<i32>) {
    let me = own_pid();
    let children = fs::read_to_string(format!("/proc/{me}/task/{me}/children")).unwrap_or_default();
    for pid in children.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).filter(|pid| Some(*pid) != own) {
        // One that still runs is none of our concern now; one that is gone needs nothing.
        let _ = rustix::process::waitpid(Pid::from_raw(pid), rustix::process::WaitOptions::NOHANG);
    }
}

/// The service in the mark of a process, and whether it is a supervisor.
fn mark(pid: i32, project: &str) -> Option<(String, bool)> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    parse_mark(&environment, project)
}

fn parse_mark(environment: &[u8], project: &str) -> Option<(String, bool)> {
    let value = |name: &str| {
        environment.split(|byte| *byte == 0).find_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
    };
    if value(PROJECT)? != project.as_bytes() {
        return None;
    }
    Some((String::from_utf8(value(SERVICE)?.to_vec()).ok()?, value(SUPERVISOR).is_some()))
}

fn stat(pid: i32) -> Option<(Process, bool)> {
    parse_stat(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The process, and whether it already ended.
///
/// proc(5), `/proc/pid/stat`: the name in parentheses may itself hold spaces and parentheses, so the fields are counted
/// from the last one. State (3), parent (4), group (5), start time (22).
fn parse_stat(pid: i32, text: &str) -> Option<(Process, bool)> {
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let over = matches!(fields.next()?, "Z" | "X" | "x");
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let started = fields.nth(16)?.parse().ok()?;
    Some((Process { identity: Identity { pid, started }, parent, group }, over))
}

/// The number of a signal by its name, with or without `SIG`, or by its number.
pub(crate) fn signal_number(name: &str) -> Option<i32> {
    let signal = match name.trim().to_ascii_uppercase().trim_start_matches("SIG") {
        "TERM" => Signal::TERM,
        "INT" => Signal::INT,
        "QUIT" => Signal::QUIT,
        "HUP" => Signal::HUP,
        "KILL" => Signal::KILL,
        "USR1" => Signal::USR1,
        "USR2" => Signal::USR2,
        "ABRT" => Signal::ABORT,
        "ALRM" => Signal::ALARM,
        "WINCH" => Signal::WINCH,
        number => Signal::from_named_raw(number.parse().ok()?)?,
    };
    Some(signal.as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_does_not_shift_the_fields_of_stat() {
        let text = "42 (a) b (c)) S 7 40 40 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 9876 2 3";
        let process = parse_stat(42, text).expect("a process");
        assert_eq!(process, (Process { identity: Identity { pid: 42, started: 9876 }, parent: 7, group: 40 }, false));
    }

    #[test]
    fn a_process_of_which_only_the_exit_code_is_left_is_not_alive() {
        let text = "42 (sh) Z 7 40 40 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 9876 2 3";
        assert_eq!(parse_stat(42, text).map(|(_, over)| over), Some(true));
    }

    #[test]
    fn a_mark_counts_only_for_its_own_stack() {
        let environment = b"PATH=/bin\0DEVENV_PROJECT=orders-1a\0DEVENV_SERVICE=api\0";
        assert_eq!(parse_mark(environment, "orders-1a"), Some(("api".into(), false)));
        assert_eq!(parse_mark(environment, "orders-1"), None);
        assert_eq!(parse_mark(b"PATH=/bin\0DEVENV_SERVICE=api\0", "orders-1a"), None);
    }

    #[test]
    fn a_later_process_with_the_same_id_is_not_the_recorded_one() {
        let own = own().expect("this test runs on a machine with /proc");
        assert!(alive(own));
        assert!(!alive(Identity { started: own.started + 1, ..own }));
    }

    #[test]
    fn signals_are_known_by_name_short_name_and_number() {
        for name in ["SIGTERM", "TERM", "sigterm", "15"] {
            assert_eq!(signal_number(name), Some(15), "{name}");
        }
        assert_eq!(signal_number("SIGNONE"), None);
    }
}
