//! Stacks as short texts: a sketch becomes a manifest and is planned as any other. Must not know engines.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use devenv::manifest::{self, EngineName, NoFiles, SourceFile, Sources};
use devenv::plan::{Artifact, Context, Plan, Project, SecretKey, Secrets, resolve};
use devenv::stack::digest_of;

/// What a service does: see [`services`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// Says hello and runs until it is asked to end; ready when it has said hello.
    Run,
    /// The same, and ignores being asked to end.
    RunDeaf,
    /// Says hello and ends with this exit code; no readiness test.
    End(i64),
    /// Says sorry and ends with this exit code; its readiness test waits for a hello that never comes.
    Fail(i64),
}

/// One line of a sketch.
#[derive(Clone, Debug)]
pub(crate) struct Sketched<'a> {
    pub(crate) name: &'a str,
    pub(crate) does: Does,
    after: Vec<(&'a str, &'a str)>,
    version: &'a str,
}

/// One service a line: `NAME: runs|runs-deaf|ends CODE|fails CODE [version X] [after OTHER started|healthy|completed]…`.
pub(crate) fn services(text: &str) -> Vec<Sketched<'_>> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(service).collect()
}

fn service(line: &str) -> Sketched<'_> {
    let (name, rest) = line.split_once(':').expect("NAME: …");
    let mut words = rest.split_whitespace();
    let mut next = || words.next();
    let mut sketched = Sketched { name, does: Does::Run, after: vec![], version: "1" };
    while let Some(word) = next() {
        let mut value = || next().unwrap_or_else(|| panic!("`{word}` needs more words: {line}"));
        match word {
            "runs" => sketched.does = Does::Run,
            "runs-deaf" => sketched.does = Does::RunDeaf,
            "ends" => sketched.does = Does::End(value().parse().expect("an exit code")),
            "fails" => sketched.does = Does::Fail(value().parse().expect("an exit code")),
            "version" => sketched.version = value(),
            "after" => sketched.after.push((value(), value())),
            other => panic!("`{other}` is no word of a sketch: {line}"),
        }
    }
    sketched
}

/// What the shell of a service runs. Its word is in a delivered file, so a hello proves that the file was there.
///
/// Where standard input is kept open (containers), reading it lasts for ever without any other program; elsewhere it ends
/// at once and `sleep` lasts instead.
fn script(does: &Does) -> String {
    let hello = "read word < $$HELLO; echo $$0 says $$word";
    let last = "read nothing || exec sleep 1000";
    match does {
        Does::Run => format!("{hello}; {last}"),
        Does::RunDeaf => format!("trap '' TERM; {hello}; {last}"),
        Does::End(code) => format!("{hello}; exit {code}"),
        Does::Fail(code) => format!("echo $$0 says sorry; exit {code}"),
    }
}

/// The manifest of a sketch. The volume is there where there are volumes.
fn manifest(text: &str) -> String {
    let mut out =
        String::from("name: behaviour\nsecrets: { hello: { generate: true } }\nvolumes: { data: }\nservices:\n");
    for Sketched { name, does, after, version } in services(text) {
        let conditions: Vec<String> = after
            .iter()
            .map(|(other, condition)| {
                let condition = if *condition == "completed" { "completed_successfully" } else { condition };
                format!("{other}: {{ condition: service_{condition} }}")
            })
            .collect();
        let ready = if let Does::End(_) = does { "" } else { "    ready: { log: says hello, within: 30s }\n" };
        let _ = write!(
            out,
            "  {name}:\n    binary: {{ path: /bin/sh }}\n    command: [\"-c\", \"{script}\", \"{name}\"]\n\
             {ready}    stdin_open: true\n    stop_grace_period: 1s\n    restart: \"no\"\n    secrets: [hello]\n    \
             environment: {{ HELLO: \"${{DEVENV_SECRET_HELLO}}\", VERSION: \"{version}\" }}\n    \
             depends_on: {{ {conditions} }}\n    docker: {{ volumes: [\"data:/data\"] }}\n",
            script = script(&does),
            conditions = conditions.join(", "),
        );
    }
    out
}

/// The plan of a sketch.
pub(crate) fn plan(text: &str, engine: EngineName, project: &Project) -> Plan {
    let text = manifest(text);
    let source = SourceFile { path: "devenv.yaml".into(), text: text.clone() };
    let sources = Sources { file: &source, overrides: &[], files: &NoFiles, variables: &BTreeMap::new() };
    let manifest = manifest::load(&sources).unwrap_or_else(|problems| panic!("{problems}\n{text}")).value;
    let shell = Path::new("/bin/sh").canonicalize().expect("a shell");
    let digest = digest_of(&shell, None).expect("its digest");
    let shell = Artifact { path: shell, digest };
    let secrets = BTreeMap::from([
        (SecretKey::Salt, "salt".to_owned()),
        (SecretKey::Generated("hello".into()), "hello\n".to_owned()),
    ]);
    let context = Context {
        engine,
        project: project.clone(),
        executable: Artifact::unknown(),
        builds: BTreeMap::new(),
        mounts: BTreeMap::new(),
        artifacts: manifest.services.keys().map(|name| (name.clone(), shell.clone())).collect(),
        secrets: Secrets(secrets),
        files: BTreeMap::new(),
        shares_files: true,
        policies: mock_iam::config::Policies::default(),
    };
    resolve(&manifest, &context).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"))
}
