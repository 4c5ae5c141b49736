//! Embeds the starter project, so that the program alone can write it anywhere.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let variable = |name: &str| env::var_os(name).map(PathBuf::from).unwrap_or_default();
    let template = variable("CARGO_MANIFEST_DIR").join("../templates/orders").canonicalize()?;
    let mut files = Vec::new();
    collect(&template, &mut files)?;
    files.sort();
    let mut code = String::from("[\n");
    for file in files {
        let name = file.strip_prefix(&template).unwrap_or(&file);
        // Debug output of a text is a literal of it.
        let _ = writeln!(code, "({:?}, include_bytes!({:?}).as_slice()),", name.display().to_string(), file);
    }
    code.push(']');
    println!("cargo::rerun-if-changed={}", template.display());
    fs::write(variable("OUT_DIR").join("orders.rs"), code)
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let left_out = ["target", "Cargo.lock", ".env", "orders.db"].iter().any(|left_out| name == *left_out);
        if left_out {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
