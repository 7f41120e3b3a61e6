use std::sync::atomic::{AtomicUsize, Ordering};

/// How many requests, and how many bytes of them, may be in memory at once.
#[derive(Debug)]
pub(crate) struct Gate {
    requests: AtomicUsize,
    bytes: AtomicUsize,
    max_requests: usize,
    max_bytes: usize,
}

/// One request's place; it ends with this.
#[derive(Debug)]
pub(crate) struct Pass<'a> {
    gate: &'a Gate,
    bytes: usize,
}

impl Gate {
    pub(crate) fn new(max_requests: usize, max_bytes: usize) -> Self {
        Self { requests: AtomicUsize::new(0), bytes: AtomicUsize::new(0), max_requests, max_bytes }
    }

    /// Lets one more in, who has announced a body of so many bytes, if there is room for that. The bytes themselves are counted as they
    /// come: whoever announces much and sends nothing takes no room from others.
    pub(crate) fn enter(&self, announced: usize) -> Option<Pass<'_>> {
        let before = self.requests.fetch_add(1, Ordering::Relaxed);
        let pass = Pass { gate: self, bytes: 0 };
        let fits = self.bytes.load(Ordering::Relaxed).saturating_add(announced) <= self.max_bytes;
        (before < self.max_requests && fits).then_some(pass)
    }
}

impl Pass<'_> {
    /// Counts more bytes; false when there is no room for them.
    #[must_use]
    pub(crate) fn hold(&mut self, bytes: usize) -> bool {
        let before = self.gate.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        before.saturating_add(bytes) <= self.gate.max_bytes
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.gate.requests.fetch_sub(1, Ordering::Relaxed);
        self.gate.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_left_makes_room() {
        let gate = Gate::new(2, 100);
        let mut first = gate.enter(100).unwrap();
        assert!(first.hold(60) && gate.enter(41).is_none());
        let mut second = gate.enter(40).unwrap();
        assert!(gate.enter(0).is_none(), "two are in");
        assert!(second.hold(40) && !second.hold(1));
        drop((first, second));
        assert!(gate.enter(100).unwrap().hold(100));
        assert_eq!((gate.requests.into_inner(), gate.bytes.into_inner()), (0, 0));
    }
}
