use audit_template::{Escape, Template, TemplateError};

use crate::Notice;
use crate::marks::marks;

/// Longer subjects are cut, in characters: RFC 5322 §2.1.1 bounds a line to 998 bytes, and readers show far less.
const MOST_SUBJECT: usize = 200;

const SUBJECT: &str = include_str!("email/subject.txt");
const TEXT: &str = include_str!("email/text.txt");
const HTML: &str = include_str!("email/html.html");

/// Alerts as e-mail.
///
/// ```
/// use audit_notify::{Email, Notice};
///
/// let notice = Notice::from_line(br#"{"event_type":"alert.fired","details":{"rule":"r","severity":"high","event":{
///     "event_type":"access.denied","actor":{"id":"x\r\nBcc: y"}}}}"#)?.expect("an alert");
/// let mail = Email::default().message(&notice);
/// assert_eq!(mail.subject, "[HIGH] r: access.denied by x Bcc: y");
/// # Ok::<(), audit_notify::NoticeError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Email {
    subject: Template,
    text: Template,
    html: Option<Template>,
    has_own_text: bool,
    has_own_html: bool,
}

/// An e-mail without its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EmailMessage {
    /// One line without control characters, of at most 200 characters, not encoded yet.
    pub subject: String,
    /// The plain text, at least the summary. Lines end with `\n`.
    pub text: String,
    /// The same as HTML; not there when only a text was designed, or the HTML rendered as nothing.
    pub html: Option<String>,
}

impl Default for Email {
    fn default() -> Self {
        let read =
            |text| Template::parse(text, &Notice::shape()).expect("a test reads the default templates");
        Self {
            subject: read(SUBJECT),
            text: read(TEXT),
            html: Some(read(HTML)),
            has_own_text: false,
            has_own_html: false,
        }
    }
}

impl Email {
    /// The default templates, to begin with when one writes others: subject, text, HTML.
    #[must_use]
    pub const fn default_templates() -> [&'static str; 3] {
        [SUBJECT, TEXT, HTML]
    }

    /// Sets a template for the subject.
    ///
    /// # Errors
    /// When it is not a template, or names a field that there is not.
    pub fn subject(mut self, text: &str) -> Result<Self, TemplateError> {
        self.subject = Template::parse(text, &Notice::shape())?;
        Ok(self)
    }

    /// Sets a template for the text. The e-mail then has HTML only if that is set as well.
    ///
    /// # Errors
    /// When it is not a template, or names a field that there is not.
    pub fn text(mut self, text: &str) -> Result<Self, TemplateError> {
        self.text = Template::parse(text, &Notice::shape())?;
        self.has_own_text = true;
        // The default HTML beside it would be what most readers show.
        self.html = self.html.filter(|_| self.has_own_html);
        Ok(self)
    }

    /// Sets a template for the HTML.
    ///
    /// # Errors
    /// When it is not a template, or names a field that there is not.
    pub fn html(mut self, text: &str) -> Result<Self, TemplateError> {
        self.html = Some(Template::parse(text, &Notice::shape())?);
        self.has_own_html = true;
        Ok(self)
    }

    /// What to send.
    #[must_use]
    pub fn message(&self, notice: &Notice) -> EmailMessage {
        // In our own text, a value of several lines could pose as lines of ours.
        let escape = if self.has_own_text { Escape::None } else { Escape::HeaderLine };
        let mut text = text(&self.text, notice, escape);
        if text.trim().is_empty() {
            text = format!("{}{}\n", marks(notice, &self.text), notice.summary());
        }
        let html = self.html.as_ref().map(|template| html(template, notice));
        let html = html.filter(|html| !html.trim().is_empty());
        EmailMessage { subject: subject(&self.subject, notice), text, html }
    }
}

fn subject(template: &Template, notice: &Notice) -> String {
    let rendered = template.render(notice.dot(), Escape::HeaderLine);
    // The template's own line breaks go too: of a YAML block, one stands at the end.
    let line = Escape::HeaderLine.escaped(&rendered);
    let line = if line.trim().is_empty() { notice.summary() } else { line.trim() };
    let line = format!("{}{line}", marks(notice, template));
    match line.char_indices().nth(MOST_SUBJECT) {
        Some(_) => line.chars().take(MOST_SUBJECT - 1).chain(['…']).collect(),
        None => line,
    }
}

fn text(template: &Template, notice: &Notice, escape: Escape) -> String {
    let rendered = template.render(notice.dot(), escape);
    if rendered.trim().is_empty() {
        return String::new();
    }
    let mut text = marks(notice, template);
    for c in rendered.replace("\r\n", "\n").replace('\r', "\n").chars() {
        // A terminal that shows the mail would obey them.
        if c == '\n' || c == '\t' || !c.is_control() {
            text.push(c);
        }
    }
    text
}

fn html(template: &Template, notice: &Notice) -> String {
    let rendered: String = template
        .render(notice.dot(), Escape::Html)
        .chars()
        .filter(|c| matches!(c, '\n' | '\t') || !c.is_control())
        .collect();
    let marks = marks(notice, template);
    if marks.is_empty() || rendered.trim().is_empty() {
        return rendered;
    }
    let body = rendered
        .to_ascii_lowercase()
        .find("<body")
        .and_then(|start| Some(start + rendered[start..].find('>')? + 1));
    let (before, behind) = rendered.split_at(body.unwrap_or(0));
    format!("{before}<p><strong>{}</strong></p>{behind}", marks.trim_end())
}
