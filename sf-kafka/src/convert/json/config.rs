use crate::convert::{Error, ErrorKind, Result};

/// How a decimal is written. Reading takes both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DecimalFormat {
    /// The unscaled number, big-endian, as base64: `"B3NZcg=="`.
    #[default]
    Base64,
    /// A JSON number, exact: `1250000.50`.
    Numeric,
}

/// The settings of a [`JsonConverter`](super::JsonConverter).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonConfig {
    /// `schemas.enable`: whether a value is written as `{"schema":…,"payload":…}`, and read as such.
    pub schemas_enable: bool,
    /// `decimal.format`.
    pub decimal_format: DecimalFormat,
    /// `replace.null.with.default`: whether a null is written and read as its schema's default.
    pub replace_null_with_default: bool,
}

impl Default for JsonConfig {
    fn default() -> Self {
        Self { schemas_enable: true, decimal_format: DecimalFormat::Base64, replace_null_with_default: true }
    }
}

impl JsonConfig {
    /// Reads the settings by Kafka Connect's names, without the prefix (`value.converter.`). Names that the
    /// converter does not know are passed over; `schemas.cache.size` is checked and has no effect here.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for a value that cannot be, in Kafka's words.
    pub fn from_properties<'p>(properties: impl IntoIterator<Item = (&'p str, &'p str)>) -> Result<Self> {
        let mut config = Self::default();
        for (name, value) in properties {
            match name {
                "schemas.enable" => config.schemas_enable = boolean(name, value)?,
                "replace.null.with.default" => config.replace_null_with_default = boolean(name, value)?,
                "schemas.cache.size" if value.trim().parse::<i32>().is_err() => {
                    return Err(invalid(name, value, "Not a number of type INT"));
                }
                "decimal.format" => config.decimal_format = decimal_format(name, value)?,
                _ => {}
            }
        }
        Ok(config)
    }
}

fn invalid(name: &str, value: &str, why: &str) -> Error {
    Error::new(ErrorKind::Config, format!("Invalid value {value} for configuration {name}: {why}"))
}

fn boolean(name: &str, value: &str) -> Result<bool> {
    let trimmed = value.trim();
    if trimmed.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if trimmed.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err(invalid(name, value, "Expected value to be either true or false"))
    }
}

fn decimal_format(name: &str, value: &str) -> Result<DecimalFormat> {
    let trimmed = value.trim();
    if trimmed.eq_ignore_ascii_case("BASE64") {
        Ok(DecimalFormat::Base64)
    } else if trimmed.eq_ignore_ascii_case("NUMERIC") {
        Ok(DecimalFormat::Numeric)
    } else {
        Err(invalid(name, trimmed, "String must be one of (case insensitive): NUMERIC, BASE64"))
    }
}
