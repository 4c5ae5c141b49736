//! The tests on a stack that plain Compose runs, from an export: nothing is started and nothing taken down.

use std::path::Path;

use security_tests::{Options, Run};

use super::stack::{ControlTokens, walk};
use crate::commands::Failure;
use crate::commands::interrupt::Interrupts;
use crate::commands::rules::Rules;
use crate::commands::session::Session;
use crate::engine::readiness::ask;
use crate::event::Reporter;
use crate::exit::Exit;
use crate::export::ExportedStack;

/// Attacks the stack that a Compose file describes.
pub(super) async fn attack(
    (session, rules): (&Session, Rules),
    file: &Path,
    options: &Options,
    (reporter, interrupts): (&Reporter, &mut Interrupts),
) -> Result<Run, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::new(Exit::Usage, format!("cannot read {}: {error}", file.display())))?;
    let stack = ExportedStack::read(&text).map_err(|error| {
        let help = "`devenv export compose` writes such files";
        Failure::with_help(Exit::Usage, format!("{}: {error}", file.display()), help)
    })?;
    let tokens = tokens(&stack, file)?;
    answers(session, &stack, file).await?;
    walk((session, rules), (stack.url, tokens), options, (reporter, interrupts)).await
}

fn tokens(stack: &ExportedStack, file: &Path) -> Result<ControlTokens, Failure> {
    let directory = file.parent().unwrap_or(Path::new(""));
    let read = |path: &Option<String>| -> Result<Option<String>, Failure> {
        let Some(path) = path else { return Ok(None) };
        let path = directory.join(path);
        let token = std::fs::read_to_string(&path).map_err(|error| {
            let help = "it is not committed: export again where the stack is to run";
            Failure::with_help(Exit::World, format!("cannot read {}: {error}", path.display()), help)
        })?;
        Ok(Some(token))
    };
    Ok((read(&stack.control.idp)?, read(&stack.control.iam)?))
}

/// Whether everything is there that the tests speak to: that is another thing to mend than a failed test.
async fn answers(session: &Session, stack: &ExportedStack, file: &Path) -> Result<(), Failure> {
    let idp = session.manifest.idp.as_ref().map(|idp| format!("localhost:{}", idp.port));
    let iam = session.manifest.iam.as_ref().map(|iam| format!("localhost:{}", iam.port));
    let api = stack.url.split_once("://").map(|(_, address)| address.trim_end_matches('/').to_owned());
    for address in [idp, iam, api].into_iter().flatten() {
        ask(&format!("tcp://{address}")).await.map_err(|error| {
            let help = format!("start it: `docker compose -f {} up -d --wait`", file.display());
            Failure::with_help(Exit::World, format!("the stack does not run: {address}: {error}"), help)
        })?;
    }
    Ok(())
}
