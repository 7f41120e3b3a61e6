use std::fmt;
use std::time::Duration;

use audit_tls::TlsOptions;
use secrecy::SecretString;

/// Where letters go, from whom and to whom.
#[derive(Clone)]
pub struct EmailOptions {
    pub(crate) server: String,
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) credentials: Option<(String, SecretString)>,
    pub(crate) encryption: Option<Encryption>,
    pub(crate) tls: Option<TlsOptions>,
    pub(crate) danger_credentials_in_the_clear: bool,
    pub(crate) hello_name: Option<String>,
    pub(crate) connect_timeout: Duration,
    pub(crate) answer_timeout: Duration,
    pub(crate) recipient_attempts: u32,
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encryption {
    /// It begins in the clear and goes on under TLS before anything is said (RFC 3207); a server that does not offer
    /// that gets nothing. The usual port is 587.
    StartTls,
    /// It is under TLS from its first byte (RFC 8314 §3.3). The usual port is 465.
    Tls,
    /// In the clear: everybody on the way can read and change the letters.
    Plain,
}

impl EmailOptions {
    /// Mail from this address through the server at `host:port`; a host alone means port 587. Port 465 means TLS from the
    /// first byte, any other STARTTLS, unless [`encryption`](Self::encryption) says otherwise. 10 s to connect, 60 s for
    /// each answer, and no recipients yet.
    #[must_use]
    pub fn new(server: impl Into<String>, from: impl Into<String>) -> Self {
        Self {
            server: server.into(),
            from: from.into(),
            to: Vec::new(),
            credentials: None,
            encryption: None,
            tls: None,
            danger_credentials_in_the_clear: false,
            hello_name: None,
            connect_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(60),
            recipient_attempts: 5,
        }
    }

    /// Who gets every letter, `ops@example.com` or `Operations <ops@example.com>` each; added to those given before. All
    /// of them see all of them.
    #[must_use]
    pub fn to(mut self, recipients: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.to.extend(recipients.into_iter().map(Into::into));
        self
    }

    /// Logs in with this user name and password (PLAIN or LOGIN, whichever the server offers); by default not at all.
    #[must_use]
    pub fn credentials(mut self, user: impl Into<String>, password: SecretString) -> Self {
        self.credentials = Some((user.into(), password));
        self
    }

    /// How the connection is protected.
    #[must_use]
    pub fn encryption(mut self, encryption: Encryption) -> Self {
        self.encryption = Some(encryption);
        self
    }

    /// Whom to trust, and what client certificate to show; the platform's roots and none by default.
    #[must_use]
    pub fn tls(mut self, tls: TlsOptions) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Logs in even where anybody on the way can read the password: with [`Encryption::Plain`] to another machine.
    #[must_use]
    pub fn danger_credentials_in_the_clear(mut self, allow: bool) -> Self {
        self.danger_credentials_in_the_clear = allow;
        self
    }

    /// What this machine calls itself (EHLO), best as its full domain name. By default it is the connection's own address,
    /// as RFC 5321 §4.1.4 has it for a client that knows no name; some servers want a name.
    #[must_use]
    pub fn hello_name(mut self, name: impl Into<String>) -> Self {
        self.hello_name = Some(name.into());
        self
    }

    /// How long the connection may take, and TLS on it as long again; 10 s by default.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long the server may take for each answer; 60 s by default. RFC 5321 §4.5.3.2 would have clients wait for up
    /// to ten minutes. A letter whose answer came too late is sent again, and may arrive twice.
    #[must_use]
    pub fn answer_timeout(mut self, timeout: Duration) -> Self {
        self.answer_timeout = timeout;
        self
    }

    /// How often a recipient whom the server refuses for the moment (4xx: greylisted, mailbox full) is tried while others
    /// have the letter already; 5 by default, and never less than one. Then the letter is rejected, with a reason that says
    /// who has it and who has not: letters that come later do not wait any longer.
    #[must_use]
    pub fn recipient_attempts(mut self, attempts: u32) -> Self {
        self.recipient_attempts = attempts.max(1);
        self
    }
}

impl fmt::Debug for EmailOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmailOptions")
            .field("server", &self.server)
            .field("from", &self.from)
            .field("to", &self.to)
            .field("user", &self.credentials.as_ref().map(|(user, _)| user))
            .field("encryption", &self.encryption)
            .field("tls", &self.tls)
            .field("hello_name", &self.hello_name)
            .field("connect_timeout", &self.connect_timeout)
            .field("answer_timeout", &self.answer_timeout)
            .field("recipient_attempts", &self.recipient_attempts)
            .finish_non_exhaustive()
    }
}
