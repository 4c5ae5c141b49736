//! What this test program does inside a container: the test `inside` looks around there, and does nothing elsewhere.

use std::os::unix::fs::MetadataExt;

use super::*;
use crate::plan::{DeliveredFile, PublishedPort};

/// What to do inside; unset outside.
const TASK: &str = "DEVENV_TEST_INSIDE";

impl Lab {
    /// A service in which this test program runs the test `inside`.
    fn add_self(&mut self, name: &str, task: &str) -> &mut PlannedService {
        let mut service = self.service(name, &std::env::current_exe().unwrap());
        let test = format!("{}::inside", module_path!().split_once("::").unwrap().1);
        service.command = [&test, "--exact", "--nocapture"].map(str::to_owned).to_vec();
        service.environment.insert(TASK.to_owned(), task.to_owned());
        service.tmpfs.insert("/tmp".to_owned(), "mode=1777".to_owned());
        self.add(service)
    }
}

#[tokio::test]
async fn inside() {
    let Ok(task) = std::env::var(TASK) else { return };
    let words: Vec<&str> = task.split(' ').collect();
    match words.as_slice() {
        ["stat", paths @ ..] => paths.iter().for_each(|path| stat(path)),
        ["serve", port] => serve(port.parse().unwrap()).await,
        ["relay", forward] => {
            crate::relay::run(vec![crate::relay::Forward::parse(forward).unwrap()], std::future::pending())
                .await
                .unwrap();
        }
        ["ask", address] => println!("answer={}", ask(address).await),
        other => panic!("{other:?}"),
    }
}

fn stat(path: &str) {
    let metadata = std::fs::metadata(path).unwrap();
    let content = std::fs::read_to_string(path).unwrap_or_default();
    println!("{path} {}:{} {:o} {content}", metadata.uid(), metadata.gid(), metadata.mode() & 0o7777);
    println!("write={}", std::fs::write("/etc/written", "").is_ok());
}

async fn serve(port: u16) {
    use tokio::io::AsyncWriteExt;
    let listener = tokio::net::TcpListener::bind(("0.0.0.0", port)).await.unwrap();
    println!("listening");
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        client.write_all(b"served").await.unwrap();
    }
}

/// What a service says; it may not listen yet.
async fn ask(address: &str) -> String {
    use tokio::io::AsyncReadExt;
    let asked = async {
        loop {
            let mut answer = String::new();
            if let Ok(mut stream) = tokio::net::TcpStream::connect(address).await
                && stream.read_to_string(&mut answer).await.is_ok()
                && !answer.is_empty()
            {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asked).await.unwrap_or_else(|_| "none".to_owned())
}

fn secret(path: &str, content: &str) -> DeliveredFile {
    DeliveredFile { path: path.to_owned(), content: content.as_bytes().to_vec(), mode: 0o400 }
}

/// The line of the output that begins so.
fn line<'a>(output: &'a [String], start: &str) -> &'a str {
    output.iter().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no `{start}` in {output:#?}"))
}

#[tokio::test]
async fn files_are_readable_by_the_services_user_alone_under_a_read_only_root() {
    with_engine("files", async |lab| {
        let task = "stat /run/secrets/token /run/secrets/deep/er/key /etc/devenv/config.json";
        let service = lab.add_self("api", task);
        service.tmpfs.insert("/run".to_owned(), String::new());
        service.files = vec![
            secret("/run/secrets/token", "s3cr3t-value"),
            secret("/run/secrets/deep/er/key", "k"),
            DeliveredFile { path: "/etc/devenv/config.json".into(), content: b"{}".to_vec(), mode: 0o444 },
        ];
        let (code, output) = lab.run("api").await;
        assert_eq!(code, 0, "{output:#?}");
        assert_eq!(line(&output, "/run/secrets/token"), "/run/secrets/token 65532:65532 400 s3cr3t-value");
        assert_eq!(line(&output, "/run/secrets/deep"), "/run/secrets/deep/er/key 65532:65532 400 k");
        assert_eq!(line(&output, "/etc/devenv"), "/etc/devenv/config.json 65532:65532 444 {}");
        assert_eq!(line(&output, "write="), "write=false");

        let inspected = lab.docker.connection.client.inspect_container(
            &lab.plan.services["api"].container.name,
            None::<bollard::query_parameters::InspectContainerOptions>,
        );
        let text = serde_json::to_string(&inspected.await.unwrap()).unwrap();
        assert!(!text.contains("s3cr3t-value"), "a secret shows in what the engine tells: {text}");
    })
    .await;
}

#[tokio::test]
async fn files_reach_a_writable_root_for_a_named_user_and_leave_directories_as_they_are() {
    with_engine("writable", async |lab| {
        let service = lab.add_self("api", "stat /tmp /tmp/devenv/here /home/nonroot");
        service.tmpfs.clear();
        service.hardening.read_only = false;
        service.hardening.user = Some("nonroot".to_owned());
        service.files = vec![secret("/tmp/devenv/here", "x")];
        let (code, output) = lab.run("api").await;
        assert_eq!(code, 0, "{output:#?}");
        assert_eq!(line(&output, "/tmp "), "/tmp 0:0 1777 ");
        assert_eq!(line(&output, "/tmp/devenv/here"), "/tmp/devenv/here 65532:65532 400 x");
    })
    .await;
}

#[tokio::test]
async fn a_service_is_known_by_its_name_in_each_of_its_networks() {
    with_engine("names", async |lab| {
        let (front, back) = (lab.network("front").await, lab.network("back").await);
        lab.add_self("server", "serve 9000").network = ServiceNetwork::Networks(vec!["front".into(), "back".into()]);
        lab.add_self("one", "ask server:9000").network = front;
        lab.add_self("two", "ask server:9000").network = back;
        lab.up("server").await;
        for client in ["one", "two"] {
            let (_, output) = lab.run(client).await;
            assert_eq!(line(&output, "answer="), "answer=served", "{client}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_relay_that_owns_the_network_answers_for_its_service_which_can_be_replaced() {
    with_engine("owner", async |lab| {
        let network = lab.network("default").await;
        lab.add_self("idp", "serve 9400").network = network.clone();
        let relay = lab.add_self("api-relay", "relay 9400=idp:9400");
        relay.network = network.clone();
        relay.role = Role::Relay { of: "api".to_owned() };
        relay.ports = vec![PublishedPort { host_ip: "127.0.0.1".into(), host: 0, target: 9000, udp: false }];
        lab.add_self("api", "serve 9000").network = ServiceNetwork::SharedWith("api-relay".to_owned());
        lab.add_self("client", "ask api:9000").network = network;
        lab.add_self("asks", "ask localhost:9400").network = ServiceNetwork::SharedWith("api-relay".to_owned());
        for service in ["idp", "api-relay", "api"] {
            lab.up(service).await;
        }
        for round in ["first", "replaced"] {
            for client in ["client", "asks"] {
                let (_, output) = lab.run(client).await;
                assert_eq!(line(&output, "answer="), "answer=served", "{round} {client}");
                lab.act(Action::Remove(client.into())).await.unwrap();
            }
            let project = &lab.plan.project;
            let direct = lab.docker.address(project, &lab.plan.services["api"], 9000).await.unwrap().unwrap();
            assert_eq!(ask(&direct.to_string()).await, "served", "{round}");
            let observed = lab.observe().await.services["api"].clone();
            assert_eq!(ask(&format!("127.0.0.1:{}", observed.ports[0].host)).await, "served", "{round}");
            assert!(!observed.detached);
            lab.act(Action::Remove("api".into())).await.unwrap();
            lab.up("api").await;
        }
        // A restart of the owner takes the network away from under the service.
        lab.act(Action::Stop("api-relay".into())).await.unwrap();
        lab.act(Action::Start("api-relay".into())).await.unwrap();
        assert!(lab.observe().await.services["api"].detached);
    })
    .await;
}

#[tokio::test]
async fn a_relay_forwards_within_another_containers_network_and_follows_its_restart() {
    with_engine("relay", async |lab| {
        let network = lab.network("default").await;
        lab.add_self("idp", "serve 9400").network = network.clone();
        // Each run of the program asks once; the restart gives it a new network namespace.
        let api = lab.add_self("api", "ask localhost:9400");
        api.network = network;
        api.restart = Restart::Always;
        let relay = lab.add_self("api-relay", "relay 9400=idp:9400");
        relay.network = ServiceNetwork::SharedWith("api".to_owned());
        relay.role = Role::Relay { of: "api".to_owned() };
        relay.restart = Restart::Always;
        lab.up("idp").await;
        lab.up("api").await;
        lab.up("api-relay").await;
        let services = ["api".to_owned()];
        let options = LogOptions { follow: true, tail: None };
        let lines = lab.docker.logs(&lab.plan.project, &services, options).await.unwrap();
        let answers = lines.filter_map(|line| async { line.unwrap().text.strip_prefix("answer=").map(str::to_owned) });
        let answers: Vec<String> = answers.take(2).collect().await;
        assert_eq!(answers, ["served", "served"]);
        assert!(!lab.observe().await.services["api-relay"].detached);
    })
    .await;
}
