//! An emulated org on a port, and a client of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use sf_core::Client;
use sf_core::auth::{Exchange, Token, TokenCache};
use sf_core::http::{HttpService, ReqwestService};
use sf_core::retry::RetryPolicy;
use sf_sim::fault::Reply;
use sf_sim::schema::{FieldDef, Type};
use sf_sim::{Server, Sim};

/// Logs in by asking the emulator for a session, and learns where it is now.
#[derive(Debug)]
struct Login(Sim, Arc<Mutex<String>>);

impl Exchange for Login {
    fn exchange<'a>(
        &'a self,
        _: &'a dyn HttpService,
        _: &'a RetryPolicy,
    ) -> BoxFuture<'a, sf_core::Result<Token>> {
        let at = self.1.lock().unwrap().parse().unwrap();
        Box::pin(async { Token::new(self.0.access_token(), at) })
    }
}

pub(crate) struct Org {
    pub(crate) sim: Sim,
    pub(crate) client: Client,
    /// Where a login finds it.
    at: Arc<Mutex<String>>,
    servers: Vec<Server>,
}

impl Org {
    /// With an external id `Key__c` on Account, which need not be unique, and a unique one, `Code__c`, on Contact.
    pub(crate) async fn new() -> Self {
        let sim = Sim::builder().build().unwrap();
        sim.store(|store| {
            for (object, name, unique) in [("Account", "Key__c", false), ("Contact", "Code__c", true)] {
                let mut field = FieldDef::new(name, name, Type::String);
                field.set_length(40);
                (field.custom, field.external_id, field.id_lookup, field.unique) = (true, true, true, unique);
                store.add_fields(object, vec![field]);
            }
        });
        let server = sim.serve("127.0.0.1:0").await.unwrap();
        let http: Arc<dyn HttpService> =
            Arc::new(ReqwestService::builder().idle_timeout(Duration::from_millis(500)).build().unwrap());
        let retry =
            RetryPolicy::default().with_initial_backoff(Duration::from_millis(1)).with_max_attempts(4);
        let at = Arc::new(Mutex::new(server.url()));
        let tokens = TokenCache::new(Login(sim.clone(), Arc::clone(&at)), Arc::clone(&http), retry);
        let client = Client::builder(tokens).http(http).retry(retry).build().unwrap();
        Self { sim, client, at, servers: vec![server] }
    }

    /// The org moves to another port. On the old one it knows no session any more.
    pub(crate) async fn moves(&mut self) {
        let elsewhere = self.sim.serve("127.0.0.1:0").await.unwrap();
        let gone = Reply::error(401, "INVALID_SESSION_ID", "Session expired or invalid");
        self.sim.move_to(&elsewhere.url(), gone);
        *self.at.lock().unwrap() = elsewhere.url();
        self.servers.push(elsewhere);
    }

    /// How many rows an object has, by the emulator's own account.
    pub(crate) fn count(&self, object: &str) -> usize {
        self.sim.read(|store| store.table(object).unwrap().live())
    }
}
