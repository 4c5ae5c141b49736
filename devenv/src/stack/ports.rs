//! Which work tree of a project has which ports. The first one that is up has those of its file, another one beside it
//! gets ports of its own, and keeps them.
//!
//! Must not know engines. What is written down is a distance beside the state directory: `down` leaves it there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::plan::{Project, moved};
use crate::stack::Record;

/// Nearest and farthest are far from well-known ports and mostly below those that the system hands out by itself.
const NEAREST: u16 = 10_000;
const STEP: u16 = 100;
const STEPS: u16 = 200;

/// No ports of its own could be had.
#[derive(Debug, Error)]
pub enum PortsError {
    /// A file operation failed.
    #[error("cannot use {}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Every distance that was tried leads to a port that is taken.
    #[error("no free ports were found for this work tree beside {}", .0.display())]
    NoneFree(PathBuf),
}

/// What a work tree has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports {
    /// How far its ports are from those of the file.
    pub distance: u16,
    /// The work tree beside which they were just chosen.
    pub beside: Option<PathBuf>,
}

/// How far the ports of a work tree are from those of its file, as it was settled last.
#[must_use]
pub fn distance(project: &Project) -> u16 {
    fs::read_to_string(path(project)).ok().and_then(|text| text.lines().next()?.parse().ok()).unwrap_or_default()
}

/// The work trees that something is written down of: their project's id and where they are.
#[must_use]
pub fn claims(home: &Path) -> BTreeMap<String, PathBuf> {
    let claim = |path: PathBuf| {
        let id = path.file_stem()?.to_str()?.to_owned();
        Some((id, directory_in(&path)?))
    };
    claim_files(home).filter_map(claim).collect()
}

fn claim_files(home: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(home).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_some_and(|end| end == "ports"))
}

fn directory_in(claim: &Path) -> Option<PathBuf> {
    fs::read_to_string(claim).ok()?.lines().nth(1).map(PathBuf::from)
}

/// Settles it for a stack that is about to come up, with the lock of the stack held.
///
/// # Errors
/// The directory of all states cannot be used, or no ports are free.
pub fn settle(project: &Project, named: &BTreeSet<u16>) -> Result<Ports, PortsError> {
    let own = distance(project);
    let keep = Ports { distance: own, beside: None };
    // What runs has its ports, and ports of its own stay.
    if own != 0 || Record::read(project).is_some() {
        return Ok(keep);
    }
    let _turn = take_turn(project)?;
    let others = others(project);
    let beside = others.iter().find(|other| other.has_ports_of_the_file);
    let chosen = match beside {
        None => keep,
        Some(other) => {
            let taken = others.iter().map(|other| other.distance).collect();
            let distance = free_distance(project, named, &taken);
            let distance = distance.ok_or_else(|| PortsError::NoneFree(other.directory.clone()))?;
            Ports { distance, beside: Some(other.directory.clone()) }
        }
    };
    let file = path(project);
    let text = format!("{}\n{}\n", chosen.distance, project.directory.display());
    fs::write(&file, text).map_err(|cause| PortsError::File { path: file, cause })?;
    Ok(chosen)
}

/// Forgets what a work tree has.
pub(super) fn forget(project: &Project) {
    drop(fs::remove_file(path(project)));
}

/// Forgets that it has the ports of its file: they are anybody's now.
pub(super) fn give_back(project: &Project) {
    if distance(project) == 0 {
        forget(project);
    }
}

fn path(project: &Project) -> PathBuf {
    project.state.with_extension("ports")
}

/// Two work trees that come up at the same moment must not both find nobody there.
fn take_turn(project: &Project) -> Result<File, PortsError> {
    let home = project.state.parent().unwrap_or(Path::new("/"));
    let failed = |cause| PortsError::File { path: home.to_path_buf(), cause };
    fs::create_dir_all(home).map_err(failed)?;
    // The directory itself is locked: a file for it would have to stay for ever.
    let directory = File::open(home).map_err(failed)?;
    directory.lock().map_err(failed)?;
    Ok(directory)
}

/// Another work tree of the same project.
struct Other {
    directory: PathBuf,
    distance: u16,
    /// It is up, or coming up, with those.
    has_ports_of_the_file: bool,
}

fn others(project: &Project) -> Vec<Other> {
    let Some(home) = project.state.parent() else { return Vec::new() };
    let other = |claim: PathBuf| {
        let id = claim.file_stem()?.to_str()?;
        let (name, instance) = id.rsplit_once('-')?;
        if name != project.name || instance == project.instance {
            return None;
        }
        let state = claim.with_extension("");
        let theirs = Project { name: name.to_owned(), instance: instance.to_owned(), state, ..project.clone() };
        let distance = distance(&theirs);
        let directory = directory_in(&claim)?;
        // Its lock names a holder while it comes up, before there is a record.
        let comes_up = fs::read_to_string(claim.with_extension("lock")).is_ok_and(|holder| !holder.trim().is_empty());
        let is_there = directory.exists() && (comes_up || Record::read(&theirs).is_some());
        Some(Other { directory, distance, has_ports_of_the_file: distance == 0 && is_there })
    };
    claim_files(home).filter_map(other).collect()
}

/// The first distance that leads to free ports only; where the search begins is the work tree's own.
fn free_distance(project: &Project, named: &BTreeSet<u16>, taken: &BTreeSet<u16>) -> Option<u16> {
    let seed = u16::from_str_radix(project.instance.get(..3).unwrap_or_default(), 16).unwrap_or_default();
    let distances = (0..STEPS).map(|step| NEAREST + ((seed + step) % STEPS) * STEP);
    distances.filter(|distance| !taken.contains(distance)).find(|distance| {
        let ports: BTreeSet<u16> = named.iter().map(|port| moved(*port, *distance)).collect();
        ports.len() == named.len() && ports.is_disjoint(named) && ports.into_iter().all(is_free)
    })
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::EngineName;
    use crate::stack::Lock;

    fn project(home: &Path, instance: &str) -> Project {
        let directory = home.join("trees").join(instance);
        fs::create_dir_all(&directory).unwrap();
        let state = home.join("devenv").join(format!("orders-{instance}"));
        Project { name: "orders".into(), instance: instance.into(), directory, state }
    }

    fn up(project: &Project) {
        Record::new(EngineName::Docker, &project.directory).write(project).unwrap();
    }

    fn named() -> BTreeSet<u16> {
        [80, 443].into()
    }

    #[test]
    fn a_work_tree_alone_has_the_ports_of_its_file() {
        let home = tempfile::tempdir().unwrap();
        let one = project(home.path(), "0000000a");
        assert_eq!(settle(&one, &named()).unwrap(), Ports { distance: 0, beside: None });
    }

    #[test]
    fn a_second_one_gets_ports_of_its_own_and_keeps_them() {
        let home = tempfile::tempdir().unwrap();
        let (one, two) = (project(home.path(), "0000000a"), project(home.path(), "0000000b"));
        settle(&one, &named()).unwrap();
        up(&one);
        let own = settle(&two, &named()).unwrap();
        assert!(own.distance >= NEAREST, "{own:?}");
        assert_eq!(own.beside.as_deref(), Some(one.directory.as_path()));
        fs::remove_file(one.state.join("state.json")).unwrap();
        assert_eq!(settle(&two, &named()).unwrap(), Ports { distance: own.distance, beside: None });
        forget(&two);
        assert_eq!(settle(&two, &named()).unwrap().distance, 0);
    }

    #[test]
    fn three_work_trees_have_three_sets_of_ports() {
        let home = tempfile::tempdir().unwrap();
        let trees = ["0000000a", "0000000b", "0000000c"].map(|instance| project(home.path(), instance));
        let distances: BTreeSet<u16> = trees
            .iter()
            .map(|tree| {
                let ports = settle(tree, &named()).unwrap();
                up(tree);
                ports.distance
            })
            .collect();
        assert_eq!(distances.len(), 3);
    }

    #[test]
    fn one_that_comes_up_counts_and_one_that_is_gone_does_not() {
        let home = tempfile::tempdir().unwrap();
        let (one, two) = (project(home.path(), "0000000a"), project(home.path(), "0000000b"));
        let lock = Lock::take(&one, "up").unwrap();
        settle(&one, &named()).unwrap();
        assert_ne!(settle(&two, &named()).unwrap().distance, 0);
        drop(lock);
        forget(&two);
        up(&one);
        fs::remove_dir_all(&one.directory).unwrap();
        assert_eq!(settle(&two, &named()).unwrap().distance, 0);
    }

    #[test]
    fn a_taken_port_is_passed_over() {
        let home = tempfile::tempdir().unwrap();
        let (one, two) = (project(home.path(), "0000000a"), project(home.path(), "0000000b"));
        settle(&one, &named()).unwrap();
        up(&one);
        let first = settle(&two, &named()).unwrap().distance;
        forget(&two);
        let _holder = TcpListener::bind((Ipv4Addr::LOCALHOST, moved(443, first)));
        assert_ne!(settle(&two, &named()).unwrap().distance, first);
    }
}
