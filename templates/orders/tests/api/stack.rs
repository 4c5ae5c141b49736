//! The API with a fake provider and IAM behind it; requests go to its router without a socket.

use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use orders_api::config::{Config, IamConfig, ProviderConfig};
use orders_api::flaws::Flaws;
use orders_api::secret::Secret;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use crate::fake::{self, AUDIENCE, Shared, World};

pub(crate) struct Stack {
    api: Router,
    world: Shared,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Stack {
    pub(crate) async fn sound() -> Self {
        Self::with_flaws("").await
    }

    pub(crate) async fn with_flaws(flaws: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let world = Arc::new(Mutex::new(World::new(issuer.clone())));
        let fakes = fake::router(Arc::clone(&world));
        tokio::spawn(async move { axum::serve(listener, fakes).await });
        let config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            iam: IamConfig { url: format!("{issuer}/iam/"), token: Secret::new("decide-token") },
            provider: ProviderConfig {
                issuer,
                client_id: "orders-api".to_owned(),
                client_secret: Secret::new("client/secret"),
                audience: AUDIENCE.to_owned(),
            },
            database: Secret::new("sqlite::memory:"),
            flaws: Flaws::parse(flaws).unwrap(),
        };
        Self { api: orders_api::router::router(orders_api::open(config).await.unwrap()), world }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub(crate) fn token(&self, persona: &str) -> String {
        self.world().token(persona)
    }

    /// Sends a request with these headers, `name: value` each.
    pub(crate) async fn send(&self, request: &str, headers: &[String], body: Option<Value>) -> Answer {
        let (method, path) = request.split_once(' ').unwrap();
        let mut builder = Request::builder().method(method).uri(path).header("content-type", "application/json");
        for header in headers {
            let (name, value) = header.split_once(": ").unwrap();
            builder = builder.header(name, value);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let response = self.api.clone().oneshot(builder.body(body).unwrap()).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }

    /// Sends a statement about a session, signed by the fake provider and IAM, and gives the status.
    pub(crate) async fn deliver(&self, (header, claims): (Value, Value)) -> u16 {
        let token = fake::sign(&self.world().key, &header, &claims);
        self.deliver_text(header["typ"] == "logout+jwt", &token).await
    }

    /// Sends any text as a statement: a logout token, or else an event.
    pub(crate) async fn deliver_text(&self, is_logout: bool, token: &str) -> u16 {
        let (path, kind, body) = if is_logout {
            ("/logout/backchannel", "application/x-www-form-urlencoded", format!("logout_token={token}"))
        } else {
            ("/events/ssf", "application/secevent+jwt", token.to_owned())
        };
        let request = Request::builder().method("POST").uri(path).header("content-type", kind);
        let response = self.api.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        response.status().as_u16()
    }

    pub(crate) async fn with_token(&self, token: &str, request: &str) -> Answer {
        self.send(request, &[format!("authorization: Bearer {token}")], None).await
    }

    /// Sends a request as a persona.
    pub(crate) async fn as_persona(&self, persona: &str, request: &str, body: Option<Value>) -> Answer {
        let token = self.token(persona);
        self.send(request, &[format!("authorization: Bearer {token}")], body).await
    }

    /// Places an order as a persona and returns its path.
    pub(crate) async fn order_of(&self, persona: &str) -> String {
        let body = json!({"item": format!("thing of {persona}"), "quantity": 1});
        let answer = self.as_persona(persona, "POST /orders", Some(body)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.headers["location"].to_str().unwrap().to_owned()
    }
}

impl Answer {
    /// The owners of the orders in a list.
    pub(crate) fn owners(&self) -> Vec<&str> {
        let orders = self.body["orders"].as_array().map(Vec::as_slice).unwrap_or_default();
        orders.iter().map(|order| order["owner"].as_str().unwrap()).collect()
    }
}
