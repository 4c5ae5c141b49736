//! A git repository around a project, used as people use it: `git commit`, hooks and all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::{Bench, Ran, program, ran};

/// Content and time of files, by path.
pub(crate) type Files = BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)>;

/// A project in a repository of its own, with ports that are free.
pub(crate) struct Repository {
    bench: Bench,
}

impl Repository {
    /// A repository of these files, nothing committed yet.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        // Each builds in a place of its own: two that build programs of one name must not take each other's.
        Self::around(Bench::of("embedded", files).with("CARGO_TARGET_DIR", ""))
    }

    /// What `devenv init orders` writes, with other ports and with the program that the workspace built.
    pub(crate) fn orders() -> Self {
        let bench = Bench::of("embedded", &[(".keep", "")]);
        let directory = bench.project().display().to_string();
        bench.run(&["init", "orders", "--dir", &directory]).expect(0);
        let repository = Self::around(bench);
        let mut manifest = repository.read("devenv.yaml");
        for port in ["9400", "9410", "8080"] {
            manifest = manifest.replace(port, &free_port().to_string());
        }
        let built = format!("binary: {{ path: {} }}", orders_api().display());
        let manifest = manifest.replace("binary: { cargo: orders-api }", &built);
        repository.write("devenv.yaml", &manifest);
        repository
    }

    fn around(bench: Bench) -> Self {
        let repository = Self { bench: bench.with("DEVENV_ENGINE", "embedded") };
        repository.git(&["init", "-q", "-b", "main"]);
        for (name, value) in [("user.name", "t"), ("user.email", "t@example.test"), ("commit.gpgsign", "false")] {
            repository.git(&["config", name, value]);
        }
        repository
    }

    pub(crate) fn project(&self) -> &Path {
        self.bench.project()
    }

    pub(crate) fn devenv(&self, arguments: &[&str]) -> Ran {
        self.bench.run(arguments)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.bench.command(arguments)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.project().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.project().join(name)).unwrap()
    }

    /// Replaces a text that is there.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "no `{from}` in {name}:\n{text}");
        self.write(name, &text.replace(from, to));
    }

    /// A git command, with the environment that the hook then has, too.
    pub(crate) fn try_git(&self, arguments: &[&str]) -> Ran {
        let mut git = Command::new("git");
        git.arg("-C").arg(self.project()).args(arguments);
        let like = self.bench.command(&[]);
        git.env_clear();
        for (name, value) in like.get_envs() {
            value.map(|value| git.env(name, value));
        }
        // Nothing of this machine's own configuration, whatever hooks and signatures it asks for.
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        ran(git.output().unwrap())
    }

    #[track_caller]
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.try_git(arguments).expect(0).stdout
    }

    /// Stages everything and commits; standard error is what the hook said.
    pub(crate) fn commit(&self, message: &str) -> Ran {
        self.git(&["add", "-A"]);
        self.try_git(&["commit", "-qm", message])
    }

    /// Every file of the work tree outside of `.git` and `target`, byte for byte, and the index with its time.
    pub(crate) fn snapshot(&self) -> Files {
        let mut files = BTreeMap::new();
        let mut open = vec![self.project().to_path_buf()];
        while let Some(directory) = open.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.ends_with(".git") || path.ends_with("target") {
                    continue;
                }
                if path.is_dir() { open.push(path) } else { files.extend(file(&path)) }
            }
        }
        files.extend(file(&self.project().join(".git/index")));
        files
    }
}

fn file(path: &Path) -> Option<(PathBuf, (Vec<u8>, std::time::SystemTime))> {
    let modified = std::fs::metadata(path).ok()?.modified().ok()?;
    Some((path.to_path_buf(), (std::fs::read(path).ok()?, modified)))
}

pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap().port()
}

/// The starter's program as the workspace builds it: a copy of the starter on its own would compile everything anew.
fn orders_api() -> PathBuf {
    let flags = ["build", "--workspace", "--bin", "orders-api", "--quiet"];
    let output = Command::new("cargo").args(flags).current_dir(crate::program::root()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let path = program().with_file_name("orders-api");
    assert!(path.is_file(), "{} is not there", path.display());
    path
}
