//! `sasl.jaas.config`: one login module with its options, as Java's clients take it.

/// User and password of a login module, and which mechanisms it is for.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) scram: bool,
    pub(super) username: String,
    pub(super) password: String,
}

/// Reads `Module required option="value" …;`. The error says what is wrong, never what it holds.
pub(super) fn parse(text: &str) -> Result<Login, String> {
    let words = words(text)?;
    let (module, options) = words.split_first().ok_or("it is empty")?;
    let module = module.rsplit('.').next().unwrap_or_default();
    let scram = match module {
        "ScramLoginModule" => true,
        "PlainLoginModule" => false,
        "OAuthBearerLoginModule" | "Krb5LoginModule" => {
            return Err(format!("{module} is not built in: use SCRAM or PLAIN"));
        }
        other => {
            return Err(format!(
                "login module {other:?} is not known: use ScramLoginModule or PlainLoginModule"
            ));
        }
    };
    let flag = options.first().map(String::as_str).unwrap_or_default();
    if !["required", "requisite", "sufficient", "optional"].contains(&flag.to_ascii_lowercase().as_str()) {
        return Err(format!("after {module} the word \"required\" is due"));
    }
    let option = |name: &str| {
        options[1..]
            .iter()
            .find_map(|word| {
                word.split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
            })
            .ok_or_else(|| format!("{module} has no {name}"))
    };
    Ok(Login { scram, username: option("username")?, password: option("password")? })
}

/// Splits at white space outside quotes; quotes and backslashes are taken off. Ends at the semicolon.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut open = false;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(_), '\\') => word.push(characters.next().ok_or("it ends after a backslash")?),
            (Some(mark), _) if mark == character => quote = None,
            (Some(_), _) => word.push(character),
            (None, '"' | '\'') => {
                quote = Some(character);
                open = true;
            }
            (None, ';') => {
                if open {
                    words.push(word);
                }
                return if characters.all(char::is_whitespace) {
                    Ok(words)
                } else {
                    Err("it holds more than one login module".to_owned())
                };
            }
            (None, _) if character.is_whitespace() => {
                if std::mem::take(&mut open) {
                    words.push(std::mem::take(&mut word));
                }
            }
            (None, _) => {
                word.push(character);
                open = true;
            }
        }
    }
    match quote {
        Some(_) => Err("a quotation mark is not closed".to_owned()),
        None => Err("the semicolon at its end is missing".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scram_login_is_read() {
        let login = parse(
            "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"al;ice\"\n  password='p \"w\\'';",
        )
        .unwrap();
        assert!(login.scram);
        assert_eq!((login.username.as_str(), login.password.as_str()), ("al;ice", "p \"w'"));
    }

    #[test]
    fn a_plain_login_is_read_without_quotes() {
        let login =
            parse("org.apache.kafka.common.security.plain.PlainLoginModule required username=a password=b;")
                .unwrap();
        assert!(!login.scram);
        assert_eq!((login.username.as_str(), login.password.as_str()), ("a", "b"));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for (text, said) in [
            ("", "semicolon"),
            ("ScramLoginModule required username=a password=hush", "semicolon"),
            ("ScramLoginModule required username=\"a password=hush;", "not closed"),
            ("ScramLoginModule required password=hush;", "no username"),
            ("ScramLoginModule username=a password=hush;", "\"required\""),
            ("com.acme.OwnLoginModule required username=a password=hush;", "not known"),
            ("a.b.OAuthBearerLoginModule required;", "not built in"),
            ("ScramLoginModule required username=a password=hush; x;", "more than one"),
            (";", "empty"),
        ] {
            let error = parse(text).err().unwrap_or_default();
            assert!(error.contains(said), "{text:?}: {error}");
            assert!(!error.contains("hush"), "{error}");
        }
    }
}
