//! Signing in by a provider of OpenID Connect, with a provider of its own: a server that describes itself, publishes
//! keys, and gives a token for a code, signed with them.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use crate::project::Project;
use crate::serve::{Served, Told, serve_with};

const PUBLIC: &str = "serve --listen 127.0.0.1:0 --public-url https://stead.example.org";
const BACK: &str = "https://stead.example.org/api/v1/session/oidc/callback";
const SECRET: &str = "a secret & with signs";

enum Pair {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    /// A key that `openssl` has made.
    Rs256(tempfile::TempDir),
}

impl Pair {
    fn es256() -> Self {
        let (kind, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let made = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        Self::Es256(EcdsaKeyPair::from_pkcs8(kind, made.as_ref(), &random).unwrap())
    }

    fn ed25519() -> Self {
        let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::EdDsa(Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap())
    }

    fn rsa() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let words = "genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem";
        let made = Command::new("openssl").args(words.split(' ')).current_dir(folder.path()).status();
        assert!(made.unwrap().success());
        Self::Rs256(folder)
    }

    fn alg(&self) -> &'static str {
        match self {
            Self::Es256(_) => "ES256",
            Self::EdDsa(_) => "EdDSA",
            Self::Rs256(_) => "RS256",
        }
    }

    fn published(&self, id: &str) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Es256(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "use": "sig", "kid": id, "x": text(x), "y": text(y)})
            }
            Self::EdDsa(pair) => {
                let x = text(pair.public_key().as_ref());
                json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": id, "x": x})
            }
            Self::Rs256(folder) => {
                let words = "rsa -in key.pem -noout -modulus";
                let told = Command::new("openssl").args(words.split(' ')).current_dir(folder.path()).output();
                let told = String::from_utf8(told.unwrap().stdout).unwrap();
                let hex = told.trim().strip_prefix("Modulus=").unwrap();
                let byte = |at: usize| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap();
                let bytes: Vec<u8> = (0..hex.len() / 2).map(byte).collect();
                json!({"kty": "RSA", "alg": "RS256", "use": "sig", "kid": id, "n": text(&bytes), "e": "AQAB"})
            }
        }
    }

    fn sign(&self, text: &str) -> Vec<u8> {
        match self {
            Self::Es256(pair) => pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap().as_ref().to_vec(),
            Self::EdDsa(pair) => pair.sign(text.as_bytes()).as_ref().to_vec(),
            Self::Rs256(folder) => {
                let mut command = Command::new("openssl");
                command.args(["dgst", "-sha256", "-sign", "key.pem"]).current_dir(folder.path());
                let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
                child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
                child.wait_with_output().unwrap().stdout
            }
        }
    }
}

/// What was granted for a code.
struct Granted {
    claims: Value,
    /// Other words in the head of the token than those of the key.
    head: Value,
    challenge: String,
}

struct State {
    pair: Pair,
    key: String,
    codes: HashMap<String, Granted>,
    down: bool,
    /// It calls itself so, where that is not its address.
    called: Option<String>,
    keys_asked: usize,
}

struct Provider {
    issuer: String,
    state: Arc<Mutex<State>>,
}

impl Provider {
    fn new(pair: Pair) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let (key, codes) = ("k1".to_owned(), HashMap::new());
        let state = State { pair, key, codes, down: false, called: None, keys_asked: 0 };
        let state = Arc::new(Mutex::new(state));
        let (own, shared) = (issuer.clone(), Arc::clone(&state));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), &own, &shared);
            }
        });
        Self { issuer, state }
    }

    fn claims(&self, nonce: &str) -> Value {
        let now = seconds();
        json!({"iss": self.issuer, "sub": "s-ana", "aud": "stead", "exp": now + 300, "iat": now, "nonce": nonce,
            "email": "Ana@example.org", "email_verified": true, "preferred_username": "ana.lee", "name": "Ana Lee"})
    }

    /// What somebody does at the provider: they sign in, and are sent back with a code.
    fn grant(&self, sent: &Sent, claims: Value, head: Value) -> String {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let challenge = sent.query["code_challenge"].clone();
        let code = format!("code-{}&+", COUNT.fetch_add(1, Ordering::Relaxed));
        self.state.lock().unwrap().codes.insert(code.clone(), Granted { claims, head, challenge });
        coded(&code)
    }
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn answer(mut stream: TcpStream, issuer: &str, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut first, mut length, mut basic) = (String::new(), 0, String::new());
    reader.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "authorization" => value.clone_into(&mut basic),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut state = state.lock().unwrap();
    let (status, told) = match first.split(' ').nth(1).unwrap_or_default() {
        _ if state.down => (502, Value::from("a gateway")),
        "/.well-known/openid-configuration" => {
            let called = state.called.clone().unwrap_or_else(|| issuer.to_owned());
            let at = |path: &str| format!("{issuer}/{path}");
            let (authorize, token, keys) = (at("authorize?tenant=1"), at("token"), at("keys"));
            (
                200,
                json!({"issuer": called, "authorization_endpoint": authorize, "token_endpoint": token, "jwks_uri": keys}),
            )
        }
        "/keys" => {
            state.keys_asked += 1;
            let other = json!({"kty": "oct", "kid": "x", "k": "AAAA"});
            (200, json!({"keys": [other, state.pair.published(&state.key)]}))
        }
        "/token" => exchanged(&mut state, &basic, &query(std::str::from_utf8(&body).unwrap())),
        _ => (404, Value::Null),
    };
    let told = told.to_string();
    let length = told.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    // Who asked may have gone.
    let _ = stream.write_all(format!("{head}{told}").as_bytes());
}

fn exchanged(state: &mut State, basic: &str, form: &HashMap<String, String>) -> (u16, Value) {
    let known = format!("stead:{}", SECRET.replace(' ', "%20").replace('&', "%26"));
    if basic != format!("Basic {}", STANDARD.encode(known)) {
        return (401, json!({"error": "invalid_client"}));
    }
    let fits = |granted: &Granted| {
        form["grant_type"] == "authorization_code"
            && form["redirect_uri"] == BACK
            && URL_SAFE_NO_PAD.encode(digest(&SHA256, form["code_verifier"].as_bytes())) == granted.challenge
    };
    let Some(granted) = state.codes.remove(&form["code"]).filter(fits) else {
        return (400, json!({"error": "invalid_grant"}));
    };
    let mut head = json!({"alg": state.pair.alg(), "kid": state.key});
    for (name, value) in granted.head.as_object().into_iter().flatten() {
        head[name] = value.clone();
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&head), part(&granted.claims));
    let signature = match head["alg"].as_str() {
        Some("none") => String::new(),
        _ => URL_SAFE_NO_PAD.encode(state.pair.sign(&text)),
    };
    (200, json!({"access_token": "x", "token_type": "Bearer", "id_token": format!("{text}.{signature}")}))
}

fn query(text: &str) -> HashMap<String, String> {
    let decoded = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            bytes.push(match byte {
                b'%' => {
                    let hex = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap()
                }
                byte => byte,
            });
        }
        String::from_utf8(bytes).unwrap()
    };
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

fn coded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// A browser that is at the provider.
struct Sent {
    query: HashMap<String, String>,
    cookie: String,
}

/// One address after the other: who fails too often waits.
fn from() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("x-forwarded-for: 192.0.2.{}\r\n", COUNT.fetch_add(1, Ordering::Relaxed) % 250)
}

fn begun(served: &Served<'_>, provider: &Provider) -> Sent {
    let told = served.ask_as("", "GET", "/session/oidc/begin", &from(), "").is(303);
    let line = |name: &str| told.raw.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
    let location = line("location: ");
    let rest = location.strip_prefix(&format!("{}/authorize?tenant=1&", provider.issuer)).unwrap();
    let set = line("set-cookie: ");
    assert!(
        set.starts_with("__Host-stead-oidc=") && set.ends_with("; HttpOnly; SameSite=Lax; Secure"),
        "{set}"
    );
    Sent { query: query(rest), cookie: set.split(';').next().unwrap().to_owned() }
}

fn came_back(served: &Served<'_>, cookie: &str, rest: &str) -> Told {
    // As a browser comes that somebody else sends.
    let more = format!("{}cookie: {cookie}\r\nsec-fetch-site: cross-site\r\n", from());
    served.ask_as("", "GET", &format!("/session/oidc/callback?{rest}"), &more, "")
}

fn signed_in(served: &Served<'_>, provider: &Provider, change: impl FnOnce(&mut Value)) -> Told {
    let sent = begun(served, provider);
    let mut claims = provider.claims(&sent.query["nonce"]);
    change(&mut claims);
    let code = provider.grant(&sent, claims, Value::Null);
    // What it sends besides is its own.
    let issuer = coded(&provider.issuer);
    let rest = format!("code={code}&state={}&session_state=x&iss={issuer}", sent.query["state"]);
    came_back(served, &sent.cookie, &rest)
}

fn session(told: &Told) -> String {
    let set = told.raw.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    assert!(set.ends_with("; HttpOnly; SameSite=Strict; Secure"), "{set}");
    set.split(';').next().unwrap().to_owned()
}

fn me(served: &Served<'_>, cookie: &str) -> Told {
    served.ask_as("", "GET", "/me", &format!("{}cookie: {cookie}\r\n", from()), "")
}

/// That nothing was begun, and why.
#[track_caller]
fn none(told: Told, status: u16, code: &str) {
    assert!(!told.raw.contains("set-cookie: __Host-stead=s"), "{told:?}");
    told.says(status, code);
}

fn settings(project: &Project, provider: &Provider, more: &str) {
    let text = format!(
        "secrets: {{ LOGIN: \"{SECRET}\" }}\noidc: {{ issuer: \"{}\", client_id: stead, client_secret: LOGIN, private: true{more} }}\n",
        provider.issuer
    );
    let path = project.path(".stead/settings.yml");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn project() -> Project {
    let project = Project::new();
    project.stead("people add ana --role operator --email ana@example.org").is(0);
    project
}

#[test]
fn who_signs_in_at_the_provider_has_a_session_and_their_account_is_theirs() {
    let (project, provider) = (project(), Provider::new(Pair::es256()));
    settings(&project, &provider, "");
    // Nobody has a token or a password, and yet somebody can show who they are.
    let served = serve_with(&project, PUBLIC);
    let sent = begun(&served, &provider);
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "stead"),
        ("redirect_uri", BACK),
        ("scope", "openid email profile"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(sent.query[name], value);
    }
    let told = signed_in(&served, &provider, |_| {}).is(200);
    let page = told.body.as_str().unwrap();
    assert!(page.contains("Signed in as ana.") && page.contains("content=\"0;url=/api/v1/docs\""), "{page}");
    let cookie = session(&told);
    let who = me(&served, &cookie).is(200).body;
    assert_eq!((&who["actor"]["user"], &who["means"]), (&json!("user:ana"), &json!("session")));
    project.stead("audit").is(0).answers("bind an account").answers("sign in by the provider");
    // It is bound by what never changes, and is hers whatever she is called.
    signed_in(&served, &provider, |claims| claims["email"] = json!("lee@elsewhere.example")).is(200);
    // Somebody else who comes to have her address gets nothing of hers.
    none(signed_in(&served, &provider, |claims| claims["sub"] = json!("s-other")), 403, "R0627");
    project.stead("audit").is(0).answers("R0627");
    // It is listed, and ends with the sessions that it began.
    let listed = project.stead("token list --all --json").is(0).lines();
    assert_eq!(listed[0]["user"], "user:ana");
    assert_eq!(listed[0]["name"], json!(provider.issuer));
    project.call(&["token", "revoke", listed[0]["id"].as_str().unwrap()]).is(0);
    me(&served, &cookie).says(401, "R0603");
    // Then it is a new one again, which the rule decides about.
    let again = session(&signed_in(&served, &provider, |_| {}).is(200));
    me(&served, &again).is(200);
    project.stead("people remove ana").is(0);
    me(&served, &again).is(401);
    none(signed_in(&served, &provider, |_| {}), 403, "R0627");
    served.leave("TERM").is(0);
}

#[test]
fn a_sign_in_that_does_not_hold_begins_nothing() {
    let (project, provider) = (project(), Provider::new(Pair::es256()));
    project.stead("people add bot --agent").is(0);
    project.stead("people edit bot --email bot@example.org").is(0);
    settings(&project, &provider, "");
    let served = serve_with(&project, PUBLIC);
    let now = seconds();
    for (key, value, status, code) in [
        ("nonce", json!("another"), 401, "R0626"),
        ("aud", json!("another"), 401, "R0626"),
        ("aud", json!(["stead", "another"]), 401, "R0626"),
        ("iss", json!("http://127.0.0.1:1"), 401, "R0626"),
        ("exp", json!(now - 120), 401, "R0626"),
        ("iat", json!(now + 600), 401, "R0626"),
        ("email_verified", json!(false), 403, "R0627"),
        ("email", json!("nobody@example.org"), 403, "R0627"),
        ("email", json!("bot@example.org"), 403, "R0627"),
        ("email", Value::Null, 403, "R0627"),
    ] {
        let told = signed_in(&served, &provider, |claims| claims[key] = value.clone());
        none(told, status, code);
    }
    for head in
        [json!({"alg": "none"}), json!({"alg": "HS256"}), json!({"alg": "EdDSA"}), json!({"kid": "k9"})]
    {
        let sent = begun(&served, &provider);
        let code = provider.grant(&sent, provider.claims(&sent.query["nonce"]), head);
        none(
            came_back(&served, &sent.cookie, &format!("code={code}&state={}", sent.query["state"])),
            401,
            "R0626",
        );
    }
    let sent = begun(&served, &provider);
    let granted = || provider.grant(&sent, provider.claims(&sent.query["nonce"]), Value::Null);
    let state = &sent.query["state"];
    none(came_back(&served, &sent.cookie, &format!("code={}", granted())), 400, "H0206");
    none(came_back(&served, &sent.cookie, &format!("code={}&state=x", granted())), 401, "R0626");
    // What is finished by another browser than has begun it is over.
    none(came_back(&served, "a=b", &format!("code={}&state={state}", granted())), 401, "R0626");
    none(came_back(&served, &sent.cookie, &format!("code={}&state={state}", granted())), 401, "R0626");
    let other = begun(&served, &provider);
    none(came_back(&served, &sent.cookie, &format!("code=x&state={}", other.query["state"])), 401, "R0626");
    let denied = "error=access_denied&error_description=%3Cb%3E";
    for rest in ["code=unknown", denied, "x=y", "code=x&iss=http%3A%2F%2Fevil.example"] {
        let sent = begun(&served, &provider);
        none(
            came_back(&served, &sent.cookie, &format!("{rest}&state={}", sent.query["state"])),
            401,
            "R0626",
        );
    }
    // A code is good for the browser that it was granted to: it was begun with another challenge.
    let (one, two) = (begun(&served, &provider), begun(&served, &provider));
    let code = provider.grant(&one, provider.claims(&two.query["nonce"]), Value::Null);
    none(came_back(&served, &two.cookie, &format!("code={code}&state={}", two.query["state"])), 401, "R0626");
    // Once: what is sent twice has one session.
    let sent = begun(&served, &provider);
    let code = provider.grant(&sent, provider.claims(&sent.query["nonce"]), Value::Null);
    let rest = format!("code={code}&state={}", sent.query["state"]);
    came_back(&served, &sent.cookie, &rest).is(200);
    none(came_back(&served, &sent.cookie, &rest), 401, "R0626");
    // Who fails too often waits.
    let mut last = 0;
    for _ in 0..=stead_server::limits::FAILURES {
        let more = "x-forwarded-for: 198.51.100.1\r\n";
        last = served.ask_as("", "GET", "/session/oidc/callback?state=x", more, "").status;
    }
    assert_eq!(last, 429);
    served.leave("TERM").is(0);
}

#[test]
fn keys_change_and_providers_go_away() {
    let (project, provider) = (project(), Provider::new(Pair::rsa()));
    settings(&project, &provider, "");
    provider.state.lock().unwrap().down = true;
    let served = serve_with(&project, PUBLIC);
    let begin = || served.ask_as("", "GET", "/session/oidc/begin", &from(), "");
    begin().says(503, "R0625");
    provider.state.lock().unwrap().down = false;
    provider.state.lock().unwrap().called = Some("http://127.0.0.1:1".to_owned());
    begin().says(503, "R0625");
    provider.state.lock().unwrap().called = None;
    signed_in(&served, &provider, |_| {}).is(200);
    signed_in(&served, &provider, |_| {}).is(200);
    assert_eq!(provider.state.lock().unwrap().keys_asked, 1, "it is not asked again and again");
    for pair in [Pair::ed25519(), Pair::es256()] {
        let mut state = provider.state.lock().unwrap();
        (state.pair, state.key) = (pair, format!("{}x", state.key));
        drop(state);
        signed_in(&served, &provider, |_| {}).is(200);
    }
    let sent = begun(&served, &provider);
    provider.state.lock().unwrap().down = true;
    none(came_back(&served, &sent.cookie, &format!("code=x&state={}", sent.query["state"])), 503, "R0625");
    provider.state.lock().unwrap().down = false;
    // The client's secret is another one.
    let path = project.path(".stead/settings.yml");
    std::fs::write(&path, std::fs::read_to_string(&path).unwrap().replace("signs", "words")).unwrap();
    none(signed_in(&served, &provider, |_| {}), 401, "R0626");
    served.leave("TERM").is(0);
}

#[test]
fn who_is_nobody_is_added_where_the_settings_say_so() {
    let (project, provider) = (project(), Provider::new(Pair::es256()));
    settings(&project, &provider, ", claim: preferred_username, allow: create");
    let served = serve_with(&project, PUBLIC);
    let told = signed_in(&served, &provider, |claims| {
        claims["preferred_username"] = json!("bo");
        claims["sub"] = json!("s-bo");
        claims["email"] = json!("bo@example.org");
    });
    let who = me(&served, &session(&told.is(200))).is(200).body;
    assert_eq!((&who["actor"]["user"], &who["actor"]["roles"]), (&json!("user:bo"), &json!([])));
    project.stead("people --json").is(0).answers("bo@example.org");
    project.stead("people history").is(0).answers("oidc");
    // By a name that somebody has it is theirs.
    let told = signed_in(&served, &provider, |claims| claims["preferred_username"] = json!("ANA")).is(200);
    assert_eq!(me(&served, &session(&told)).is(200).body["actor"]["user"], "user:ana");
    // What cannot be a name adds nobody, and who was removed does not come back by another account.
    project.stead("people remove bo").is(0);
    for name in ["two words", "<script>", "bo"] {
        let told = signed_in(&served, &provider, |claims| {
            claims["preferred_username"] = json!(name);
            claims["sub"] = json!("s-new");
        });
        none(told, 403, "R0627");
    }
    served.leave("TERM").is(0);
}

#[test]
fn a_browser_ends_up_on_this_server_and_settings_are_looked_at_first() {
    let (project, provider) = (project(), Provider::new(Pair::es256()));
    settings(&project, &provider, "");
    let served = serve_with(&project, PUBLIC);
    let begin = |to: &str| {
        let path = format!("/session/oidc/begin?to={}", coded(to));
        served.ask_as("", "GET", &path, &from(), "")
    };
    for to in ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", ""] {
        begin(to).says(400, "R0628");
    }
    begin("/api/v1/runs?status=open").is(303);
    // From a page of others nothing begins.
    let more = format!("{}sec-fetch-site: cross-site\r\n", from());
    served.ask_as("", "GET", "/session/oidc/begin", &more, "").says(403, "H0102");
    served.leave("TERM").is(0);
    settings(&project, &provider, ", claim: sub, x: y");
    let got = project.stead(PUBLIC).is(2).says("`oidc` has no such key");
    got.says("`claim` is to be email or preferred_username");
}
