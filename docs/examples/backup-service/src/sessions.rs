//! Who is logged in.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use audit_model::Actor;

/// Somebody who may log in.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) name: &'static str,
    password: &'static str,
    role: &'static str,
    pub(crate) permissions: &'static [&'static str],
}

/// Passwords in the source are for an example alone.
static USERS: [User; 2] = [
    User {
        name: "alice@company.com",
        password: "alice-example",
        role: "backup-operator",
        permissions: &["backup:*", "list:*"],
    },
    User { name: "carol@company.com", password: "carol-example", role: "admin", permissions: &["*"] },
];

impl User {
    pub(crate) fn actor(&self) -> Actor {
        Actor::user(self.name).role(self.role)
    }
}

/// The open sessions, by their tokens.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, &'static User>>);

impl Sessions {
    /// Opens a session, and returns its token.
    pub(crate) fn open(&self, name: &str, password: &str) -> Option<(String, &'static User)> {
        let user = USERS.iter().find(|user| user.name == name && user.password == password)?;
        let token = uuid::Uuid::new_v4().simple().to_string();
        self.lock().insert(token.clone(), user);
        Some((token, user))
    }

    pub(crate) fn find(&self, token: &str) -> Option<&'static User> {
        self.lock().get(token).copied()
    }

    pub(crate) fn close(&self, token: &str) {
        self.lock().remove(token);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, &'static User>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
