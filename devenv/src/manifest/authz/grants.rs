//! One grant: who may.

use security_tests::access::Grant;

use crate::manifest::decode::Context;
use crate::manifest::scalars::is_identity_name;
use crate::manifest::tree::Node;

/// Words with a meaning of their own: no names of roles.
pub(super) const WORDS: [&str; 5] = ["anyone", "authenticated", "owner", "others", "tenant"];

pub(super) fn read(context: &mut Context<'_>, node: &Node) -> Option<Grant> {
    let text = context.word(node)?;
    let grant = parse(&text);
    if grant.is_none() {
        let help =
            "write `anyone`, `authenticated`, `owner`, `others`, `tenant`, a role, or `ROLE of tenant`".to_owned();
        context.error_with_help(node.position, format!("`{text}` is not a grant"), help);
    }
    grant
}

fn parse(text: &str) -> Option<Grant> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        ["anyone"] => Some(Grant::Anyone),
        ["authenticated"] => Some(Grant::Authenticated),
        ["owner"] => Some(Grant::Owner),
        ["others"] => Some(Grant::Others),
        ["tenant"] => Some(Grant::Tenant),
        [role, "of", "tenant"] if is_role(role) => Some(Grant::RoleOfTenant((*role).to_owned())),
        [role] if is_role(role) => Some(Grant::Role((*role).to_owned())),
        _ => None,
    }
}

fn is_role(text: &str) -> bool {
    is_identity_name(text) && !WORDS.contains(&text)
}
