//! Output of services.

use super::*;

#[tokio::test]
async fn both_streams_of_several_services_are_merged_and_the_tail_is_short() {
    with_engine("merged", async |lab| {
        lab.add_shell("one", "echo first; echo second; echo wrong >&2; printf 'no end \\377'");
        lab.add_shell("two", "echo other").container.tty = true;
        for service in ["one", "two"] {
            lab.up(service).await;
            lab.ended(service).await;
        }
        let both = ["one".to_owned(), "two".to_owned()];
        let read = async |options| {
            let lines = lab.docker.logs(&lab.plan.project, &both, options).await.unwrap();
            let lines: Vec<LogLine> = lines.map(Result::unwrap).collect().await;
            let of = |service: &str, stderr| {
                let lines = lines.iter().filter(move |line| line.service == service && line.stderr == stderr);
                lines.map(|line| line.text.clone()).collect::<Vec<_>>()
            };
            (of("one", false), of("one", true), of("two", false))
        };
        let (out, err, other) = read(LogOptions::default()).await;
        assert_eq!(out, ["first", "second", "no end \u{fffd}"]);
        assert_eq!(err, ["wrong"]);
        assert_eq!(other, ["other"]);
        let (out, _, _) = read(LogOptions { follow: false, tail: Some(1) }).await;
        assert_eq!(out, ["no end \u{fffd}"]);
    })
    .await;
}

#[tokio::test]
async fn following_goes_on_over_restarts_and_repeats_nothing() {
    with_engine("follow", async |lab| {
        lab.add_shell("api", "echo begin; echo end").restart = Restart::OnFailure { attempts: 1 };
        lab.up("api").await;
        lab.ended("api").await;
        let services = ["api".to_owned()];
        let options = LogOptions { follow: true, tail: None };
        let mut lines = lab.docker.logs(&lab.plan.project, &services, options).await.unwrap();
        let mut next = async || lines.next().await.unwrap().unwrap().text;
        assert_eq!([next().await, next().await], ["begin", "end"]);
        // The same container again, then another one of the same service.
        lab.act(Action::Start("api".into())).await.unwrap();
        assert_eq!([next().await, next().await], ["begin", "end"]);
        lab.act(Action::Remove("api".into())).await.unwrap();
        lab.add_shell("api", "echo new");
        lab.up("api").await;
        assert_eq!(next().await, "new");
    })
    .await;
}

#[tokio::test]
async fn a_very_long_line_stays_one_line() {
    with_engine("long", async |lab| {
        lab.add_shell(
            "api",
            "x=0123456789abcdef; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do x=$x$x; done; echo $x; echo after",
        );
        let (_, output) = lab.run("api").await;
        assert_eq!(output.iter().map(String::len).collect::<Vec<_>>(), [16 << 12, 5]);
    })
    .await;
}
