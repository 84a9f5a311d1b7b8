use std::error::Error as StdError;
use std::fmt;

/// What went wrong in a conversion. None of these is worth a retry: the same input fails again.
///
/// Each kind stands for one Java exception of Kafka Connect, because its class is part of what users see: it
/// is a header of a dead letter (`__connect.errors.exception.class.name`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The data does not fit its schema, or cannot be expressed.
    Data,
    /// A schema that contradicts itself.
    Schema,
    /// A setting of a converter that cannot be.
    Config,
    /// Bytes that are not what the format says.
    Serialization,
    /// JSON that is not JSON.
    Syntax,
    /// JSON that ends too early.
    EndOfInput,
    /// JSON that is nested too deeply, or has a number or a name that is too long.
    Limit,
    /// Text that is not base64.
    Base64,
    /// Text that is not a number, or one beyond what a decimal can hold.
    Number,
    /// Something that has to be there is not.
    Missing,
    /// A value of another type than its place needs.
    Cast,
    /// A character set that is not known.
    Charset,
}

impl ErrorKind {
    /// The Java class that Kafka Connect names for it.
    pub fn java_class(self) -> &'static str {
        match self {
            Self::Data => "org.apache.kafka.connect.errors.DataException",
            Self::Schema => "org.apache.kafka.connect.errors.SchemaBuilderException",
            Self::Config => "org.apache.kafka.common.config.ConfigException",
            Self::Serialization => "org.apache.kafka.common.errors.SerializationException",
            Self::Syntax => "com.fasterxml.jackson.core.JsonParseException",
            Self::EndOfInput => "com.fasterxml.jackson.core.io.JsonEOFException",
            Self::Limit => "com.fasterxml.jackson.core.exc.StreamConstraintsException",
            Self::Base64 => "com.fasterxml.jackson.databind.exc.InvalidFormatException",
            Self::Number => "java.lang.NumberFormatException",
            Self::Missing => "java.lang.NullPointerException",
            Self::Cast => "java.lang.ClassCastException",
            Self::Charset => "java.nio.charset.UnsupportedCharsetException",
        }
    }
}

/// A conversion that failed. `Display` is the message alone; what caused it is its `source()`.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Error>,
}

/// The result of a conversion.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), source: None }))
    }

    pub(crate) fn data(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Data, message)
    }

    pub(crate) fn caused_by(mut self, source: Error) -> Self {
        self.0.source = Some(source);
        self
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The error that caused this one.
    pub fn cause(&self) -> Option<&Error> {
        self.0.source.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause().map(|cause| cause as &(dyn StdError + 'static))
    }
}
