//! What changed below some directories since the last look. Looking is polling: it works on every file system, network
//! mounts and virtual machines included, and costs at most a tenth of one processor.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::{Ignore, Kind, SourceError, walk};

/// How often is looked, at most.
const EVERY: Duration = Duration::from_millis(100);
/// The share of the time that is spent on looking: one in so many.
const SHARE: u32 = 10;
/// Whoever watches more than this has forgotten to ignore something.
pub const MOST_WATCHED: usize = 50_000;

/// One file or directory to watch.
#[derive(Clone, Debug)]
pub struct Watched {
    /// Absolute.
    pub root: PathBuf,
    /// What in it does not count.
    pub ignore: Ignore,
}

/// Files with time and size, by absolute path.
type Seen = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// Looks again and again.
#[derive(Debug)]
pub struct Watcher {
    watched: Vec<Watched>,
    seen: Vec<Seen>,
    pause: Duration,
}

/// What changed below one root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// New or different.
    pub changed: BTreeSet<PathBuf>,
    /// Gone.
    pub removed: BTreeSet<PathBuf>,
}

impl Watcher {
    /// Remembers how everything is now.
    ///
    /// # Errors
    /// Something cannot be read.
    pub fn new(watched: Vec<Watched>) -> Result<Self, SourceError> {
        let mut watcher = Self { watched, seen: Vec::new(), pause: EVERY };
        watcher.seen = watcher.look()?;
        Ok(watcher)
    }

    /// How many files are watched.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seen.iter().map(BTreeMap::len).sum()
    }

    /// Whether nothing is watched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until something changed and has been still for a moment; the changes by the place of their root.
    ///
    /// # Errors
    /// Something cannot be read.
    pub async fn next(&mut self) -> Result<BTreeMap<usize, Changes>, SourceError> {
        loop {
            tokio::time::sleep(self.pause).await;
            let mut now = self.look()?;
            if now == self.seen {
                continue;
            }
            // An editor writes several files, a checkout hundreds: what belongs together is answered once.
            loop {
                tokio::time::sleep(self.pause).await;
                let later = self.look()?;
                if later == now {
                    break;
                }
                now = later;
            }
            let changes = differences(&self.seen, &now);
            self.seen = now;
            if !changes.is_empty() {
                return Ok(changes);
            }
        }
    }

    fn look(&mut self) -> Result<Vec<Seen>, SourceError> {
        let begun = Instant::now();
        let seen = self.watched.iter().map(look).collect();
        self.pause = EVERY.max(begun.elapsed() * (SHARE - 1));
        seen
    }
}

fn look(watched: &Watched) -> Result<Seen, SourceError> {
    let entry = |path: &Path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((path.to_path_buf(), (metadata.modified().ok(), metadata.len())))
    };
    if !watched.root.is_dir() {
        return Ok(entry(&watched.root).into_iter().collect());
    }
    let entries = match walk(&watched.root, &watched.ignore) {
        Ok(entries) => entries,
        // A directory that vanished while it was read is seen to be gone the next time.
        Err(SourceError::Unreadable { cause, .. }) if cause.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    let files = entries.iter().filter(|found| found.kind != Kind::Directory);
    Ok(files.filter_map(|found| entry(&watched.root.join(&found.path))).collect())
}

fn differences(before: &[Seen], after: &[Seen]) -> BTreeMap<usize, Changes> {
    let mut all = BTreeMap::new();
    for (place, (before, after)) in before.iter().zip(after).enumerate() {
        let changed = after.iter().filter(|(path, file)| before.get(*path) != Some(file)).map(|(path, _)| path.clone());
        let removed = before.keys().filter(|path| !after.contains_key(*path)).cloned();
        let changes = Changes { changed: changed.collect(), removed: removed.collect() };
        if changes != Changes::default() {
            all.insert(place, changes);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn a_change_is_told_with_its_root_and_what_is_ignored_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().to_path_buf();
        fs::write(root.join("a.rs"), "1").unwrap();
        let watched = Watched { root: root.clone(), ignore: Ignore::of(["target"]) };
        let mut watcher = Watcher::new(vec![watched]).unwrap();
        assert_eq!(watcher.len(), 1);
        fs::create_dir(root.join("target")).unwrap();
        fs::write(root.join("target/x"), "1").unwrap();
        fs::write(root.join("b.rs"), "1").unwrap();
        fs::remove_file(root.join("a.rs")).unwrap();
        let changes = watcher.next().await.unwrap();
        let expected = Changes { changed: [root.join("b.rs")].into(), removed: [root.join("a.rs")].into() };
        assert_eq!(changes, BTreeMap::from([(0, expected)]));
    }
}
