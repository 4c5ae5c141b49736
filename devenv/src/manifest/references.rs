//! The `${DEVENV_…}` variables that a file uses: do they exist? What they stand for is not known here.

use super::decode::{Context, Reference};
use super::model::{Manifest, Service};

const URL: &str = "DEVENV_URL_";
const PORT: &str = "DEVENV_PORT_";
const SECRET: &str = "DEVENV_SECRET_";

pub(super) fn check(context: &mut Context<'_>, manifest: &Manifest) {
    let known = known_names(manifest);
    for reference in std::mem::take(&mut context.references) {
        let Reference { position, variable, .. } = &reference;
        match known.iter().filter(|name| *name == variable).count() {
            0 => unknown(context, &known, &reference),
            1 => check_use(context, manifest, &reference),
            count => {
                let message = format!("`${{{variable}}}` means {count} things: their names differ only in `-` and `_`");
                context.error(*position, message);
            }
        }
    }
}

fn unknown(context: &mut Context<'_>, known: &[String], reference: &Reference) {
    let Reference { position, variable, .. } = reference;
    let missing = match variable.as_str() {
        "DEVENV_ISSUER" => Some("idp"),
        "DEVENV_AUTHZEN_URL" | "DEVENV_SCIM_URL" => Some("iam"),
        _ => None,
    };
    if let Some(section) = missing {
        context.error(*position, format!("`${{{variable}}}` needs the section `{section}:`"));
        return;
    }
    let help = context.report.did_you_mean(variable, known.iter().map(String::as_str));
    let help = help.or_else(|| explanation(variable));
    context.error_with_help(*position, format!("the variable `${{{variable}}}` does not exist"), help);
}

/// A secret is a file of the services that list it, and a URL needs a port.
fn check_use(context: &mut Context<'_>, manifest: &Manifest, reference: &Reference) {
    let Reference { position, variable, service } = reference;
    let of_service = variable.strip_prefix(URL).or_else(|| variable.strip_prefix(PORT));
    if let Some(other) = of_service.and_then(|name| named(manifest.services.keys(), name))
        && !parts(manifest, other).any(|part| !part.ports.is_empty() || !part.expose.is_empty())
    {
        let help = format!("add `ports` or `expose` to `{other}`");
        context.error_with_help(*position, format!("`${{{variable}}}` has no value: `{other}` has no port"), help);
    }
    let Some(secret) = variable.strip_prefix(SECRET).and_then(|name| named(manifest.secrets.keys(), name)) else {
        return;
    };
    let Some(service) = service else { return };
    if !parts(manifest, service).any(|part| part.secrets.iter().any(|used| used.source == *secret)) {
        let help = format!("add it to the `secrets` of `{service}`");
        context.error_with_help(
            *position,
            format!("the service `{service}` does not have the secret `{secret}`"),
            help,
        );
    }
}

/// A service and its overrides.
fn parts<'m>(manifest: &'m Manifest, service: &str) -> impl Iterator<Item = &'m Service> {
    let base = manifest.services.get(service);
    let overrides =
        base.into_iter().flat_map(|base| base.docker.as_deref().into_iter().chain(base.embedded.as_deref()));
    base.into_iter().chain(overrides)
}

fn named<'m>(mut names: impl Iterator<Item = &'m String>, part: &str) -> Option<&'m String> {
    names.find(|name| upper(name) == part)
}

/// `orders-api` as a part of a variable's name: `ORDERS_API`.
fn upper(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}

fn known_names(manifest: &Manifest) -> Vec<String> {
    let mut names = vec!["DEVENV_PROJECT".to_owned(), "DEVENV_DATA".to_owned()];
    if manifest.idp.is_some() {
        names.push("DEVENV_ISSUER".to_owned());
    }
    if manifest.iam.is_some() {
        names.extend(["DEVENV_AUTHZEN_URL".to_owned(), "DEVENV_SCIM_URL".to_owned()]);
    }
    for prefix in [URL, PORT] {
        names.extend(manifest.services.keys().map(|name| format!("{prefix}{}", upper(name))));
    }
    names.extend(manifest.secrets.keys().map(|name| format!("{SECRET}{}", upper(name))));
    names
}

fn explanation(name: &str) -> Option<String> {
    if let Some(prefix) = [URL, PORT].into_iter().find(|prefix| name.starts_with(prefix)) {
        let what = format!("`{prefix}` is followed by the name of a service, in upper case with `_` for `-`");
        return Some(what);
    }
    if name.starts_with(SECRET) {
        return Some("`DEVENV_SECRET_` is followed by the name of a secret, in upper case with `_` for `-`".to_owned());
    }
    None
}
