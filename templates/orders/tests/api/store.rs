//! The store behaves the same on each database.

use orders_api::order::{Order, OrderChange};
use orders_api::secret::Secret;
use orders_api::store::Store;
use serde_json::json;
use uuid::Uuid;

fn order_of(owner: &str, tenant: &str, created_at: &str) -> Order {
    Order {
        id: Uuid::new_v4().to_string(),
        owner: owner.to_owned(),
        tenant: tenant.to_owned(),
        item: "tea'pot ☕".to_owned(),
        quantity: 1,
        status: "open".to_owned(),
        total: 5_000_000_000,
        margin: 599,
        created_at: created_at.to_owned(),
    }
}

async fn keeps_orders(url: String) {
    let store = Store::open(&Secret::new(url.clone())).await.unwrap();
    let again = Store::open(&Secret::new(url)).await;
    assert!(again.is_ok(), "a schema that is there already is no error");
    store.ping().await.unwrap();

    // Names that no run before used: a database may be kept.
    let run = Uuid::new_v4();
    let (alice, bob, acme) = (format!("alice-{run}"), format!("bob-{run}"), format!("acme-{run}"));
    let old = order_of(&alice, &acme, "2026-01-31T12:00:00.000000Z");
    let new = order_of(&alice, &acme, "2026-01-31T12:00:00.000001Z");
    let of_bob = order_of(&bob, &acme, "2026-01-31T11:00:00.000000Z");
    for order in [&old, &new, &of_bob] {
        store.insert(order).await.unwrap();
    }
    assert_eq!(store.find(&old.id).await.unwrap().as_ref(), Some(&old));
    assert_eq!(store.find("' OR ''='").await.unwrap(), None);
    assert_eq!(store.of_owner(&alice).await.unwrap(), [new.clone(), old.clone()]);
    assert_eq!(store.of_tenant(&acme).await.unwrap(), [new.clone(), old.clone(), of_bob.clone()]);
    assert!(store.of_everybody().await.unwrap().contains(&of_bob));

    let change: OrderChange = serde_json::from_value(json!({"quantity": 3})).unwrap();
    let changed = change.apply(old.clone()).unwrap();
    assert!(store.change(&changed).await.unwrap());
    assert!(store.set_status(&old.id, "refunded").await.unwrap());
    assert_eq!(store.find(&old.id).await.unwrap(), Some(changed.clone().refunded()));

    assert!(store.delete(&old.id).await.unwrap());
    assert!(!store.delete(&old.id).await.unwrap() && !store.change(&changed).await.unwrap());
    assert!(!store.set_status(&old.id, "open").await.unwrap());
}

#[tokio::test]
async fn sqlite_keeps_orders_in_memory() {
    // One database for both stores of the test.
    keeps_orders(format!("sqlite:file:{}?mode=memory&cache=shared", Uuid::new_v4())).await;
}

#[tokio::test]
async fn sqlite_keeps_orders_in_a_file() {
    let file = std::env::temp_dir().join(format!("orders-{}.db", Uuid::new_v4()));
    keeps_orders(format!("sqlite://{}?mode=rwc", file.display())).await;
    for suffix in ["", "-wal", "-shm"] {
        drop(std::fs::remove_file(format!("{}{suffix}", file.display())));
    }
}

#[tokio::test]
async fn postgresql_keeps_orders() {
    let Ok(url) = std::env::var("ORDERS_TEST_POSTGRES") else {
        eprintln!("NOT RUN: set ORDERS_TEST_POSTGRES=postgres://… to test the store on PostgreSQL");
        return;
    };
    keeps_orders(url).await;
}
