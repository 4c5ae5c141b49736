//! The floor: a client that makes the raw API calls that cannot be avoided, in parallel, and nothing else. Its requests
//! hold what `devenv`'s hold: they are made from containers that `devenv` made.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::Outcome;

/// Waits between attempts of a health test: the first, and the longest, as `devenv` paces its own.
const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_millis(500);

/// A way to the engine.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    socket: PathBuf,
}

/// The requests of a stack.
#[derive(Debug)]
pub(crate) struct Floor {
    engine: Engine,
    network: String,
    /// Names and bodies of containers, by layer.
    layers: Vec<Vec<(String, Value)>>,
}

impl Engine {
    /// The engine that `DOCKER_HOST` names, if it is a socket; else the usual one.
    pub(crate) fn find() -> Self {
        let named = std::env::var("DOCKER_HOST").ok();
        let socket = named.as_deref().and_then(|host| host.strip_prefix("unix://")).unwrap_or("/var/run/docker.sock");
        Self { socket: socket.into() }
    }

    /// Says the answer's JSON; `null` for none.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &[u8], kind: &str) -> Outcome<Value> {
        let (status, answer) = self.exchange(method, path, body, kind)?;
        if !(200..400).contains(&status) {
            return Err(format!("{method} {path}: {status} {}", String::from_utf8_lossy(&answer)).into());
        }
        Ok(serde_json::from_slice(&answer).unwrap_or(Value::Null))
    }

    /// HTTP/1.0, so that the answer is neither chunked nor kept open.
    fn exchange(&self, method: &str, path: &str, body: &[u8], kind: &str) -> Outcome<(u16, Vec<u8>)> {
        let mut stream = UnixStream::connect(&self.socket)?;
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: docker\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(&[head.as_bytes(), body].concat())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").ok_or("the answer is not HTTP")?;
        let status = String::from_utf8_lossy(answer.get(9..12).unwrap_or_default()).parse()?;
        Ok((status, answer.split_off(end + 4)))
    }

    fn json(&self, method: &str, path: &str, body: &Value) -> Outcome<Value> {
        self.ask(method, path, body.to_string().as_bytes(), "application/json")
    }

    /// Makes an image of one file.
    pub(crate) fn import(&self, image: &str, archive: &[u8]) -> Outcome<()> {
        let (name, tag) = image.split_once(':').unwrap_or((image, "latest"));
        let path = format!("/images/create?fromSrc=-&repo={name}&tag={tag}");
        self.ask("POST", &path, archive, "application/x-tar").map(drop)
    }

    pub(crate) fn remove_image(&self, image: &str) -> Outcome<()> {
        self.json("DELETE", &format!("/images/{image}?force=1"), &Value::Null).map(drop)
    }
}

impl Floor {
    /// The requests that make what runs now under these names.
    pub(crate) fn like(engine: &Engine, layers: &[Vec<String>], names: &BTreeMap<String, String>) -> Outcome<Self> {
        let network = format!("composer-floor-{}", std::process::id());
        let body = |service: &String| -> Outcome<(String, Value)> {
            let id = names.get(service).ok_or_else(|| format!("`{service}` does not run"))?;
            let found = engine.json("GET", &format!("/containers/{id}/json"), &Value::Null)?;
            let (mut body, mut host) = (found["Config"].clone(), found["HostConfig"].clone());
            host["NetworkMode"] = json!(network);
            body["HostConfig"] = host;
            body["Hostname"] = json!("");
            body["Labels"] = json!({ "floor": network, "service": service });
            body["NetworkingConfig"] = json!({ "EndpointsConfig": { &network: { "Aliases": [service] } } });
            Ok((format!("{network}-{service}"), body))
        };
        let layers = layers.iter().map(|layer| layer.iter().map(body).collect()).collect::<Outcome<_>>()?;
        Ok(Self { engine: engine.clone(), network, layers })
    }

    /// Makes the network, then all containers at once, and starts each layer when the one before is healthy.
    pub(crate) fn up(&self) -> Outcome<()> {
        let engine = &self.engine;
        let labels = json!({ "floor": self.network });
        engine.json("POST", "/networks/create", &json!({ "Name": self.network, "Labels": labels }))?;
        let (first, later) = self.layers.split_first().ok_or("no layers")?;
        let gated = !later.is_empty();
        // A layer that waits for nobody need not wait until the others are made.
        std::thread::scope(|scope| {
            let made = scope.spawn(|| at_once(later.iter().flatten(), |container| self.create(container)));
            at_once(first.iter(), |container| {
                self.create(container)?;
                self.start(container, gated)
            })?;
            made.join().map_err(|_| "a thread panicked")?
        })?;
        for layer in later {
            at_once(layer.iter(), |container| self.start(container, gated))?;
        }
        let filter = format!("%7B%22label%22%3A%5B%22floor%3D{}%22%5D%7D", self.network);
        let running = engine.json("GET", &format!("/containers/json?filters={filter}"), &Value::Null)?;
        let expected = self.layers.iter().flatten().count();
        match running.as_array().map(Vec::len) {
            Some(count) if count == expected => Ok(()),
            other => Err(format!("{other:?} of {expected} containers run").into()),
        }
    }

    /// Stops and removes all containers at once, then the network.
    pub(crate) fn down(&self) -> Outcome<()> {
        at_once(self.layers.iter().flatten(), |(name, _)| {
            self.engine.json("POST", &format!("/containers/{name}/stop"), &Value::Null)?;
            self.engine.json("DELETE", &format!("/containers/{name}?force=1&v=1"), &Value::Null).map(drop)
        })?;
        self.engine.json("DELETE", &format!("/networks/{}", self.network), &Value::Null).map(drop)
    }

    fn create(&self, (name, body): &(String, Value)) -> Outcome<()> {
        self.engine.json("POST", &format!("/containers/create?name={name}"), body).map(drop)
    }

    fn start(&self, (name, body): &(String, Value), gated: bool) -> Outcome<()> {
        self.engine.json("POST", &format!("/containers/{name}/start"), &Value::Null)?;
        let mut delay = FIRST;
        while gated && !self.healthy(name, &body["Cmd"][0])? {
            std::thread::sleep(delay);
            delay = (delay * 2).min(LONGEST);
        }
        Ok(())
    }

    fn healthy(&self, name: &str, program: &Value) -> Outcome<bool> {
        let body = json!({ "Cmd": [program, "check"], "AttachStdout": true, "AttachStderr": true });
        let made = self.engine.json("POST", &format!("/containers/{name}/exec"), &body)?;
        let id = made["Id"].as_str().ok_or("no id")?;
        self.engine.json("POST", &format!("/exec/{id}/start"), &json!({ "Detach": false }))?;
        Ok(self.engine.json("GET", &format!("/exec/{id}/json"), &Value::Null)?["ExitCode"] == 0)
    }
}

fn at_once<'a, T: Sync + 'a>(
    items: impl Iterator<Item = &'a T>,
    act: impl Fn(&T) -> Outcome<()> + Sync,
) -> Outcome<()> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = items.map(|item| scope.spawn(|| act(item))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread panicked")?)
    })
}
