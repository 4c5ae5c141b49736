//! What the user typed to what the tests are planned with.

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

pub(super) fn rows(args: &Test) -> Rows {
    match args.matrix {
        MatrixArg::Auto => Rows::Auto,
        MatrixArg::All => Rows::All,
        MatrixArg::Interesting => Rows::Interesting,
        MatrixArg::None => Rows::None,
    }
}
