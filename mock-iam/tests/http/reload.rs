//! Policy files that are edited while the server runs, on a socket, because the watcher lives beside the listener.

use std::path::Path;
use std::time::{Duration, Instant};

use mock_iam::config::PolicyDirectory;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::common::{POLICIES, SCHEMA, config, question};

/// The bound of the promise: from edit to decision.
const BOUND: Duration = Duration::from_secs(1);

struct Running {
    address: std::net::SocketAddr,
    directory: tempfile::TempDir,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Running {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), "orders.cedar", POLICIES);
        write(directory.path(), "schema.cedarschema", SCHEMA);
        let mut config = config();
        config.policies = mock_iam::config::Policies::default();
        config.policy_directory =
            Some(PolicyDirectory { path: directory.path().to_owned(), name: "policies".to_owned() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            mock_iam::run(listener, config, std::future::pending()).await.unwrap();
        });
        let running = Self { address, directory, server };
        // The policies are read before the first answer.
        running.call("nobody", "GET", "/health", &Value::Null).await;
        running
    }

    async fn call(&self, caller: &str, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let text = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {caller}-token\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or_default()
    }

    async fn decision(&self) -> bool {
        let answer = self.call("api", "POST", "/access/v1/evaluation", &question("bob", "alice", "acme")).await;
        answer["decision"].as_bool().unwrap()
    }

    async fn status(&self) -> Value {
        self.call("tests", "GET", "/control/v1/policies", &Value::Null).await
    }

    /// Asks until the answer is as wanted, and says how long that took.
    async fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Duration {
        let start = Instant::now();
        loop {
            let status = self.status().await;
            if wanted(&status) {
                return start.elapsed();
            }
            assert!(start.elapsed() < Duration::from_secs(10), "{what} never happened: {status}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn write(directory: &Path, name: &str, text: &str) {
    std::fs::write(directory.join(name), text).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_decides_within_a_second_and_the_log_names_the_new_hash() {
    let running = Running::start().await;
    assert!(!running.decision().await);
    let old = running.status().await["policy_hash"].clone();
    write(running.directory.path(), "more.cedar", "permit (principal, action, resource);");
    let took = running.until("the edit", |status| status["policy_hash"] != old).await;
    assert!(took < BOUND, "{took:?}");
    assert!(running.decision().await);
    let status = running.status().await;
    assert_eq!((&status["source"], &status["problems"]), (&json!("files"), &json!([])));
    std::fs::remove_file(running.directory.path().join("more.cedar")).unwrap();
    running.until("the removal", |status| status["policy_hash"] == old).await;
    assert!(!running.decision().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_edit_keeps_the_last_good_set_and_says_where_it_is_broken() {
    let running = Running::start().await;
    let old = running.status().await["policy_hash"].clone();
    write(running.directory.path(), "orders.cedar", "permit (principal, action, resource)\nwhen { resource.onwer };");
    let took = running.until("the notice", |status| status["problems"] != json!([])).await;
    assert!(took < BOUND, "{took:?}");
    let status = running.status().await;
    let problem = &status["problems"][0];
    assert_eq!((&problem["file"], &problem["line"]), (&json!("policies/orders.cedar"), &json!(2)));
    assert_eq!(status["policy_hash"], old);
    let health = running.call("nobody", "GET", "/health", &Value::Null).await;
    assert_eq!(health["status"], "ok");
    assert!(health["policies"].as_str().unwrap().contains("broken"), "{health}");
    write(running.directory.path(), "orders.cedar", POLICIES);
    running.until("the mending", |status| status["problems"] == json!([])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_loses_all_its_policies_is_a_broken_edit() {
    let running = Running::start().await;
    std::fs::remove_file(running.directory.path().join("orders.cedar")).unwrap();
    running.until("the notice", |status| status["problems"] != json!([])).await;
    let status = running.status().await;
    assert_eq!(status["problems"][0]["message"], "there is no `*.cedar` file");
    assert_eq!(status["policies"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_goes_back_to_the_files_as_they_are_now() {
    let running = Running::start().await;
    let first = running.status().await["policy_hash"].clone();
    write(running.directory.path(), "more.cedar", "permit (principal, action, resource);");
    running.until("the edit", |status| status["policy_hash"] != first).await;
    let edited = running.status().await["policy_hash"].clone();
    let none = json!({ "schema": { "name": "s", "text": SCHEMA }, "files": [] });
    running.call("tests", "PUT", "/control/v1/policies", &none).await;
    assert!(!running.decision().await);
    running.call("tests", "POST", "/control/v1/reset", &Value::Null).await;
    assert_eq!(running.status().await["policy_hash"], edited);
    assert!(running.decision().await);
}
