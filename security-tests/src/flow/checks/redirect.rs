//! Redirect URIs: a code goes where the client registered and nowhere else, and neither does an error (RFC 9700 §2.1,
//! §4.1; RFC 6749 §3.1.2.4, §4.1.2.1).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use url::{Host, Url};

use crate::checks::{Check, Evidence, Work};
use crate::flow::meaning::{Meaning, redirect_parameters};
use crate::flow::script::{Change, Question, Registered, Script, clients_with};
use crate::flow::{Endpoint, judge};
use crate::plan::{Case, Draft, Role};
use crate::target::GrantType::AuthorizationCode;
use crate::verdict::{Confidence, Layer, Outcome, Severity, Tier};

/// A code, or the browser with an error, is sent to somebody else's address.
pub(crate) static REDIRECT_URI: Check = Check {
    id: "redirect-uri",
    title: "sends the browser to an address of somebody else",
    layer: Layer::Flow,
    tier: Tier::Exploit,
    owasp: "API2:2023",
    cwe: "CWE-601",
    severity: Severity::High,
    work: Work::Online(elsewhere, judge),
};

/// It is sent to another address of the same host, or of this machine: harmless until something there redirects on. RFC
/// 8252 §7.3 lets the port of a loopback address vary, so that is not tried.
pub(crate) static LOOSE: Check = Check {
    id: "redirect-uri-match",
    title: "does not compare redirect URIs as exact strings",
    layer: Layer::Flow,
    tier: Tier::Profile,
    owasp: "API8:2023",
    cwe: "CWE-601",
    severity: Severity::Medium,
    work: Work::Online(nearby, judge),
};

/// A name that nobody can own (RFC 2606 §2).
const ATTACKER: &str = "attacker.invalid";

fn elsewhere(draft: &mut Draft<'_>) {
    for registered in clients_with(draft, AuthorizationCode) {
        for (name, address) in foreign(&registered) {
            try_address(draft, &REDIRECT_URI, &registered, (name, &address), &[]);
        }
        // An error is no reason to go there either: that is an open redirector.
        let address = format!("https://{ATTACKER}/callback");
        let wrong = [("response_type", Some("devenv-unknown"))];
        try_address(draft, &REDIRECT_URI, &registered, ("error", &address), &wrong);
        let nobody = [("client_id", Some("devenv-no-such-client"))];
        if !registered.client.must_push {
            try_address(draft, &REDIRECT_URI, &registered, ("unknown-client", &address), &nobody);
        }
    }
}

fn nearby(draft: &mut Draft<'_>) {
    for registered in clients_with(draft, AuthorizationCode) {
        for (name, address) in variations(registered.redirect_uri()) {
            try_address(draft, &LOOSE, &registered, (name, &address), &[]);
        }
    }
}

fn try_address(
    draft: &mut Draft<'_>,
    check: &'static Check,
    registered: &Registered,
    (name, address): (&str, &str),
    changes: &[Change<'_>],
) {
    let is_registered = registered.client.redirect_uris.iter().any(|known| known == address);
    if is_registered {
        return;
    }
    let mut script = Script::open(draft, registered);
    let changes: Vec<Change<'_>> =
        std::iter::once(("redirect_uri", Some(address))).chain(changes.iter().copied()).collect();
    script.authorize(Role::Attack, &changes);
    script.case(check, (registered, AuthorizationCode), Question { variant: name, value: address });
}

/// Addresses of somebody else that careless comparisons take for a registered one.
fn foreign(registered: &Registered) -> Vec<(&'static str, String)> {
    let uri = registered.redirect_uri();
    let mut addresses = vec![("unregistered", format!("https://{ATTACKER}/callback"))];
    let Ok(url) = Url::parse(uri) else { return addresses };
    let (scheme, rest) = (url.scheme(), uri.split_once("://").map_or("", |(_, rest)| rest));
    let (authority, path) = rest.find('/').map_or((rest, ""), |end| rest.split_at(end));
    let Some(host) = url.host_str().filter(|_| matches!(scheme, "http" | "https")) else { return addresses };
    addresses.extend([
        // What begins with the registered text: a host that is compared up to its end, or up to an `@`.
        ("host-suffix", format!("{scheme}://{host}.{ATTACKER}{path}")),
        ("userinfo", format!("{scheme}://{authority}@{ATTACKER}{path}")),
        ("backslash", format!("{scheme}://{ATTACKER}\\@{authority}{path}")),
        // What has the registered text in it.
        ("query", format!("https://{ATTACKER}/?next={uri}")),
        ("sub-domain", format!("{scheme}://attacker.{authority}{path}")),
    ]);
    if !is_loopback(&url) {
        let other = if scheme == "https" { "http" } else { "https" };
        addresses.push(("scheme", format!("{other}://{authority}{path}")));
        addresses.push(("port", format!("{scheme}://{host}:8444{path}")));
    }
    // Not everything can be put before or behind an IP address.
    addresses.retain(|(_, address)| Url::parse(address).is_ok());
    addresses
}

/// Other addresses of the same host.
fn variations(uri: &str) -> Vec<(&'static str, String)> {
    let Ok(url) = Url::parse(uri) else { return Vec::new() };
    let separator = if url.query().is_some() { '&' } else { '?' };
    let mut addresses = vec![
        ("path-appended", format!("{}/devenv", uri.trim_end_matches('/'))),
        ("query-appended", format!("{uri}{separator}next=https://{ATTACKER}/")),
        ("fragment", format!("{uri}#devenv")),
    ];
    if url.path().len() > 1 {
        let shorter: String = uri.chars().take(uri.chars().count() - 1).collect();
        addresses.push(("prefix", shorter));
        addresses.push(("path-traversal", format!("{uri}/../devenv")));
    }
    if is_loopback(&url) && url.scheme() == "http" {
        addresses.push(("scheme", uri.replacen("http", "https", 1)));
    }
    addresses
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn judge(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    if let Some(outcome) = judge::unready(case, evidence) {
        return outcome;
    }
    let subject = judge::subject(case);
    for step in subject.earlier.iter().chain([&case.trial.attack]) {
        let endpoint = judge::call(evidence, *step).map(|call| call.endpoint);
        let answer = match evidence.answer(*step) {
            Ok(answer) => answer,
            Err(reason) => return judge::no_answer(reason),
        };
        let went = answer
            .location
            .as_deref()
            .filter(|location| endpoint == Some(Endpoint::Authorization) && leads(location, &subject.value));
        if let Some(location) = went {
            let gets = redirect_parameters(location).into_iter().map(|(name, _)| name);
            let gets =
                gets.filter(|name| matches!(name.as_str(), "code" | "access_token" | "error")).collect::<Vec<_>>();
            let what = if gets.is_empty() { "nothing".to_owned() } else { gets.join(" and ") };
            return Outcome::Fail(
                Confidence::Confirmed,
                format!("the browser is sent to {} with {what}", subject.value),
            );
        }
        match judge::read(evidence, *step) {
            Ok(Meaning::Granted(_)) if endpoint == Some(Endpoint::PushedAuthorization) => {}
            Ok(Meaning::Granted(what)) => return Outcome::Pass(format!("{what} went to a registered address")),
            Ok(Meaning::Refused(how)) => return Outcome::Pass(format!("refused: the provider {how}")),
            Ok(Meaning::Failed(status)) => return Outcome::ServerError(status),
            Ok(Meaning::Unclear(how)) => return Outcome::Unproven(format!("the provider {how}")),
            Err(reason) => return judge::no_answer(reason),
        }
    }
    Outcome::Pass("no redirect".to_owned())
}

/// Whether a redirect leads to an address: the same place once both are read as a browser reads them, with parameters
/// added to the query or the fragment.
fn leads(location: &str, address: &str) -> bool {
    let (Ok(location), Ok(address)) = (Url::parse(location), Url::parse(address)) else { return false };
    let place = |url: &Url| {
        (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port_or_known_default(), url.path().to_owned())
    };
    let wanted: Vec<(String, String)> = address.query_pairs().into_owned().collect();
    let has = location.query_pairs().into_owned().collect::<Vec<_>>();
    let fragment =
        address.fragment().is_none_or(|wanted| location.fragment().is_some_and(|has| has.starts_with(wanted)));
    place(&location) == place(&address) && wanted.iter().all(|pair| has.contains(pair)) && fragment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_compared_as_a_browser_reads_it() {
        assert!(leads("https://a.invalid/cb?code=1", "https://a.invalid/cb"));
        assert!(leads("https://a.invalid/cb?next=1&code=1", "https://a.invalid/cb?next=1"));
        assert!(!leads("https://a.invalid/cb?code=1", "https://a.invalid/cb?next=1"));
        assert!(!leads("https://idp/error", "https://a.invalid/cb"));
        assert!(leads("http://attacker.invalid/@localhost/cb?code=1", "http://attacker.invalid\\@localhost/cb"));
    }

    #[test]
    fn a_loopback_address_keeps_its_port_and_others_do_not() {
        let names = |uri: &str| {
            let client = crate::target::Client { redirect_uris: vec![uri.into()], ..Default::default() };
            let registered = Registered { id: "web".into(), client, has_people: true };
            foreign(&registered).into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert!(!names("http://localhost:8080/callback").contains(&"port"));
        assert!(names("https://shop.example/callback").contains(&"port"));
        assert_eq!(names("com.example.app:/callback"), ["unregistered"]);
    }
}
