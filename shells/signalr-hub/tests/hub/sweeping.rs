//! Who looks for connections that no client uses any more. Time here passes as soon as there is nothing else to do.

use core::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use serde_json::Value;
use signalr_hub::{Hub, HubOptions};
use tokio::time::{sleep, timeout};
use tower_service::Service as _;

use crate::support::{Test, seconds};

fn hub() -> Hub<Test> {
    Hub::new(Test::default(), HubOptions { unopened: seconds(5), ..HubOptions::default() })
}

async fn post(router: &Router, target: &str) -> (u16, Vec<u8>) {
    let request = Request::post(target).body(Body::empty()).unwrap();
    let Ok(response) = router.clone().call(request).await;
    (response.status().as_u16(), to_bytes(response.into_body(), 1 << 16).await.unwrap().to_vec())
}

/// A connection that is negotiated and never opened, as the path that its client would use.
async fn unopened(router: &Router) -> String {
    let (status, document) = post(router, "/hub/negotiate?negotiateVersion=1").await;
    assert_eq!(status, 200);
    let document: Value = serde_json::from_slice(&document).unwrap();
    format!("/hub?id={}", document["connectionToken"].as_str().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_hub_sweeps_by_itself() {
    let router = hub().router("/hub");
    let path = unopened(&router).await;
    assert_eq!(post(&router, &path).await.0, 200);
    sleep(seconds(10)).await;
    assert_eq!(post(&router, &path).await.0, 404);
}

/// So a server that watches its tasks knows when it does not.
#[tokio::test(start_paused = true)]
async fn a_hub_whose_sweeper_was_handed_out_has_no_other() {
    let hub = hub();
    let sweeper = hub.sweeper();
    let router = hub.router("/hub");
    let path = unopened(&router).await;
    sleep(seconds(3600)).await;
    assert_eq!(post(&router, &path).await.0, 200);
    let sweeper = tokio::spawn(sweeper);
    sleep(seconds(2)).await;
    assert_eq!(post(&router, &path).await.0, 404);
    assert!(!sweeper.is_finished());
    // It ends with its hub.
    drop((hub, router));
    timeout(Duration::from_secs(2), sweeper).await.unwrap().unwrap();
}
