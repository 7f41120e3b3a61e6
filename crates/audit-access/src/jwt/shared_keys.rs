use std::sync::{Arc, PoisonError, RwLock};

use super::KeySet;

/// The keys of one provider, for who checks tokens and who fetches keys.
#[derive(Debug, Default)]
pub(crate) struct SharedKeys {
    current: RwLock<Arc<KeySet>>,
    /// Told when a token was signed with a key that is not there.
    #[cfg(feature = "oidc")]
    pub(crate) wanted: tokio::sync::Notify,
}

impl SharedKeys {
    pub(crate) fn get(&self) -> Arc<KeySet> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set(&self, keys: KeySet) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    pub(crate) fn want(&self) {
        #[cfg(feature = "oidc")]
        self.wanted.notify_one();
    }
}
