//! Ways in which providers compare redirect URIs and should not.

use url::Url;

/// Whether this mistake takes an address that is not registered.
pub(crate) fn accepts(flaw: &str, registered: &[&str], uri: &str) -> bool {
    registered.iter().any(|known| takes(flaw, known, uri))
}

fn takes(flaw: &str, known: &str, uri: &str) -> bool {
    let (Ok(parsed), Ok(original)) = (Url::parse(uri), Url::parse(known)) else { return false };
    let host = |url: &Url| url.host_str().unwrap_or_default().to_owned();
    let same = |one: &Url, two: &Url| {
        (host(one), one.port(), one.path().to_owned()) == (host(two), two.port(), two.path().to_owned())
    };
    let authority = known.split_once("://").unwrap().1.split('/').next().unwrap();
    match flaw {
        "any redirect uri" => true,
        // Host and port without the path, compared from the front.
        "redirect uri by prefix" => {
            uri.starts_with(&format!("{}://{}", original.scheme(), host(&original))) && host(&parsed) != host(&original)
        }
        "redirect uri contains the registered one" => uri.contains(known) && !uri.starts_with(known),
        "redirect uri on a sub-domain" => host(&parsed).ends_with(&format!(".{}", host(&original))),
        "redirect uri up to its at sign" => {
            let rest = uri.split_once("://").map_or("", |(_, rest)| rest);
            rest.split(['/', '@']).next() == Some(authority) && host(&parsed) != host(&original)
        }
        "redirect uri with backslashes" => {
            let rest = uri.split_once("://").map_or("", |(_, rest)| rest);
            rest.split('/')
                .next()
                .and_then(|authority| authority.rsplit_once('@'))
                .is_some_and(|(before, host)| host == authority && before.contains('\\'))
        }
        "redirect uri with another port" => {
            parsed.port() != original.port()
                && (host(&parsed), parsed.path()) == (host(&original), original.path())
                && parsed.scheme() == original.scheme()
        }
        "redirect uri with another scheme" => {
            parsed.scheme() != original.scheme() && same(&parsed, &original) && !host(&parsed).starts_with("localhost")
        }
        "redirect uri by host" => {
            host(&parsed) == host(&original) && parsed.port() == original.port() && parsed.scheme() == original.scheme()
        }
        "redirect uri with any query" => uri.split('?').next() == Some(known) && uri.contains('?'),
        "redirect uri with any fragment" => uri.split('#').next() == Some(known) && uri.contains('#'),
        "redirect uri with a longer path" => uri.starts_with(&format!("{known}/")) && !uri.contains(".."),
        "redirect uri normalised" => uri.starts_with(known) && uri.contains("/../"),
        "redirect uri may be shorter" => known.starts_with(uri) && uri.len() + 1 == known.len(),
        _ => false,
    }
}
