//! Images that are made here, and images that are not.

use super::*;
use crate::manifest::PullPolicy;

fn image(reference: &str, pull: PullPolicy) -> Source {
    Source::Image { reference: reference.to_owned(), pull }
}

#[tokio::test]
async fn an_executable_becomes_an_image_once_and_runs() {
    with_engine("package", async |lab| {
        // A copy of its own, so that no other test has made its image.
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("Orders_API");
        std::fs::copy("/bin/sh", &path).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend(lab.plan.project.id().as_bytes());
        std::fs::write(&path, bytes).unwrap();
        let mut service = lab.service("api", &path);
        service.command = vec!["-c".into(), "while read line; do echo $line; done < /etc/passwd".into()];
        let tag = package::tag(&artifact(&path));
        lab.add(service);
        assert!(!image::is_here(&lab.docker.connection, &tag).await.unwrap());
        let (code, output) = lab.run("api").await;
        assert_eq!((code, output.last().unwrap().split(':').next()), (0, Some("nonroot")));
        lab.act(Action::Provide("api".into())).await.unwrap();
        lab.act(Action::Remove("api".into())).await.unwrap();
        let options = None::<bollard::query_parameters::RemoveImageOptions>;
        lab.docker.connection.client.remove_image(&tag, options, None).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_packaged_says_why() {
    with_engine("unpackable", async |lab| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("script");
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        lab.add(lab.service("api", &path));
        let error = lab.act(Action::Provide("api".into())).await.unwrap_err().to_string();
        assert!(error.contains("service `api`") && error.contains("not a Linux executable"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn an_image_that_is_neither_here_nor_can_be_pulled_is_named() {
    with_engine("absent", async |lab| {
        let service = lab.add_shell("db", "");
        // Port 1 of this machine: nobody answers, and no name is looked up.
        service.source = image("127.0.0.1:1/nobody/nothing:1", PullPolicy::Missing);
        let error = lab.act(Action::Provide("db".into())).await.unwrap_err();
        assert!(
            matches!(&error, EngineError::ImageUnavailable { image, .. } if image == "127.0.0.1:1/nobody/nothing:1"),
            "{error}"
        );
        assert!(lab.docker.can_provide(&lab.plan, &lab.reporter).await.is_err());
        lab.plan.services.get_mut("db").unwrap().source = image("127.0.0.1:1/nobody/nothing:1", PullPolicy::Never);
        let error = lab.act(Action::Provide("db".into())).await.unwrap_err().to_string();
        assert!(error.contains("`never`"), "{error}");
    })
    .await;
}
