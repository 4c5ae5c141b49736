//! Every route on one page, each with its `operationId`. Must not know what they do.

use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Router, routing::MethodRouter};

use crate::app::App;
use crate::{endpoints, receivers};

/// An order is small: a larger body is no order.
const BODY_LIMIT: usize = 16 * 1024;

/// The API.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/me", get(endpoints::read_me)) //                          readMe
        .route("/orders", orders()) //                                     listOrders, createOrder
        .route("/orders/{id}", order()) //                                 readOrder, updateOrder, deleteOrder
        .route("/orders/{id}/refund", post(endpoints::refund_order)) //    refundOrder
        .route("/orders/{id}/archive", post(endpoints::archive_order)) //  archiveOrder
        .route("/orders/{id}/transfer", post(endpoints::transfer_order)) // transferOrder
        .route("/events/ssf", post(receivers::receive_event)) //           receiveEvent
        .route("/logout/backchannel", post(receivers::receive_logout)) //  receiveLogout
        .route("/admin/export", get(endpoints::export_orders)) //          exportOrders
        .route("/health", get(endpoints::health)) //                       health
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(map_response(never_cached))
        .with_state(app)
}

fn orders() -> MethodRouter<App> {
    get(endpoints::list_orders).post(endpoints::create_order)
}

fn order() -> MethodRouter<App> {
    get(endpoints::read_order).patch(endpoints::update_order).delete(endpoints::delete_order)
}

/// What one caller may see, a cache must not show to the next (RFC 9111 §5.2.2.5).
async fn never_cached(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
