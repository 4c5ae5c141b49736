//! What the user typed to what the tests are planned with.

use std::path::Path;

use security_tests::Options;
use security_tests::report::Rows;
use security_tests::verdict::{Layer, Tier};

use crate::cli::{MatrixArg, Test, TierArg};
use crate::commands::Failure;
use crate::exit::Exit;

/// `static` and `policy` read files only.
pub(super) fn needs_stack(options: &Options) -> bool {
    options.layers.is_empty() || options.layers.iter().any(|layer| !matches!(layer, Layer::Static | Layer::Policy))
}

pub(super) fn options(args: &Test) -> Result<Options, Failure> {
    let layer = |name: &String| {
        let names: Vec<&str> = Layer::ALL.iter().map(|layer| layer.as_str()).collect();
        let help = format!("there are {}", names.join(", "));
        Layer::parse(name).ok_or_else(|| Failure::with_help(Exit::Usage, format!("no layer `{name}`"), help))
    };
    let now = jiff::Timestamp::now();
    Ok(Options {
        layers: args.layers.iter().map(layer).collect::<Result<_, _>>()?,
        operations: args.operations.clone(),
        personas: args.personas.clone(),
        seed: args.seed.unwrap_or_else(|| now.as_microsecond().unsigned_abs()),
        started_at: now.to_string(),
        tier: match args.tier {
            TierArg::Exploit => Tier::Exploit,
            TierArg::Profile => Tier::Profile,
            TierArg::Hardening => Tier::Hardening,
        },
        budget: args.budget,
        timeout: args.timeout,
        shard: args.shard,
        ..Options::default()
    })
}

/// What a replay needs beside an id, after a space: where the run was.
pub(super) fn again(args: &Test) -> String {
    let mut words = Vec::new();
    if let Some(url) = &args.target {
        words.extend(["--target".to_owned(), url.clone()]);
    }
    if let Some(rules) = &args.rules {
        words.extend(["--rules".to_owned(), rules.display().to_string()]);
    }
    if let Some(base) = &args.base {
        words.extend(["--base".to_owned(), base.clone()]);
    }
    if args.stack.dir != Path::new(".") {
        words.extend(["--dir".to_owned(), args.stack.dir.display().to_string()]);
    }
    for file in &args.stack.file {
        words.extend(["--file".to_owned(), file.display().to_string()]);
    }
    words.iter().map(|word| format!(" {}", quoted(word))).collect()
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

pub(super) fn rows(args: &Test) -> Rows {
    match args.matrix {
        MatrixArg::Auto => Rows::Auto,
        MatrixArg::All => Rows::All,
        MatrixArg::Interesting => Rows::Interesting,
        MatrixArg::None => Rows::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn a_replay_is_suggested_with_the_options_that_say_where_the_run_was() {
        let mut args =
            Test { rules: Some("my rules.yaml".into()), target: Some("http://h:1".into()), ..Test::default() };
        args.stack.dir = PathBuf::from(".");
        assert_eq!(again(&args), " --target http://h:1 --rules 'my rules.yaml'");
        let mut stack = Test::default();
        stack.stack.dir = PathBuf::from("it's");
        stack.stack.file = vec!["a.yaml".into()];
        assert_eq!(again(&stack), r" --dir 'it'\''s' --file a.yaml");
        stack.stack = crate::cli::StackArgs { dir: ".".into(), ..Default::default() };
        assert_eq!(again(&stack), "");
    }
}
