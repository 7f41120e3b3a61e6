//! Where a message ends in a stream (RFC 6587 §3.4), found out for each message anew.

/// A message of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// What it holds, or the first part of it.
    pub(crate) bytes: Vec<u8>,
    /// What is wrong with it.
    pub(crate) problem: Option<String>,
}

/// Splits a stream into messages.
#[derive(Debug)]
pub(crate) struct Frames {
    state: State,
    bytes: Vec<u8>,
    /// How long the message is so far.
    length: usize,
    max: usize,
}

#[derive(Debug)]
enum State {
    /// Before a message.
    Between,
    /// In what may be its length.
    Length,
    /// Behind a length and a space.
    Space(usize),
    /// In a message of which so much is to come.
    Counted { whole: usize, missing: usize },
    /// In a message up to its newline.
    Line,
}

/// More is no length of a message, but a number at the beginning of a line.
const DIGITS: usize = 9;

impl Frames {
    pub(crate) fn new(max: usize) -> Self {
        Self { state: State::Between, bytes: Vec::new(), length: 0, max }
    }

    /// Takes what comes next.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], into: &mut Vec<Frame>) {
        while let Some((first, rest)) = bytes.split_first() {
            match self.state {
                State::Between => match first {
                    // Between counted messages, too: some senders do both. A NUL ends messages of Python's.
                    b'\n' | b'\r' | b'\0' | b' ' => bytes = rest,
                    b'1'..=b'9' => self.state = State::Length,
                    _ => self.state = State::Line,
                },
                State::Length => match first {
                    b'0'..=b'9' if self.bytes.len() < DIGITS => {
                        self.keep(&[*first]);
                        bytes = rest;
                    }
                    b' ' => {
                        let length =
                            std::str::from_utf8(&self.bytes).ok().and_then(|digits| digits.parse().ok());
                        self.state = length.map_or(State::Line, State::Space);
                        if length.is_some() {
                            bytes = rest;
                        }
                    }
                    _ => self.state = State::Line,
                },
                State::Space(length) => {
                    if *first == b'<' {
                        self.bytes.clear();
                        self.length = 0;
                        self.state = State::Counted { whole: length, missing: length };
                    } else {
                        // `200 OK`, say.
                        self.keep(b" ");
                        self.state = State::Line;
                    }
                }
                State::Counted { whole, missing } => {
                    let (piece, behind) = bytes.split_at(missing.min(bytes.len()));
                    self.keep(piece);
                    bytes = behind;
                    self.state = State::Counted { whole, missing: missing - piece.len() };
                    if missing == piece.len() {
                        into.extend(self.end());
                    }
                }
                State::Line => match memchr::memchr2(b'\n', b'\0', bytes) {
                    Some(end) => {
                        self.keep(&bytes[..end]);
                        bytes = &bytes[end + 1..];
                        into.extend(self.end());
                    }
                    None => {
                        self.keep(bytes);
                        bytes = &[];
                    }
                },
            }
        }
    }

    /// What is left at the stream's end. A line without its newline is a message, if the sender ended in order; otherwise (`broken` says why)
    /// it may be a part of one. Of what was counted it is known that a part is missing.
    pub(crate) fn finish(&mut self, broken: Option<&str>) -> Option<Frame> {
        let why = broken.unwrap_or("the connection ended");
        let cut = match self.state {
            State::Counted { whole, missing } => {
                Some(format!("{why} within the message, of which {} bytes of {whole} came", whole - missing))
            }
            State::Between => None,
            _ => broken.map(|why| format!("{why}, perhaps within the message")),
        };
        let mut frame = self.end()?;
        frame.problem = match (frame.problem, cut) {
            (Some(long), Some(cut)) => Some(format!("{long}; {cut}")),
            (one, other) => one.or(other),
        };
        Some(frame)
    }

    fn keep(&mut self, piece: &[u8]) {
        let room = self.max.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(&piece[..piece.len().min(room)]);
        self.length = self.length.saturating_add(piece.len());
    }

    fn end(&mut self) -> Option<Frame> {
        self.state = State::Between;
        let length = std::mem::take(&mut self.length);
        let mut bytes = std::mem::take(&mut self.bytes);
        let problem = (length > bytes.len()).then(|| {
            format!("the message is {length} bytes long, of which the first {} were taken", bytes.len())
        });
        // The frame's, not the message's.
        while problem.is_none() && (bytes.ends_with(b"\n") || bytes.ends_with(b"\r")) {
            bytes.pop();
        }
        (length > 0).then_some(Frame { bytes, problem })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Frame, Frames};

    fn split(stream: &[u8], cuts: &[usize], max: usize) -> (Vec<Frame>, Option<Frame>) {
        let (mut frames, mut found) = (Frames::new(max), Vec::new());
        let mut from = 0;
        for cut in cuts.iter().copied().chain([stream.len()]) {
            let cut = cut.clamp(from, stream.len());
            frames.feed(&stream[from..cut], &mut found);
            from = cut;
        }
        assert!(frames.bytes.capacity() <= 2 * max + 64);
        let rest = frames.finish(None);
        assert_eq!(frames.finish(None), None);
        (found, rest)
    }

    fn texts(stream: &[u8]) -> Vec<String> {
        let (found, rest) = split(stream, &[], 1000);
        found.into_iter().chain(rest).map(|frame| String::from_utf8(frame.bytes).unwrap()).collect()
    }

    #[test]
    fn both_framings_and_any_mixture() {
        assert_eq!(texts(b"9 <1>a b\nc,4 <2>d"), ["<1>a b\nc,", "<2>d"]);
        assert_eq!(texts(b"<1>a\r\n<2>b\n\n<3>c\0<4>d"), ["<1>a", "<2>b", "<3>c", "<4>d"]);
        assert_eq!(texts(b"4 <1>a4 <2>b\n<3>c\n5 <4>d\n4 <5>e\n"), ["<1>a", "<2>b", "<3>c", "<4>d", "<5>e"]);
        assert_eq!(
            texts(b"200 OK\n2026-11-22 x\n1234567890123 <x\nplain\n"),
            ["200 OK", "2026-11-22 x", "1234567890123 <x", "plain"]
        );
        assert_eq!(texts(b"42"), ["42"]);
        assert_eq!(texts(b""), Vec::<String>::new());
    }

    #[test]
    fn what_is_too_long_or_cut_off_says_so() {
        let (found, rest) = split(b"8 <1>aaaaa<2>bbbbbbb\n8 <3>c", &[], 5);
        assert_eq!(found[0].bytes, b"<1>aa");
        assert_eq!(
            found[0].problem.as_deref(),
            Some("the message is 8 bytes long, of which the first 5 were taken")
        );
        assert_eq!((found[1].bytes.as_slice(), found[1].problem.is_some()), (b"<2>bb".as_slice(), true));
        let problem = rest.unwrap().problem.unwrap();
        assert_eq!(problem, "the connection ended within the message, of which 4 bytes of 8 came");
        let mut frames = Frames::new(5);
        let mut end = |stream: &[u8], broken| {
            frames.feed(stream, &mut Vec::new());
            frames.finish(broken).unwrap().problem
        };
        assert_eq!(
            end(b"9 <1>abcd", None).unwrap(),
            "the message is 7 bytes long, of which the first 5 were taken; the connection ended within the message, of which 7 bytes of 9 came"
        );
        assert_eq!(end(b"<1>", None), None, "a last line needs no newline");
        assert_eq!(
            end(b"<1>", Some("nothing came for 1 s")).unwrap(),
            "nothing came for 1 s, perhaps within the message"
        );
        let (found, _) = split(b"999999999 <", &[], 100);
        assert_eq!(found, [], "and no memory is taken for what is announced");
    }

    proptest! {
        #[test]
        fn wherever_it_is_cut_the_messages_are_the_same(
            messages in prop::collection::vec(("<1>[a-z0-9 <>]{0,20}", any::<bool>()), 0..5),
            cuts in prop::collection::vec(0_usize..120, 0..6),
        ) {
            let stream: String = messages
                .iter()
                .map(|(text, counted)| if *counted { format!("{} {text}", text.len()) } else { format!("{text}\n") })
                .collect();
            let mut cuts = cuts;
            cuts.sort_unstable();
            let (found, rest) = split(stream.as_bytes(), &cuts, 1000);
            prop_assert_eq!(rest, None);
            let texts: Vec<&str> = found.iter().map(|frame| std::str::from_utf8(&frame.bytes).unwrap()).collect();
            prop_assert_eq!(texts, messages.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>());
        }

        #[test]
        fn nothing_makes_it_panic(stream in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'<'), Just(b' '), b'0'..=b'9'], 0..100)) {
            split(&stream, &[7, 20], 30);
        }
    }
}
