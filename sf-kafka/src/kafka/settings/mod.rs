//! Settings of the Kafka clients: the Java client's names and librdkafka's, from the command line, the
//! environment and a connector's `*.override.*` keys.

mod jaas;
mod names;
mod resolve;

use std::collections::BTreeMap;
use std::fmt;

use rdkafka::ClientConfig;

use super::{Error, ErrorKind, Result};

/// Which of the three clients a setting is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Client {
    /// Sends records.
    Producer,
    /// Reads records.
    Consumer,
    /// Looks at topics and makes them.
    Admin,
}

impl Client {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Producer, Self::Consumer, Self::Admin];

    /// The word that stands before `.override.` in a connector's config.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Producer => "producer",
            Self::Consumer => "consumer",
            Self::Admin => "admin",
        }
    }
}

/// How to reach a Kafka cluster, and how its clients behave.
///
/// ```
/// use sf_kafka::kafka::{Client, Settings};
///
/// let mut settings = Settings::new("broker:9092");
/// settings.set(Client::Producer, "linger.ms", "20");
/// settings.overrides([("producer.override.buffer.memory", "67108864"), ("salesforce.object", "Lead")]);
/// assert!(settings.check().is_empty());
///
/// settings.overrides([("producer.override.linger.sm", "20")]);
/// let problems = settings.check();
/// assert!(problems[0].to_string().starts_with("producer.override.linger.sm"));
/// ```
///
/// A later value replaces an earlier one. `Debug` masks every secret. Unless set otherwise the producer is
/// idempotent with `acks=all`, keeps at most 32 MiB (`buffer.memory`) and gives a record up after two minutes
/// (`delivery.timeout.ms`), as the Java client does.
#[derive(Clone, Default)]
pub struct Settings {
    producer: Given,
    consumer: Given,
    admin: Given,
}

/// Settings of one client by their plain name: as the user wrote the name, and the value.
type Given = BTreeMap<String, (String, String)>;

impl Settings {
    /// Settings for the cluster at these `host:port` pairs, separated by commas.
    pub fn new(bootstrap_servers: impl Into<String>) -> Self {
        let mut settings = Self::default();
        settings.common("bootstrap.servers", &bootstrap_servers.into());
        settings
    }

    /// Sets one setting of one client.
    pub fn set(&mut self, client: Client, name: &str, value: &str) -> &mut Self {
        self.put(client, name, name, value);
        self
    }

    /// Sets one setting of all three clients.
    pub fn common(&mut self, name: &str, value: &str) -> &mut Self {
        for client in Client::ALL {
            self.put(client, name, name, value);
        }
        self
    }

    /// Takes what concerns connection and security from variables such as `KAFKA_BOOTSTRAP_SERVERS` or
    /// `KAFKA_SASL_JAAS_CONFIG`, for all three clients. Other variables are passed over: Kafka's own scripts
    /// and images use the prefix too.
    pub fn environment(&mut self, variables: impl IntoIterator<Item = (String, String)>) -> &mut Self {
        for (variable, value) in variables {
            let Some(rest) = variable.strip_prefix("KAFKA_") else { continue };
            let name = rest.to_ascii_lowercase().replace('_', ".");
            if resolve::is_common(&name) && resolve::is_known(&name) {
                for client in Client::ALL {
                    self.put(client, &name, &variable, &value);
                }
            }
        }
        self
    }

    /// Takes `producer.override.*`, `consumer.override.*` and `admin.override.*` from a connector's config and
    /// passes over everything else.
    ///
    /// A producer that is sent to another cluster, by `producer.override.bootstrap.servers`, takes the other two
    /// with it: a topic is looked at where records go. What they were told themselves stays.
    pub fn overrides<'a>(&mut self, config: impl IntoIterator<Item = (&'a str, &'a str)>) -> &mut Self {
        for (key, value) in config {
            for client in Client::ALL {
                let name = key.strip_prefix(client.as_str()).and_then(|rest| rest.strip_prefix(".override."));
                if let Some(name) = name {
                    self.put(client, name, key, value);
                }
            }
        }
        self.follow_the_producer();
        self
    }

    fn follow_the_producer(&mut self) {
        let overridden = |client: Client, written: &str| {
            written.strip_prefix(client.as_str()).is_some_and(|rest| rest.starts_with(".override."))
        };
        let moved = self.producer.get("bootstrap.servers");
        if !moved.is_some_and(|(written, _)| overridden(Client::Producer, written)) {
            return;
        }
        for (name, (written, value)) in self.producer.clone() {
            if !overridden(Client::Producer, &written) || !resolve::is_common(&name) {
                continue;
            }
            for client in [Client::Consumer, Client::Admin] {
                let own = self.of(client).get(&name).is_some_and(|(written, _)| overridden(client, written));
                if !own {
                    self.put(client, &name, &written, &value);
                }
            }
        }
    }

    /// What a setting of a client is, if it was given.
    pub fn get(&self, client: Client, name: &str) -> Option<&str> {
        self.of(client).get(name).map(|(_, value)| value.as_str())
    }

    /// Everything that is wrong with the settings, each problem once.
    pub fn check(&self) -> Vec<Error> {
        let mut problems: Vec<Error> = Vec::new();
        for client in Client::ALL {
            for problem in resolve::resolve(client, self.of(client)).err().unwrap_or_default() {
                if !problems.iter().any(|known| known.to_string() == problem.to_string()) {
                    problems.push(problem);
                }
            }
        }
        problems
    }

    /// Settings that were given and change nothing here, as the user wrote their names.
    pub fn without_effect(&self) -> Vec<&str> {
        let given = Client::ALL.into_iter().flat_map(|client| {
            self.of(client).iter().filter(move |(name, _)| resolve::has_no_effect(client, name))
        });
        let mut names: Vec<&str> = given.map(|(_, (written, _))| written.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The configuration of one client in librdkafka's own words.
    pub(super) fn native(&self, client: Client) -> Result<ClientConfig> {
        resolve::resolve(client, self.of(client)).map_err(|mut problems| {
            let others = problems.len().saturating_sub(1);
            let first = problems.swap_remove(0);
            if others == 0 {
                first
            } else {
                Error::new(ErrorKind::Setting, format!("{first} (and {others} more)"))
            }
        })
    }

    fn of(&self, client: Client) -> &Given {
        match client {
            Client::Producer => &self.producer,
            Client::Consumer => &self.consumer,
            Client::Admin => &self.admin,
        }
    }

    fn put(&mut self, client: Client, name: &str, written: &str, value: &str) {
        let given = match client {
            Client::Producer => &mut self.producer,
            Client::Consumer => &mut self.consumer,
            Client::Admin => &mut self.admin,
        };
        given.insert(name.to_owned(), (written.to_owned(), value.trim().to_owned()));
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Masked<'a>(&'a Given);
        impl fmt::Debug for Masked<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let shown = self.0.iter().map(|(name, (_, value))| {
                    (name, if names::is_secret(name) { "***" } else { value.as_str() })
                });
                f.debug_map().entries(shown).finish()
            }
        }
        f.debug_struct("Settings")
            .field("producer", &Masked(&self.producer))
            .field("consumer", &Masked(&self.consumer))
            .field("admin", &Masked(&self.admin))
            .finish()
    }
}

#[cfg(test)]
mod tests;
