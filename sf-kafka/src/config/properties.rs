//! Java's `.properties` files, as far as reading goes.
//!
//! Written here because the crates for it read escapes inside comments (a path in a comment is then an
//! error) and know no surrogate pairs.

use super::file::ReadError;

/// The pairs of a file, in its order.
pub(super) fn pairs(origin: &str, text: &str) -> Result<Vec<(String, String)>, ReadError> {
    let mut pairs = Vec::new();
    let mut lines = natural_lines(text).enumerate();
    while let Some((index, line)) = lines.next() {
        let line = line.trim_start_matches(is_blank);
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        let mut logical = line.to_owned();
        while ends_in_open_backslash(&logical) {
            logical.pop();
            let Some((_, next)) = lines.next() else { break };
            logical.push_str(next.trim_start_matches(is_blank));
        }
        let (key, value) = split(&logical);
        let decode = |raw: &str| {
            unescape(raw).ok_or_else(|| {
                let message = "a \\u must be followed by four hexadecimal digits of a character";
                ReadError::syntax(origin, index + 1, None, message)
            })
        };
        pairs.push((decode(key)?, decode(value)?));
    }
    Ok(pairs)
}

/// Lines end in `\n`, `\r` or `\r\n`.
fn natural_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

fn ends_in_open_backslash(line: &str) -> bool {
    line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

/// The key ends at the first `=`, `:` or blank that no backslash protects.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.find(|c: char| {
        if escaped || c == '\\' {
            escaped = !escaped;
            return false;
        }
        c == '=' || c == ':' || is_blank(c)
    });
    let (key, rest) = line.split_at(end.unwrap_or(line.len()));
    let rest = rest.trim_start_matches(is_blank);
    (key, rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start_matches(is_blank))
}

/// Undoes the escapes. Java's characters are UTF-16, so `\ud83d\ude00` is one character.
fn unescape(raw: &str) -> Option<String> {
    let mut units: Vec<u16> = Vec::with_capacity(raw.len());
    let mut buffer = [0; 2];
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        let c = match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('t')) => '\t',
            ('\\', Some('n')) => '\n',
            ('\\', Some('r')) => '\r',
            ('\\', Some('f')) => '\u{c}',
            ('\\', Some('u')) => {
                let digits = chars.as_str().get(..4)?;
                if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return None;
                }
                units.push(u16::from_str_radix(digits, 16).ok()?);
                chars = chars.as_str().get(4..)?.chars();
                continue;
            }
            ('\\', Some(other)) => other,
            (c, _) => c,
        };
        units.extend_from_slice(c.encode_utf16(&mut buffer));
    }
    String::from_utf16(&units).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        pairs("test", text).unwrap()
    }

    fn one(text: &str) -> (String, String) {
        let mut pairs = read(text);
        assert_eq!(pairs.len(), 1, "{text:?}");
        pairs.remove(0)
    }

    /// The expected values of these cases are those of `java.util.Properties.load`'s documentation.
    #[test]
    fn separators_and_blanks_are_as_java_has_them() {
        for text in [
            "Truth = Beauty",
            " Truth:Beauty",
            "Truth                    :Beauty",
            "Truth Beauty",
            "Truth\t=\tBeauty",
        ] {
            assert_eq!(one(text), ("Truth".into(), "Beauty".into()), "{text:?}");
        }
        assert_eq!(one("cheeses"), ("cheeses".into(), String::new()));
        assert_eq!(one("url=http://a:1/?b=c"), ("url".into(), "http://a:1/?b=c".into()));
        assert_eq!(one(r"\:\==x"), (":=".into(), "x".into()));
        assert_eq!(one(r"a\ b = c"), ("a b".into(), "c".into()));
        assert_eq!(one("a==b"), ("a".into(), "=b".into()));
    }

    #[test]
    fn a_backslash_at_the_end_goes_on_in_the_next_line() {
        let text = "fruits      apple, banana, pear, \\\n            cantaloupe, \\\r\n   #mango";
        assert_eq!(one(text).1, "apple, banana, pear, cantaloupe, #mango");
        assert_eq!(read("a=b\\\\\nc=d"), [("a".into(), "b\\".into()), ("c".into(), "d".into())]);
        assert_eq!(one("a=b\\").1, "b");
    }

    #[test]
    fn comments_are_not_read_not_even_their_escapes() {
        let text = "# keys are in C:\\users\\x\n  ! and \\\na=1\r#b=2\r\n\n";
        assert_eq!(read(text), [("a".into(), "1".into())]);
    }

    #[test]
    fn escapes_are_undone_and_a_wrong_one_names_its_line() {
        assert_eq!(one("a=\\u00e9\\ud83d\\ude00\\t\\q\\\\").1, "é😀\tq\\");
        for text in ["x=1\na=\\u12", "x=1\na=\\u+123", "x=1\na=\\ud83d"] {
            let error = pairs("x.properties", text).unwrap_err().to_string();
            assert!(error.starts_with("x.properties: line 2: "), "{error}");
        }
    }
}
