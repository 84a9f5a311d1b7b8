use std::sync::Arc;

use indexmap::IndexMap;

use super::{DATE, DECIMAL, SCALE, TIME, TIMESTAMP, Value};
use crate::convert::{Error, ErrorKind, Result};

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is what its name says")]
pub enum Type {
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Boolean,
    String,
    Bytes,
    Array,
    Map,
    Struct,
}

impl Type {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Int8,
        Self::Int16,
        Self::Int32,
        Self::Int64,
        Self::Float32,
        Self::Float64,
        Self::Boolean,
        Self::String,
        Self::Bytes,
        Self::Array,
        Self::Map,
        Self::Struct,
    ];

    /// Kafka Connect's name, as in messages: `INT32`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int8 => "INT8",
            Self::Int16 => "INT16",
            Self::Int32 => "INT32",
            Self::Int64 => "INT64",
            Self::Float32 => "FLOAT32",
            Self::Float64 => "FLOAT64",
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Bytes => "BYTES",
            Self::Array => "ARRAY",
            Self::Map => "MAP",
            Self::Struct => "STRUCT",
        }
    }

    /// The name that a schema in JSON has for it. The floating point types are `float` and `double` there.
    pub fn json_name(self) -> &'static str {
        match self {
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Float32 => "float",
            Self::Float64 => "double",
            Self::Boolean => "boolean",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Array => "array",
            Self::Map => "map",
            Self::Struct => "struct",
        }
    }

    /// The type that a schema in JSON names.
    pub fn from_json_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.json_name() == name)
    }
}

/// A field of a struct.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its schema.
    pub schema: Arc<Schema>,
}

/// What a value may be.
///
/// ```
/// use sf_kafka::convert::data::{Schema, Type};
///
/// let key = Schema::structure([("Id", Schema::string())])?.named("io.confluent.salesforce.LeadKey");
/// assert_eq!(key.kind(), Type::Struct);
/// assert!(!key.is_optional());
/// # Ok::<(), sf_kafka::convert::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    kind: Type,
    optional: bool,
    name: Option<String>,
    version: Option<i32>,
    doc: Option<String>,
    parameters: IndexMap<String, String>,
    default: Option<Box<Value>>,
    fields: Vec<Field>,
    key: Option<Arc<Schema>>,
    value: Option<Arc<Schema>>,
}

macro_rules! primitives {
    ($($function:ident $kind:ident),*) => {
        $(
            #[doc = concat!("A required `", stringify!($function), "`.")]
            pub fn $function() -> Self {
                Self::of(Type::$kind)
            }
        )*
    };
}

impl Schema {
    pub(crate) fn of(kind: Type) -> Self {
        Self {
            kind,
            optional: false,
            name: None,
            version: None,
            doc: None,
            parameters: IndexMap::new(),
            default: None,
            fields: Vec::new(),
            key: None,
            value: None,
        }
    }

    primitives!(int8 Int8, int16 Int16, int32 Int32, int64 Int64, float32 Float32, float64 Float64,
        boolean Boolean, string String, bytes Bytes);

    /// A required array.
    pub fn array(items: impl Into<Arc<Schema>>) -> Self {
        Self { value: Some(items.into()), ..Self::of(Type::Array) }
    }

    /// A required map.
    pub fn map(keys: impl Into<Arc<Schema>>, values: impl Into<Arc<Schema>>) -> Self {
        Self { key: Some(keys.into()), value: Some(values.into()), ..Self::of(Type::Map) }
    }

    /// A required struct.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Schema`] where a name is empty or stands twice.
    pub fn structure<N: Into<String>, S: Into<Arc<Schema>>>(
        fields: impl IntoIterator<Item = (N, S)>,
    ) -> Result<Self> {
        Self::try_structure(fields.into_iter().map(Ok))
    }

    /// The same of fields that are still to be made: the first thing that is wrong is the error.
    pub(crate) fn try_structure<N: Into<String>, S: Into<Arc<Schema>>>(
        fields: impl IntoIterator<Item = Result<(N, S)>>,
    ) -> Result<Self> {
        let mut seen = std::collections::HashSet::new();
        let mut out = Self::of(Type::Struct);
        for field in fields {
            let (name, schema) = field?;
            let name = name.into();
            if name.is_empty() {
                return Err(Error::new(ErrorKind::Schema, "fieldName cannot be null."));
            }
            if !seen.insert(name.clone()) {
                let message = format!("Cannot create field because of field name duplication {name}");
                return Err(Error::new(ErrorKind::Schema, message));
            }
            out.fields.push(Field { name, schema: schema.into() });
        }
        Ok(out)
    }

    /// A required decimal with so many digits behind the point.
    pub fn decimal(scale: i32) -> Self {
        Self::bytes().named(DECIMAL).with_version(1).with_parameter(SCALE, scale.to_string())
    }

    /// A required day.
    pub fn date() -> Self {
        Self::int32().named(DATE).with_version(1)
    }

    /// A required time of day.
    pub fn time() -> Self {
        Self::int32().named(TIME).with_version(1)
    }

    /// A required instant.
    pub fn timestamp() -> Self {
        Self::int64().named(TIMESTAMP).with_version(1)
    }

    /// The same, optional.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// The same with a name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The same with a version.
    #[must_use]
    pub fn with_version(mut self, version: i32) -> Self {
        self.version = Some(version);
        self
    }

    /// The same with a description.
    #[must_use]
    pub fn with_doc(mut self, doc: impl Into<String>) -> Self {
        self.doc = Some(doc.into());
        self
    }

    /// The same with one more parameter.
    #[must_use]
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.insert(name.into(), value.into());
        self
    }

    /// The same with a value that stands in for null. [`Value::Null`] means none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Schema`] where the schema does not allow the value.
    pub fn with_default(mut self, default: Value) -> Result<Self> {
        default.check(&self, "value").map_err(|cause| match cause.kind() {
            ErrorKind::Data => Error::new(ErrorKind::Schema, "Invalid default value").caused_by(cause),
            _ => cause,
        })?;
        self.default = (default != Value::Null).then(|| Box::new(default));
        Ok(self)
    }

    /// The type.
    pub fn kind(&self) -> Type {
        self.kind
    }

    /// Whether null is allowed.
    pub fn is_optional(&self) -> bool {
        self.optional
    }

    /// The name.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The version.
    pub fn version(&self) -> Option<i32> {
        self.version
    }

    /// The description.
    pub fn doc(&self) -> Option<&str> {
        self.doc.as_deref()
    }

    /// The parameters in their order.
    pub fn parameters(&self) -> &IndexMap<String, String> {
        &self.parameters
    }

    /// The value that stands in for null.
    pub fn default_value(&self) -> Option<&Value> {
        self.default.as_deref()
    }

    /// The fields of a struct; of other types none.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The position of a field of a struct.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// What the keys of a map are.
    pub fn key_schema(&self) -> Option<&Arc<Schema>> {
        self.key.as_ref()
    }

    /// What the values of a map or the elements of an array are.
    pub fn value_schema(&self) -> Option<&Arc<Schema>> {
        self.value.as_ref()
    }

    /// The scale of a decimal.
    pub(crate) fn scale(&self) -> Result<i32> {
        if self.parameters.is_empty() {
            return Err(Error::new(ErrorKind::Missing, "the Decimal schema has no parameters"));
        }
        let Some(scale) = self.parameters.get(SCALE) else {
            return Err(Error::data("Invalid Decimal schema: scale parameter not found."));
        };
        scale.parse().map_err(|_| {
            Error::data("Invalid scale parameter found in Decimal schema: ")
                .caused_by(Error::new(ErrorKind::Number, format!("For input string: \"{scale}\"")))
        })
    }
}
