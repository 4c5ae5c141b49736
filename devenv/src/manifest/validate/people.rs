//! Personas, tenants and clients that are named somewhere: are they there?

use std::collections::BTreeSet;

use super::Place;
use crate::manifest::decode::Context;
use crate::manifest::model::SecretSource;

pub(super) fn check(context: &mut Context<'_>, place: &Place<'_>) {
    tenants(context, place);
    secrets(context, place);
}

fn tenants(context: &mut Context<'_>, place: &Place<'_>) {
    let identity = &place.manifest.identity;
    let mut seen = BTreeSet::new();
    for tenant in &identity.tenants {
        if !seen.insert(tenant.as_str()) {
            let position = place.root.locate(&["identity", "tenants", tenant]);
            context.report.warning(position, format!("the tenant `{tenant}` is there twice"));
        }
    }
    for (name, persona) in &identity.personas {
        let Some(tenant) = &persona.tenant else { continue };
        if !seen.contains(tenant.as_str()) {
            let position = place.root.locate(&["identity", "personas", name, "tenant"]);
            let help = context
                .report
                .did_you_mean(tenant, seen.iter().copied())
                .unwrap_or_else(|| "tenants are listed under `identity.tenants`".to_owned());
            context.error_with_help(position, format!("`{name}` belongs to the unknown tenant `{tenant}`"), help);
        }
    }
}

fn secrets(context: &mut Context<'_>, place: &Place<'_>) {
    let clients = &place.manifest.identity.clients;
    for (name, secret) in &place.manifest.secrets {
        match secret {
            SecretSource::Client(client) => {
                let position = place.root.locate(&["secrets", name, "client"]);
                match clients.get(client) {
                    // A client that was written but is wrong has a problem of its own.
                    None if is_written(place, client) => {}
                    None => {
                        let help = context.report.did_you_mean(client, clients.keys().map(String::as_str));
                        context.error_with_help(position, format!("there is no client `{client}`"), help);
                    }
                    Some(found) if !found.confidential => {
                        context.error(position, format!("the public client `{client}` has no secret"));
                    }
                    Some(_) => {}
                }
            }
            SecretSource::Iam(_) if place.manifest.iam.is_none() => {
                let position = place.root.locate(&["secrets", name, "iam"]);
                context.error(position, "a token for the IAM needs the section `iam:`");
            }
            SecretSource::File(_) | SecretSource::Environment(_) | SecretSource::Generate | SecretSource::Iam(_) => {}
        }
    }
}

fn is_written(place: &Place<'_>, client: &str) -> bool {
    let clients = place.root.get("identity").and_then(|identity| identity.get("clients"));
    clients.is_some_and(|clients| clients.get(client).is_some())
}
