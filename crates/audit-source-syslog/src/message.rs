use std::borrow::Cow;

/// A syslog message, taken apart.
///
/// RFC 5424 is read as it is written there. What is not of that form is read as RFC 3164 §4.1 observed it, as far as it is, and the
/// rest of it is the text as it came: reading never fails.
///
/// ```
/// use audit_source_syslog::Message;
///
/// let message = Message::parse(br#"<165>1 2003-10-11T22:14:15.003Z host evntslog - ID47 [ex@32473 iut="3"] An application"#);
/// assert_eq!((message.priority, message.app_name.as_deref()), (Some(165), Some("evntslog")));
/// assert_eq!(message.structured_data[0].parameters, [("iut".into(), "3".into())]);
/// assert_eq!(&*message.text, b"An application");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message<'a> {
    /// PRI: eight times the facility, and the severity.
    pub priority: Option<u8>,
    /// Whether its header is that of RFC 5424.
    pub is_rfc5424: bool,
    /// TIMESTAMP as it stands there; RFC 3164's has neither year nor zone.
    pub timestamp: Option<Cow<'a, str>>,
    /// HOSTNAME.
    pub hostname: Option<Cow<'a, str>>,
    /// APP-NAME, or the tag.
    pub app_name: Option<Cow<'a, str>>,
    /// PROCID, or what stands in brackets behind the tag.
    pub process_id: Option<Cow<'a, str>>,
    /// MSGID.
    pub message_id: Option<Cow<'a, str>>,
    /// STRUCTURED-DATA.
    pub structured_data: Vec<Element>,
    /// MSG, without the byte order mark that may stand before it.
    pub text: Cow<'a, [u8]>,
}

/// An SD-ELEMENT.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Element {
    /// SD-ID, such as `audit@32473`.
    pub id: String,
    /// Names and values in their order; a name may be there several times.
    pub parameters: Vec<(String, String)>,
}

const BOM: &[u8] = b"\xef\xbb\xbf";

impl<'a> Message<'a> {
    /// Reads a message, without its frame.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Self {
        let (priority, rest) =
            priority(bytes).map_or((None, bytes), |(priority, rest)| (Some(priority), rest));
        if priority.is_some()
            && let Some(message) = rfc5424(rest)
        {
            return Self { priority, ..message };
        }
        let message = if priority.is_some() { rfc3164(rest) } else { None };
        Self { priority, ..message.unwrap_or_else(|| Self { text: without_mark(rest), ..Self::default() }) }
    }

    /// Writes it as RFC 5424 has it, without a frame. A field that does not fit there is left out, and so is a time that is none of
    /// RFC 3339; without a priority it is that of RFC 5424's own example for none, 13 (user, notice).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = format!("<{}>1", self.priority.unwrap_or(13)).into_bytes();
        let timestamp = self.timestamp.as_deref().filter(|time| time.as_bytes().get(10) == Some(&b'T'));
        for (field, longest) in [
            (timestamp, 64),
            (self.hostname.as_deref(), 255),
            (self.app_name.as_deref(), 48),
            (self.process_id.as_deref(), 128),
            (self.message_id.as_deref(), 32),
        ] {
            out.push(b' ');
            let fits = |field: &&str| {
                !field.is_empty()
                    && field.len() <= longest
                    && field.bytes().all(|byte| byte.is_ascii_graphic())
            };
            out.extend_from_slice(field.filter(fits).unwrap_or("-").as_bytes());
        }
        out.push(b' ');
        for element in &self.structured_data {
            out.push(b'[');
            out.extend_from_slice(element.id.as_bytes());
            for (name, value) in &element.parameters {
                out.extend_from_slice(format!(" {name}=\"").as_bytes());
                for byte in value.bytes() {
                    // §6.3.3
                    if matches!(byte, b'"' | b'\\' | b']') {
                        out.push(b'\\');
                    }
                    out.push(byte);
                }
                out.push(b'"');
            }
            out.push(b']');
        }
        if self.structured_data.is_empty() {
            out.push(b'-');
        }
        if !self.text.is_empty() {
            out.push(b' ');
            // The reader takes one mark away.
            if self.text.starts_with(BOM) {
                out.extend_from_slice(BOM);
            }
            out.extend_from_slice(&self.text);
        }
        out
    }
}

/// `<0>` to `<191>` (§6.2.1).
fn priority(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let rest = bytes.strip_prefix(b"<")?;
    let end = rest.iter().take(4).position(|byte| *byte == b'>')?;
    let digits = &rest[..end];
    let number: u8 =
        std::str::from_utf8(digits).ok().filter(|_| digits.iter().all(u8::is_ascii_digit))?.parse().ok()?;
    (number <= 191).then_some((number, &rest[end + 1..]))
}

fn rfc5424(bytes: &[u8]) -> Option<Message<'_>> {
    let (version, rest) = field(bytes)?;
    if version != b"1" {
        return None;
    }
    let mut rest = rest;
    let mut fields = [None, None, None, None, None];
    for place in &mut fields {
        let (found, behind) = field(rest)?;
        if found.is_empty() {
            return None;
        }
        *place = (found != b"-").then(|| String::from_utf8_lossy(found));
        rest = behind;
    }
    let [timestamp, hostname, app_name, process_id, message_id] = fields;
    if timestamp.as_deref().is_some_and(|time| time.as_bytes().get(10) != Some(&b'T')) {
        return None;
    }
    // Where the structured data is none, it is text: nothing of it is lost.
    let (structured_data, text) = structured_data(rest).unwrap_or((Vec::new(), rest));
    Some(Message {
        priority: None,
        is_rfc5424: true,
        timestamp,
        hostname,
        app_name,
        process_id,
        message_id,
        structured_data,
        text: without_mark(text),
    })
}

/// Up to the next space, which a message without MSG may lack at its end.
fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b' ', bytes)?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

/// `-` or elements, and what is behind the space that follows (§6.3).
fn structured_data(bytes: &[u8]) -> Option<(Vec<Element>, &[u8])> {
    let mut elements = Vec::new();
    let mut rest = match bytes.strip_prefix(b"-") {
        Some(rest) => rest,
        None => {
            let mut rest = bytes;
            while rest.first() == Some(&b'[') {
                let (element, behind) = element(&rest[1..])?;
                elements.push(element);
                rest = behind;
            }
            (!elements.is_empty()).then_some(rest)?
        }
    };
    if let Some((first, behind)) = rest.split_first() {
        rest = (*first == b' ').then_some(behind)?;
    }
    Some((elements, rest))
}

fn element(bytes: &[u8]) -> Option<(Element, &[u8])> {
    let (id, mut rest) = name(bytes)?;
    let mut parameters = Vec::new();
    loop {
        match rest.split_first()? {
            (b']', behind) => return Some((Element { id, parameters }, behind)),
            (b' ', behind) if behind.first() == Some(&b']') => rest = behind,
            (b' ', behind) => {
                let (name, behind) = name(behind)?;
                let (value, behind) = value(behind.strip_prefix(b"=\"")?)?;
                parameters.push((name, value));
                rest = behind;
            }
            _ => return None,
        }
    }
}

/// SD-NAME: at most 32 printable characters, and more are taken as well.
fn name(bytes: &[u8]) -> Option<(String, &[u8])> {
    let end = bytes.iter().position(|byte| matches!(byte, b' ' | b'=' | b']' | b'"'))?;
    let name = &bytes[..end];
    (end > 0 && name.iter().all(u8::is_ascii_graphic))
        .then(|| (String::from_utf8_lossy(name).into_owned(), &bytes[end..]))
}

/// Up to the closing quotation mark. A backslash before anything but `"`, `\` and `]` is one itself (§6.3.3).
fn value(bytes: &[u8]) -> Option<(String, &[u8])> {
    let mut value = Vec::new();
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'"' => return Some((String::from_utf8_lossy(&value).into_owned(), &bytes[at + 1..])),
            b'\\' if matches!(bytes.get(at + 1), Some(b'"' | b'\\' | b']')) => {
                value.push(bytes[at + 1]);
                at += 2;
            }
            byte => {
                value.push(*byte);
                at += 1;
            }
        }
    }
}

/// `Mmm dd hh:mm:ss HOSTNAME TAG[pid]: text`, of which each has its own idea (RFC 3164 §4.1): what does not look like it is text.
fn rfc3164(bytes: &[u8]) -> Option<Message<'_>> {
    let (timestamp, rest) = bytes.split_at_checked(15).filter(|(time, _)| is_rfc3164_time(time))?;
    let timestamp = std::str::from_utf8(timestamp).ok().map(Cow::Borrowed);
    let rest = rest.strip_prefix(b" ")?;
    // On local sockets there is no host name: the first word is the tag then.
    let (hostname, rest) = match field(rest) {
        Some((word, behind)) if !word.is_empty() && !word.ends_with(b":") => {
            (Some(String::from_utf8_lossy(word)), behind)
        }
        _ => (None, rest),
    };
    let mut message = Message { timestamp, hostname, ..Message::default() };
    message.text = without_mark(rest);
    // Letters and digits, says the RFC; until the colon, say the senders.
    let colon =
        rest.iter().take(64).position(|byte| *byte == b':' || *byte == b' ').filter(|at| rest[*at] == b':');
    if let Some(colon) = colon.filter(|colon| *colon > 0) {
        let tag = &rest[..colon];
        let (name, process) = match (memchr::memchr(b'[', tag), tag.strip_suffix(b"]")) {
            (Some(bracket), Some(inner)) if bracket > 0 => (&tag[..bracket], Some(&inner[bracket + 1..])),
            _ => (tag, None),
        };
        message.app_name = Some(String::from_utf8_lossy(name));
        message.process_id = process.map(String::from_utf8_lossy);
        let text = &rest[colon + 1..];
        message.text = without_mark(text.strip_prefix(b" ").unwrap_or(text));
    }
    Some(message)
}

fn is_rfc3164_time(time: &[u8]) -> bool {
    let shape = b"Aaa 99 99:99:99";
    time.len() == shape.len()
        && time.iter().zip(shape).enumerate().all(|(at, (byte, shape))| match shape {
            b'A' => byte.is_ascii_uppercase(),
            b'a' => byte.is_ascii_lowercase(),
            b'9' => byte.is_ascii_digit() || (at == 4 && *byte == b' '),
            other => byte == other,
        })
}

/// §6.4: a text in UTF-8 may begin with a byte order mark.
fn without_mark(text: &[u8]) -> Cow<'_, [u8]> {
    Cow::Borrowed(text.strip_prefix(BOM).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Element, Message};

    fn text<'a>(message: &'a Message<'_>) -> &'a str {
        std::str::from_utf8(&message.text).unwrap()
    }

    /// RFC 5424 §6.5.
    #[test]
    fn the_examples_of_rfc_5424() {
        let one = "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \u{feff}'su root' failed for lonvick on /dev/pts/8";
        let message = Message::parse(one.as_bytes());
        assert_eq!((message.priority, message.is_rfc5424), (Some(34), true));
        assert_eq!(message.timestamp.as_deref(), Some("2003-10-11T22:14:15.003Z"));
        assert_eq!(message.hostname.as_deref(), Some("mymachine.example.com"));
        assert_eq!((message.app_name.as_deref(), message.process_id.as_deref()), (Some("su"), None));
        assert_eq!(text(&message), "'su root' failed for lonvick on /dev/pts/8");

        let two = b"<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.";
        let message = Message::parse(two);
        assert_eq!(message.process_id.as_deref(), Some("8710"));
        assert_eq!(text(&message), "%% It's time to make the do-nuts.");

        let three = br#"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"][examplePriority@32473 class="high"]"#;
        let message = Message::parse(three);
        let parameter = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            message.structured_data,
            [
                Element {
                    id: "exampleSDID@32473".into(),
                    parameters: vec![
                        parameter("iut", "3"),
                        parameter("eventSource", "Application"),
                        parameter("eventID", "1011")
                    ],
                },
                Element { id: "examplePriority@32473".into(), parameters: vec![parameter("class", "high")] },
            ]
        );
        assert_eq!(text(&message), "");
    }

    #[test]
    fn a_backslash_is_one_unless_it_escapes() {
        let message = Message::parse(br#"<1>1 - - - - - [a b="\"\\\]\n\"" c=""] x"#);
        let expected = [("b".to_owned(), "\"\\]\\n\"".to_owned()), ("c".to_owned(), String::new())];
        assert_eq!(message.structured_data[0].parameters, expected);
    }

    /// RFC 3164 §5.4, and what is sent under its name.
    #[test]
    fn older_messages_are_taken_as_they_are() {
        let message =
            Message::parse(b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8");
        assert_eq!((message.priority, message.is_rfc5424), (Some(34), false));
        assert_eq!(
            (message.hostname.as_deref(), message.app_name.as_deref()),
            (Some("mymachine"), Some("su"))
        );
        assert_eq!(message.timestamp.as_deref(), Some("Oct 11 22:14:15"));
        assert_eq!(text(&message), "'su root' failed for lonvick on /dev/pts/8");

        let message = Message::parse(b"<13>Feb  5 17:32:18 10.0.0.99 sshd[42]: Use the BFG!");
        assert_eq!((message.app_name.as_deref(), message.process_id.as_deref()), (Some("sshd"), Some("42")));

        let message = Message::parse(b"<13>Feb  5 17:32:18 cron[1]: local");
        assert_eq!((message.hostname.as_deref(), message.app_name.as_deref()), (None, Some("cron")));

        let message = Message::parse(
            b"<0>1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example.org 10.1.2.3 sched[0]: That's All Folks!",
        );
        assert!(text(&message).starts_with("1990 Oct 22") && message.hostname.is_none());

        for (whole, priority, rest) in [
            ("Use the BFG!", None, "Use the BFG!"),
            ("<13>no header", Some(13), "no header"),
            ("<192>1 - - - - - - x", None, "<192>1 - - - - - - x"),
            ("<13>2 - - - - - - x", Some(13), "2 - - - - - - x"),
            ("<13>1 - - - -", Some(13), "1 - - - -"),
            ("<13>1 yesterday - - - - - x", Some(13), "1 yesterday - - - - - x"),
            ("", None, ""),
        ] {
            let message = Message::parse(whole.as_bytes());
            assert_eq!((message.priority, text(&message)), (priority, rest), "{whole}");
        }
        // Of structured data that is none, nothing is lost.
        let message = Message::parse(br#"<13>1 - h a - - [x y="1" text"#);
        assert_eq!((message.hostname.as_deref(), text(&message)), (Some("h"), r#"[x y="1" text"#));
    }

    #[test]
    fn of_several_marks_only_the_first_is_the_mark() {
        let message = Message::parse(b"\xef\xbb\xbf\xef\xbb\xbftext");
        assert_eq!(text(&message), "\u{feff}text");
        assert_eq!(Message::parse(&message.to_bytes()).text, message.text);
    }

    fn field() -> impl Strategy<Value = Option<String>> {
        prop::option::of("[!-~]{1,32}".prop_filter("that is nil", |field| field != "-"))
    }

    fn messages() -> impl Strategy<Value = Message<'static>> {
        let name = || "[!#-<>-\\\\^-~]{1,32}";
        let element = (name(), prop::collection::vec((name(), any::<String>()), 0..4));
        let timestamp =
            prop::option::of("20[0-9]{2}-0[1-9]-1[0-9]T1[0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?Z");
        let text = prop::collection::vec(any::<u8>(), 0..60);
        (
            0..=191_u8,
            timestamp,
            field(),
            field(),
            field(),
            field(),
            prop::collection::vec(element, 0..3),
            text,
        )
            .prop_map(
                |(priority, timestamp, hostname, app_name, process_id, message_id, elements, text)| Message {
                    priority: Some(priority),
                    is_rfc5424: true,
                    timestamp: timestamp.map(Into::into),
                    hostname: hostname.map(Into::into),
                    app_name: app_name.map(Into::into),
                    process_id: process_id.map(Into::into),
                    message_id: message_id.map(Into::into),
                    structured_data: elements
                        .into_iter()
                        .map(|(id, parameters)| Element { id, parameters })
                        .collect(),
                    text: text.into(),
                },
            )
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_is_read(message in messages()) {
            let bytes = message.to_bytes();
            prop_assert_eq!(Message::parse(&bytes), message);
        }

        #[test]
        fn nothing_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let message = Message::parse(&bytes);
            if message.priority.is_none() {
                prop_assert!(bytes.ends_with(&message.text));
            }
        }

        #[test]
        fn no_cut_and_no_changed_byte_makes_it_panic_or_lose_text(message in messages(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = message.to_bytes();
            for cut in 0..bytes.len() {
                let message = Message::parse(&bytes[..cut]);
                prop_assert!(bytes[..cut].ends_with(&message.text));
            }
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let message = Message::parse(&bytes);
            prop_assert!(bytes.ends_with(&message.text));
        }
    }
}
