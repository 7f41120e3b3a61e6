//! A mail server that answers as the test says, for answers that a sane one never gives.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What is answered to a command, CRLF included; `None` ends the connection. The command is `<connect>` for the greeting,
/// and `<content>` for a letter.
type Script = dyn Fn(&str) -> Option<String> + Send + Sync;

/// As any server would.
pub(crate) fn usual(command: &str) -> Option<String> {
    let verb = command.split([' ', ':']).next().unwrap_or_default();
    let answer = match verb {
        "<connect>" => "220 scripted",
        "EHLO" => "250-scripted\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME",
        "DATA" => "354 go on",
        "AUTH" => "235 welcome",
        "QUIT" => "221 bye",
        _ => "250 ok",
    };
    Some(format!("{answer}\r\n"))
}

pub(crate) fn says(answer: &str) -> Option<String> {
    Some(format!("{answer}\r\n"))
}

type Lines = Arc<Mutex<Vec<String>>>;

/// Listens until the test ends.
pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    commands: Lines,
    letters: Lines,
}

impl Scripted {
    pub(crate) fn new(script: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (commands, letters) = (Lines::default(), Lines::default());
        let script: Arc<Script> = Arc::new(script);
        let server = Self { address, commands: Arc::clone(&commands), letters: Arc::clone(&letters) };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (commands, letters) = (Arc::clone(&commands), Arc::clone(&letters));
                let script = Arc::clone(&script);
                thread::spawn(move || serve(&stream, &commands, &letters, &*script));
            }
        });
        server
    }

    /// Those that begin so, of all connections.
    pub(crate) fn commands(&self, begin: &str) -> Vec<String> {
        let commands = self.commands.lock().unwrap();
        commands.iter().filter(|command| command.starts_with(begin)).cloned().collect()
    }

    /// What was accepted.
    pub(crate) fn letters(&self) -> Vec<String> {
        self.letters.lock().unwrap().clone()
    }
}

fn serve(
    stream: &TcpStream,
    commands: &Mutex<Vec<String>>,
    letters: &Mutex<Vec<String>>,
    script: &Script,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut command = "<connect>".to_owned();
    loop {
        commands.lock().unwrap().push(command.clone());
        let answer = script(&command)?;
        (&*stream).write_all(answer.as_bytes()).ok()?;
        if command == "QUIT" {
            return None;
        }
        if command == "DATA" && answer.starts_with("354") {
            let mut letter = String::new();
            while line(&mut reader, &mut letter)? != ".\r\n" {}
            command = "<content>".to_owned();
            let answer = script(&command)?;
            commands.lock().unwrap().push(command);
            if answer.starts_with('2') {
                letters.lock().unwrap().push(letter);
            }
            (&*stream).write_all(answer.as_bytes()).ok()?;
        }
        command = line(&mut reader, &mut String::new())?.trim_end().to_owned();
    }
}

fn line(reader: &mut BufReader<&TcpStream>, all: &mut String) -> Option<String> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line).ok().filter(|read| *read > 0)?;
    let line = String::from_utf8_lossy(&line).into_owned();
    all.push_str(&line);
    Some(line)
}
