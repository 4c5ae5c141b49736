//! Containers from beginning to end.

use super::*;
use crate::plan::{PlannedMount, PlannedMountSource, PlannedVolume, PublishedPort};

/// A shell that ends at once when it is asked to.
const WAITS: &str = "trap 'exit 0' TERM; while :; do read x < /dev/zero & wait $!; kill $! 2>/dev/null; done";
/// A shell that does not.
const STUBBORN: &str = "trap '' TERM; echo deaf; while :; do :; done";

#[tokio::test]
async fn a_service_goes_through_its_life_and_each_step_may_be_taken_twice() {
    with_engine("life", async |lab| {
        lab.add_shell("api", STUBBORN).stop.grace = Duration::from_secs(1);
        let name = || "api".to_owned();
        assert_eq!(lab.state("api").await, None);
        for action in [Action::Provide(name()), Action::Create(name()), Action::Create(name())] {
            lab.act(action).await.unwrap();
        }
        assert_eq!(lab.state("api").await, Some(ServiceState::Created));
        assert_eq!(lab.observe().await.services["api"].started_at, 0);
        for action in [Action::Start(name()), Action::Start(name())] {
            lab.act(action).await.unwrap();
        }
        let observed = lab.observe().await.services["api"].clone();
        assert_eq!(observed.state, ServiceState::Running);
        assert_eq!(observed.fingerprint, lab.plan.services["api"].fingerprint);
        assert!(observed.started_at > 1_600_000_000);
        for action in [Action::Stop(name()), Action::Stop(name())] {
            lab.act(action).await.unwrap();
        }
        assert_eq!(lab.state("api").await, Some(ServiceState::Exited { code: 137 }));
        for action in [Action::Remove(name()), Action::Remove(name()), Action::Stop(name())] {
            lab.act(action).await.unwrap();
        }
        assert_eq!(lab.observe().await, Observed::default());
        let warned = std::iter::from_fn(|| lab.events.try_recv().ok())
            .any(|event| matches!(event, Event::Warning { message } if message.contains("`api` ignored SIGTERM")));
        assert!(warned, "who is killed is named");
    })
    .await;
}

#[tokio::test]
async fn a_paused_service_is_started_by_waking_it() {
    with_engine("paused", async |lab| {
        lab.add_shell("api", WAITS);
        lab.up("api").await;
        let name = lab.plan.services["api"].container.name.clone();
        lab.docker.connection.client.pause_container(&name).await.unwrap();
        assert_eq!(lab.state("api").await, Some(ServiceState::Paused));
        lab.act(Action::Start("api".into())).await.unwrap();
        assert_eq!(lab.state("api").await, Some(ServiceState::Running));
    })
    .await;
}

#[tokio::test]
async fn a_changed_container_is_replaced_and_a_strangers_is_not() {
    with_engine("replace", async |lab| {
        lab.add_shell("api", WAITS);
        lab.up("api").await;
        let before = lab.observe().await.services["api"].id.clone();
        lab.act(Action::Create("api".into())).await.unwrap();
        assert_eq!(lab.observe().await.services["api"].id, before);
        lab.plan.services.get_mut("api").unwrap().fingerprint.0.insert("command".into(), "2".into());
        lab.act(Action::Create("api".into())).await.unwrap();
        let after = lab.observe().await.services["api"].clone();
        assert_ne!(after.id, before);
        assert_eq!(after.fingerprint, lab.plan.services["api"].fingerprint);

        let theirs = lab.plan.services["api"].container.name.clone();
        lab.add_shell("other", WAITS).container.name = theirs.clone();
        let error = lab.act(Action::Create("other".into())).await.unwrap_err().to_string();
        assert!(error.contains(&theirs) && error.contains("does not belong"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_container_that_was_made_by_a_killed_process_is_completed_when_it_is_started() {
    with_engine("killed", async |lab| {
        let service = lab.add_shell("api", "read line < /run/secrets/token; echo got=$line");
        service.hardening.read_only = false;
        service.files = vec![crate::plan::DeliveredFile {
            path: "/run/secrets/token".into(),
            content: b"late\n".to_vec(),
            mode: 0o400,
        }];
        lab.act(Action::Provide("api".into())).await.unwrap();
        // What a process leaves that is killed between making the container and putting the files there.
        let unfinished = PlannedService { files: vec![], ..lab.plan.services["api"].clone() };
        create::create(&lab.docker.connection, &lab.plan, &unfinished, &lab.reporter).await.unwrap();
        lab.act(Action::Start("api".into())).await.unwrap();
        lab.ended("api").await;
        assert_eq!(lab.output("api").await, ["got=late"]);
    })
    .await;
}

#[tokio::test]
async fn a_command_runs_in_the_container_and_says_its_exit_code() {
    with_engine("exec", async |lab| {
        lab.add_shell("api", STUBBORN);
        lab.up("api").await;
        let service = &lab.plan.services["api"];
        let shell = format!("/{}", std::fs::canonicalize("/bin/sh").unwrap().file_name().unwrap().to_string_lossy());
        let exec = async |script: &str, timeout| {
            let words = [shell.clone(), "-c".to_owned(), script.to_owned()];
            lab.docker.exec(&lab.plan.project, service, Exec { words: &words, timeout }).await
        };
        assert_eq!(exec("exit 0", PATIENCE).await.unwrap(), 0);
        assert_eq!(exec("echo out; echo err >&2; exit 7", PATIENCE).await.unwrap(), 7);
        let error = exec("while :; do :; done", Duration::from_millis(300)).await.unwrap_err().to_string();
        assert!(error.contains("service `api`"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_taken_port_names_its_holder() {
    with_engine("ports", async |lab| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = listener.local_addr().unwrap().port();
        let network = lab.network("default").await;
        let published = |host| PublishedPort { host_ip: "127.0.0.1".into(), host, target: 80, udp: false };
        for (name, host) in [("process", taken), ("first", 0)] {
            let service = lab.add_shell(name, WAITS);
            service.network = network.clone();
            service.ports = vec![published(host)];
            lab.act(Action::Provide(name.into())).await.unwrap();
            lab.act(Action::Create(name.into())).await.unwrap();
        }
        let error = lab.act(Action::Start("process".into())).await.unwrap_err();
        assert!(
            matches!(&error, EngineError::PortTaken { service, port, .. } if service == "process" && *port == taken)
        );
        assert!(error.to_string().contains(&format!("(pid {})", std::process::id())), "{error}");

        lab.act(Action::Start("first".into())).await.unwrap();
        let port = lab.observe().await.services["first"].ports[0].host;
        let second = lab.add_shell("second", WAITS);
        second.network = network;
        second.ports = vec![published(port)];
        lab.act(Action::Create("second".into())).await.unwrap();
        let error = lab.act(Action::Start("second".into())).await.unwrap_err().to_string();
        let holder =
            format!("port {port} for service `second` is taken by container `{}-first`", lab.plan.project.id());
        assert_eq!(error, holder);
    })
    .await;
}

#[tokio::test]
async fn everything_that_the_plan_says_reaches_the_engine() {
    with_engine("spec", async |lab| {
        let network = lab.network("default").await;
        let volume = format!("{}-data", lab.plan.project.id());
        lab.plan
            .volumes
            .insert("data".into(), PlannedVolume { name: volume.clone(), external: false, ..Default::default() });
        lab.act(Action::CreateVolume("data".into())).await.unwrap();
        let service = lab.add_shell("api", WAITS);
        service.network = network;
        service.hardening.memory = Some(64 * 1024 * 1024);
        service.stop.signal = "SIGINT".into();
        service.restart = Restart::OnFailure { attempts: 3 };
        service.mounts = vec![PlannedMount {
            source: PlannedMountSource::Volume("data".into()),
            target: "/data".into(),
            read_only: true,
            options: Default::default(),
        }];
        service.container.hostname = Some("orders".into());
        service.container.extra_hosts = vec!["there:127.0.0.9".into()];
        lab.up("api").await;
        let name = &lab.plan.services["api"].container.name;
        let options = None::<bollard::query_parameters::InspectContainerOptions>;
        let container = lab.docker.connection.client.inspect_container(name, options).await.unwrap();
        let (config, host) = (container.config.unwrap(), container.host_config.unwrap());
        assert_eq!(config.user.as_deref(), Some("65532:65532"));
        assert_eq!(config.hostname.as_deref(), Some("orders"));
        assert_eq!((config.stop_signal.as_deref(), config.stop_timeout), (Some("SIGINT"), Some(3)));
        assert_eq!((host.readonly_rootfs, host.init, host.pids_limit), (Some(true), Some(true), Some(64)));
        assert_eq!((host.cap_drop, host.memory), (Some(vec!["ALL".into()]), Some(64 * 1024 * 1024)));
        assert_eq!(host.security_opt, Some(vec!["no-new-privileges:true".into()]));
        assert_eq!(host.restart_policy.unwrap().maximum_retry_count, Some(3));
        assert_eq!(host.extra_hosts, Some(vec!["there:127.0.0.9".into()]));
        let mount = &container.mounts.unwrap()[0];
        assert_eq!(
            (mount.name.as_ref(), mount.destination.as_deref(), mount.rw),
            (Some(&volume), Some("/data"), Some(false))
        );
        assert_eq!(config.labels.unwrap()["dev.devenv.role"], "user");
    })
    .await;
}

#[tokio::test]
async fn who_is_removed_while_running_may_end_gracefully_before() {
    with_engine("graceful", async |lab| {
        lab.add_shell("db", "trap 'exit 0' TERM; echo up; while :; do :; done").stop.grace = Duration::from_secs(60);
        lab.add_shell("deaf", STUBBORN).stop.grace = Duration::from_secs(1);
        for name in ["db", "deaf"] {
            lab.up(name).await;
            // It listens to signals, or not, once it has spoken.
            while lab.output(name).await.is_empty() {}
            lab.act(Action::Remove(name.into())).await.unwrap();
            assert_eq!(lab.state(name).await, None);
        }
        let warnings = std::iter::from_fn(|| lab.events.try_recv().ok())
            .filter_map(|event| if let Event::Warning { message } = event { Some(message) } else { None });
        assert_eq!(warnings.collect::<Vec<_>>(), ["service `deaf` ignored SIGTERM and was killed after 1 s"]);
    })
    .await;
}
