//! The top level of `devenv.yaml`: one line per section.

use std::collections::BTreeSet;

use super::decode::{Context, Fields};
use super::model::Manifest;
use super::tree::Node;
use super::{identity, keys, scalars, servers, service, sources};

/// Sections that only the Nix tool of the same name has.
const NIX_ALWAYS: &[&str] = &["inputs", "languages", "pkgs", "nixpkgs", "allowUnfree", "enterShell"];
/// Sections that it has, and that could be a slip of the pen in a file of ours.
const NIX_MAYBE: &[&str] = &["packages", "imports", "processes", "scripts", "env", "git-hooks", "pre-commit"];
const OURS: &[&str] = &["services", "identity", "idp", "iam", "tests"];

pub(super) fn read(context: &mut Context<'_>, root: &Node) -> Option<Manifest> {
    let mut fields = Fields::of(context, root, "the file")?.with_unsupported(keys::TOP_LEVEL);
    if is_of_the_nix_tool(context, root) {
        return None;
    }
    if let Some(node) = fields.take("version") {
        let help = "Compose ignores it as well; remove the line".to_owned();
        context.report.warning_with_help(node.position, "`version` has no effect".to_owned(), help);
    }
    let manifest = Manifest {
        name: fields.take("name").and_then(|node| project_name(context, node)),
        identity: fields.take("identity").and_then(|node| identity::read(context, node)).unwrap_or_default(),
        idp: fields.take_even_null("idp").and_then(|node| servers::idp(context, node)),
        iam: fields.take_even_null("iam").and_then(|node| servers::iam(context, node)),
        services: fields
            .take("services")
            .map(|node| context.named(node, |context, entry| service::read(context, &entry.key, &entry.value)))
            .unwrap_or_default(),
        secrets: fields.take("secrets").map(|node| context.named(node, sources::secret)).unwrap_or_default(),
        configs: fields.take("configs").map(|node| context.named(node, sources::config)).unwrap_or_default(),
        networks: fields.take("networks").map(|node| context.named(node, sources::network)).unwrap_or_default(),
        volumes: fields.take("volumes").map(|node| context.named(node, sources::volume)).unwrap_or_default(),
        tests: fields.take("tests").and_then(|node| context.path(node)),
        active_profiles: BTreeSet::new(),
        ports_moved_by: 0,
    };
    fields.finish(context);
    Some(manifest)
}

fn project_name(context: &mut Context<'_>, node: &Node) -> Option<String> {
    let name = context.text(node)?;
    if !scalars::is_project_name(&name) {
        let help = "lower-case letters, digits, `-` and `_`, beginning with a letter or digit".to_owned();
        context.error_with_help(node.position, format!("`{name}` is not a valid project name"), help);
        return None;
    }
    Some(name)
}

fn is_of_the_nix_tool(context: &mut Context<'_>, root: &Node) -> bool {
    let has = |keys: &[&str]| root.entries().iter().find(|entry| keys.contains(&entry.key.as_str()));
    let telling = has(NIX_ALWAYS).or_else(|| if has(OURS).is_none() { has(NIX_MAYBE) } else { None });
    let Some(entry) = telling else { return false };
    context.error_with_help(
        entry.position,
        format!("this file belongs to the Nix tool of the same name: `{}` is a section of devenv.sh", entry.key),
        "run that program here, or keep the stack of this one in another directory".to_owned(),
    );
    true
}
