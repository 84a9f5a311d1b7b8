//! The apps and users that an org has, and what became of their logins.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use super::BuildError;
use crate::account::{App, User};
use crate::id::RecordId;
use crate::oauth::AssertionKey;

/// Wrong passwords in a row that lock a user out, and for how long.
const FAILURES: u32 = 10;
const LOCKED_MS: i64 = 15 * 60_000;

/// A user that logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) id: RecordId,
    pub(crate) username: Arc<str>,
}

/// An app, and its key.
#[derive(Debug)]
pub(crate) struct Registered {
    pub(crate) app: App,
    pub(crate) key: Option<AssertionKey>,
}

impl Registered {
    pub(super) fn new(app: App) -> Result<Arc<Self>, BuildError> {
        let key = app.certificate.as_deref().map(|pem| AssertionKey::from_pem(pem.as_bytes())).transpose();
        let key = key.map_err(|error| BuildError::JwtKey(error.to_string()))?;
        Ok(Arc::new(Self { app, key }))
    }
}

#[derive(Debug)]
struct Member {
    user: User,
    who: Who,
    failures: u32,
    locked_until: i64,
}

/// Why a username and a password are no login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoLogin {
    /// Wrong, unknown or locked out: an org does not say which.
    Refused,
    /// Right, but for the security token.
    TokenMissing,
    /// Right, and to be changed first.
    Expired,
}

/// What an app's policy says about a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Approved,
    NotYet,
    /// Users are let in by an administrator, and this one is not.
    NotAdmitted,
}

/// How a password comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// Through an API: with the security token.
    Api(IpAddr),
    /// On a page: without.
    Page,
}

#[derive(Debug, Default)]
pub(crate) struct Accounts {
    apps: Vec<Arc<Registered>>,
    members: Vec<Member>,
    /// Consumer keys, and names of users in lower case.
    approvals: HashSet<(String, String)>,
}

impl Accounts {
    pub(super) fn add_app(&mut self, registered: Arc<Registered>) {
        let before = self.app(&registered.app.client_id);
        // Whom a test took the approval away from is not to have it back by another change of the app.
        let new = |name: &&String| before.as_ref().is_none_or(|known| !known.app.approved_by.contains(name));
        for username in registered.app.approved_by.iter().filter(new) {
            self.approvals.insert((registered.app.client_id.clone(), username.to_ascii_lowercase()));
        }
        self.apps.retain(|known| known.app.client_id != registered.app.client_id);
        self.apps.push(registered);
    }

    pub(super) fn add_user(&mut self, user: User, id: RecordId) {
        let who = Who { id, username: user.username.as_str().into() };
        self.members.push(Member { user, who, failures: 0, locked_until: 0 });
    }

    pub(crate) fn app(&self, client_id: &str) -> Option<Arc<Registered>> {
        self.apps.iter().find(|known| known.app.client_id == client_id).cloned()
    }

    fn member(&self, username: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.user.username.eq_ignore_ascii_case(username))
    }

    pub(crate) fn user(&self, username: &str) -> Option<(Who, &User)> {
        self.member(username).map(|member| (member.who.clone(), &member.user))
    }

    /// False when there is no such user. A user's name stays.
    pub(super) fn change_user(&mut self, username: &str, change: impl FnOnce(User) -> User) -> bool {
        let Some(member) =
            self.members.iter_mut().find(|member| member.user.username.eq_ignore_ascii_case(username))
        else {
            return false;
        };
        let name = member.user.username.clone();
        member.user = change(member.user.clone());
        member.user.username = name;
        (member.failures, member.locked_until) = (0, 0);
        true
    }

    /// Whose username and password these are. Counts wrong ones.
    pub(crate) fn password(
        &mut self,
        username: &str,
        password: &str,
        door: Door,
        now: i64,
    ) -> Result<Who, NoLogin> {
        let member =
            self.members.iter_mut().find(|member| member.user.username.eq_ignore_ascii_case(username));
        let member = member.ok_or(NoLogin::Refused)?;
        if member.user.locked || member.locked_until > now {
            return Err(NoLogin::Refused);
        }
        let right = match door {
            Door::Api(from) => member.user.takes(password, from),
            Door::Page => password == member.user.password,
        };
        if !right {
            member.failures += 1;
            if member.failures >= FAILURES {
                (member.failures, member.locked_until) = (0, now.saturating_add(LOCKED_MS));
            }
            let lacks_token = password == member.user.password;
            return Err(if lacks_token { NoLogin::TokenMissing } else { NoLogin::Refused });
        }
        member.failures = 0;
        if member.user.password_expired { Err(NoLogin::Expired) } else { Ok(member.who.clone()) }
    }

    pub(crate) fn standing(&self, app: &App, username: &str) -> Standing {
        if let Some(admitted) = &app.admin_approved {
            let listed = admitted.iter().any(|name| name.eq_ignore_ascii_case(username));
            return if listed { Standing::Approved } else { Standing::NotAdmitted };
        }
        let key = (app.client_id.clone(), username.to_ascii_lowercase());
        if self.approvals.contains(&key) { Standing::Approved } else { Standing::NotYet }
    }

    pub(crate) fn approve(&mut self, client_id: &str, username: &str, approved: bool) {
        let key = (client_id.to_owned(), username.to_ascii_lowercase());
        if approved {
            self.approvals.insert(key);
        } else {
            self.approvals.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::KeyPrefix;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

    fn accounts(user: User) -> Accounts {
        let mut accounts = Accounts::default();
        accounts.add_user(user, RecordId::new(KeyPrefix::of("005"), 1));
        accounts
    }

    #[test]
    fn a_password_needs_its_token_unless_it_comes_from_a_trusted_address_or_by_a_page() {
        let user = User::new("Ada@example.com", "pw").security_token("tok").trusted_ip(ELSEWHERE);
        let mut accounts = accounts(user);
        let mut login = |password: &str, door| accounts.password("ada@EXAMPLE.com", password, door, 0);
        assert!(login("pwtok", Door::Api(HERE)).is_ok());
        assert_eq!(login("pw", Door::Api(HERE)), Err(NoLogin::TokenMissing));
        assert!(login("pw", Door::Api(ELSEWHERE)).is_ok() && login("pw", Door::Page).is_ok());
        assert_eq!(login("tok", Door::Api(HERE)), Err(NoLogin::Refused));
    }

    #[test]
    fn ten_wrong_passwords_lock_a_user_out_for_a_quarter_of_an_hour() {
        let mut accounts = accounts(User::new("ada", "pw"));
        let mut login = |password: &str, now| accounts.password("ada", password, Door::Api(HERE), now);
        for _ in 0..9 {
            assert!(login("no", 0).is_err());
        }
        assert!(login("pw", 0).is_ok());
        for _ in 0..10 {
            assert!(login("no", 0).is_err());
        }
        assert_eq!(login("pw", LOCKED_MS - 1), Err(NoLogin::Refused));
        assert!(login("pw", LOCKED_MS).is_ok());
    }
}
