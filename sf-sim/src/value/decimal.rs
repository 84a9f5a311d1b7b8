//! Exact decimals of up to 18 digits, Salesforce's limit.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// `unscaled / 10^scale`. Equality is of the number, not of the scale: `1.0 == 1.00`.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    unscaled: i64,
    scale: u8,
}

/// The most digits after the point.
const MAX_SCALE: u8 = 18;

/// Text that is no number of at most 18 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotADecimal;

impl fmt::Display for NotADecimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a decimal number of at most 18 digits")
    }
}

impl std::error::Error for NotADecimal {}

impl Decimal {
    /// `unscaled / 10^scale`; a scale above 18 is taken as 18.
    #[must_use]
    pub fn new(unscaled: i64, scale: u8) -> Self {
        Self { unscaled, scale: scale.min(MAX_SCALE) }
    }

    /// The digits as a whole number.
    #[must_use]
    pub fn unscaled(&self) -> i64 {
        self.unscaled
    }

    /// How many of the digits stand after the point.
    #[must_use]
    pub fn scale(&self) -> u8 {
        self.scale
    }

    /// Rounded half up, away from zero, to at most `scale` digits after the point.
    #[must_use]
    pub fn rounded(self, scale: u8) -> Self {
        if self.scale <= scale {
            return self;
        }
        let unit = 10_i128.pow(u32::from(self.scale - scale));
        let (n, half) = (i128::from(self.unscaled), unit / 2);
        let rounded = if n < 0 { (n - half) / unit } else { (n + half) / unit };
        Self { unscaled: i64::try_from(rounded).unwrap_or(self.unscaled), scale }
    }

    /// The sum, with the largest scale among the numbers, or less where 18 digits do not hold it.
    #[must_use]
    pub fn sum(numbers: impl Iterator<Item = Self>) -> Self {
        let mut total = Total::default();
        numbers.for_each(|n| total.add(n));
        Self::fitted(total.unscaled, total.scale)
    }

    /// As many of the digits as 18 can hold.
    pub(crate) fn fitted(mut unscaled: i128, mut scale: u8) -> Self {
        while scale > 0 && unscaled.unsigned_abs() >= 10_u128.pow(18) {
            unscaled /= 10;
            scale -= 1;
        }
        let most = if unscaled < 0 { i64::MIN } else { i64::MAX };
        Self::new(i64::try_from(unscaled).unwrap_or(most), scale)
    }

    /// How many digits stand before the point.
    #[must_use]
    pub fn integer_digits(&self) -> u32 {
        let whole = self.unscaled.unsigned_abs() / 10_u64.pow(u32::from(self.scale));
        whole.checked_ilog10().map_or(0, |log| log + 1)
    }

    /// The whole number, where nothing but zeros stands after the point.
    #[must_use]
    pub fn to_integer(&self) -> Option<i64> {
        let unit = 10_i64.checked_pow(u32::from(self.scale))?;
        (self.unscaled % unit == 0).then_some(self.unscaled / unit)
    }

    /// The JSON number: its digits, with at least one after the point.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        self.to_string().parse().map_or(serde_json::Value::Null, serde_json::Value::Number)
    }

    /// Both numbers at the same scale.
    fn aligned(&self, other: &Self) -> (i128, i128) {
        let scale = self.scale.max(other.scale);
        let lift = |d: &Self| i128::from(d.unscaled) * 10_i128.pow(u32::from(scale - d.scale));
        (lift(self), lift(other))
    }
}

/// A sum on its way: `unscaled / 10^scale`, with the largest scale among what was added.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Total {
    pub(crate) unscaled: i128,
    pub(crate) scale: u8,
}

impl Total {
    pub(crate) fn add(&mut self, n: Decimal) {
        let power = |by: u8| 10_i128.pow(u32::from(by));
        if n.scale > self.scale {
            self.unscaled = self.unscaled.saturating_mul(power(n.scale - self.scale));
            self.scale = n.scale;
        }
        let lifted = i128::from(n.unscaled).saturating_mul(power(self.scale - n.scale));
        self.unscaled = self.unscaled.saturating_add(lifted);
    }
}

impl From<i64> for Decimal {
    fn from(n: i64) -> Self {
        Self { unscaled: n, scale: 0 }
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = self.aligned(other);
        a.cmp(&b)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.unscaled < 0 { "-" } else { "" };
        let unit = 10_u64.pow(u32::from(self.scale));
        let digits = self.unscaled.unsigned_abs();
        let width = usize::from(self.scale.max(1));
        write!(f, "{sign}{}.{:0width$}", digits / unit, digits % unit)
    }
}

impl FromStr for Decimal {
    type Err = NotADecimal;

    /// Takes a sign, a point and an exponent; digits beyond 18 after the point are rounded away.
    fn from_str(text: &str) -> Result<Self, NotADecimal> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| NotADecimal)?),
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if !plain(whole) || !plain(fraction) || whole.len() + fraction.len() == 0 {
            return Err(NotADecimal);
        }
        let places = i32::try_from(fraction.len()).map_err(|_| NotADecimal)?;
        let unscaled = join(whole, fraction)?;
        scaled(if negative { -unscaled } else { unscaled }, places.saturating_sub(exponent))
    }
}

/// At most 37 digits, so that nothing overflows on the way to rounding.
fn join(whole: &str, fraction: &str) -> Result<i128, NotADecimal> {
    let whole = whole.trim_start_matches('0');
    if whole.len() + fraction.len() > 37 {
        return Err(NotADecimal);
    }
    whole.bytes().chain(fraction.bytes()).try_fold(0_i128, |n, digit| Ok(n * 10 + i128::from(digit - b'0')))
}

/// `unscaled / 10^scale` brought to a scale of 0 to 18 and to 64 bits.
fn scaled(unscaled: i128, scale: i32) -> Result<Decimal, NotADecimal> {
    let (mut n, mut scale) = (unscaled, scale);
    while scale < 0 && n != 0 {
        n = n.checked_mul(10).ok_or(NotADecimal)?;
        scale += 1;
    }
    while scale > i32::from(MAX_SCALE) || (scale > 0 && i64::try_from(n).is_err()) {
        let half = if n < 0 { -5 } else { 5 };
        n = (n + half) / 10;
        scale -= 1;
        if n == 0 {
            scale = scale.min(i32::from(MAX_SCALE));
        }
    }
    let scale = u8::try_from(scale.max(0)).map_err(|_| NotADecimal)?;
    Ok(Decimal { unscaled: i64::try_from(n).map_err(|_| NotADecimal)?, scale })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> String {
        text.parse::<Decimal>().unwrap().to_string()
    }

    #[test]
    fn a_number_keeps_the_scale_that_it_was_written_with() {
        assert_eq!(shown("2102.00"), "2102.00");
        assert_eq!(shown("2500"), "2500.0");
        assert_eq!(shown("-0.05"), "-0.05");
        assert_eq!(shown(".5"), "0.5");
        assert_eq!(shown("1.42656567106328E12"), "1426565671063.28");
        assert_eq!(shown("1E3"), "1000.0");
        assert_eq!(shown("25e-4"), "0.0025");
        assert_eq!(shown("0.000000000000000000000000001"), "0.000000000000000000");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            "-",
            ".",
            "1,000",
            "1.2.3",
            "abc",
            "1e",
            "99999999999999999999",
            "1e400",
            "0x10",
            "1e99999999999",
        ] {
            assert_eq!(text.parse::<Decimal>().ok(), None, "{text}");
        }
    }

    #[test]
    fn rounding_is_half_away_from_zero() {
        let rounded = |text: &str, scale| text.parse::<Decimal>().unwrap().rounded(scale).to_string();
        assert_eq!(rounded("2.345", 2), "2.35");
        assert_eq!(rounded("-2.345", 2), "-2.35");
        assert_eq!(rounded("2.344", 2), "2.34");
        assert_eq!(rounded("2.5", 2), "2.5");
        assert_eq!(rounded("0.5", 0), "1.0");
    }

    #[test]
    fn numbers_compare_across_scales() {
        let d = |text: &str| text.parse::<Decimal>().unwrap();
        assert_eq!(d("1.0"), d("1.00"));
        assert!(d("1.05") < d("1.1"));
        assert!(d("-3") < d("0.000000000000001"));
        assert_eq!(d("12.00").to_integer(), Some(12));
        assert_eq!(d("12.01").to_integer(), None);
        assert_eq!(d("999.9").integer_digits(), 3);
        assert_eq!(d("0.9").integer_digits(), 0);
    }

    proptest! {
        #[test]
        fn a_number_survives_its_text(unscaled in any::<i64>(), scale in 1_u8..=18) {
            let d = Decimal::new(unscaled, scale);
            prop_assert_eq!(d.to_string().parse::<Decimal>().unwrap(), d);
        }

        #[test]
        fn any_text_is_a_number_or_refused(text in "[-+0-9.eE]{0,30}") {
            if let Ok(d) = text.parse::<Decimal>() {
                prop_assert_eq!(d.to_string().parse::<Decimal>().unwrap(), d);
            }
        }
    }
}
