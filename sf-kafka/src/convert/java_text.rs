//! The texts that Java's `toString` makes of numbers and dates.

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::Sign;
use chrono::{DateTime, Utc};

/// Writes a decimal: plain where it has no more than six zeros behind the point and no positive exponent,
/// else with an exponent.
pub(crate) fn write_decimal(value: &BigDecimal, out: &mut Vec<u8>) {
    let (unscaled, scale) = value.as_bigint_and_scale();
    if unscaled.sign() == Sign::Minus {
        out.push(b'-');
    }
    let digits = unscaled.magnitude().to_string();
    let len = i64::try_from(digits.len()).unwrap_or(i64::MAX);
    let exponent = len - 1 - scale;
    if scale == 0 {
        out.extend_from_slice(digits.as_bytes());
    } else if scale > 0 && exponent >= -6 {
        let whole = usize::try_from(len - scale).unwrap_or(0);
        out.extend_from_slice(if whole == 0 { b"0" } else { &digits.as_bytes()[..whole] });
        out.push(b'.');
        out.resize(out.len() + usize::try_from(scale - len).unwrap_or(0), b'0');
        out.extend_from_slice(&digits.as_bytes()[whole..]);
    } else {
        out.push(digits.as_bytes()[0]);
        if digits.len() > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits.as_bytes()[1..]);
        }
        if exponent != 0 {
            out.extend_from_slice(format!("E{exponent:+}").as_bytes());
        }
    }
}

/// Writes an instant as `java.util.Date` shows it in the time zone UTC: `Tue Nov 14 22:13:20 UTC 2023`.
///
/// Years before 1583 are of the Gregorian calendar here; Java shows the Julian one.
pub(crate) fn write_instant(millis: i64, out: &mut Vec<u8>) {
    match DateTime::<Utc>::from_timestamp_millis(millis) {
        Some(instant) => {
            out.extend_from_slice(instant.format("%a %b %d %H:%M:%S UTC %Y").to_string().as_bytes());
        }
        None => out.extend_from_slice(millis.to_string().as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs of what `new BigDecimal(x).toString()` answers to itself.
    #[test]
    fn decimals_are_written_as_java_writes_them() {
        for text in [
            "0",
            "0.00",
            "0E+3",
            "0E-10",
            "0.000001",
            "1E-7",
            "1.23E-7",
            "-1.5E-8",
            "1E+3",
            "-1E+2",
            "100",
            "12.50",
            "12345678901234567890.1234567890",
            "0.000001234",
            "1.2E-7",
            "1.23E+5",
            "-0.5",
        ] {
            let mut out = Vec::new();
            write_decimal(&text.parse().unwrap(), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
