//! Texts as JSON.

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// What stands for a byte that cannot stand in a JSON string as it is: 0 = it can, 1 = it begins a character
/// beyond the basic plane, `u` = a `\u00..` escape, else the letter behind the backslash.
static ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 0x20 {
        table[at] = b'u';
        at += 1;
    }
    table[0x08] = b'b';
    table[0x09] = b't';
    table[0x0a] = b'n';
    table[0x0c] = b'f';
    table[0x0d] = b'r';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    at = 0xf0;
    while at < 0xf8 {
        table[at] = 1;
        at += 1;
    }
    table
};

const HIGH: u64 = 0x8080_8080_8080_8080;

/// Whether one of eight bytes needs a closer look: a control character, `"`, `\`, or beyond ASCII.
fn needs_look(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let zero_in = |x: u64| x.wrapping_sub(ONES) & !x & HIGH;
    // A false alarm (a borrow that runs on) costs a look, nothing else.
    let control = word.wrapping_sub(ONES * 0x20);
    let quote = zero_in(word ^ (ONES * 0x22));
    let backslash = zero_in(word ^ (ONES * 0x5c));
    (word | control | quote | backslash) & HIGH != 0
}

/// How many bytes from the start may be copied as they are.
fn plain_prefix(bytes: &[u8]) -> usize {
    let mut at = 0;
    for chunk in bytes.chunks_exact(8) {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        if needs_look(u64::from_le_bytes(word)) {
            break;
        }
        at += 8;
    }
    bytes[at..].iter().position(|b| ESCAPES[usize::from(*b)] != 0).map_or(bytes.len(), |n| at + n)
}

/// Writes a text in quotes.
pub(crate) fn write_text(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    out.push(b'"');
    let mut start = 0;
    loop {
        let stop = start + plain_prefix(&bytes[start..]);
        out.extend_from_slice(&bytes[start..stop]);
        let Some(byte) = bytes.get(stop) else { break };
        start = stop + write_escape(*byte, &text[stop..], out);
    }
    out.push(b'"');
}

/// Writes the character that `rest` begins with, and says how many bytes it has.
#[cold]
fn write_escape(byte: u8, rest: &str, out: &mut Vec<u8>) -> usize {
    match ESCAPES[usize::from(byte)] {
        1 => {
            let Some(character) = rest.chars().next() else { return 1 };
            for unit in character.encode_utf16(&mut [0; 2]) {
                write_unit(*unit, out);
            }
            character.len_utf8()
        }
        b'u' => {
            write_unit(u16::from(byte), out);
            1
        }
        letter => {
            out.extend_from_slice(&[b'\\', letter]);
            1
        }
    }
}

/// Writes an integer.
pub(crate) fn write_integer(value: i64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        // Below 10, so nothing is lost.
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

fn write_unit(unit: u16, out: &mut Vec<u8>) {
    let digit = |shift: u32| HEX[usize::from((unit >> shift) & 15)];
    out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        write_text(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_character_is_escaped_as_json_needs_it_wherever_it_stands() {
        for filler in 0..20 {
            let (before, after) = ("a".repeat(filler), "é".repeat(filler % 7));
            for code in (0..0x300).chain([0x2028, 0xffff, 0x1_0000, 0x1_f600, 0x10_ffff]) {
                let Some(character) = char::from_u32(code) else { continue };
                let text = format!("{before}{character}{after}");
                let json = written(&text);
                assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
                let inner = &json[1 + before.len()..json.len() - 1 - after.len()];
                let plain = (0x20..=0xffff).contains(&code) && code != 0x22 && code != 0x5c;
                assert_eq!(inner == character.to_string(), plain, "{code:x} {inner}");
            }
        }
    }

    #[test]
    fn integers_are_written_in_full() {
        for value in [0, 7, -1, 10, 1_700_000_000_123, i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            write_integer(value, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
        }
    }

    #[test]
    fn escapes_are_in_upper_case_and_short_where_there_is_a_short_one() {
        assert_eq!(written("\u{1f}\u{0}\u{8}\u{c}\n\r\t\"\\/"), r#""\u001F\u0000\b\f\n\r\t\"\\/""#);
        assert_eq!(written("😀"), r#""\uD83D\uDE00""#);
    }
}
