//! Doubles and floats as text, as Java up to 18 prints them.
//!
//! Those versions do not always print the shortest digits that read back as the same number: 2.0E-3 is fine,
//! but 2^-44 gets a digit more (5.6843418860808015E-14) and 7.27384163630162E16 two. What is on a topic by now
//! has these digits, so we print the same. The procedure is the classical one (digits by repeated division
//! until what is left lies within half a unit of the last binary place), in three widths, of which the
//! narrower ones have quirks of their own: in 32 and 64 bits the margin may overflow, which ends the digits,
//! and the upper bound counts as outside, while in wide arithmetic it counts as inside. Found by comparison
//! with OpenJDK 17 on random and on chosen numbers; no difference is known.

use bigdecimal::num_bigint::BigUint;
use bigdecimal::num_traits::ToPrimitive;

/// Bits of a double's fraction, without the hidden one. Floats are widened to it.
const FRACTION: i32 = 52;
const MAX_DIGITS: usize = 24;

/// Powers of five up to this one fit into 64 bits together with what they are multiplied by.
const FIVES: usize = 27;

struct Digits {
    text: [u8; MAX_DIGITS],
    len: usize,
    /// 0.d₁d₂… × 10^exponent.
    exponent: i32,
}

impl Digits {
    fn push(&mut self, digit: u8) {
        if let Some(slot) = self.text.get_mut(self.len) {
            *slot = b'0' + digit;
            self.len += 1;
        }
    }

    /// One up at the last place, with carry.
    fn round_up(&mut self) {
        for at in (0..self.len).rev() {
            if self.text[at] != b'9' {
                self.text[at] += 1;
                return;
            }
            self.text[at] = b'0';
        }
        self.text[0] = b'1';
        self.exponent += 1;
    }
}

/// Writes a double.
pub(crate) fn write_f64(value: f64, out: &mut Vec<u8>) {
    if !write_special(value.is_nan(), value.is_infinite(), value == 0.0, value.is_sign_negative(), out) {
        let bits = value.to_bits();
        let exponent = i32::try_from((bits >> 52) & 0x7ff).unwrap_or(0);
        let fraction = bits & ((1 << 52) - 1);
        write(&digits(fraction, exponent, 1023, 53), out);
    }
}

/// Writes a float.
pub(crate) fn write_f32(value: f32, out: &mut Vec<u8>) {
    if !write_special(value.is_nan(), value.is_infinite(), value == 0.0, value.is_sign_negative(), out) {
        let bits = value.to_bits();
        let exponent = i32::try_from((bits >> 23) & 0xff).unwrap_or(0);
        let fraction = u64::from(bits & ((1 << 23) - 1)) << 29;
        write(&digits(fraction, exponent, 127, 24), out);
    }
}

/// Writes the sign, and the whole where there are no digits to find.
fn write_special(nan: bool, infinite: bool, zero: bool, negative: bool, out: &mut Vec<u8>) -> bool {
    if nan {
        out.extend_from_slice(b"NaN");
        return true;
    }
    if negative {
        out.push(b'-');
    }
    if infinite {
        out.extend_from_slice(b"Infinity");
    } else if zero {
        out.extend_from_slice(b"0.0");
    }
    infinite || zero
}

fn write(digits: &Digits, out: &mut Vec<u8>) {
    let text = &digits.text[..digits.len];
    let zeros = |out: &mut Vec<u8>, count: usize| out.resize(out.len() + count, b'0');
    match usize::try_from(digits.exponent) {
        Ok(whole @ 1..=7) => {
            let split = whole.min(text.len());
            out.extend_from_slice(&text[..split]);
            zeros(out, whole - split);
            out.push(b'.');
            out.extend_from_slice(if split < text.len() { &text[split..] } else { b"0" });
        }
        _ if (-2..=0).contains(&digits.exponent) => {
            out.extend_from_slice(b"0.");
            zeros(out, usize::try_from(-digits.exponent).unwrap_or(0));
            out.extend_from_slice(text);
        }
        _ => {
            out.push(text[0]);
            out.push(b'.');
            out.extend_from_slice(if text.len() > 1 { &text[1..] } else { b"0" });
            out.push(b'E');
            out.extend_from_slice((digits.exponent - 1).to_string().as_bytes());
        }
    }
}

/// A positive number as `fraction` × 2^(`binary` − 52), with how many of its bits are significant.
struct Binary {
    fraction: u64,
    exponent: i32,
    significant: i32,
}

fn digits(fraction: u64, biased: i32, bias: i32, precision: i32) -> Digits {
    let number = if biased == 0 {
        // Subnormal: the highest bit that is set becomes the hidden one.
        let shift = bits(fraction.leading_zeros()) - 11;
        Binary { fraction: fraction << shift, exponent: 1 - shift - bias, significant: precision - shift }
    } else {
        Binary { fraction: fraction | (1 << 52), exponent: biased - bias, significant: precision }
    };
    if (-21..=62).contains(&number.exponent) && below_binary_point(&number) == 0 {
        whole(&number)
    } else {
        develop(&number)
    }
}

fn bits(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// How many bits stand behind the binary point.
fn below_binary_point(number: &Binary) -> i32 {
    let used = FRACTION + 1 - bits(number.fraction.trailing_zeros());
    (used - number.exponent - 1).max(0)
}

/// A number without fraction below 2^63: its decimal digits, fewer where the lowest bits mean nothing.
fn whole(number: &Binary) -> Digits {
    let mut value = if number.exponent >= FRACTION {
        number.fraction << (number.exponent - FRACTION)
    } else {
        number.fraction >> (FRACTION - number.exponent)
    };
    let mut exponent = 0;
    let meaningless = number.exponent - number.significant - 1;
    if meaningless > 1 {
        // As many decimal digits as 2^meaningless has, less one.
        let places = u32::try_from(meaningless * 30_103 / 100_000).unwrap_or(0);
        if places > 0 {
            let unit = 10_u64.pow(places);
            value = value / unit + u64::from(value % unit >= unit / 2);
            exponent += bits(places);
        }
    }
    while value % 10 == 0 {
        value /= 10;
        exponent += 1;
    }
    let mut out = Digits { text: [0; MAX_DIGITS], len: 0, exponent: 0 };
    for digit in value.to_string().bytes() {
        out.push(digit - b'0');
    }
    out.exponent = exponent + i32::try_from(out.len).unwrap_or(0);
    out
}

/// The decimal exponent, or one more than it: the first two terms of the logarithm at 1.5.
fn estimate(number: &Binary) -> i32 {
    let mantissa = f64::from_bits((1023 << 52) | (number.fraction & ((1 << 52) - 1)));
    let at_mantissa = (mantissa - 1.5) * 0.289_529_654 + 0.176_091_259;
    let estimate = at_mantissa + f64::from(number.exponent) * std::f64::consts::LOG10_2;
    #[allow(clippy::cast_possible_truncation, reason = "within ±330")]
    let floor = estimate.floor() as i32;
    floor
}

/// The bits of 5^n.
fn five_bits(n: i32) -> i32 {
    match usize::try_from(n) {
        Ok(0) => 0,
        Ok(n) if n < FIVES => bits(64 - 5_u64.pow(u32::try_from(n).unwrap_or(0)).leading_zeros()),
        _ => n * 3,
    }
}

/// The number as `b` / `s`, and half a unit of its last place as `m` / `s`, each 2^x × 5^y × something.
struct Ratio {
    fraction: u64,
    b2: i32,
    b5: i32,
    s2: i32,
    s5: i32,
    m2: i32,
}

fn develop(number: &Binary) -> Digits {
    let mut decimal = estimate(number);
    let used = FRACTION + 1 - bits(number.fraction.trailing_zeros());
    let tiny = below_binary_point(number);
    let (b5, s5) = ((-decimal).max(0), decimal.max(0));
    let (mut b2, mut s2) = (b5 + tiny + number.exponent, s5 + tiny);
    let mut m2 = b2 - number.significant;
    b2 -= used - 1;
    let common = b2.min(s2);
    (b2, s2, m2) = (b2 - common, s2 - common, m2 - common);
    // A power of two is nearer to its lower neighbour than to its upper one.
    m2 -= i32::from(used == 1);
    if m2 < 0 {
        (b2, s2, m2) = (b2 - m2, s2 - m2, 0);
    }
    let ratio = Ratio { fraction: number.fraction >> number.fraction.trailing_zeros(), b2, b5, s2, s5, m2 };
    let b_bits = used + b2 + five_bits(b5);
    let s_bits = s2 + 1 + five_bits(s5 + 1);
    let mut out = Digits { text: [0; MAX_DIGITS], len: 0, exponent: 0 };
    if b_bits < 64 && s_bits < 64 {
        narrow(&ratio, b_bits < 32 && s_bits < 32, &mut decimal, &mut out);
    } else {
        wide(&ratio, &mut decimal, &mut out);
    }
    out
}

/// Digits until the rest is within the margin: `low` when dropping it is right, `high` when the next
/// number up is, both when the half decides.
struct End {
    low: bool,
    high: bool,
    /// The rest against one half: -1, 0, 1.
    half: i32,
}

fn finish(end: &End, decimal: i32, out: &mut Digits) {
    out.exponent = decimal + 1;
    let odd = out.len > 0 && out.text[out.len - 1] % 2 == 1;
    if end.high && (!end.low || end.half > 0 || (end.half == 0 && odd)) {
        out.round_up();
    }
}

/// Whether the number is printed with an exponent: then at least two digits are made.
fn is_scientific(decimal: i32) -> bool {
    !(-3..8).contains(&decimal)
}

fn narrow(ratio: &Ratio, half_width: bool, decimal: &mut i32, out: &mut Digits) {
    // In 32 bits what overflows there has to overflow here.
    #[allow(clippy::cast_possible_truncation, reason = "the truncation is the point")]
    let fit = |value: i64| if half_width { i64::from(value as i32) } else { value };
    let five = |n: i32| 5_i64.wrapping_pow(u32::try_from(n).unwrap_or(0));
    let shift = |value: i64, by: i32| fit(value.wrapping_shl(u32::try_from(by).unwrap_or(0)));
    let ten = |value: i64| fit(value.wrapping_mul(10));
    let mut b = shift(i64::try_from(ratio.fraction).unwrap_or(0).wrapping_mul(five(ratio.b5)), ratio.b2);
    let s = shift(five(ratio.s5), ratio.s2);
    let mut m = shift(five(ratio.b5), ratio.m2);
    let tens = ten(s);

    let mut q = b / s;
    b = ten(b % s);
    m = ten(m);
    let mut end = End { low: b < m, high: fit(b.wrapping_add(m)) > tens, half: 0 };
    if q == 0 && !end.high {
        *decimal -= 1;
    } else {
        out.push(u8::try_from(q).unwrap_or(9));
    }
    if is_scientific(*decimal) {
        (end.low, end.high) = (false, false);
    }
    while !end.low && !end.high {
        q = b / s;
        b = ten(b % s);
        m = ten(m);
        end = if m > 0 {
            End { low: b < m, high: fit(b.wrapping_add(m)) > tens, half: 0 }
        } else {
            End { low: true, high: true, half: 0 }
        };
        out.push(u8::try_from(q).unwrap_or(9));
    }
    let rest = fit(b.wrapping_shl(1)).wrapping_sub(tens);
    end.half = i32::try_from(fit(rest).signum()).unwrap_or(0);
    finish(&end, *decimal, out);
}

fn wide(ratio: &Ratio, decimal: &mut i32, out: &mut Digits) {
    let power = |fives: i32, twos: i32| {
        BigUint::from(5_u8).pow(u32::try_from(fives).unwrap_or(0)) << u32::try_from(twos).unwrap_or(0)
    };
    let s = power(ratio.s5, ratio.s2);
    let tens = &s * 10_u8;
    let mut b = power(ratio.b5, ratio.b2) * ratio.fraction;
    let mut m = power(ratio.b5, ratio.m2);
    let step = |b: &mut BigUint, m: &mut BigUint| {
        let q = (&*b / &s).to_u8().unwrap_or(9);
        *b = (&*b % &s) * 10_u8;
        *m *= 10_u8;
        (q, End { low: *b < *m, high: &*b + &*m >= tens, half: 0 })
    };
    let (mut q, mut end) = step(&mut b, &mut m);
    if q == 0 && !end.high {
        *decimal -= 1;
    } else {
        out.push(q);
    }
    if is_scientific(*decimal) {
        (end.low, end.high) = (false, false);
    }
    while !end.low && !end.high {
        (q, end) = step(&mut b, &mut m);
        out.push(q);
    }
    if end.low && end.high {
        end.half = match (b << 1_u8).cmp(&tens) {
            std::cmp::Ordering::Less => -1,
            std::cmp::Ordering::Equal => 0,
            std::cmp::Ordering::Greater => 1,
        };
    }
    finish(&end, *decimal, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn double(value: f64) -> String {
        let mut out = Vec::new();
        write_f64(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn float(value: f32) -> String {
        let mut out = Vec::new();
        write_f32(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// What `Double.toString` of OpenJDK 17 answers, some of it with more digits than are needed.
    #[test]
    fn doubles_are_written_as_java_17_writes_them() {
        for (bits, text) in [
            (0x3f60_624d_d2f1_a9fc, "0.002"),
            (0x3f50_624d_d2f1_a9fc, "0.001"),
            (0x3f50_6243_162a_38e4, "9.9999E-4"),
            (0x44c5_2d02_c7e1_4af6, "1.9999999999999998E23"),
            (0x447c_7e83_209e_90b2, "8.409999999999999E21"),
            (0x0000_0000_0000_0001, "4.9E-324"),
            (0x0000_0000_0000_0028, "2.0E-322"),
            (0x0010_0000_0000_0000, "2.2250738585072014E-308"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157E308"),
            (0x4340_0000_0000_0000, "9.007199254740992E15"),
            (0x4163_12d0_0000_0000, "1.0E7"),
            (0x4163_12cf_ffff_ffff, "9999999.999999998"),
            (0x3d30_0000_0000_0000, "5.6843418860808015E-14"),
            (0x43d0_0000_0000_0000, "4.6116860184273879E18"),
            (0x43e0_0000_0000_0000, "9.223372036854776E18"),
            (0xc3d3_610f_1cef_3ab3, "-5.5856559056346675E18"),
            (0x77a0_0000_0000_0000, "1.6509204097989539E268"),
            (0x4370_26b3_44cd_7900, "7.2738416363016192E16"),
            (0x4480_f0cf_064d_d592, "1.0E22"),
            (0x3fd3_3333_3333_3333, "0.3"),
            (0x4274_c25f_0a89_747b, "1.42656567106328E12"),
            (0x40e8_6a00_0000_0000, "50000.0"),
            (0x8000_0000_0000_0000, "-0.0"),
            (0x7ff0_0000_0000_0000, "Infinity"),
            (0xfff0_0000_0000_0000, "-Infinity"),
            (0x7ff8_0000_0000_0000, "NaN"),
        ] {
            assert_eq!(double(f64::from_bits(bits)), text);
        }
    }

    #[test]
    fn floats_are_written_as_java_17_writes_them() {
        for (bits, text) in [
            (0x3f8c_cccd, "1.1"),
            (0x5015_02f9, "1.0E10"),
            (0x7f7f_ffff, "3.4028235E38"),
            (0x0000_0001, "1.4E-45"),
            (0x0080_0000, "1.17549435E-38"),
            (0x4b80_0000, "1.6777216E7"),
            (0x3dcc_cccd, "0.1"),
            (0x4ffa_a335, "8.4099999E9"),
            (0x33d6_bf95, "1.0E-7"),
            (0x4cc0_0000, "1.00663296E8"),
            (0x0000_000e, "2.0E-44"),
            (0x5380_0000, "1.09951163E12"),
            (0xddf1_d40b, "-2.17819562E18"),
            (0x7fc0_0000, "NaN"),
        ] {
            assert_eq!(float(f32::from_bits(bits)), text);
        }
    }

    #[test]
    fn what_is_written_reads_back_as_the_same_number() {
        let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..20_000 {
            bits = bits.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            let value = f64::from_bits(bits);
            if value.is_finite() {
                assert_eq!(double(value).parse::<f64>().unwrap().to_bits(), bits, "{value:?}");
            }
        }
    }
}
