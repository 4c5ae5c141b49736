//! Authentication as strong and as fresh as a client wants it (RFC 9470, OpenID Connect Core §3.1.2.1).

use serde_json::{Value, json};

use crate::world::{World, part};

async fn claims(world: &World, changes: &[(&str, &str)]) -> (Value, Value) {
    let code = world.authorize(changes).await.sent("code").unwrap();
    let tokens = world.redeem(&code, &[]).await;
    (part(&tokens.string("access_token"), 1), part(&tokens.string("id_token"), 1))
}

#[tokio::test]
async fn tokens_say_when_and_how_strongly_the_person_logged_in() {
    let world = World::extended();
    for (wanted, reached) in [("", "pwd"), ("mfa", "mfa"), ("retina mfa pwd", "mfa")] {
        let (access, id) = claims(&world, &[("acr_values", wanted)]).await;
        assert_eq!((&access["acr"], &access["auth_time"]), (&json!(reached), &json!(1_800_000_000)), "{wanted}");
        assert_eq!(id["acr"], reached);
    }
    let code = world.authorize(&[("acr_values", "mfa")]).await.sent("code").unwrap();
    let token = world.redeem(&code, &[]).await.string("access_token");
    assert_eq!(world.introspect(&token).await["acr"], "mfa");
}

#[tokio::test]
async fn a_level_that_cannot_be_reached_is_refused_by_its_name() {
    let answer = World::extended().authorize(&[("acr_values", "retina")]).await;
    assert_eq!(answer.sent("error").as_deref(), Some("unmet_authentication_requirements"));
}

#[tokio::test]
async fn the_levels_are_announced_where_there_are_any() {
    let metadata = |world: World| async move { world.get("/.well-known/openid-configuration").await.json() };
    assert_eq!(metadata(World::extended()).await["acr_values_supported"], json!(["pwd", "mfa"]));
    assert!(metadata(World::new()).await["acr_values_supported"].is_null());
}
