//! Who holds a TCP port of this machine, as far as this process may see. Must not know engines.

use std::fs;
use std::path::Path;

/// The process that listens on a port: `` process `node` (pid 123) ``, else `another process`.
#[must_use]
pub fn holder(port: u16) -> String {
    let process = listening_sockets(port).iter().find_map(|inode| process_with(&format!("socket:[{inode}]")));
    process.unwrap_or_else(|| "another process".to_owned())
}

/// Inodes of the sockets that listen on a port.
fn listening_sockets(port: u16) -> Vec<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    tables.iter().flat_map(|table| listening_in(table, port)).collect()
}

/// The same, in the text of one table (proc_pid_net(5): `sl local_address rem_address st … inode`, numbers in hexadecimal).
fn listening_in(table: &str, port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    let row = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, local_port) = fields.get(1)?.rsplit_once(':')?;
        let listens = *fields.get(3)? == LISTEN && u16::from_str_radix(local_port, 16).ok()? == port;
        listens.then(|| fields.get(9).map(|inode| (*inode).to_owned()))?
    };
    table.lines().skip(1).filter_map(row).collect()
}

/// The process that has a file descriptor open on `target`. Processes of other users cannot be looked into.
fn process_with(target: &str) -> Option<String> {
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes.filter(|entry| entry.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit())).find_map(
        |entry| {
            let process = entry.path();
            has_open(&process, target).then(|| {
                let name = fs::read_to_string(process.join("comm")).unwrap_or_default();
                format!("process `{}` (pid {})", name.trim(), entry.file_name().to_string_lossy())
            })
        },
    )
}

fn has_open(process: &Path, target: &str) -> bool {
    let descriptors = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
    descriptors.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|link| link.to_string_lossy() == target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listening_socket_is_found_by_its_port_and_a_connected_one_is_not() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1\n\
             1: 0100007F:1F90 0100007F:C0DE 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1\n\
             2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4713 1\n";
        assert_eq!(listening_in(table, 8080), ["4711"]);
        assert_eq!(listening_in("", 8080), Vec::<String>::new());
    }

    #[test]
    fn the_holder_of_a_port_of_this_process_is_this_process() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(holder(port).ends_with(&format!("(pid {})", std::process::id())), "{}", holder(port));
    }

    #[test]
    fn a_port_that_nobody_visible_holds_is_held_by_another_process() {
        assert_eq!(holder(0), "another process");
    }
}
