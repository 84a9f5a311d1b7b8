//! One row of a connector's table of keys: what a key is called, holds, defaults to, accepts and means.

use std::ops::RangeInclusive;

/// How a value is written, in Kafka Connect's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A text; blanks around it do not count.
    String,
    /// A text that is never shown.
    Password,
    /// A whole number of 32 bits.
    Int,
    /// A whole number of 64 bits.
    Long,
    /// `true` or `false`, in any case.
    Boolean,
    /// Texts separated by commas.
    List,
    /// The name of a Java class, for which we have our own counterpart.
    Class,
}

impl Kind {
    /// Kafka Connect's word, in lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Password => "password",
            Self::Int => "int",
            Self::Long => "long",
            Self::Boolean => "boolean",
            Self::List => "list",
            Self::Class => "class",
        }
    }
}

/// How much a user must care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "Kafka Connect's three words say it")]
pub enum Importance {
    High,
    Medium,
    Low,
}

/// The heading under which a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Group {
    /// Name, class, tasks.
    Connector,
    /// The org and the login.
    Salesforce,
    /// What is read, and where it goes.
    Objects,
    /// How often and how much.
    Reading,
    /// What a record looks like in Kafka.
    Output,
    /// Producer, topics, transactions.
    Kafka,
    /// Kafka Connect's error handling and transforms.
    Framework,
    /// Keys of other systems that we take and leave alone.
    Compatibility,
}

impl Group {
    pub(crate) const ALL: [Self; 8] = [
        Self::Connector,
        Self::Salesforce,
        Self::Objects,
        Self::Reading,
        Self::Output,
        Self::Kafka,
        Self::Framework,
        Self::Compatibility,
    ];

    /// The heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Connector => "The connector",
            Self::Salesforce => "Salesforce: org and login",
            Self::Objects => "What is read, and into which topic",
            Self::Reading => "How often, how much, how patiently",
            Self::Output => "Records in Kafka",
            Self::Kafka => "Kafka",
            Self::Framework => "Kafka Connect's own settings",
            Self::Compatibility => "Accepted for compatibility",
        }
    }
}

/// Which values a key takes.
#[derive(Clone, Debug)]
pub(crate) enum Accepts {
    /// Whatever its kind allows.
    Anything,
    /// A number between two, both included.
    Between(RangeInclusive<i64>),
    /// A number from one upwards.
    AtLeast(i64),
    /// One of these words, in any case.
    OneOf(&'static [&'static str]),
    /// What a function says. It answers with the whole sentence that the user reads, beginning "must …".
    Rule { valid: &'static str, check: fn(&str) -> Result<(), String> },
}

/// What becomes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It has its effect.
    Used,
    /// Taken for compatibility; a note says why it has no effect.
    Ignored(&'static str),
    /// Has no effect yet; a note says so where the value is not the default.
    NoEffectYet(&'static str),
    /// Refused where it is anything but one of `harmless`, because leaving it alone would do something
    /// else than was asked.
    NotYet { why: &'static str, harmless: &'static [&'static str] },
}

/// One row of the table.
///
/// In a name, `objectN` stands for `object1`, `object2` and so on, and a last `*` for any ending.
#[derive(Clone, Debug)]
pub struct Key {
    pub(crate) name: &'static str,
    pub(crate) aliases: &'static [&'static str],
    pub(crate) kind: Kind,
    pub(crate) default: Option<&'static str>,
    pub(crate) accepts: Accepts,
    /// What the number counts, or what the text is; stands in brackets behind the range.
    pub(crate) unit: &'static str,
    pub(crate) importance: Importance,
    pub(crate) group: Group,
    pub(crate) standing: Standing,
    pub(crate) required: bool,
    pub(crate) ours: bool,
    pub(crate) doc: &'static str,
}

impl Key {
    pub(crate) const fn new(name: &'static str, kind: Kind, group: Group, doc: &'static str) -> Self {
        Self {
            name,
            aliases: &[],
            kind,
            default: None,
            accepts: Accepts::Anything,
            unit: "",
            importance: Importance::Medium,
            group,
            standing: Standing::Used,
            required: false,
            ours: false,
            doc,
        }
    }

    pub(crate) const fn aliases(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    pub(crate) const fn default(self, text: &'static str) -> Self {
        Self { default: Some(text), ..self }
    }

    pub(crate) const fn between(self, low: i64, high: i64, unit: &'static str) -> Self {
        Self { accepts: Accepts::Between(low..=high), unit, ..self }
    }

    pub(crate) const fn at_least(self, low: i64, unit: &'static str) -> Self {
        Self { accepts: Accepts::AtLeast(low), unit, ..self }
    }

    pub(crate) const fn one_of(self, words: &'static [&'static str]) -> Self {
        Self { accepts: Accepts::OneOf(words), ..self }
    }

    pub(crate) const fn rule(self, valid: &'static str, check: fn(&str) -> Result<(), String>) -> Self {
        Self { accepts: Accepts::Rule { valid, check }, ..self }
    }

    pub(crate) const fn high(self) -> Self {
        Self { importance: Importance::High, ..self }
    }

    pub(crate) const fn low(self) -> Self {
        Self { importance: Importance::Low, ..self }
    }

    pub(crate) const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    pub(crate) const fn ours(self) -> Self {
        Self { ours: true, ..self }
    }

    pub(crate) const fn ignored(self, why: &'static str) -> Self {
        Self { standing: Standing::Ignored(why), ..self }
    }

    pub(crate) const fn no_effect_yet(self, why: &'static str) -> Self {
        Self { standing: Standing::NoEffectYet(why), ..self }
    }

    pub(crate) const fn not_yet(self, why: &'static str, harmless: &'static [&'static str]) -> Self {
        Self { standing: Standing::NotYet { why, harmless }, ..self }
    }

    /// The name; see the type's documentation for `N` and `*`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Other names of the same key.
    #[must_use]
    pub fn other_names(&self) -> &'static [&'static str] {
        self.aliases
    }

    /// How its value is written.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The value where none is given.
    #[must_use]
    pub fn default_value(&self) -> Option<&'static str> {
        self.default
    }

    /// How much a user must care.
    #[must_use]
    pub fn importance(&self) -> Importance {
        self.importance
    }

    /// The heading under which it stands.
    #[must_use]
    pub fn group(&self) -> Group {
        self.group
    }

    /// What it does.
    #[must_use]
    pub fn doc(&self) -> &'static str {
        self.doc
    }

    /// Whether it exists only here, and not in the connectors that we are compatible with.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.ours
    }

    /// Which values it takes, in words; empty where its kind says everything.
    #[must_use]
    pub fn valid_values(&self) -> String {
        match &self.accepts {
            Accepts::Anything if self.kind == Kind::Boolean => "true, false".to_owned(),
            Accepts::Anything => String::new(),
            Accepts::Between(range) => format!("{} to {}", range.start(), range.end()),
            Accepts::AtLeast(low) => format!("{low} or more"),
            Accepts::OneOf(words) => words.join(", "),
            Accepts::Rule { valid, .. } => (*valid).to_owned(),
        }
    }

    /// Checks a value that is not empty; the error is the sentence that the user reads.
    pub(crate) fn check(&self, value: &str) -> Result<(), String> {
        match &self.accepts {
            Accepts::Rule { check, .. } => check(value),
            Accepts::OneOf(words) => {
                if words.iter().any(|word| word.eq_ignore_ascii_case(value)) {
                    return Ok(());
                }
                Err(match words {
                    [only] => format!("must be {only}"),
                    _ => format!("must be one of {}", words.join(", ")),
                })
            }
            Accepts::Between(range) => self.number(value, |n| range.contains(&n)),
            Accepts::AtLeast(low) => self.number(value, |n| n >= *low),
            Accepts::Anything => match self.kind {
                Kind::Boolean if !is_boolean(value) => Err("must be true or false".to_owned()),
                Kind::Int | Kind::Long => self.number(value, |_| true),
                _ => Ok(()),
            },
        }
    }

    fn number(&self, value: &str, fits: impl Fn(i64) -> bool) -> Result<(), String> {
        let in_kind = |n: &i64| self.kind != Kind::Int || i32::try_from(*n).is_ok();
        match value.parse::<i64>() {
            Ok(n) if in_kind(&n) && fits(n) => Ok(()),
            _ => {
                let range = self.valid_values();
                let range = if range.is_empty() { "a whole number" } else { &range };
                let unit = if self.unit.is_empty() { String::new() } else { format!(" ({})", self.unit) };
                Err(format!("must be {range}{unit}"))
            }
        }
    }
}

fn is_boolean(value: &str) -> bool {
    value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false")
}
