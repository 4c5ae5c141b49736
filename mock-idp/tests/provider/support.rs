//! A clock to advance, a directory to change, and answers to look into.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use mock_idp::{Clock, Directory, DirectoryError, Lookup, User};
use serde_json::Value;

/// A clock that stands still until it is told otherwise.
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn new() -> Self {
        Self(AtomicI64::new(1_800_000_000))
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A directory in which people come, change and go, and which can be down.
#[derive(Default)]
pub(crate) struct TestDirectory {
    users: Mutex<BTreeMap<String, User>>,
    down: Mutex<bool>,
}

impl TestDirectory {
    pub(crate) fn put(&self, id: &str, tenant: &str, roles: &[&str]) {
        let user = User {
            id: id.to_owned(),
            active: true,
            tenant: Some(tenant.to_owned()),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            ..User::default()
        };
        self.users.lock().unwrap().insert(id.to_owned(), user);
    }

    pub(crate) fn without_tenant(&self, id: &str) {
        self.users.lock().unwrap().get_mut(id).unwrap().tenant = None;
    }

    pub(crate) fn rename(&self, id: &str, name: &str) {
        self.users.lock().unwrap().get_mut(id).unwrap().name = Some(name.to_owned());
    }

    pub(crate) fn deactivate(&self, id: &str) {
        self.users.lock().unwrap().get_mut(id).unwrap().active = false;
    }

    pub(crate) fn remove(&self, id: &str) {
        self.users.lock().unwrap().remove(id);
    }

    pub(crate) fn break_down(&self) {
        *self.down.lock().unwrap() = true;
    }

    fn answer<T>(&self, value: T) -> Result<T, DirectoryError> {
        if *self.down.lock().unwrap() {
            return Err(DirectoryError::Unreachable("the connection failed".to_owned()));
        }
        Ok(value)
    }
}

impl Directory for TestDirectory {
    fn find<'a>(&'a self, id: &'a str) -> Lookup<'a, Option<User>> {
        let found = self.users.lock().unwrap().get(id).cloned();
        let answer = self.answer(found);
        Box::pin(async move { answer })
    }

    fn list(&self) -> Lookup<'_, Vec<User>> {
        let all = self.users.lock().unwrap().values().cloned().collect();
        let answer = self.answer(all);
        Box::pin(async move { answer })
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn string(&self, member: &str) -> String {
        self.json()[member].as_str().unwrap_or_else(|| panic!("no `{member}` in {}", self.text())).to_owned()
    }

    /// A parameter of the address that the browser is sent to.
    pub(crate) fn sent(&self, name: &str) -> Option<String> {
        let location = url::Url::parse(self.header("location")).ok()?;
        location.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// `400 invalid_grant`, the status and the code of an error.
    pub(crate) fn error(&self) -> String {
        format!("{} {}", self.status.as_u16(), self.json()["error"].as_str().unwrap_or("-"))
    }

    /// The `name=value` part of the cookie whose name starts so.
    pub(crate) fn cookie(&self, prefix: &str) -> String {
        let lines = self.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
        let mut pairs = lines.filter_map(|line| line.split(';').next());
        pairs.find(|pair| pair.starts_with(prefix)).unwrap_or_default().to_owned()
    }
}
