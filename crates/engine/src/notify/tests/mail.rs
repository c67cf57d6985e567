//! Mail over TLS, and the password of who sends it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::super::Undelivered;
use super::super::mail::{Letter, send};
use super::super::rules::{Mail, Tls};
use crate::executor::{Control, EndSwitch};
use crate::lent::Environment;
use crate::net::{Client, NetworkPolicy, Resolve};
use crate::secrets::{SecretError, SecretString, Secrets};

const AUTHORITY: &[u8] = include_bytes!("../../executors/http/tests/tls/authority.der");
const GOOD: (&[u8], &[u8]) = (
    include_bytes!("../../executors/http/tests/tls/good.der"),
    include_bytes!("../../executors/http/tests/tls/good.key"),
);
const PASSWORD: &str = "mail-hunter44";

struct Names;

impl Resolve for Names {
    fn resolve(&self, _: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))])
    }
}

struct One;

impl Secrets for One {
    fn get(&self, name: &str, _: Option<&Environment>, _: &dyn Control) -> Result<SecretString, SecretError> {
        SecretString::new(name, PASSWORD)
    }
}

trait Wire: Read + Write + Send {}
impl<T: Read + Write + Send> Wire for T {}

fn secured(stream: TcpStream) -> Box<dyn Wire> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::try_from(GOOD.1).unwrap();
    let config = builder.with_no_client_auth().with_single_cert(vec![GOOD.0.into()], key).unwrap();
    Box::new(StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream))
}

/// What a server of mail does.
#[derive(Clone, Copy)]
struct Ways {
    tls: Tls,
    /// It offers STARTTLS, and says something more in plain at once.
    injects: bool,
    /// What it says behind AUTH; none: it takes no password.
    auth: &'static str,
    refuses: bool,
}

const PLAIN: Ways = Ways { tls: Tls::Starttls, injects: false, auth: "LOGIN PLAIN", refuses: false };

/// A server of mail for one client, and what that has said: `>` before what went over TLS.
fn server(ways: Ways) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let said = Arc::new(Mutex::new(Vec::new()));
    let heard = said.clone();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // Whatever ends the conversation is looked at by what was said in it.
        let _ = converse(ways, stream, &heard);
    });
    (port, said)
}

fn converse(ways: Ways, stream: TcpStream, heard: &Mutex<Vec<String>>) -> io::Result<()> {
    let raw = stream.try_clone()?;
    let mut secure = ways.tls == Tls::Always;
    let mut wire = BufReader::new(if secure { secured(stream) } else { Box::new(stream) });
    write!(wire.get_mut(), "220 ready\r\n")?;
    let mut challenges = 0;
    let mut data = false;
    loop {
        wire.get_mut().flush()?;
        let mut line = String::new();
        if wire.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let line = line.trim_end().to_owned();
        heard.lock().unwrap().push(format!("{}{line}", if secure { "> " } else { "" }));
        let answer = match line.split([' ', ':']).next().unwrap_or_default() {
            _ if data => {
                if line != "." {
                    continue;
                }
                data = false;
                "250 taken".to_owned()
            }
            "EHLO" if ways.tls == Tls::Starttls && !secure => "250-test\r\n250 STARTTLS".to_owned(),
            "EHLO" if ways.auth.is_empty() => "250 test".to_owned(),
            "EHLO" => format!("250-test\r\n250 AUTH {}", ways.auth),
            "STARTTLS" if ways.injects => {
                write!(wire.get_mut(), "220 go on\r\n250 and more\r\n")?;
                wire.get_mut().flush()?;
                continue;
            }
            "STARTTLS" => {
                write!(wire.get_mut(), "220 go on\r\n")?;
                secure = true;
                wire = BufReader::new(secured(raw.try_clone()?));
                continue;
            }
            "AUTH" if line == "AUTH LOGIN" => {
                challenges = 2;
                "334 VXNlcm5hbWU6".to_owned()
            }
            _ if challenges == 2 => {
                challenges = 1;
                "334 UGFzc3dvcmQ6".to_owned()
            }
            _ if challenges == 1 || line.starts_with("AUTH ") => {
                challenges = 0;
                // As some do: with what was sent.
                match ways.refuses {
                    true => format!("535 5.7.8 {line} {PASSWORD}"),
                    false => "235 well".to_owned(),
                }
            }
            "DATA" => {
                data = true;
                "354 go on".to_owned()
            }
            _ => "250 ok".to_owned(),
        };
        write!(wire.get_mut(), "{answer}\r\n")?;
    }
}

/// Sends one mail to such a server as a rule with this TLS says.
fn sent(ways: Ways, tls: Tls, host: &str) -> (Result<(), Undelivered>, Vec<String>) {
    let (port, said) = server(ways);
    let connect = Duration::from_secs(20);
    let client = Client::with(NetworkPolicy::OWN, connect, 8192, Arc::new(Names), vec![AUTHORITY.into()]);
    let login = Some(("stead".to_owned(), "MAIL".to_owned())).filter(|_| tls != Tls::None);
    let from = "stead@example.org".to_owned();
    let mail = Mail { server: host.to_owned(), port, tls, login, from, to: Vec::new() };
    let letter = Letter { id: "n_1", at: 1_760_000_000_000, subject: "Ship it?", text: "Somebody asks.\n" };
    let result = send(&mail, "ana@example.org", &letter, &client, &One, &EndSwitch::new().unwrap());
    let said = said.lock().unwrap().clone();
    (result, said)
}

#[test]
fn a_password_goes_only_over_tls_that_was_looked_at() {
    let (result, said) = sent(PLAIN, Tls::Starttls, "good.example");
    result.unwrap();
    let plain = STANDARD.encode(format!("\0stead\0{PASSWORD}"));
    let expected = ["EHLO localhost", "STARTTLS", "> EHLO localhost", &format!("> AUTH PLAIN {plain}")];
    assert_eq!(said[..4], expected);
    assert!(said[4..].iter().all(|line| line.starts_with("> ")), "{said:#?}");
    assert!(said.iter().any(|line| line == "> RCPT TO:<ana@example.org>"), "{said:#?}");
    let (result, said) = sent(Ways { tls: Tls::Always, auth: "LOGIN", ..PLAIN }, Tls::Always, "good.example");
    result.unwrap();
    let (user, password) = (STANDARD.encode("stead"), STANDARD.encode(PASSWORD));
    let expected = ["> EHLO localhost", "> AUTH LOGIN", &format!("> {user}"), &format!("> {password}")];
    assert_eq!(said[..4], expected);
}

#[test]
fn p9_nothing_is_sent_to_a_server_of_mail_that_is_not_who_it_says_or_speaks_in_plain() {
    // Who sits in between takes STARTTLS out of what the server can do, adds words of its own, or shows what it has.
    for (ways, tls, host, part) in [
        (Ways { tls: Tls::None, ..PLAIN }, Tls::Starttls, "good.example", "offers no STARTTLS"),
        (Ways { injects: true, ..PLAIN }, Tls::Starttls, "good.example", "before TLS had begun"),
        (PLAIN, Tls::Starttls, "other.example", "not valid for name"),
        (Ways { tls: Tls::Always, ..PLAIN }, Tls::Always, "other.example", "not valid for name"),
        (Ways { tls: Tls::None, ..PLAIN }, Tls::Always, "good.example", "no secure connection"),
    ] {
        let (result, said) = sent(ways, tls, host);
        let why = result.unwrap_err().why;
        assert!(why.contains(part), "{why}");
        assert!(!said.iter().any(|line| line.contains("AUTH") || line.contains("MAIL")), "{said:#?}");
    }
}

#[test]
fn p9_a_refused_password_is_in_no_message() {
    for auth in ["PLAIN", "LOGIN"] {
        let (result, _) = sent(Ways { auth, refuses: true, ..PLAIN }, Tls::Starttls, "good.example");
        let refused = result.unwrap_err();
        assert!(refused.for_good && refused.why.contains("535"), "{}", refused.why);
        let ways =
            [PASSWORD.to_owned(), STANDARD.encode(PASSWORD), STANDARD.encode(format!("\0stead\0{PASSWORD}"))];
        assert!(!ways.iter().any(|way| refused.why.contains(way)), "{}", refused.why);
    }
    let (result, said) = sent(Ways { auth: "CRAM-MD5", ..PLAIN }, Tls::Starttls, "good.example");
    assert!(result.unwrap_err().why.contains("PLAIN or LOGIN"));
    assert!(!said.iter().any(|line| line.contains("MAIL")), "{said:#?}");
}
