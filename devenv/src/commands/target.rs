//! `devenv test --target`: the tests on an API that was not started here. No `devenv.yaml`, no stack, no engine.

use std::path::Path;

use security_tests::{Run, Target, TestPlan};

use crate::commands::Failure;
use crate::commands::interrupt::Interrupts;
use crate::commands::rules::load_standalone;
use crate::event::{Event, Reporter};
use crate::exit::Exit;

/// Describes an API by its address and its rules.
pub(super) async fn describe(
    (url, file): (&str, &Path),
    base: Option<&str>,
    reporter: &Reporter,
) -> Result<Target, Failure> {
    let wrong = |why: &str| {
        let help = "write it as `http://127.0.0.1:8080`".to_owned();
        Failure::with_help(Exit::Usage, format!("`--target {url}` {why}"), help)
    };
    let parsed = reqwest::Url::parse(url).map_err(|_| wrong("is not a URL"))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(wrong("is not an HTTP address"));
    }
    let rules = load_standalone(file, url, reporter).await?;
    let base = super::base::base((file.parent().unwrap_or(Path::new("")), rules.openapi.as_deref()), base, reporter)?;
    if rules.access.login.is_none() {
        reporter.report(Event::Note { message: "the rules have no `login`: only files are looked at".into() });
    }
    let host = parsed.host_str().unwrap_or_default();
    let name = if rules.api.title.is_empty() { host.to_owned() } else { rules.api.title.clone() };
    Ok(Target {
        name,
        base_url: rules.api.address(url),
        api: rules.api,
        access: rules.access,
        personas: rules.personas,
        provider: None,
        directory: None,
        decider: None,
        lock: None,
        base,
        words: security_tests::tokens::words::Project::default(),
        controls: security_tests::target::Controls::default(),
    })
}

/// Walks the plan. Ctrl-C ends it; the API is then put back to its start, or what was made deleted, as far as can be.
pub(super) async fn run(
    (plan, target): (&TestPlan, &Target),
    layers: impl Future<Output = Run>,
    (reporter, interrupts): (&Reporter, &mut Interrupts),
) -> Result<Run, Failure> {
    tokio::select! {
        run = layers => Ok(run),
        () = interrupts.next() => {
            reporter.report(Event::Note { message: "cleaning up (Ctrl-C again to leave it)".into() });
            tokio::select! {
                cleaned = security_tests::clean_up(plan, target) => if let Err(what) = cleaned {
                    reporter.report(Event::Warning { message: format!("left behind: {what}") });
                },
                () = interrupts.next() => {}
            }
            Err(Failure::Interrupted)
        }
    }
}
