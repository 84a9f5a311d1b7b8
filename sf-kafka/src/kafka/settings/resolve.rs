//! From what the user gave to what librdkafka takes, with every problem named by the user's own key.

use std::path::Path;

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaConfRes;

use super::jaas;
use super::names::{self, Rule};
use super::{Client, Given};
use crate::kafka::{Error, ErrorKind};

const MECHANISMS: [&str; 3] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];

/// What we want where the user says nothing. The Java client's values where librdkafka's differ.
fn defaults(client: Client) -> &'static [(&'static str, &'static str)] {
    match client {
        Client::Producer => &[
            ("client.id", "sf-kafka"),
            ("acks", "all"),
            ("enable.idempotence", "true"),
            ("partitioner", "murmur2_random"),
            ("queue.buffering.max.kbytes", "32768"),
            ("message.max.bytes", "1048576"),
            ("delivery.timeout.ms", "120000"),
        ],
        Client::Consumer => &[
            ("client.id", "sf-kafka"),
            ("group.id", "sf-kafka"),
            ("enable.auto.commit", "false"),
            ("enable.partition.eof", "true"),
            ("isolation.level", "read_committed"),
            ("auto.offset.reset", "earliest"),
            ("allow.auto.create.topics", "false"),
            // Topics are read to their end and no further, and an empty partition shows its end only after this time.
            ("fetch.wait.max.ms", "50"),
        ],
        Client::Admin => &[("client.id", "sf-kafka")],
    }
}

/// The client's configuration, or everything that is wrong with it.
pub(super) fn resolve(client: Client, given: &Given) -> Result<ClientConfig, Vec<Error>> {
    let mut resolver = Resolver { client, given, config: ClientConfig::new(), problems: Vec::new() };
    for (name, value) in defaults(client) {
        resolver.config.set(*name, *value);
    }
    if client == Client::Producer && resolver.gives_up_idempotence() {
        resolver.config.set("enable.idempotence", "false");
    }
    for (name, (written, value)) in given {
        if let Err(problem) = resolver.apply(name, value) {
            resolver.problems.push(problem.into_error(written));
        }
    }
    let named = given.get("bootstrap.servers").is_some_and(|(_, servers)| !servers.is_empty());
    if !named && !given.contains_key("test.mock.num.brokers") {
        resolver.problems.push(
            Error::new(ErrorKind::Setting, "no Kafka cluster is named")
                .with_hint("give --bootstrap-servers host:port or set KAFKA_BOOTSTRAP_SERVERS"),
        );
    }
    if resolver.problems.is_empty() { Ok(resolver.config) } else { Err(resolver.problems) }
}

/// Whether a name is one of connection or security, which all clients share.
pub(super) fn is_common(name: &str) -> bool {
    [
        "bootstrap.",
        "security.",
        "ssl.",
        "sasl.",
        "client.",
        "socket.",
        "metadata.",
        "reconnect.",
        "connections.",
    ]
    .iter()
    .any(|prefix| name.starts_with(prefix))
}

/// Whether a name means anything to us or to librdkafka.
pub(super) fn is_known(name: &str) -> bool {
    names::rule(name, false).is_some() || !matches!(probe(name, ""), Err(Problem::Unknown))
}

/// Whether a name is accepted and changes nothing.
pub(super) fn has_no_effect(client: Client, name: &str) -> bool {
    names::rule(name, client != Client::Producer) == Some(Rule::NoEffect)
}

struct Resolver<'a> {
    client: Client,
    given: &'a Given,
    config: ClientConfig,
    problems: Vec<Error>,
}

enum Problem {
    Unknown,
    Wrong(String, Option<String>),
}

impl Problem {
    fn wrong(what: impl Into<String>) -> Self {
        Self::Wrong(what.into(), None)
    }

    fn into_error(self, written: &str) -> Error {
        match self {
            Self::Unknown => {
                let bare = written.split_once(".override.").map_or(written, |(_, bare)| bare);
                let error =
                    Error::new(ErrorKind::Setting, format!("{written} is not a setting of a Kafka client"));
                match nearest(bare) {
                    Some(name) => error.with_hint(format!("did you mean {name}?")),
                    None => error,
                }
            }
            Self::Wrong(what, hint) => {
                let error = Error::new(ErrorKind::Setting, format!("{written}: {what}"));
                match hint {
                    Some(hint) => error.with_hint(hint),
                    None => error,
                }
            }
        }
    }
}

fn nearest(name: &str) -> Option<&'static str> {
    names::FAMILIAR
        .iter()
        .map(|known| (strsim::damerau_levenshtein(name, known), *known))
        .min()
        .filter(|(distance, _)| *distance <= 3)
        .map(|(_, known)| known)
}

/// Asks librdkafka about one setting.
fn probe(name: &str, value: &str) -> Result<(), Problem> {
    let mut config = ClientConfig::new();
    config.set(name, value);
    match config.create_native_config() {
        Ok(_) => Ok(()),
        Err(KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, ..)) => Err(Problem::Unknown),
        Err(KafkaError::ClientConfig(_, why, ..)) if !names::is_secret(name) => {
            Err(Problem::Wrong(why, None))
        }
        Err(_) => Err(Problem::wrong("librdkafka does not take this value")),
    }
}

impl Resolver<'_> {
    fn given(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(|(_, value)| value.as_str())
    }

    fn apply(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        let Some(rule) = names::rule(name, self.client != Client::Producer) else {
            return self.native(name, value);
        };
        match rule {
            Rule::Named(native) => self.native(native, value),
            Rule::Kibibytes(native) => {
                let bytes: u64 = value.parse().map_err(|_| Problem::wrong("a number of bytes is due"))?;
                self.native(native, &(bytes / 1024).max(1).to_string())
            }
            Rule::SystemBuffer(native) => self.native(native, if value == "-1" { "0" } else { value }),
            Rule::Endpoint => self.native(name, if value.is_empty() { "none" } else { value }),
            Rule::Mechanism => self.mechanism(value),
            Rule::Jaas => self.login(value),
            Rule::TrustStore => self.trust_store(value),
            Rule::KeyStore => self.key_store(value),
            Rule::StoreType | Rule::NoEffect => Ok(()),
            Rule::Assignors => self.assignors(value),
            Rule::JavaClass if value.is_empty() => Ok(()),
            Rule::JavaClass => Err(Problem::wrong("names a Java class, which cannot be loaded here")),
            Rule::Reserved(why) => Err(Problem::wrong(format!("cannot be set: {why}"))),
        }
    }

    fn native(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        probe(name, value)?;
        self.config.set(name, value);
        Ok(())
    }

    /// As the Java client has it: who asks for less than idempotence needs, without naming it, goes without.
    fn gives_up_idempotence(&self) -> bool {
        let weak_acks = self.given("acks").is_some_and(|acks| !matches!(acks, "all" | "-1"));
        let no_retries = self.given("retries") == Some("0");
        let in_flight =
            self.given("max.in.flight.requests.per.connection").and_then(|n| n.parse::<u32>().ok());
        !self.given.contains_key("enable.idempotence")
            && (weak_acks || no_retries || in_flight.is_some_and(|n| n > 5))
    }

    fn mechanism(&mut self, value: &str) -> Result<(), Problem> {
        if !MECHANISMS.contains(&value) {
            return Err(Problem::Wrong(
                format!("{value:?} is not built in"),
                Some(format!("use one of {}", MECHANISMS.join(", "))),
            ));
        }
        self.native("sasl.mechanism", value)
    }

    fn login(&mut self, value: &str) -> Result<(), Problem> {
        let login = jaas::parse(value).map_err(Problem::wrong)?;
        let mechanism = self.given("sasl.mechanism").or(self.given("sasl.mechanisms")).unwrap_or_default();
        if mechanism.is_empty() || login.scram != mechanism.starts_with("SCRAM-") {
            let wanted = if login.scram { "SCRAM-SHA-256 or SCRAM-SHA-512" } else { "PLAIN" };
            return Err(Problem::Wrong(
                format!("its login module does not fit sasl.mechanism = {mechanism:?}"),
                Some(format!("set sasl.mechanism to {wanted}")),
            ));
        }
        self.config.set("sasl.username", login.username).set("sasl.password", login.password);
        Ok(())
    }

    fn trust_store(&mut self, path: &str) -> Result<(), Problem> {
        match store_type(self.given("ssl.truststore.type"), path).as_str() {
            "PEM" => {
                readable(path)?;
                self.native("ssl.ca.location", path)
            }
            kind => Err(Problem::Wrong(
                format!("a trust store of type {kind} cannot be read here"),
                Some(
                    "export its certificates as PEM (keytool -exportcert -rfc -keystore … -file ca.pem) and set \
                     ssl.truststore.location to that file and ssl.truststore.type to PEM"
                        .to_owned(),
                ),
            )),
        }
    }

    fn key_store(&mut self, path: &str) -> Result<(), Problem> {
        match store_type(self.given("ssl.keystore.type"), path).as_str() {
            "PEM" => {
                readable(path)?;
                // One file with the key and the chain, as the Java client has it.
                self.native("ssl.certificate.location", path)?;
                self.native("ssl.key.location", path)
            }
            "PKCS12" => {
                readable(path)?;
                self.native("ssl.keystore.location", path)
            }
            kind => Err(Problem::Wrong(
                format!("a key store of type {kind} cannot be read here"),
                Some(
                    "turn it into PKCS12 (keytool -importkeystore -srckeystore … -destkeystore keys.p12 \
                     -deststoretype PKCS12) and set ssl.keystore.type to PKCS12"
                        .to_owned(),
                ),
            )),
        }
    }

    fn assignors(&mut self, value: &str) -> Result<(), Problem> {
        let native =
            value.split(',').map(str::trim).map(|class| match class.rsplit('.').next().unwrap_or(class) {
                "RangeAssignor" | "range" => Ok("range"),
                "RoundRobinAssignor" | "roundrobin" => Ok("roundrobin"),
                "CooperativeStickyAssignor" | "cooperative-sticky" => Ok("cooperative-sticky"),
                _ => Err(Problem::Wrong(
                    format!("{class:?} cannot be used here"),
                    Some("use RangeAssignor, RoundRobinAssignor or CooperativeStickyAssignor".to_owned()),
                )),
            });
        let native = native.collect::<Result<Vec<_>, _>>()?.join(",");
        self.native("partition.assignment.strategy", &native)
    }
}

/// The type that is set, else what the file's name says, else Java's default.
fn store_type(given: Option<&str>, path: &str) -> String {
    let extension = Path::new(path).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match given {
        Some(kind) if !kind.is_empty() => kind.to_ascii_uppercase(),
        _ => match extension.to_ascii_lowercase().as_str() {
            "pem" | "crt" | "cer" => "PEM",
            "p12" | "pfx" => "PKCS12",
            _ => "JKS",
        }
        .to_owned(),
    }
}

fn readable(path: &str) -> Result<(), Problem> {
    std::fs::File::open(path).map(drop).map_err(|error| Problem::wrong(format!("{path}: {error}")))
}
