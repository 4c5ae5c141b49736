//! Images from Dockerfiles. Nothing is pulled: the base is a shell that was packaged here.

use super::*;
use crate::manifest::Build;
use crate::plan::BuiltImage;

/// A service whose image is built from `dockerfile` in a directory, on top of a packaged shell named `$BASE`.
async fn built(lab: &mut Lab, directory: &Path, dockerfile: &str) {
    lab.add_shell("base", "true");
    lab.act(Action::Provide("base".into())).await.unwrap();
    let Source::Packaged { executable } = &lab.plan.services["base"].source else { panic!() };
    let base = package::tag(executable);
    let shell = executable.path.file_name().unwrap().to_str().unwrap().to_owned();
    lab.plan.services.remove("base");
    let text = dockerfile.replace("$BASE", &base).replace("$SHELL", &format!("/{shell}"));
    let build = Build {
        context: directory.into(),
        dockerfile_inline: Some(text),
        args: [("WORD".to_owned(), "hello".to_owned())].into(),
        target: Some("end".into()),
        labels: [("of".to_owned(), "user".to_owned())].into(),
        ..Build::default()
    };
    let reference = format!("devenv/{}-api:0001", lab.plan.project.id());
    let names = vec![format!("devenv-test/{}:named", lab.plan.project.id())];
    let source = Source::Built(Box::new(BuiltImage { reference, names, build, always: false }));
    let name = format!("{}-api", lab.plan.project.id());
    lab.add(planned_service("api", source, name));
}

async fn remove_images(lab: &Lab) {
    let id = lab.plan.project.id();
    for tag in [format!("devenv/{id}-api:0001"), format!("devenv-test/{id}:named")] {
        let options = None::<bollard::query_parameters::RemoveImageOptions>;
        drop(lab.docker.connection.client.remove_image(&tag, options, None).await);
    }
}

#[tokio::test]
async fn an_image_is_built_from_its_context_with_arguments_and_names() {
    with_engine("building", async |lab| {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("kept"), "from the context\n").unwrap();
        std::fs::write(directory.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink("kept", directory.path().join("link")).unwrap();
        std::fs::write(directory.path().join(".dockerignore"), "secret\n").unwrap();
        let dockerfile = "FROM $BASE AS end\nARG WORD\nCOPY . /app/\nENV WORD=$WORD\n\
            ENTRYPOINT [\"$SHELL\", \"-c\", \"echo $WORD; read line < /app/link; echo $line; test ! -e /app/secret\"]\nFROM scratch\n";
        built(lab, directory.path(), dockerfile).await;
        let (code, output) = lab.run("api").await;
        assert_eq!((code, output), (0, vec!["hello".to_owned(), "from the context".to_owned()]));
        let name = format!("devenv-test/{}:named", lab.plan.project.id());
        let named = lab.docker.connection.client.inspect_image(&name).await;
        assert_eq!(named.unwrap().config.unwrap().labels.unwrap()["of"], "user");
        lab.act(Action::Remove("api".into())).await.unwrap();
        remove_images(lab).await;
    })
    .await;
}

#[tokio::test]
async fn a_failing_instruction_is_named_with_its_output() {
    with_engine("unbuildable", async |lab| {
        let directory = tempfile::tempdir().unwrap();
        let dockerfile = "FROM $BASE AS end\nSHELL [\"$SHELL\", \"-c\"]\nRUN echo because; exit 7\n";
        built(lab, directory.path(), dockerfile).await;
        let error = lab.act(Action::Provide("api".into())).await.unwrap_err();
        assert!(error.to_string().contains("Step 3/") && error.to_string().contains("RUN echo because"), "{error}");
        let EngineError::Build { output, .. } = &error else { panic!("{error}") };
        assert_eq!(output.last().map(String::as_str), Some("because"));
        built(lab, directory.path(), "FROM $BASE AS end\nRUN --mount=type=cache,target=/x true\n").await;
        let error = lab.act(Action::Provide("api".into())).await.unwrap_err();
        assert!(error.help().is_some_and(|help| help.contains("BuildKit")), "{error}");
        remove_images(lab).await;
    })
    .await;
}
