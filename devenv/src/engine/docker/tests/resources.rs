//! Networks and volumes.

use super::*;
use crate::plan::PlannedVolume;

#[tokio::test]
async fn networks_and_volumes_are_made_once_found_again_and_removed() {
    with_engine("resources", async |lab| {
        lab.network("default").await;
        let name = format!("{}-data", lab.plan.project.id());
        lab.plan.volumes.insert("data".into(), PlannedVolume { name, external: false, ..Default::default() });
        for action in [Action::CreateNetwork("default".into()), Action::CreateVolume("data".into())] {
            lab.act(action.clone()).await.unwrap();
            lab.act(action).await.unwrap();
        }
        let observed = lab.observe().await;
        assert_eq!((observed.networks.len(), observed.volumes.len()), (1, 1));
        for action in [Action::RemoveNetwork("default".into()), Action::RemoveVolume("data".into())] {
            lab.act(action.clone()).await.unwrap();
            lab.act(action).await.unwrap();
        }
        assert_eq!(lab.observe().await, Observed::default());
    })
    .await;
}

#[tokio::test]
async fn what_belongs_to_somebody_else_is_neither_used_nor_removed() {
    with_engine("strangers", async |lab| {
        let network = |name: &str, external| PlannedNetwork {
            name: name.into(),
            external,
            internal: false,
            ..Default::default()
        };
        // Every engine has this one, and it is nobody's.
        lab.plan.networks.insert("theirs".into(), network("bridge", false));
        let error = lab.act(Action::CreateNetwork("theirs".into())).await.unwrap_err().to_string();
        assert!(error.contains("`bridge`") && error.contains("external: true"), "{error}");
        lab.plan.networks.insert("shared".into(), network("bridge", true));
        lab.act(Action::CreateNetwork("shared".into())).await.unwrap();
        lab.act(Action::RemoveNetwork("shared".into())).await.unwrap();
        lab.plan.networks.insert("gone".into(), network("devenv-no-such-network", true));
        let error = lab.act(Action::CreateNetwork("gone".into())).await.unwrap_err().to_string();
        assert!(error.contains("does not exist"), "{error}");
    })
    .await;
}
