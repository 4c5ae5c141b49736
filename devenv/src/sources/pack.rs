//! A build context as an archive, written piece by piece: a context of gigabytes is never held in memory.

use std::io::{self, Read, Write};

use super::{BuildContext, Kind};

/// Writes the archive. Everything belongs to root, as Docker's own client sends it.
///
/// # Errors
/// A file cannot be read, changes while it is packed, or nobody takes the archive any more.
pub fn pack(context: &BuildContext, out: impl Write) -> io::Result<()> {
    let mut archive = tar::Builder::new(out);
    for entry in &context.entries {
        let path = context.root.join(&entry.path);
        let mut header = tar::Header::new_gnu();
        header.set_mode(entry.mode);
        let metadata = std::fs::symlink_metadata(&path)?;
        header.set_mtime(metadata.modified().ok().and_then(seconds).unwrap_or_default());
        match &entry.kind {
            Kind::Directory => {
                header.set_entry_type(tar::EntryType::Directory);
                header.set_size(0);
                archive.append_data(&mut header, format!("{}/", entry.path), io::empty())?;
            }
            Kind::Link(to) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                archive.append_link(&mut header, &entry.path, to)?;
            }
            Kind::File => {
                header.set_size(metadata.len());
                let exact = Exact { left: metadata.len(), file: std::fs::File::open(&path)? };
                archive.append_data(&mut header, &entry.path, exact)?;
            }
        }
    }
    if let Some(text) = &context.dockerfile.brought {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(text.len() as u64);
        archive.append_data(&mut header, &context.dockerfile.name, text.as_bytes())?;
    }
    archive.into_inner()?.flush()
}

fn seconds(time: std::time::SystemTime) -> Option<u64> {
    time.duration_since(std::time::UNIX_EPOCH).ok().map(|since| since.as_secs())
}

/// As many bytes as the header says: a file that shrinks would shift everything after it.
struct Exact {
    left: u64,
    file: std::fs::File,
}

impl Read for Exact {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = (&mut self.file).take(self.left).read(buffer)?;
        if length == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::Error::other("a file became shorter while it was packed"));
        }
        self.left -= length as u64;
        Ok(length)
    }
}
