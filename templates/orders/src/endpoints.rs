//! The operations. Each reads the same way: who calls, what is it about, may they, do it. Must not know any rule of who
//! may do what, and trusts no identity but the one that `authenticate` returns.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::try_join;
use uuid::Uuid;

use crate::app::App;
use crate::flaws::Flaw;
use crate::iam::Resource;
use crate::operation::Operation;
use crate::order::{NewOrder, NewOwner, Order, OrderChange, OrderView, Placed};
use crate::problem::{Problem, Unavailable};
use crate::step_up::StepUp;

/// What a refund asks of the user's authentication, as in `authz.yaml`.
const REFUND: StepUp = StepUp { acr: "mfa", max_age: 900 };

type Body = Result<Json<Value>, JsonRejection>;

/// A list of orders, as `OrderList` of the document.
#[derive(Debug, Serialize)]
pub struct OrderList {
    orders: Vec<OrderView>,
}

/// Who calls, as `Me` of the document.
#[derive(Debug, Serialize)]
pub struct Me {
    sub: String,
    tenant: Option<String>,
    roles: Vec<String>,
}

/// `GET /me`
pub(crate) async fn read_me(State(app): State<App>, headers: HeaderMap) -> Result<Json<Me>, Problem> {
    let caller = app.authenticate(Operation::ReadMe, &headers).await?;
    app.require(&caller, Operation::ReadMe, &Resource::Application).await?;
    Ok(Json(Me { sub: caller.subject, tenant: caller.tenant, roles: caller.roles }))
}

/// `GET /orders`: the caller's own, or the tenant's for those who may see them.
pub(crate) async fn list_orders(State(app): State<App>, headers: HeaderMap) -> Result<Json<OrderList>, Problem> {
    if app.flaws.lists_for_anonymous(&headers) {
        return Ok(list(found(app.store.of_everybody().await)?));
    }
    let caller = app.authenticate(Operation::ListOrders, &headers).await?;
    let ((), whole_tenant) = try_join!(
        app.require(&caller, Operation::ListOrders, &Resource::Application),
        app.permits(&caller, Operation::ListTenantOrders, &Resource::Application),
    )?;
    // The database selects: an order that the caller must not see never gets here.
    let orders = match &caller.tenant {
        Some(tenant) if whole_tenant => app.store.of_tenant(tenant).await,
        _ => app.store.of_owner(&caller.subject).await,
    };
    Ok(list(found(orders)?))
}

/// `POST /orders`
pub(crate) async fn create_order(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<impl IntoResponse, Problem> {
    let caller = app.authenticate(Operation::CreateOrder, &headers).await?;
    app.require(&caller, Operation::CreateOrder, &Resource::Application).await?;
    let tenant = caller.tenant.ok_or(Problem::Forbidden)?;
    let Json(body) = body?;
    let new = NewOrder::deserialize(&body)?;
    let order = new.place(Placed {
        id: Uuid::new_v4().to_string(),
        owner: caller.subject,
        tenant,
        created_at: format!("{:.6}", jiff::Timestamp::now()),
    })?;
    let order = app.flaws.assign(Flaw::MassAssignCreate, order, &body);
    found(app.store.insert(&order).await)?;
    let location = format!("/orders/{}", order.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(order.view())))
}

/// `GET /orders/{id}`
pub(crate) async fn read_order(
    State(app): State<App>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<OrderView>, Problem> {
    let caller = app.authenticate(Operation::ReadOrder, &headers).await?;
    let order = load(&app, &id).await?;
    let resource = Resource::from(&order);
    let ((), margin) = try_join!(
        app.require(&caller, Operation::ReadOrder, &resource),
        app.permits(&caller, Operation::ReadMargin, &resource),
    )?;
    Ok(Json(if margin { order.view_with_margin() } else { order.view() }))
}

/// `PATCH /orders/{id}`
pub(crate) async fn update_order(
    State(app): State<App>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Body,
) -> Result<Json<OrderView>, Problem> {
    let caller = app.authenticate(Operation::UpdateOrder, &headers).await?;
    let order = load(&app, &id).await?;
    app.require(&caller, Operation::UpdateOrder, &Resource::from(&order)).await?;
    let Json(body) = body?;
    let status = order.status.clone();
    let order = OrderChange::deserialize(&body)?.apply(order)?;
    let order = app.flaws.assign(Flaw::MassAssignUpdate, order, &body);
    if order.status != status {
        found(app.store.set_status(&order.id, &order.status).await)?;
    }
    still_there(app.store.change(&order).await)?;
    Ok(Json(order.view()))
}

/// `DELETE /orders/{id}`
pub(crate) async fn delete_order(
    State(app): State<App>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let caller = app.authenticate(Operation::DeleteOrder, &headers).await?;
    let order = load(&app, &id).await?;
    app.require(&caller, Operation::DeleteOrder, &Resource::from(&order)).await?;
    still_there(app.store.delete(&order.id).await)?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /orders/{id}/refund`
pub(crate) async fn refund_order(
    State(app): State<App>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<OrderView>, Problem> {
    let caller = app.authenticate(Operation::RefundOrder, &headers).await?;
    let order = load(&app, &id).await?;
    app.require(&caller, Operation::RefundOrder, &Resource::from(&order)).await?;
    // Money leaves: the token alone is not enough.
    app.require_step_up(&caller, REFUND)?;
    let order = order.refunded();
    still_there(app.store.set_status(&order.id, &order.status).await)?;
    Ok(Json(order.view()))
}

/// `POST /orders/{id}/archive`
pub(crate) async fn archive_order(
    State(app): State<App>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<OrderView>, Problem> {
    let caller = app.authenticate(Operation::ArchiveOrder, &headers).await?;
    let order = load(&app, &id).await?;
    app.require(&caller, Operation::ArchiveOrder, &Resource::from(&order)).await?;
    let order = order.archived();
    still_there(app.store.set_status(&order.id, &order.status).await)?;
    Ok(Json(order.view()))
}

/// `POST /orders/{id}/transfer`: to somebody who may have it.
pub(crate) async fn transfer_order(
    State(app): State<App>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Body,
) -> Result<Json<OrderView>, Problem> {
    let caller = app.authenticate(Operation::TransferOrder, &headers).await?;
    let order = load(&app, &id).await?;
    let resource = Resource::from(&order);
    app.require(&caller, Operation::TransferOrder, &resource).await?;
    let Json(body) = body?;
    let NewOwner { owner } = NewOwner::deserialize(&body)?;
    if !app.iam.permits(&owner, Operation::ReceiveOrder, &resource).await? {
        return Err(Problem::Recipient);
    }
    still_there(app.store.set_owner(&order.id, &order.owner, &owner).await)?;
    Ok(Json(Order { owner, ..order }.view()))
}

/// `GET /admin/export`: the whole tenant, for its admins.
pub(crate) async fn export_orders(State(app): State<App>, headers: HeaderMap) -> Result<Json<OrderList>, Problem> {
    let caller = app.authenticate(Operation::ExportOrders, &headers).await?;
    app.require(&caller, Operation::ExportOrders, &Resource::Application).await?;
    let tenant = caller.tenant.ok_or(Problem::Forbidden)?;
    Ok(list(found(app.store.of_tenant(&tenant).await)?))
}

/// `GET /health`
pub(crate) async fn health(State(app): State<App>) -> Result<Json<Value>, Problem> {
    found(app.store.ping().await)?;
    Ok(Json(json!({"status": "ok"})))
}

async fn load(app: &App, id: &str) -> Result<Order, Problem> {
    found(app.store.find(id).await)?.ok_or(Problem::NotFound)
}

fn list(orders: Vec<Order>) -> Json<OrderList> {
    Json(OrderList { orders: orders.into_iter().map(Order::view).collect() })
}

fn found<T>(answer: Result<T, sqlx::Error>) -> Result<T, Problem> {
    answer.map_err(|cause| Problem::Unavailable(Unavailable::Database(cause)))
}

/// Somebody else may have deleted it in the meantime.
fn still_there(answer: Result<bool, sqlx::Error>) -> Result<(), Problem> {
    if found(answer)? { Ok(()) } else { Err(Problem::NotFound) }
}
