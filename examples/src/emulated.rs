//! An org in this process with all that the logins need, and the person who would sit at a browser.

use rcgen::{KeyPair, PKCS_RSA_SHA256};
use serde_json::json;
use sf_auth::WebServer;
use sf_sim::{App, Server, Sim, User};
use tempfile::TempDir;
use url::Url;

use crate::Result;
use crate::login::Login;
use crate::org::reachable;

const APP: &str = "3MVG9example.consumer.key";
const SECRET: &str = "example-consumer-secret";
const ADA: &str = "ada@wheelworks.example";
const PASSWORD: &str = "analytical-engine";
const SECURITY_TOKEN: &str = "example-security-token";
/// What another identity provider's token looks like here.
const SUBJECT_TOKEN: &str = "a-token-of-wheelworks-own-directory";

/// The org. It and its files are gone when this is dropped.
#[derive(Debug)]
pub struct Emulated {
    sim: Sim,
    server: Server,
    folder: TempDir,
}

impl Emulated {
    /// An org with one user, Ada, and one app that has every grant and rotates its refresh tokens.
    ///
    /// # Errors
    /// No port or no temporary folder.
    pub async fn start() -> Result<Self> {
        reachable()?;
        let app = App::new(APP)
            .secret(SECRET)
            .run_as(ADA)
            .approved_by(ADA)
            .rotate(true)
            .device_interval_s(1)
            .subject_token(SUBJECT_TOKEN, ADA);
        let ada = User::new(ADA, PASSWORD).security_token(SECURITY_TOKEN).name("Ada", "Lovelace");
        let sim = Sim::builder().user(ada).app(app).build()?;
        let server = sim.serve("127.0.0.1:0").await?;
        println!("No SF_* variables: using an emulated org at {}", server.url());
        Ok(Self { sim, server, folder: tempfile::tempdir()? })
    }

    /// The app's own login.
    pub fn login(&self) -> Login {
        Login::client_credentials(self.server.url(), APP, SECRET)
    }

    /// What a variable would have to say for this org; none where it takes no part.
    pub(crate) async fn value(&self, variable: &str) -> Result<Option<String>> {
        Ok(Some(match variable {
            "SF_LOGIN_URL" | "SF_INSTANCE_URL" => self.server.url(),
            "SF_CLIENT_ID" => APP.to_owned(),
            "SF_CLIENT_SECRET" => SECRET.to_owned(),
            "SF_USERNAME" => ADA.to_owned(),
            "SF_PASSWORD" => PASSWORD.to_owned(),
            "SF_SECURITY_TOKEN" => SECURITY_TOKEN.to_owned(),
            "SF_JWT_KEY" => self.key()?,
            // A port that is free; the app learns of it when the browser comes.
            "SF_CALLBACK_URL" => "http://localhost:0/OauthRedirect".to_owned(),
            "SF_TOKEN_FILE" => self.path("token.json"),
            "SF_REFRESH_TOKEN" => self.refresh_token().await?,
            "SF_SUBJECT_TOKEN_FILE" => self.file("subject.token", SUBJECT_TOKEN)?,
            "SF_ACCESS_TOKEN" => self.sim.access_token(),
            "SF_CLI_ORG" => self.file("org.json", &self.cli_json())?,
            _ => return Ok(None),
        }))
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn file(&self, name: &str, content: &str) -> Result<String> {
        let path = self.path(name);
        std::fs::write(&path, content)?;
        Ok(path)
    }

    /// Makes a key, and gives the app its public half.
    fn key(&self) -> Result<String> {
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256)?;
        self.sim.change_app(APP, |app| app.certificate(key.public_key_pem()))?;
        self.file("server.key", &key.serialize_pem())
    }

    /// As `sf org display --json` has it.
    fn cli_json(&self) -> String {
        let shown = json!({
            "id": self.sim.org_id().to_string(),
            "apiVersion": "66.0",
            "accessToken": self.sim.access_token(),
            "instanceUrl": self.server.url(),
            "username": self.sim.credentials().username,
            "clientId": "PlatformCLI",
            "connectedStatus": "Connected",
            "alias": "wheelworks",
        });
        json!({ "status": 0, "result": shown, "warnings": [] }).to_string()
    }

    /// The token that Ada's consent once gave the app.
    async fn refresh_token(&self) -> Result<String> {
        let settings = WebServer::new(self.server.url(), APP).client_secret(SECRET);
        let browser = settings.redirect_uri("http://localhost:0/OauthRedirect").listen().await?;
        let (login, visit) = (sf_auth::Login::new(), self.visit(browser.url()));
        let (authorized, ()) =
            tokio::try_join!(async { browser.wait(&login).await.map_err(crate::Error::from) }, visit)?;
        let token = authorized.refresh_token();
        Ok(token.map(|token| token.expose().to_owned()).unwrap_or_default())
    }

    /// Ada opens the login page, logs in, allows access, and her browser goes where it is sent.
    pub(crate) fn visit(&self, page: &Url) -> impl Future<Output = Result<()>> + Send + 'static {
        let mut fields: Vec<_> = page.query_pairs().into_owned().collect();
        let callback = fields.iter().find(|(name, _)| name == "redirect_uri").map(|(_, uri)| uri.clone());
        let known = self.sim.change_app(APP, |app| app.callback(callback.unwrap_or_default()));
        fields.extend(by_ada());
        let page = page.clone();
        async move {
            known?;
            submit(page, fields).await
        }
    }

    /// Ada opens the page of the device flow, enters the code, logs in and allows access.
    pub(crate) fn enter(&self, page: &Url, code: &str) -> impl Future<Output = Result<()>> + Send + 'static {
        let fields = std::iter::once(("user_code".to_owned(), code.to_owned())).chain(by_ada()).collect();
        submit(page.clone(), fields)
    }
}

fn by_ada() -> impl Iterator<Item = (String, String)> {
    [("username", ADA), ("password", PASSWORD), ("decision", "allow")]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// What pressing the buttons of a page sends.
async fn submit(mut page: Url, fields: Vec<(String, String)>) -> Result<()> {
    page.set_query(None);
    // Browsers know where localhost is without asking; a bare machine may not tell.
    let here = (std::net::Ipv4Addr::LOCALHOST, 0).into();
    let browser =
        reqwest::Client::builder().tls_certs_only([]).no_proxy().resolve("localhost", here).build()?;
    browser.post(page).form(&fields).send().await?.error_for_status()?;
    Ok(())
}
