//! The shape of the workspace: crates form a star, decided-against crates stay out, pure modules say so.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Crates that were decided against, and why.
const BANNED: [(&str, &str); 5] = [
    ("ring", "one crypto provider: aws-lc-rs"),
    ("openssl-sys", "one crypto provider: aws-lc-rs"),
    ("native-tls", "TLS is rustls"),
    ("serde_yaml", "deprecated; yaml_serde is used under this name"),
    ("rsa", "aws-lc-rs makes and uses RSA keys"),
];

fn metadata() -> Metadata {
    // Of this machine's platform only: nothing has to be downloaded that was not needed for this build.
    let options = ["--offline".to_owned(), format!("--filter-platform={}", host())];
    MetadataCommand::new().manifest_path(root().join("Cargo.toml")).other_options(options).exec().unwrap()
}

fn host() -> String {
    let output = std::process::Command::new("rustc").arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

#[test]
fn crates_form_a_star_no_leaf_knows_another() {
    let metadata = metadata();
    let members: BTreeSet<String> =
        metadata.workspace_packages().iter().map(|package| package.name.to_string()).collect();
    let mut edges = BTreeSet::new();
    for package in metadata.workspace_packages() {
        for dependency in package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal) {
            if members.contains(&dependency.name) {
                edges.insert((package.name.to_string(), dependency.name.clone()));
            }
        }
    }
    let expected = ["mock-iam", "mock-idp", "security-tests"].map(|leaf| ("devenv".to_owned(), leaf.to_owned()));
    assert_eq!(edges, BTreeSet::from(expected));
}

#[test]
fn what_was_decided_against_is_in_no_build() {
    let used = built();
    for (name, reason) in BANNED {
        assert!(used.contains("aws-lc-rs"), "the tree was not read");
        assert!(!used.contains(name), "`{name}` came in: {reason}; see `cargo tree -i {name}`");
    }
}

/// Names of all packages that some member is built from on this machine. Asked of `cargo tree`, because metadata also
/// names optional packages that no feature turned on.
fn built() -> BTreeSet<String> {
    let arguments = ["tree", "--workspace", "--offline", "--locked", "--prefix", "none", "--format", "{p}"];
    let output = std::process::Command::new("cargo").args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn pure_modules_close_the_doors_to_the_outside() {
    let pure = [
        "devenv/src/manifest/mod.rs",
        "devenv/src/plan/mod.rs",
        "devenv/src/describe/mod.rs",
        "devenv/src/engine/reconcile.rs",
        "devenv/src/engine/observed.rs",
        "devenv/src/engine/step.rs",
        "devenv/src/engine/timings.rs",
        "devenv/src/audit/mod.rs",
        "devenv/src/export/mod.rs",
        "devenv/src/engine/embedded/supervision.rs",
        "security-tests/src/api.rs",
        "security-tests/src/oracle/mod.rs",
        "security-tests/src/flow/mod.rs",
        "security-tests/src/plan/mod.rs",
        "security-tests/src/checks/mod.rs",
        "security-tests/src/regressions.rs",
        "security-tests/src/rollup.rs",
        "security-tests/src/report/mod.rs",
        "mock-idp/src/flow/mod.rs",
        "mock-iam/src/policy/mod.rs",
    ];
    for module in pure {
        let text = std::fs::read_to_string(root().join(module)).unwrap_or_else(|error| panic!("{module}: {error}"));
        let closed = text.contains("#![deny(clippy::disallowed_methods, clippy::disallowed_types)]");
        assert!(closed, "{module} is pure and does not say so");
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    for directory in ["devenv/src", "mock-idp/src", "mock-iam/src", "security-tests/src", "templates/orders/src"] {
        for file in rust_files(&root().join(directory)) {
            let text = std::fs::read_to_string(&file).unwrap();
            assert!(text.starts_with("//!"), "{} has no first line that says what it is for", file.display());
        }
    }
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
