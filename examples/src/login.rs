//! Which login the `SF_*` variables name.

use sf_auth::{
    CliOrg, ClientCredentials, FileStore, JwtBearer, KeyStore, PrivateKey, RefreshToken, Session,
    TokenExchange, UsernamePassword,
};
use sf_core::Client;
use sf_core::auth::Secret;

use crate::Result;
use crate::variables::Variables;

/// A way to log in that needs nobody at a browser.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    ClientCredentials,
    JwtBearer,
    Password,
    RefreshToken,
    TokenExchange,
    Session,
    CliOrg,
}

/// Its variables.
#[derive(Debug)]
struct Grant {
    kind: Kind,
    name: &'static str,
    /// Any of these chooses it.
    chosen_by: &'static [&'static str],
    needs: &'static [&'static str],
    takes: &'static [&'static str],
}

/// Those of an app do no harm where a grant has no use for them.
const APP: [&str; 3] = ["SF_LOGIN_URL", "SF_CLIENT_ID", "SF_CLIENT_SECRET"];

static BY_THE_APP: Grant = Grant {
    kind: Kind::ClientCredentials,
    name: "a login by client credentials",
    chosen_by: &[],
    needs: &APP,
    takes: &[],
};

static CHOSEN: [Grant; 6] = [
    Grant {
        kind: Kind::JwtBearer,
        name: "a login by JWT",
        chosen_by: &["SF_JWT_KEY"],
        needs: &["SF_LOGIN_URL", "SF_CLIENT_ID", "SF_USERNAME", "SF_JWT_KEY"],
        takes: &["SF_JWT_KEY_PASSWORD", "SF_JWT_KEY_ALIAS"],
    },
    Grant {
        kind: Kind::Password,
        name: "a login by password",
        chosen_by: &["SF_PASSWORD"],
        needs: &["SF_LOGIN_URL", "SF_CLIENT_ID", "SF_CLIENT_SECRET", "SF_USERNAME", "SF_PASSWORD"],
        takes: &["SF_SECURITY_TOKEN"],
    },
    Grant {
        kind: Kind::RefreshToken,
        name: "a login by refresh token",
        chosen_by: &["SF_REFRESH_TOKEN", "SF_TOKEN_FILE"],
        needs: &["SF_LOGIN_URL", "SF_CLIENT_ID"],
        takes: &[],
    },
    Grant {
        kind: Kind::TokenExchange,
        name: "a login by token exchange",
        chosen_by: &["SF_SUBJECT_TOKEN_FILE"],
        needs: &["SF_LOGIN_URL", "SF_CLIENT_ID", "SF_SUBJECT_TOKEN_FILE"],
        takes: &["SF_SUBJECT_TOKEN_TYPE", "SF_TOKEN_HANDLER"],
    },
    Grant {
        kind: Kind::Session,
        name: "a login by a ready session",
        chosen_by: &["SF_ACCESS_TOKEN", "SF_INSTANCE_URL"],
        needs: &["SF_INSTANCE_URL", "SF_ACCESS_TOKEN"],
        takes: &[],
    },
    Grant {
        kind: Kind::CliOrg,
        name: "a login by the Salesforce CLI's JSON",
        chosen_by: &["SF_CLI_ORG"],
        needs: &["SF_CLI_ORG"],
        takes: &[],
    },
];

impl Grant {
    fn uses(&self, name: &str) -> bool {
        [self.chosen_by, self.needs, self.takes].iter().any(|names| names.contains(&name))
    }

    /// The grant that the variables choose, with all that it needs and nothing of another's.
    fn of(set: &Variables) -> Result<&'static Self> {
        let chooses = |name: &&&'static str| set.optional(name).is_some();
        let mut chosen =
            CHOSEN.iter().filter_map(|grant| Some((grant, grant.chosen_by.iter().find(chooses)?)));
        let grant = match (chosen.next(), chosen.next()) {
            (None, _) => &BY_THE_APP,
            (Some((grant, _)), None) => grant,
            (Some((a, one)), Some((b, other))) => {
                let said = format!("{one} makes it {}, and {other} {}: unset one of them", a.name, b.name);
                return Err(said.into());
            }
        };
        if let Some(stray) = set.of_a_login().find(|name| !grant.uses(name) && !APP.contains(name)) {
            let with: Vec<_> = CHOSEN
                .iter()
                .filter(|other| other.uses(stray))
                .flat_map(|other| other.chosen_by)
                .copied()
                .collect();
            let said = format!(
                "{stray} is set, which goes with {}; as it is, this is {}",
                with.join(" or "),
                grant.name
            );
            return Err(said.into());
        }
        set.need(grant.needs, grant.name)?;
        Ok(grant)
    }
}

/// Where to log in, and how. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Login {
    grant: &'static Grant,
    set: Variables,
}

impl Login {
    /// An app's own login.
    pub fn client_credentials(
        url: impl Into<String>,
        id: impl Into<String>,
        secret: impl Into<Secret>,
    ) -> Self {
        let mut set = Variables::default();
        set.set("SF_LOGIN_URL", url.into());
        set.set("SF_CLIENT_ID", id.into());
        set.set("SF_CLIENT_SECRET", secret);
        Self { grant: &BY_THE_APP, set }
    }

    /// The login that the environment names; none where it names nothing of one.
    ///
    /// `SF_JWT_KEY`, `SF_PASSWORD`, `SF_TOKEN_FILE` or `SF_REFRESH_TOKEN`, `SF_SUBJECT_TOKEN_FILE`, `SF_ACCESS_TOKEN` or
    /// `SF_CLI_ORG` choose the grant; without them an app logs in as itself.
    ///
    /// # Errors
    /// Variables that are missing, or do not go together.
    pub fn from_environment() -> Result<Option<Self>> {
        Self::named_by(Variables::from_environment()?)
    }

    fn named_by(set: Variables) -> Result<Option<Self>> {
        if set.of_a_login().next().is_none() {
            return Ok(None);
        }
        Ok(Some(Self { grant: Grant::of(&set)?, set }))
    }

    /// Where to log in, as words that follow "the org".
    pub fn place(&self) -> String {
        match self.grant.kind {
            Kind::CliOrg => "that the Salesforce CLI is logged in to".to_owned(),
            Kind::Session => format!("at {}", self.set.get("SF_INSTANCE_URL")),
            _ => format!("at {}", self.set.get("SF_LOGIN_URL")),
        }
    }

    /// Logs in.
    ///
    /// # Errors
    /// What the org said, with what to do about it.
    pub async fn connect(&self) -> Result<Client> {
        let get = |name: &str| self.set.get(name);
        let (url, id, secret) = (get("SF_LOGIN_URL"), get("SF_CLIENT_ID"), get("SF_CLIENT_SECRET"));
        Ok(match self.grant.kind {
            Kind::JwtBearer => {
                let key = private_key(&self.set)?;
                JwtBearer::with_key(url, id, get("SF_USERNAME"), key).connect().await?
            }
            Kind::Password => {
                let grant = UsernamePassword::new(url, id, secret, get("SF_USERNAME"), get("SF_PASSWORD"));
                grant.security_token(get("SF_SECURITY_TOKEN")).connect().await?
            }
            Kind::RefreshToken => {
                let grant = RefreshToken::new(url, id, get("SF_REFRESH_TOKEN")).client_secret(secret);
                match self.set.optional("SF_TOKEN_FILE") {
                    Some(file) => grant.store(FileStore::new(file)).connect().await?,
                    None => grant.connect().await?,
                }
            }
            Kind::TokenExchange => token_exchange(&self.set)?.connect().await?,
            Kind::Session => Session::new(get("SF_INSTANCE_URL"), get("SF_ACCESS_TOKEN")).connect().await?,
            Kind::CliOrg => cli_org(&self.set)?.connect().await?,
            Kind::ClientCredentials => ClientCredentials::new(url, id, secret).connect().await?,
        })
    }

    /// The same login as keys of a connector's configuration.
    ///
    /// # Errors
    /// A login that the connector does not have.
    pub fn connector_keys(&self) -> Result<Vec<(&'static str, String)>> {
        let get = |name: &str| self.set.get(name);
        let (grant, keys): (_, &[_]) = match self.grant.kind {
            Kind::ClientCredentials => ("CLIENT_CREDENTIALS", &[]),
            Kind::JwtBearer => {
                let key = match get("SF_JWT_KEY") {
                    uri if uri.starts_with("data:") => "salesforce.jwt.keystore.file",
                    pem if pem.contains("-----BEGIN") => "salesforce.jwt.private.key",
                    _ => "salesforce.jwt.keystore.path",
                };
                let keys = &[
                    ("salesforce.username", "SF_USERNAME"),
                    (key, "SF_JWT_KEY"),
                    ("salesforce.jwt.keystore.password", "SF_JWT_KEY_PASSWORD"),
                    ("salesforce.jwt.keystore.alias", "SF_JWT_KEY_ALIAS"),
                ];
                return Ok(self.keys("JWT_BEARER", keys));
            }
            Kind::Password => (
                "PASSWORD",
                &[
                    ("salesforce.username", "SF_USERNAME"),
                    ("salesforce.password", "SF_PASSWORD"),
                    ("salesforce.password.token", "SF_SECURITY_TOKEN"),
                ],
            ),
            Kind::RefreshToken => {
                // Two that spend a rotating token from copies of their own would end it for both.
                self.set.need(&["SF_REFRESH_TOKEN", "SF_TOKEN_FILE"], "the connector")?;
                let keys = &[
                    ("oauth.refresh.token", "SF_REFRESH_TOKEN"),
                    ("salesforce.refresh.token.file", "SF_TOKEN_FILE"),
                ];
                ("OAUTH2_AUTH_CODE_BYOA", keys)
            }
            Kind::TokenExchange | Kind::Session | Kind::CliOrg => {
                let said = "the connector logs in by client credentials, JWT, password or refresh token";
                return Err(format!("{said}; this is {}", self.grant.name).into());
            }
        };
        Ok(self.keys(grant, keys))
    }

    fn keys(&self, grant: &str, more: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
        let mut keys = vec![("salesforce.grant.type", grant.to_owned())];
        let app = [
            ("salesforce.instance", "SF_LOGIN_URL"),
            ("salesforce.consumer.key", "SF_CLIENT_ID"),
            ("salesforce.consumer.secret", "SF_CLIENT_SECRET"),
        ];
        for (key, name) in app.iter().chain(more) {
            if let Some(value) = self.set.optional(name) {
                keys.push((key, value.to_owned()));
            }
        }
        keys
    }
}

/// The key that JWTs are signed with: a PEM or a data URI in the variable itself, or the path of a PEM file or a
/// key store.
///
/// # Errors
/// What is wrong with it.
pub fn private_key(set: &Variables) -> Result<PrivateKey> {
    let key = key_store(set).and_then(|store| store.key());
    key.map_err(|error| format!("SF_JWT_KEY cannot be used: {error}").into())
}

fn key_store(set: &Variables) -> sf_auth::Result<KeyStore> {
    let store = match set.get("SF_JWT_KEY") {
        uri if uri.starts_with("data:") => KeyStore::from_data_uri(uri)?,
        pem if pem.contains("-----BEGIN") => KeyStore::from_bytes(pem),
        path => KeyStore::from_file(path)?,
    };
    let store = store.password(set.get("SF_JWT_KEY_PASSWORD"));
    Ok(match set.optional("SF_JWT_KEY_ALIAS") {
        Some(alias) => store.alias(alias),
        None => store,
    })
}

/// The exchange of the token in a file, which is read anew at each login.
///
/// # Errors
/// A file that cannot be read.
pub fn token_exchange(set: &Variables) -> Result<TokenExchange> {
    let file = set.file("SF_SUBJECT_TOKEN_FILE")?;
    let subject = move || std::fs::read_to_string(&file).unwrap_or_default();
    let grant = TokenExchange::new(set.get("SF_LOGIN_URL"), set.get("SF_CLIENT_ID"), subject)
        .client_secret(set.get("SF_CLIENT_SECRET"))
        .token_type(set.optional("SF_SUBJECT_TOKEN_TYPE").unwrap_or(TokenExchange::ACCESS_TOKEN));
    Ok(match set.optional("SF_TOKEN_HANDLER") {
        Some(name) => grant.handler(name),
        None => grant,
    })
}

/// What `sf org display --json` printed: into a file, or into stdin where the variable is `-`.
///
/// # Errors
/// What is wrong with it.
pub fn cli_org(set: &Variables) -> Result<CliOrg> {
    Ok(match set.get("SF_CLI_ORG") {
        "-" => CliOrg::from_reader(std::io::stdin())?,
        _ => CliOrg::from_file(set.file("SF_CLI_ORG")?)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: [(&str, &str); 3] = [
        ("SF_LOGIN_URL", "https://acme.my.salesforce.com"),
        ("SF_CLIENT_ID", "key"),
        ("SF_CLIENT_SECRET", "secret"),
    ];

    fn named(variables: &[(&str, &str)]) -> Result<Option<Login>> {
        let text = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Login::named_by(Variables::read(variables.iter().map(text))?)
    }

    fn refused(more: &[(&str, &str)]) -> String {
        named(&[&APP, more].concat()).unwrap_err().to_string()
    }

    #[test]
    fn without_variables_of_an_org_there_is_no_login() {
        assert!(named(&[]).unwrap().is_none());
        assert!(named(&[("SF_OBJECTS", "Lead"), ("SF_LOGIN_URL", " ")]).unwrap().is_none());
    }

    #[test]
    fn the_variables_that_are_there_choose_the_grant() {
        let kind = |more: &[(&str, &str)]| named(&[&APP, more].concat()).unwrap().unwrap().grant.kind;
        assert_eq!(kind(&[]), Kind::ClientCredentials);
        assert_eq!(kind(&[("SF_USERNAME", "u"), ("SF_PASSWORD", "p")]), Kind::Password);
        assert_eq!(kind(&[("SF_USERNAME", "u"), ("SF_JWT_KEY", "server.key")]), Kind::JwtBearer);
        assert_eq!(kind(&[("SF_TOKEN_FILE", "token.json")]), Kind::RefreshToken);
        assert_eq!(kind(&[("SF_REFRESH_TOKEN", "t"), ("SF_TOKEN_FILE", "token.json")]), Kind::RefreshToken);
        assert_eq!(kind(&[("SF_SUBJECT_TOKEN_FILE", "token.jwt")]), Kind::TokenExchange);
        assert_eq!(kind(&[("SF_INSTANCE_URL", "u"), ("SF_ACCESS_TOKEN", "t")]), Kind::Session);
        assert_eq!(kind(&[("SF_CLI_ORG", "-")]), Kind::CliOrg);
    }

    #[test]
    fn what_is_missing_is_named_all_at_once() {
        let said = named(&APP[..1]).unwrap_err().to_string();
        assert!(said.ends_with("SF_CLIENT_ID, SF_CLIENT_SECRET are missing; set: SF_LOGIN_URL"), "{said}");
        let said = refused(&[("SF_PASSWORD", "p")]);
        assert!(
            said.contains("a login by password needs") && said.contains("SF_USERNAME is missing"),
            "{said}"
        );
    }

    #[test]
    fn two_logins_at_once_are_refused_by_the_names_of_both() {
        let said = refused(&[("SF_USERNAME", "u"), ("SF_PASSWORD", "p"), ("SF_JWT_KEY", "server.key")]);
        assert_eq!(
            said,
            "SF_JWT_KEY makes it a login by JWT, and SF_PASSWORD a login by password: unset one of them"
        );
    }

    #[test]
    fn a_variable_that_would_do_nothing_is_refused_with_what_it_goes_with() {
        assert_eq!(
            refused(&[("SF_USERNAME", "ann@acme.example")]),
            "SF_USERNAME is set, which goes with SF_JWT_KEY or SF_PASSWORD; as it is, this is a login by client \
             credentials"
        );
    }

    #[test]
    fn a_connector_gets_the_same_login_where_it_has_it() {
        let keys = |more: &[(&str, &str)]| named(&[&APP, more].concat()).unwrap().unwrap().connector_keys();
        let given = keys(&[("SF_USERNAME", "u"), ("SF_JWT_KEY", "server.p12")]).unwrap();
        let wanted = [
            ("salesforce.grant.type", "JWT_BEARER"),
            ("salesforce.instance", "https://acme.my.salesforce.com"),
            ("salesforce.consumer.key", "key"),
            ("salesforce.consumer.secret", "secret"),
            ("salesforce.username", "u"),
            ("salesforce.jwt.keystore.path", "server.p12"),
        ];
        assert_eq!(given, wanted.map(|(key, value)| (key, value.to_owned())));
        let refused = keys(&[("SF_CLI_ORG", "-")]).unwrap_err().to_string();
        assert!(refused.ends_with("this is a login by the Salesforce CLI's JSON"), "{refused}");
        let refused = keys(&[("SF_TOKEN_FILE", "token.json")]).unwrap_err().to_string();
        assert!(refused.contains("SF_REFRESH_TOKEN is missing"), "{refused}");
    }

    #[test]
    fn a_login_shows_no_secret() {
        let login = Login::client_credentials("https://acme.my.salesforce.com", "key", "hidden");
        assert!(!format!("{login:?}").contains("hidden"));
    }
}
