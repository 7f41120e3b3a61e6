//! Writing JSON objects field by field.

use audit_model::{CanonicalError, Map, Value, write_canonical_within, write_json_string};

/// An object, or objects in objects, on their way into a buffer. Keys come as `"key":`, so that each is one copy.
pub(crate) struct Writer<'a> {
    pub(crate) out: &'a mut Vec<u8>,
}

/// Of what is written here as it came, nothing stands in more arrays and objects: `resources[0].data`, and the record.
const DEPTH: usize = 4;

impl Writer<'_> {
    /// The comma before whatever is not the first.
    #[inline(always)]
    pub(crate) fn separate(&mut self) {
        if !matches!(self.out.last(), Some(b'{' | b'[')) {
            self.out.push(b',');
        }
    }

    #[inline(always)]
    pub(crate) fn key(&mut self, key: &'static str) {
        self.separate();
        self.out.extend_from_slice(key.as_bytes());
    }

    #[inline(always)]
    pub(crate) fn text(&mut self, key: &'static str, text: &str) {
        self.key(key);
        write_json_string(text, self.out);
    }

    #[inline(always)]
    pub(crate) fn number(&mut self, key: &'static str, number: i64) {
        self.key(key);
        self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    #[inline(always)]
    pub(crate) fn truth(&mut self, key: &'static str, truth: bool) {
        self.key(key);
        self.out.extend_from_slice(if truth { b"true" } else { b"false" });
    }

    /// JSON as it is.
    #[inline(always)]
    pub(crate) fn raw(&mut self, key: &'static str, json: &[u8]) {
        self.key(key);
        self.out.extend_from_slice(json);
    }

    pub(crate) fn value(&mut self, name: &str, value: &Value) -> Result<(), CanonicalError> {
        self.separate();
        write_json_string(name, self.out);
        self.out.push(b':');
        write_canonical_within(value, self.out, DEPTH).map_err(|error| within(error, name))
    }

    /// The entries of a map but for some.
    pub(crate) fn entries(&mut self, map: &Map, but: impl Fn(&str) -> bool) -> Result<(), CanonicalError> {
        map.iter().filter(|(name, _)| !but(name)).try_for_each(|(name, value)| self.value(name, value))
    }

    #[inline(always)]
    pub(crate) fn open(&mut self, key: &'static str) {
        self.key(key);
        self.out.push(b'{');
    }

    #[inline(always)]
    pub(crate) fn close(&mut self) {
        self.out.push(b'}');
    }

    /// An object that is left out if nothing is in it, unless it `stays`.
    pub(crate) fn object<E>(
        &mut self,
        key: &'static str,
        stays: bool,
        fill: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let before = self.out.len();
        self.open(key);
        let empty = self.out.len();
        fill(self)?;
        if self.out.len() == empty && !stays {
            self.out.truncate(before);
        } else {
            self.close();
        }
        Ok(())
    }
}

fn within(mut error: CanonicalError, name: &str) -> CanonicalError {
    if let CanonicalError::Number { path, .. } | CanonicalError::Depth { path } = &mut error {
        let joint = if path.is_empty() || path.starts_with('[') { "" } else { "." };
        *path = format!("{name}{joint}{path}");
    }
    error
}
