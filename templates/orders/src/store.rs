//! Where orders are kept: SQLite or PostgreSQL, the same statements for both. Must not know who may see an order: it
//! answers what it is asked, and each question says whose orders it is about.

use std::time::Duration;

use sqlx::any::{AnyPoolOptions, AnyRow};
use sqlx::{AnyPool, Executor as _, Row as _};
use tokio::time::Instant;

use crate::order::Order;
use crate::secret::Secret;

const SCHEMA: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS orders (
        id TEXT PRIMARY KEY, owner TEXT NOT NULL, tenant TEXT NOT NULL, item TEXT NOT NULL, quantity BIGINT NOT NULL,
        status TEXT NOT NULL, total BIGINT NOT NULL, margin BIGINT NOT NULL, created_at TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS orders_by_owner ON orders (owner, created_at)",
    "CREATE INDEX IF NOT EXISTS orders_by_tenant ON orders (tenant, created_at)",
];
/// How long a database may take to start.
const PATIENCE: Duration = Duration::from_secs(30);
const CONNECTIONS: u32 = 8;

/// The orders.
#[derive(Clone, Debug)]
pub struct Store {
    pool: AnyPool,
}

impl Store {
    /// Connects, waiting up to 30 seconds for a database that is still starting, and makes the schema.
    ///
    /// # Errors
    /// The last refusal, when there was no connection in that time.
    pub async fn open(url: &Secret) -> Result<Self, sqlx::Error> {
        sqlx::any::install_default_drivers();
        let started = Instant::now();
        let mut pause = Duration::from_millis(50);
        loop {
            match Self::connect(url).await {
                Ok(store) => return Ok(store),
                Err(cause) if !may_pass(&cause) || started.elapsed() >= PATIENCE => return Err(cause),
                Err(cause) => {
                    tracing::info!(%cause, "the database is not there yet");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(1));
                }
            }
        }
    }

    async fn connect(url: &Secret) -> Result<Self, sqlx::Error> {
        let options = AnyPoolOptions::new().acquire_timeout(Duration::from_secs(3));
        // An in-memory database belongs to its connection, and SQLite writes one at a time anyway.
        let options = if url.expose().starts_with("sqlite:") {
            options.max_connections(1).idle_timeout(None).max_lifetime(None).after_connect(|connection, _| {
                Box::pin(async move {
                    // Readers do not wait for a writer, and a commit does not wait for the disk.
                    connection.execute("PRAGMA journal_mode = WAL").await?;
                    connection.execute("PRAGMA synchronous = NORMAL").await?;
                    Ok(())
                })
            })
        } else {
            options.max_connections(CONNECTIONS)
        };
        let pool = options.connect(url.expose()).await?;
        for statement in SCHEMA {
            pool.execute(statement).await?;
        }
        Ok(Self { pool })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), sqlx::Error> {
        sqlx::query("SELECT 1").execute(&self.pool).await.map(drop)
    }

    /// Adds an order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert(&self, order: &Order) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO orders (id, owner, tenant, item, quantity, status, total, margin, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(&order.id)
        .bind(&order.owner)
        .bind(&order.tenant)
        .bind(&order.item)
        .bind(order.quantity)
        .bind(&order.status)
        .bind(order.total)
        .bind(order.margin)
        .bind(&order.created_at)
        .execute(&self.pool)
        .await
        .map(drop)
    }

    /// The order with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, id: &str) -> Result<Option<Order>, sqlx::Error> {
        let row = sqlx::query("SELECT * FROM orders WHERE id = $1").bind(id).fetch_optional(&self.pool).await?;
        row.as_ref().map(order).transpose()
    }

    /// The newest orders of one owner.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of_owner(&self, owner: &str) -> Result<Vec<Order>, sqlx::Error> {
        const OF_OWNER: &str = "SELECT * FROM orders WHERE owner = $1 ORDER BY created_at DESC, id LIMIT 1000";
        orders(sqlx::query(OF_OWNER).bind(owner).fetch_all(&self.pool).await?)
    }

    /// The newest orders of one tenant.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of_tenant(&self, tenant: &str) -> Result<Vec<Order>, sqlx::Error> {
        const OF_TENANT: &str = "SELECT * FROM orders WHERE tenant = $1 ORDER BY created_at DESC, id LIMIT 1000";
        orders(sqlx::query(OF_TENANT).bind(tenant).fetch_all(&self.pool).await?)
    }

    /// The newest orders of everybody. Only the deliberate flaw `anonymous-list` asks for them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of_everybody(&self) -> Result<Vec<Order>, sqlx::Error> {
        const ALL: &str = "SELECT * FROM orders ORDER BY created_at DESC, id LIMIT 1000";
        orders(sqlx::query(ALL).fetch_all(&self.pool).await?)
    }

    /// Writes item, quantity and prices, and says whether the order was still there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn change(&self, order: &Order) -> Result<bool, sqlx::Error> {
        let done = sqlx::query("UPDATE orders SET item = $1, quantity = $2, total = $3, margin = $4 WHERE id = $5")
            .bind(&order.item)
            .bind(order.quantity)
            .bind(order.total)
            .bind(order.margin)
            .bind(&order.id)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Writes the status, and says whether the order was still there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_status(&self, id: &str, status: &str) -> Result<bool, sqlx::Error> {
        let update = sqlx::query("UPDATE orders SET status = $1 WHERE id = $2").bind(status).bind(id);
        Ok(update.execute(&self.pool).await?.rows_affected() == 1)
    }

    /// Gives an order from one owner to another, and says whether it was still the first one's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_owner(&self, id: &str, from: &str, to: &str) -> Result<bool, sqlx::Error> {
        let update =
            sqlx::query("UPDATE orders SET owner = $1 WHERE id = $2 AND owner = $3").bind(to).bind(id).bind(from);
        Ok(update.execute(&self.pool).await?.rows_affected() == 1)
    }

    /// Removes an order, and says whether it was still there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete(&self, id: &str) -> Result<bool, sqlx::Error> {
        let delete = sqlx::query("DELETE FROM orders WHERE id = $1").bind(id);
        Ok(delete.execute(&self.pool).await?.rows_affected() == 1)
    }
}

/// Whether a refusal is one of a database that is about to be there; a wrong password is not.
fn may_pass(cause: &sqlx::Error) -> bool {
    match cause {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        // PostgreSQL: `cannot_connect_now`, and what it says when somebody else makes the same schema just now.
        sqlx::Error::Database(cause) => matches!(cause.code().as_deref(), Some("57P03" | "23505" | "42P07")),
        _ => false,
    }
}

fn orders(rows: Vec<AnyRow>) -> Result<Vec<Order>, sqlx::Error> {
    rows.iter().map(order).collect()
}

fn order(row: &AnyRow) -> Result<Order, sqlx::Error> {
    Ok(Order {
        id: row.try_get("id")?,
        owner: row.try_get("owner")?,
        tenant: row.try_get("tenant")?,
        item: row.try_get("item")?,
        quantity: row.try_get("quantity")?,
        status: row.try_get("status")?,
        total: row.try_get("total")?,
        margin: row.try_get("margin")?,
        created_at: row.try_get("created_at")?,
    })
}
