//! An org of canned answers.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sf_core::Client;
use sf_core::http::ReqwestService;
use sf_core::retry::RetryPolicy;
use sf_events::{Event, Publisher};
use wiremock::matchers::{method, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

pub(crate) struct Org {
    pub(crate) server: MockServer,
    pub(crate) publisher: Publisher,
}

pub(crate) fn event() -> Event {
    Event::new("Order__e").field("City__c", "Berlin").number("Amount__c", "19.90")
}

pub(crate) fn describe() -> Value {
    json!({"name": "Order__e", "createable": true, "queryable": false, "fields": [
        {"name": "ReplayId", "type": "string", "createable": false, "nillable": true},
        {"name": "City__c", "type": "string", "createable": true, "nillable": true, "length": 255},
        {"name": "Amount__c", "type": "double", "createable": true, "nillable": true},
    ]})
}

impl Org {
    pub(crate) async fn start() -> Self {
        let server = MockServer::start().await;
        let login = sf_auth::Login::new().http(Arc::new(ReqwestService::new().unwrap())).retry(
            RetryPolicy::default()
                .with_max_attempts(3)
                .with_initial_backoff(Duration::from_millis(2))
                .with_max_backoff(Duration::from_millis(4)),
        );
        let token = json!({"access_token": "00Dxx!AQ", "instance_url": server.uri(), "token_type": "Bearer"});
        on(&server, "POST", "/services/oauth2/token$", ResponseTemplate::new(200).set_body_json(token)).await;
        let client: Client =
            login.connect(sf_auth::ClientCredentials::new(server.uri(), "key", "secret")).await.unwrap();
        Self { server, publisher: Publisher::new(client) }
    }

    pub(crate) async fn with_describe() -> Self {
        let org = Self::start().await;
        on(
            &org.server,
            "GET",
            "/sobjects/Order__e/describe$",
            ResponseTemplate::new(200).set_body_json(describe()),
        )
        .await;
        org
    }

    pub(crate) async fn answers(&self, answer: ResponseTemplate) {
        on(&self.server, "POST", "/sobjects/Order__e$", answer).await;
    }

    /// How many requests of this method went to a path with this end.
    pub(crate) async fn asked(&self, method: &str, end: &str) -> usize {
        let requests = self.server.received_requests().await.unwrap();
        requests.iter().filter(|r| r.method.as_str() == method && r.url.path().ends_with(end)).count()
    }
}

pub(crate) async fn on(server: &MockServer, verb: &str, path: &str, answer: ResponseTemplate) {
    Mock::given(method(verb)).and(path_regex(path)).respond_with(answer).mount(server).await;
}
