//! Device authorization: the device's two endpoints, and the page where a person answers (RFC 8628).

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use super::authenticate::authenticate;
use super::cookie::Cookie;
use super::input::{self, Form};
use super::issue::{self, TokenRequest, TokenResponse};
use super::{guard, login, respond};
use crate::config::Grant;
use crate::error::{Code, Refused};
use crate::flow::device::{self, Ask, Waiting};
use crate::flow::form::Parameters;
use crate::flow::{details, resource, scope};
use crate::journal::Note;
use crate::jws;
use crate::pages::device::{self as page, DevicePage};
use crate::random;
use crate::state::Provider;
use crate::store::{DeviceRecord, Session, Terms};

/// `POST /device_authorization`: two codes for a device (RFC 8628 §3.1).
pub(crate) async fn authorize(State(provider): State<Arc<Provider>>, form: Form) -> Response {
    match begin(&provider, &form).await {
        Ok((client_id, answer)) => {
            let note = Note::outcome("device waits").with(&form.parameters).client(&client_id);
            respond::private_json(StatusCode::OK, &answer, note)
        }
        Err(refused) => respond::refused(&refused, Note::refused(&refused).with(&form.parameters)),
    }
}

async fn begin(provider: &Provider, form: &Form) -> Result<(Arc<str>, Value), Refused> {
    let (parameters, config) = (&form.parameters, &provider.config);
    parameters.unrepeated()?;
    let client = authenticate(provider, form).await?;
    client.may_use(Grant::DeviceCode, &provider.leniency())?;
    let terms = Terms {
        resources: resource::requested(config, &client.client, parameters)?,
        authorization_details: details::requested(&config.authorization_details_types, parameters)?,
        key: None,
    };
    let (settings, asking) = (&config.device_authorization, (&*client.id, &*client.client));
    let ask = Ask {
        client_id: Arc::clone(&client.id),
        scope: scope::granted(parameters.get("scope"), asking, &scope::IDENTITY, &provider.leniency())?,
        terms,
        lifetime: i64::from(settings.lifetime_seconds),
        interval: i64::from(settings.interval_seconds),
        asked: None,
    };
    let device_code = random::bearer_value().map_err(Refused::internal)?;
    let user_code = random::user_code().map_err(Refused::internal)?;
    device::begin(&mut provider.store.ledger(), ask, &device_code, &user_code, provider.now());
    let uri = provider.url("/device");
    let answer = json!({
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri": uri,
        "verification_uri_complete": format!("{uri}?user_code={user_code}"),
        "expires_in": settings.lifetime_seconds,
        "interval": settings.interval_seconds,
    });
    Ok((client.id, answer))
}

/// The device code at the token endpoint (RFC 8628 §3.4).
pub(crate) async fn redeem(request: &TokenRequest<'_>) -> Result<TokenResponse, Refused> {
    let (provider, client) = (request.provider, request.client);
    client.may_use(Grant::DeviceCode, &provider.leniency())?;
    let code = request.parameters.required("device_code", "RFC 8628 section 3.4")?;
    fetched(request, (Waiting::Device, code)).await
}

/// The tokens, if the person agreed.
pub(crate) async fn fetched(request: &TokenRequest<'_>, handle: (Waiting, &str)) -> Result<TokenResponse, Refused> {
    let (provider, client) = (request.provider, request.client);
    let granted = device::poll(&mut provider.store.ledger(), &client.id, handle, provider.now())?;
    let user = issue::active_user(provider, &granted.session.user).await?;
    issue::person(request, &granted, &granted.scope, &user).await
}

/// `GET /device`: where a person types the code, or sees at once what it is for (RFC 8628 §3.3).
pub(crate) async fn get(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes());
    match parameters.get("user_code") {
        None => {
            let waiting = device::pending(&provider.store.ledger(), provider.now());
            page::show(&DevicePage::enter(None, &waiting), StatusCode::OK, Note::outcome("device page shown"))
        }
        Some(typed) => question(&provider, &headers, typed).await,
    }
}

/// `POST /device`: a typed code, or the answer to what it is for.
pub(crate) async fn post(State(provider): State<Arc<Provider>>, headers: HeaderMap, form: Form) -> Response {
    let typed = form.parameters.get("user_code").unwrap_or_default();
    if form.parameters.get("proof").is_none() {
        return question(&provider, &headers, typed).await;
    }
    match answered(&provider, &headers, &form).await {
        Ok(Answered::Done(text, note)) => page::show(&DevicePage::done(text), StatusCode::OK, note),
        Ok(Answered::SecondFactor { user, proof, note }) => {
            page::show(&DevicePage::second_factor(typed, &user, &proof), StatusCode::OK, note)
        }
        Err(refused) => again(&refused),
    }
}

/// Shows which client asks for what, so that a person can see whether it is their own device (RFC 8628 §5.4).
async fn question(provider: &Provider, headers: &HeaderMap, typed: &str) -> Response {
    let found = device::find(&mut provider.store.ledger(), typed, provider.now());
    let record = match found {
        Ok(record) => record,
        Err(refused) => return again(&refused),
    };
    let issuer = &provider.config.issuer;
    let known = Cookie::Browser.read(headers, issuer).filter(|value| value.len() == 43);
    let browser = match known.map_or_else(random::bearer_value, Ok) {
        Ok(browser) => browser,
        Err(error) => return again(&Refused::internal(error)),
    };
    let people = match &record.asked {
        None => login::people(provider).await.0,
        Some(asked) => provider.people.find(&asked.user).await.ok().flatten().into_iter().collect(),
    };
    let proof = proof_of(&browser, &record, None);
    let note = Note::outcome("device question shown").client(&record.client_id);
    let mut response = page::show(&DevicePage::question(&record, &proof, &people), StatusCode::OK, note);
    Cookie::Browser.set(&mut response, issuer, &browser);
    response
}

/// What comes after an answer of the person.
enum Answered {
    Done(&'static str, Note),
    /// Somebody agreed, of whom a second factor is asked.
    SecondFactor {
        user: String,
        proof: String,
        note: Note,
    },
}

async fn answered(provider: &Provider, headers: &HeaderMap, form: &Form) -> Result<Answered, Refused> {
    let parameters = &form.parameters;
    parameters.unrepeated()?;
    let typed = parameters.required("user_code", "RFC 8628 section 3.3")?;
    let record = device::find(&mut provider.store.ledger(), typed, provider.now())?;
    let note = |outcome| Note::outcome(outcome).with(parameters).client(&record.client_id);
    let name = parameters.get("username");
    let decision = parameters.get("decision");
    // The proof of the second page names the person: whoever posts it has chosen that one on the first page.
    let asked = name.filter(|_| matches!(decision, Some("pass" | "fail")));
    let browser = own_page(provider, headers, parameters, (&record, asked))?;
    if matches!(decision, Some("deny" | "fail")) {
        device::answer(&mut provider.store.ledger(), typed, None, provider.now())?;
        return Ok(Answered::Done("The device was refused. It gets nothing.", note("device refused")));
    }
    let name = parameters.required("username", "RFC 8628 section 3.3")?;
    if provider.config.login.second_factor && asked.is_none() {
        let user = issue::active_user(provider, name).await?.id;
        let proof = proof_of(&browser, &record, Some(&user));
        return Ok(Answered::SecondFactor { user, proof, note: note("second factor asked") });
    }
    approve(provider, typed, name).await?;
    Ok(Answered::Done("The device may go on. You can close this page.", note("device approved").subject(name)))
}

/// Logs a person in for a device. Where everybody passes a second factor, so did this one, on the page or, by the control
/// API, in so many words.
pub(crate) async fn approve(provider: &Provider, typed: &str, name: &str) -> Result<(), Refused> {
    let user = issue::active_user(provider, name).await?;
    let (sid, now) = (random::identifier().map_err(Refused::internal)?, provider.now());
    let mut ledger = provider.store.ledger();
    let serial = ledger.next_serial();
    let (levels, second_factor) = (&provider.config.acr_values, provider.config.login.second_factor);
    let acr = if second_factor { levels.last() } else { levels.first() };
    let acr = acr.map(|acr| Arc::from(acr.as_str()));
    let user = user.id.as_str().into();
    let session = Session { user, auth_time: now, sid: sid.into(), serial, acr, second_factor };
    device::answer(&mut ledger, typed, Some(session), now)
}

/// Stops a foreign page from answering in the person's name: it knows neither the cookie nor what is made of it. Gives the
/// cookie.
fn own_page(
    provider: &Provider,
    headers: &HeaderMap,
    parameters: &Parameters,
    (record, asked): (&DeviceRecord, Option<&str>),
) -> Result<String, Refused> {
    let foreign = |reason: &str| Refused::new(Code::AccessDenied, "RFC 6749 section 10.12", reason);
    if let Some(origin) = input::single(headers, &header::ORIGIN)?
        && !guard::is_our_origin(&provider.config, &origin)
    {
        return Err(foreign("the form came from a page of another origin"));
    }
    if let Some(browser) = Cookie::Browser.read(headers, &provider.config.issuer)
        && Some(proof_of(&browser, record, asked).as_str()) == parameters.get("proof")
    {
        return Ok(browser);
    }
    Err(foreign("the form came from another browser than the one that was shown the page"))
}

/// What only the page has that this browser was shown: for the code, or for the code and a person.
fn proof_of(browser: &str, record: &DeviceRecord, asked: Option<&str>) -> String {
    let text = format!("device {browser} {} {}", record.user_code, asked.unwrap_or_default());
    jws::encode(digest(&SHA256, text.as_bytes()))
}

fn again(refused: &Refused) -> Response {
    page::show(
        &DevicePage::enter(Some(refused.description()), &[]),
        respond::status(refused.code),
        Note::refused(refused),
    )
}
