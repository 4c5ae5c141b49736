//! Words of the project that may be an API's signing key: its directory, and the values in its `.env` files. Must not
//! show any.

use security_tests::tokens::words::Project as Words;

use crate::plan::Project;

/// Where teams keep such values.
const FILES: [&str; 8] =
    [".env", ".env.example", ".env.sample", ".env.local", ".env.dev", ".env.development", ".env.test", ".env.defaults"];

/// More than any honest `.env` file.
const LONGEST: u64 = 64 * 1024;

/// Reads what there is; what cannot be read is no word.
pub(super) fn words(project: &Project) -> Words {
    let read = |name: &&str| {
        let path = project.directory.join(name);
        let short = std::fs::metadata(&path).is_ok_and(|file| file.is_file() && file.len() <= LONGEST);
        short.then(|| std::fs::read_to_string(path).ok()).flatten()
    };
    let directory = project.directory.file_name().map(|name| name.to_string_lossy().into_owned());
    Words { names: directory.into_iter().collect(), texts: FILES.iter().filter_map(read).collect() }
}
