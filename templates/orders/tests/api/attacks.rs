//! One attack for each flaw: true when it succeeds. Each first proves, where it can, that the same request by somebody
//! allowed succeeds, so that a refusal means something.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::fake::{World, encode, jwk, new_key, sign, unsigned};
use crate::stack::Stack;

/// Runs the attack for a flaw.
pub(crate) async fn succeeds(flaw: &str, stack: &Stack) -> bool {
    match flaw {
        "anonymous-list" => {
            stack.order_of("alice").await;
            stack.send("GET /orders", &[], None).await.owners().contains(&"alice")
        }
        "unsigned-token" | "ignored-signature" | "key-confusion" | "embedded-key" | "expired-token" => {
            any_forgery_succeeds(flaw, stack).await
        }
        "forged-claims" => forged_claims(stack).await,
        "identity-header" => {
            let answer = stack.send("GET /me", &["x-forwarded-user: alice".to_owned()], None).await;
            answer.body["sub"] == "alice"
        }
        "object-read" => reads(stack, "bob", "alice").await,
        "tenant-read" => reads(stack, "dave", "alice").await || reads(stack, "eve", "alice").await,
        "object-write" => object_write(stack).await,
        "list-leak" => {
            stack.order_of("alice").await;
            stack.as_persona("bob", "GET /orders", None).await.owners().contains(&"alice")
        }
        "function-export" => stack.as_persona("alice", "GET /admin/export", None).await.status == 200,
        "function-delete" => function_delete(stack).await,
        "property-read" => {
            let path = stack.order_of("alice").await;
            stack.as_persona("alice", &format!("GET {path}"), None).await.body["margin"].is_number()
        }
        "mass-assign-create" => mass_assign_create(stack).await,
        "mass-assign-update" => mass_assign_update(stack).await,
        "stale-introspection" => revoked_token(stack).await,
        "deactivated-user" => deactivated_user(stack).await,
        "stale-role" => removed_role(stack).await,
        "stale-tenant" => moved_tenant(stack).await,
        "stale-owner" => former_owner(stack).await,
        "archived-order" => archived_order(stack).await,
        "stale-policy" => {
            changed(stack, ("alice", "GET /me"), |world, on| {
                if on {
                    world.forbidden.insert(("alice", "readMe"))
                } else {
                    world.forbidden.remove(&("alice", "readMe"))
                };
            })
            .await
        }
        "stale-circumstances" => {
            // Whom the IAM need not allow it: that is function-export, another flaw.
            let anybody = stack.as_persona("alice", "GET /admin/export", None).await.status == 200;
            changed(stack, ("root", "GET /admin/export"), |world, on| world.network_is_public = on).await && !anybody
        }
        "claimed-role" => claimed_role(stack).await,
        "weak-authentication" => weak_authentication(stack).await,
        "iam-fail-open" => changed(stack, ("alice", "GET /me"), |world, on| world.iam_answers = !on).await,
        "provider-fail-open" => changed(stack, ("alice", "GET /me"), |world, on| world.provider_answers = !on).await,
        "retired-key" => {
            // Who looks at no signature, or believes revoked tokens, has other flaws.
            let other = any_forgery_succeeds("ignored-signature", stack).await || revoked_token(stack).await;
            changed(stack, ("alice", "GET /me"), |world, on| world.key_is_retired = on).await && !other
        }
        "ignored-event" => !ends_session(stack, "mallory", World::event).await,
        "ignored-logout" => !ends_session(stack, "carol", World::logout).await,
        "unchecked-event" => forged_statement_ends_session(stack, "dave", World::event).await,
        "unchecked-logout" => forged_statement_ends_session(stack, "eve", World::logout).await,
        "server-error" => stack.with_token("not-a-token", "GET /me").await.status == 500,
        other => panic!("no attack for {other}"),
    }
}

/// The tokens that a flaw is for.
pub(crate) fn forgeries(flaw: &str, world: &World) -> Vec<String> {
    let claims = world.claims("alice", 300);
    let good = world.token("alice");
    let (signed, signature) = good.rsplit_once('.').unwrap();
    match flaw {
        "unsigned-token" => {
            let algorithms = [json!("none"), json!("None"), json!("NONE"), json!("nOnE"), json!(""), Value::Null];
            let headers = algorithms.into_iter().map(|alg| json!({"alg": alg, "typ": "at+jwt"}));
            let headers = headers.chain([json!({"typ": "at+jwt"})]);
            let tokens = headers.flat_map(|header| {
                let text = unsigned(&header, &claims);
                [text.clone(), format!("{text}."), format!("{text}.{signature}")]
            });
            tokens.chain([signed.to_owned()]).collect()
        }
        "ignored-signature" => {
            let other = world.token("bob");
            let of_another_token = other.rsplit_once('.').unwrap().1;
            vec![
                format!("{signed}."),
                format!("{signed}.{}", encode([0; 64])),
                format!("{signed}.{of_another_token}"),
                sign(&new_key(), &World::header(), &claims),
            ]
        }
        "key-confusion" => confused_secrets(world).into_iter().map(|secret| hs256(&secret, &claims)).collect(),
        "embedded-key" => {
            let key = new_key();
            vec![sign(&key, &json!({"alg": "ES256", "typ": "at+jwt", "jwk": jwk(&key)}), &claims)]
        }
        "expired-token" => vec![sign(&world.key, &World::header(), &world.claims("alice", -60))],
        other => panic!("{other} is not about tokens"),
    }
}

async fn any_forgery_succeeds(flaw: &str, stack: &Stack) -> bool {
    assert_eq!(stack.as_persona("alice", "GET /me", None).await.status, 200);
    let tokens = forgeries(flaw, &stack.world());
    let mut accepted = 0;
    for token in &tokens {
        let answer = stack.with_token(token, "GET /me").await;
        assert!(answer.status == 200 || answer.body.get("sub").is_none(), "{answer:?}");
        accepted += usize::from(answer.body["sub"] == "alice" && answer.body["roles"] == json!(["customer"]));
        // Only this operation has the hole.
        assert_ne!(stack.with_token(token, "GET /admin/export").await.status, 200);
    }
    assert!(accepted == 0 || accepted == tokens.len(), "{accepted} of {} tokens of {flaw}", tokens.len());
    accepted > 0
}

fn confused_secrets(world: &World) -> Vec<Vec<u8>> {
    use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
    use aws_lc_rs::signature::KeyPair as _;
    let der: PublicKeyX509Der<'_> = world.key.public_key().as_der().unwrap();
    let base64 = STANDARD.encode(der.as_ref());
    let (first, second) = base64.split_at(64);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{first}\n{second}\n-----END PUBLIC KEY-----");
    let key = jwk(&world.key);
    vec![der.as_ref().to_vec(), format!("{pem}\n").into_bytes(), pem.into_bytes(), key.to_string().into_bytes()]
}

fn hs256(secret: &[u8], claims: &Value) -> String {
    let signed = unsigned(&json!({"alg": "HS256", "typ": "at+jwt", "kid": "1"}), claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
    format!("{signed}.{}", encode(tag))
}

async fn forged_claims(stack: &Stack) -> bool {
    let mut claims = stack.world().claims("alice", 300);
    claims["roles"] = json!(["admin"]);
    claims["tenant"] = json!("globex");
    let token = sign(&stack.world().key, &World::header(), &claims);
    let me = stack.with_token(&token, "GET /me").await;
    assert_eq!((&me.body["tenant"], &me.body["roles"]), (&json!("acme"), &json!(["customer"])));
    // Without the claims it is function-export, which is another flaw.
    let honest = stack.as_persona("alice", "GET /admin/export", None).await.status == 200;
    !honest && stack.with_token(&token, "GET /admin/export").await.status == 200
}

async fn reads(stack: &Stack, who: &str, whose: &str) -> bool {
    let path = stack.order_of(whose).await;
    let control = stack.as_persona(whose, &format!("GET {path}"), None).await;
    assert_eq!(control.status, 200);
    let answer = stack.as_persona(who, &format!("GET {path}"), None).await;
    assert!(answer.body.get("margin").is_none(), "{answer:?}");
    answer.status == 200
}

async fn object_write(stack: &Stack) -> bool {
    let path = stack.order_of("alice").await;
    stack.as_persona("bob", &format!("PATCH {path}"), Some(json!({"quantity": 7}))).await;
    for stranger in ["mallory", "dave", "eve"] {
        let answer = stack.as_persona(stranger, &format!("PATCH {path}"), Some(json!({"quantity": 9}))).await;
        assert_eq!(answer.status, 404);
    }
    stack.as_persona("alice", &format!("GET {path}"), None).await.body["quantity"] == 7
}

async fn function_delete(stack: &Stack) -> bool {
    let path = stack.order_of("alice").await;
    for other in ["bob", "carol", "mallory", "eve"] {
        assert_ne!(stack.as_persona(other, &format!("DELETE {path}"), None).await.status, 204, "{other}");
    }
    stack.as_persona("alice", &format!("DELETE {path}"), None).await;
    stack.as_persona("root", &format!("GET {path}"), None).await.status == 404
}

const SERVER_OWNED: fn() -> Value = || {
    json!({"item": "x", "quantity": 1, "owner": "bob", "tenant": "globex", "status": "refunded", "total": 1,
           "margin": 1, "id": "mine", "created_at": "now"})
};

async fn mass_assign_create(stack: &Stack) -> bool {
    let answer = stack.as_persona("alice", "POST /orders", Some(SERVER_OWNED())).await;
    assert_eq!(answer.status, 201);
    let id = answer.body["id"].as_str().unwrap();
    assert_ne!(id, "mine");
    was_assigned(stack, &format!("/orders/{id}")).await
}

async fn mass_assign_update(stack: &Stack) -> bool {
    let path = stack.order_of("alice").await;
    assert_eq!(stack.as_persona("alice", &format!("PATCH {path}"), Some(SERVER_OWNED())).await.status, 200);
    was_assigned(stack, &path).await
}

async fn was_assigned(stack: &Stack, path: &str) -> bool {
    let order = stack.as_persona("alice", &format!("GET {path}"), None).await.body;
    assert_eq!((&order["owner"], &order["tenant"]), (&json!("alice"), &json!("acme")));
    let assigned = (order["status"] == "refunded", order["total"] == 1);
    assert_eq!(assigned.0, assigned.1);
    assigned.0
}

async fn revoked_token(stack: &Stack) -> bool {
    let token = stack.token("alice");
    assert_eq!(stack.with_token(&token, "GET /me").await.status, 200);
    stack.world().revoked.insert(token.clone());
    assert_ne!(stack.with_token(&token, "GET /orders").await.status, 200);
    stack.with_token(&token, "GET /me").await.status == 200
}

async fn deactivated_user(stack: &Stack) -> bool {
    let token = stack.token("bob");
    assert_eq!(stack.with_token(&token, "GET /me").await.status, 200);
    stack.world().users.get_mut("bob").unwrap().active = false;
    assert_ne!(stack.with_token(&token, "GET /orders").await.status, 200);
    let succeeded = stack.with_token(&token, "GET /me").await.status == 200;
    stack.world().users.get_mut("bob").unwrap().active = true;
    succeeded
}

async fn removed_role(stack: &Stack) -> bool {
    let token = stack.token("root");
    assert_eq!(stack.with_token(&token, "GET /admin/export").await.status, 200);
    stack.world().users.get_mut("root").unwrap().roles = vec!["customer"];
    // A customer whom the directory never made an admin gets it as well: that is function-export, another flaw.
    let anybody = stack.as_persona("alice", "GET /admin/export", None).await.status == 200;
    let succeeded = !anybody && stack.with_token(&token, "GET /admin/export").await.status == 200;
    stack.world().users.get_mut("root").unwrap().roles = vec!["admin"];
    succeeded
}

/// Whether somebody is still served, with the same token, after the world changed. Afterwards it is as before.
async fn changed(stack: &Stack, (who, request): (&str, &str), change: fn(&mut World, bool)) -> bool {
    let token = stack.token(who);
    assert_eq!(stack.with_token(&token, request).await.status, 200);
    change(&mut stack.world(), true);
    let succeeded = stack.with_token(&token, request).await.status == 200;
    change(&mut stack.world(), false);
    succeeded
}

async fn moved_tenant(stack: &Stack) -> bool {
    let path = stack.order_of("alice").await;
    let read = format!("GET {path}");
    let token = stack.token("carol");
    assert_eq!(stack.with_token(&token, &read).await.status, 200);
    // Support of whatever tenant reads it: that is tenant-read, another flaw.
    let anybody = stack.as_persona("dave", &read, None).await.status == 200;
    stack.world().users.get_mut("carol").unwrap().tenant = "globex";
    let succeeded = !anybody && stack.with_token(&token, &read).await.status == 200;
    stack.world().users.get_mut("carol").unwrap().tenant = "acme";
    succeeded
}

async fn former_owner(stack: &Stack) -> bool {
    let path = stack.order_of("alice").await;
    let read = format!("GET {path}");
    assert_eq!(stack.as_persona("alice", &read, None).await.status, 200);
    // The neighbour reads it anyway: that is object-read, another flaw.
    let anybody = stack.as_persona("bob", &read, None).await.status == 200;
    let given = stack.as_persona("alice", &format!("POST {path}/transfer"), Some(json!({"owner": "bob"}))).await;
    assert_eq!((given.status.as_u16(), &given.body["owner"]), (200, &json!("bob")));
    assert_eq!(stack.as_persona("bob", &read, None).await.status, 200);
    !anybody && stack.as_persona("alice", &read, None).await.status == 200
}

async fn archived_order(stack: &Stack) -> bool {
    let path = stack.order_of("alice").await;
    let archived = stack.as_persona("alice", &format!("POST {path}/archive"), None).await;
    assert_eq!((archived.status.as_u16(), &archived.body["status"]), (200, &json!("archived")));
    stack.as_persona("alice", &format!("PATCH {path}"), Some(json!({"quantity": 7}))).await;
    stack.as_persona("alice", &format!("GET {path}"), None).await.body["quantity"] == 7
}

async fn claimed_role(stack: &Stack) -> bool {
    let token = stack.token("alice");
    let honest = stack.with_token(&token, "GET /admin/export").await.status == 200;
    let headers = [format!("authorization: Bearer {token}"), "x-user-roles: customer,admin".to_owned()];
    !honest && stack.send("GET /admin/export", &headers, None).await.status == 200
}

async fn weak_authentication(stack: &Stack) -> bool {
    let path = stack.order_of("alice").await;
    let refund = format!("POST {path}/refund");
    let mut succeeded = false;
    for (acr, age) in [(json!("pwd"), 0), (Value::Null, 0), (json!("mfa"), 901)] {
        let mut claims = stack.world().claims("carol", 300);
        claims["acr"] = acr;
        claims["auth_time"] = json!(claims["auth_time"].as_i64().unwrap() - age);
        let token = sign(&stack.world().key, &World::header(), &claims);
        succeeded |= stack.with_token(&token, &refund).await.status == 200;
    }
    assert_eq!(stack.as_persona("carol", &refund, None).await.status, 200);
    succeeded
}

/// Whether a statement ends a session from before it, and no later one.
async fn ends_session(stack: &Stack, who: &str, statement: fn(&World, &str) -> (Value, Value)) -> bool {
    let old = stack.world().old_token(who);
    assert_eq!(stack.with_token(&old, "GET /me").await.status, 200);
    let statement = statement(&stack.world(), who);
    assert!(stack.deliver(statement).await < 300);
    assert_eq!(stack.as_persona(who, "GET /me", None).await.status, 200);
    stack.with_token(&old, "GET /me").await.status == 401
}

async fn forged_statement_ends_session(
    stack: &Stack,
    who: &str,
    statement: fn(&World, &str) -> (Value, Value),
) -> bool {
    let old = stack.world().old_token(who);
    assert_eq!(stack.with_token(&old, "GET /me").await.status, 200);
    let (header, claims) = statement(&stack.world(), who);
    stack.deliver_text(header["typ"] == "logout+jwt", &sign(&new_key(), &header, &claims)).await;
    stack.with_token(&old, "GET /me").await.status != 200
}
