//! What an executable needs to run: its loader and the shared objects that the loader finds. Must not know images.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use elf::ElfBytes;
use elf::abi::{EM_AARCH64, EM_X86_64, PT_INTERP};
use elf::endian::AnyEndian;
use tokio::process::Command;

/// How long the loader may take to list what it finds.
const LISTING: Duration = Duration::from_secs(10);

/// Modules of glibc's name service before 2.34 are loaded by name while running, so that no list names them.
const NAME_SERVICE: [&str; 3] = ["libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"];

/// An executable of this kind of machine.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Executable {
    /// The architecture as images name it: `amd64`.
    pub(super) architecture: &'static str,
    /// The loader that it names; none when it is linked statically.
    pub(super) loader: Option<PathBuf>,
}

/// Reads the header of an executable.
///
/// # Errors
/// A sentence why it cannot be packaged.
pub(super) fn inspect(bytes: &[u8]) -> Result<Executable, String> {
    let unreadable = |_| "it is not a Linux executable (ELF)".to_owned();
    let file = ElfBytes::<AnyEndian>::minimal_parse(bytes).map_err(unreadable)?;
    let architecture = match file.ehdr.e_machine {
        EM_X86_64 => "amd64",
        EM_AARCH64 => "arm64",
        other => return Err(format!("its machine ({other}) is neither x86-64 nor AArch64")),
    };
    let interpreter = file.segments().and_then(|segments| segments.iter().find(|segment| segment.p_type == PT_INTERP));
    let loader = match interpreter {
        None => None,
        Some(segment) => {
            let data = file.segment_data(&segment).map_err(unreadable)?;
            let text = std::str::from_utf8(data).map_err(|_| "its loader's name is not text".to_owned())?;
            Some(PathBuf::from(text.trim_end_matches('\0')))
        }
    };
    Ok(Executable { architecture, loader })
}

/// Every file beside the executable itself that it needs, the loader included. The program itself is not run.
///
/// # Errors
/// A sentence why the list cannot be made, naming what was not found.
pub(super) async fn needed(path: &Path, executable: &Executable) -> Result<BTreeSet<PathBuf>, String> {
    let Some(loader) = &executable.loader else { return Ok(BTreeSet::new()) };
    let listing = Command::new(loader).arg("--list").arg(path).kill_on_drop(true).output();
    let output = tokio::time::timeout(LISTING, listing)
        .await
        .map_err(|_| format!("{} gave no list in time", loader.display()))?
        .map_err(|error| format!("its loader {} cannot be run: {error}", loader.display()))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{} cannot list what it needs: {}", loader.display(), text.trim()));
    }
    let mut files = listed(&String::from_utf8_lossy(&output.stdout))?;
    let beside: Vec<PathBuf> = files.iter().filter(|file| file.ends_with("libc.so.6")).cloned().collect();
    for directory in beside.iter().filter_map(|file| file.parent()) {
        files.extend(NAME_SERVICE.iter().map(|name| directory.join(name)).filter(|file| file.exists()));
    }
    files.insert(loader.clone());
    Ok(files)
}

/// The files in a loader's list: `libc.so.6 => /lib/libc.so.6 (0x…)`, or the path alone.
fn listed(text: &str) -> Result<BTreeSet<PathBuf>, String> {
    let mut files = BTreeSet::new();
    for line in text.lines().map(str::trim) {
        let (name, found) = line.split_once(" => ").unwrap_or((line, line));
        if found.starts_with("not found") {
            return Err(format!("it needs `{name}`, which is not on this machine"));
        }
        let path = found.rsplit_once(" (0x").map_or(found, |(path, _)| path);
        // Without a path: the kernel's own object, which is no file.
        if path.starts_with('/') {
            files.insert(PathBuf::from(path));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loaders_list_is_read() {
        let text = "\tlinux-vdso.so.1 (0x00007ffd)\n\tlibgcc_s.so.1 => /lib/x86_64-linux-gnu/libgcc_s.so.1 (0x7f)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x7f1)\n";
        let files: Vec<String> = listed(text).unwrap().iter().map(|path| path.display().to_string()).collect();
        assert_eq!(files, ["/lib/x86_64-linux-gnu/libgcc_s.so.1", "/lib64/ld-linux-x86-64.so.2"]);
    }

    #[test]
    fn a_missing_shared_object_is_named() {
        let error = listed("\tlibpq.so.5 => not found\n").unwrap_err();
        assert!(error.contains("`libpq.so.5`"), "{error}");
    }

    #[test]
    fn what_is_no_linux_executable_is_refused() {
        assert!(inspect(b"#!/bin/sh\necho\n").unwrap_err().contains("not a Linux executable"));
        assert!(inspect(b"").is_err());
        assert!(inspect(b"\x7fELF").is_err());
    }

    #[tokio::test]
    async fn a_dynamic_executable_needs_its_loader_and_its_c_library() {
        let path = std::env::current_exe().unwrap();
        let executable = inspect(&std::fs::read(&path).unwrap()).unwrap();
        if let Some(loader) = &executable.loader {
            let files = needed(&path, &executable).await.unwrap();
            assert!(files.contains(loader) && files.len() > 1, "{files:?}");
        }
    }
}
