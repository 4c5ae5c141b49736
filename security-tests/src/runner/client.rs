//! One request out, one answer in, within a time limit and never after a redirect. Plain HTTP takes the short way over
//! kept connections; everything else goes through `reqwest`. Must not know plans or tokens.

use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Uri};
use serde_json::Value;
use url::{Position, Url};

use super::connection::{CONNECT_TIMEOUT, Connections, authority};
use crate::plan::request::form_fields;
use crate::tokens::acquire::plain;

/// A body is read up to here; more of a list proves nothing more.
pub(super) const MAX_BODY: usize = 4 * 1024 * 1024;

/// A request that is about to be sent.
pub(super) struct Outgoing {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<String>,
}

/// What came back.
pub(super) struct Received {
    /// HTTP status.
    pub(super) status: u16,
    /// Its headers.
    pub(super) headers: HeaderMap,
    /// The body, up to [`MAX_BODY`].
    pub(super) body: Vec<u8>,
}

/// Why nothing came back. No text holds the URL: that may hold a secret.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    /// Method, URL or a header cannot be written in HTTP.
    #[error("{0}")]
    Malformed(String),
    /// No connection or no answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// No connection.
    #[error("{0}")]
    NotConnected(std::io::Error),
    /// The connection ended, or what came was not HTTP.
    #[error("{}", innermost(.0))]
    Broken(hyper::Error),
    /// The same of a request that took the long way.
    #[error("{}", plain(.0))]
    ByReqwest(reqwest::Error),
}

impl Outgoing {
    /// A request without headers.
    pub(super) fn new(method: &str, url: &str) -> Result<Self, SendError> {
        let method = method.parse().map_err(|_| SendError::Malformed("the method is not one".to_owned()))?;
        let url = Url::parse(url).map_err(|error| SendError::Malformed(format!("the URL is not one: {error}")))?;
        Ok(Self { method, url, headers: HeaderMap::new(), body: None })
    }

    /// Adds a header beside those of the same name.
    pub(super) fn header(&mut self, name: &str, value: impl TryInto<HeaderValue>) -> Result<(), SendError> {
        let malformed = || SendError::Malformed(format!("the header `{name}` cannot be written"));
        let known = HeaderName::from_bytes(name.as_bytes()).map_err(|_| malformed())?;
        self.headers.append(known, value.try_into().map_err(|_| malformed())?);
        Ok(())
    }

    /// Adds a pair to the query.
    pub(super) fn query(&mut self, name: &str, value: &str) {
        self.url.query_pairs_mut().append_pair(name, value);
    }

    /// Sets a body that is no JSON.
    pub(super) fn text(&mut self, kind: &str, text: &str) -> Result<(), SendError> {
        self.body = Some(text.to_owned());
        self.header("content-type", kind)
    }

    /// Sets a form as the body.
    pub(super) fn form(&mut self, fields: &Value) {
        self.headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/x-www-form-urlencoded"));
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        self.body = Some(form.extend_pairs(form_fields(fields)).finish());
    }

    /// Sets the body; JSON, when no header says otherwise.
    pub(super) fn json(&mut self, text: String) {
        self.headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        self.body = Some(text);
    }
}

/// The connections to a target.
pub(super) struct Client {
    /// For https, and for what is not the target.
    pub(super) reqwest: reqwest::Client,
    connections: Connections,
    timeout: Duration,
}

impl Client {
    /// No connection is made yet.
    pub(super) fn new(timeout: Duration) -> Result<Self, String> {
        let reqwest = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tcp_nodelay(true)
            .pool_max_idle_per_host(32)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(timeout)
            .build()
            .map_err(|error| format!("cannot make an HTTP client: {}", plain(&error)))?;
        Ok(Self { reqwest, connections: Connections::default(), timeout })
    }

    /// Sends a request and reads the answer.
    pub(super) async fn send(&self, outgoing: Outgoing) -> Result<Received, SendError> {
        // Credentials in a URL become a header there.
        if outgoing.url.scheme() != "http" || !outgoing.url.username().is_empty() || outgoing.url.password().is_some() {
            return self.by_reqwest(outgoing).await;
        }
        let Outgoing { method, url, mut headers, body } = outgoing;
        let malformed = |_| SendError::Malformed("the URL cannot be written".to_owned());
        let target = Uri::try_from(&url[Position::BeforePath..Position::AfterQuery]).map_err(malformed)?;
        let host = HeaderValue::try_from(authority(&url))
            .map_err(|_| SendError::Malformed("the URL's host cannot be written".to_owned()))?;
        headers.entry(HOST).or_insert(host);
        let mut request = Request::new(Full::new(Bytes::from(body.unwrap_or_default())));
        (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (method, target, headers);
        let answered = tokio::time::timeout(self.timeout, self.connections.exchange(&url, request)).await;
        answered.unwrap_or(Err(SendError::TimedOut))
    }

    async fn by_reqwest(&self, outgoing: Outgoing) -> Result<Received, SendError> {
        let Outgoing { method, url, headers, body } = outgoing;
        let mut request = self.reqwest.request(method, url).headers(headers);
        if let Some(body) = body {
            request = request.body(body);
        }
        let mut answer = request.send().await.map_err(SendError::ByReqwest)?;
        let (status, headers) = (answer.status().as_u16(), std::mem::take(answer.headers_mut()));
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(SendError::ByReqwest)? {
            body.extend_from_slice(&chunk);
            if body.len() >= MAX_BODY {
                break;
            }
        }
        Ok(Received { status, headers, body })
    }
}

/// The first cause, which says most.
fn innermost(error: &hyper::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
