//! Pipelines of CI systems that run the same `devenv test` as a laptop. Pure: text with a few holes.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// A CI system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// GitHub Actions.
    GitHub,
    /// GitLab CI.
    GitLab,
}

/// What a pipeline is written for.
#[derive(Clone, Debug)]
pub struct Pipeline<'a> {
    /// Of which system.
    pub system: System,
    /// Machines that share a run; 1: none do.
    pub shards: usize,
    /// The project's directory, relative to the root of the repository; empty when it is the root.
    pub directory: &'a str,
    /// Git repository of devenv, when it shall be written down instead of being a variable.
    pub repository: Option<&'a str>,
}

const GITHUB: &str = include_str!("github.yml");
const GITLAB: &str = include_str!("gitlab.yml");
/// The same for all: nothing is done where devenv is there.
const INSTALL: &str = include_str!("install.sh");

impl System {
    /// Where the system looks for it, relative to the root of the repository.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Self::GitHub => ".github/workflows/authorization.yml",
            Self::GitLab => ".gitlab-ci.yml",
        }
    }
}

/// The pipeline as text.
#[must_use]
pub fn pipeline(pipeline: &Pipeline<'_>) -> String {
    let Pipeline { system, shards, directory, repository } = pipeline;
    let (template, indent) = match system {
        System::GitHub => (GITHUB, 10),
        System::GitLab => (GITLAB, 6),
    };
    let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
    let repository_value = match (repository, system) {
        (Some(url), _) => quoted(url),
        (None, _) => "${{ vars.DEVENV_REPOSITORY }}".to_owned(),
    };
    let sharded: Vec<String> = (1..=*shards).map(|index| format!("\"{index}/{shards}\"")).collect();
    let holes = [
        ("@REPOSITORY@", repository_value),
        ("@SHARDS@", sharded.join(", ")),
        ("@COUNT@", shards.to_string()),
        ("@DIRECTORY@", if directory.is_empty() { ".".to_owned() } else { quoted(directory) }),
        ("@PREFIX@", prefix.clone()),
        ("@TARGET@", format!("{prefix}target")),
    ];
    let mut out = String::new();
    for line in template.lines().filter_map(|line| kept(line, *shards > 1, repository.is_some())) {
        if line == "@INSTALL@" {
            INSTALL.lines().for_each(|line| out.push_str(&format!("{:indent$}{line}\n", "")));
            continue;
        }
        let mut line = line.to_owned();
        for (hole, value) in &holes {
            line = line.replace(hole, value);
        }
        out.push_str(&line);
        out.push('\n');
    }
    out
}

/// A line, unless it is only for another kind of pipeline.
fn kept(line: &str, sharded: bool, repository: bool) -> Option<&str> {
    if line == "@INSTALL-SHARDED@" {
        return sharded.then_some("@INSTALL@");
    }
    for (mark, wanted) in [("#sharded|", sharded), ("#single|", !sharded), ("#repository|", repository)] {
        if let Some(rest) = line.strip_prefix(mark) {
            return wanted.then_some(rest);
        }
    }
    Some(line)
}

/// A text as a double-quoted scalar (YAML 1.2 §1.3: JSON strings are such).
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(system: System, shards: usize, directory: &str) -> String {
        pipeline(&Pipeline { system, shards, directory, repository: None })
    }

    #[test]
    fn a_pipeline_is_yaml_without_holes_and_asks_for_no_more_than_it_needs() {
        for system in [System::GitHub, System::GitLab] {
            for (shards, directory) in [(1, ""), (3, "api/orders")] {
                let text = written(system, shards, directory);
                let document: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
                assert!(!text.contains('@') || text.replace("@v", "").find('@').is_none(), "{text}");
                assert!(!text.contains("#sharded") && !text.contains("#single"), "{text}");
                if system == System::GitHub {
                    assert_eq!(document["permissions"], serde_json::json!({"contents": "read"}));
                }
            }
        }
    }

    #[test]
    fn shards_are_a_matrix_with_one_summary() {
        let document: serde_json::Value = serde_saphyr::from_str(&written(System::GitHub, 2, "")).unwrap();
        let jobs = &document["jobs"];
        assert_eq!(jobs["authorization"]["strategy"]["matrix"]["shard"], serde_json::json!(["1/2", "2/2"]));
        assert_eq!(jobs["summary"]["needs"], "authorization");
        let document: serde_json::Value = serde_saphyr::from_str(&written(System::GitLab, 2, "")).unwrap();
        assert_eq!(document["authorization"]["parallel"], 2);
        let document: serde_json::Value = serde_saphyr::from_str(&written(System::GitHub, 1, "")).unwrap();
        assert!(document["jobs"].get("summary").is_none());
    }

    #[test]
    fn no_expression_of_the_host_gets_into_a_script() {
        // Whoever names a branch must not be able to run something.
        let document: serde_json::Value = serde_saphyr::from_str(&written(System::GitHub, 3, "")).unwrap();
        for job in document["jobs"].as_object().unwrap().values() {
            for step in job["steps"].as_array().unwrap() {
                assert!(!step["run"].as_str().unwrap_or_default().contains("${{"), "{step}");
            }
        }
    }
}
