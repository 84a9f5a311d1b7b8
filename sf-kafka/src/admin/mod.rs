//! What operators ask the process over HTTP: `/metrics` for Prometheus and `/health`.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::runtime::Status;

#[derive(Clone)]
struct Shared {
    metrics: PrometheusHandle,
    status: Status,
}

/// The routes, for tests and for servers of one's own.
pub fn router(metrics: PrometheusHandle, status: Status) -> Router {
    Router::new()
        .route("/metrics", get(metrics_page))
        .route("/health", get(health))
        .with_state(Shared { metrics, status })
}

/// Serves the routes until `stop` is cancelled, and returns the address at once.
///
/// # Errors
/// The address cannot be listened on.
pub async fn serve(
    listen: SocketAddr,
    metrics: PrometheusHandle,
    status: Status,
    stop: CancellationToken,
) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let app = router(metrics, status);
    tokio::spawn(async move {
        let server = axum::serve(listener, app).with_graceful_shutdown(async move { stop.cancelled().await });
        if let Err(e) = server.await {
            tracing::error!(error = %e, "the metrics server ended");
        }
    });
    Ok(address)
}

async fn metrics_page(State(shared): State<Shared>) -> String {
    shared.metrics.render()
}

/// 200 while no task has failed for good, 503 after.
async fn health(State(shared): State<Shared>) -> Response {
    let healthy = shared.status.is_healthy();
    let tables: Vec<_> = shared
        .status
        .tables()
        .iter()
        .map(|t| json!({"connector": t.connector, "table": t.table, "topic": t.topic, "rows": t.rows(), "state": t.phase()}))
        .collect();
    let code = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let status = if healthy { "healthy" } else { "unhealthy" };
    (code, axum::Json(json!({"status": status, "tables": tables}))).into_response()
}
