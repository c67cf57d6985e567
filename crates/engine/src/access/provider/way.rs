//! From the first click to a session.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crossbeam_channel::{RecvTimeoutError, bounded};
use ring::digest::{SHA256, digest};
use stead_core::effect::EndReason;
use stead_store::people::PeopleReader as _;

use super::settings::{self, Wanted};
use super::talk::{self, NoToken, Provider};
use super::token::{self, Broken, Expected};
use super::{RETURN, rule};
use crate::access::sign::begin_session;
use crate::access::{AccessAnswer, AccessError, AccessOperation, Secret};
use crate::error::EngineError;
use crate::executor::EndSwitch;
use crate::home::Home;
use crate::library::open::{now, reader};
use crate::limits;
use crate::net::Client;
use crate::people::Caller;
use crate::secrets::Secrets;

/// A browser that was sent to the provider.
#[derive(Debug, Clone)]
struct Begun {
    at: Instant,
    issuer: String,
    nonce: String,
    verifier: Secret,
    /// Hash of what the browser keeps.
    kept: String,
    back: String,
    to: String,
}

#[derive(Default)]
struct State {
    known: Option<(Wanted, Arc<Client>, Arc<Provider>)>,
    /// By the hash of the state.
    begun: HashMap<String, Begun>,
}

/// What a process keeps of the provider, and of who is on the way to it.
#[derive(Default)]
pub(crate) struct Providers(Mutex<State>);

impl Providers {
    pub(crate) fn ask(
        &self,
        home: &Home,
        caller: &Caller,
        operation: AccessOperation,
        secrets: &dyn Secrets,
        served: Option<&str>,
    ) -> Result<AccessAnswer, EngineError> {
        if let Some(step) = caller.step() {
            return Err(AccessError::OfStep { user: step.id() }.into());
        }
        let none = || AccessError::NoProvider { why: "the settings of this home name none" };
        let wanted = settings::of(home)?.ok_or_else(none)?;
        within(limits::OIDC_TIME, |switch| match operation {
            AccessOperation::BeginSignIn { to } => {
                let base = served.ok_or(AccessError::NoServer)?;
                self.begin(&wanted, to.as_deref(), base, switch)
            }
            AccessOperation::FinishSignIn { state, kept, code, issuer, error } => {
                let begun = self.taken(&state, kept.as_ref())?;
                if begun.issuer != wanted.issuer || issuer.is_some_and(|issuer| issuer != wanted.issuer) {
                    return Err(broken("it is of another provider"));
                }
                let code = match (code, error) {
                    (Some(code), None) => code,
                    (_, Some(error)) => {
                        return Err(broken(&format!("the provider says {}", talk::word(&error))));
                    }
                    (None, None) => return Err(broken("there is no code")),
                };
                self.finish(home, &wanted, &begun, &code, secrets, switch)
            }
            _ => Err(EngineError::bug(&"it is told elsewhere")),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whole after every step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of the provider; it is asked where that is too old.
    fn provider(
        &self,
        wanted: &Wanted,
        switch: &EndSwitch,
    ) -> Result<(Arc<Client>, Arc<Provider>), EngineError> {
        let known = self.state().known.clone();
        if let Some((known, client, provider)) = known
            && known == *wanted
            && provider.asked.elapsed() < limits::OIDC_FRESH
        {
            return Ok((client, provider));
        }
        let client = Client::new(wanted.policy, limits::OIDC_TIME, limits::HTTP_HEAD);
        let found = talk::discover(wanted, &client, switch).map_err(down)?;
        Ok(self.learned(wanted, &client, found))
    }

    fn learned(
        &self,
        wanted: &Wanted,
        client: &Arc<Client>,
        found: Provider,
    ) -> (Arc<Client>, Arc<Provider>) {
        let found = Arc::new(found);
        self.state().known = Some((wanted.clone(), client.clone(), found.clone()));
        (client.clone(), found)
    }

    /// Where a browser is to go, and what it is to keep.
    fn begin(
        &self,
        wanted: &Wanted,
        to: Option<&str>,
        base: &str,
        switch: &EndSwitch,
    ) -> Result<AccessAnswer, EngineError> {
        let to = match to {
            None => "/".to_owned(),
            Some(to) if is_path(to) => to.to_owned(),
            Some(_) => return Err(AccessError::NoPath.into()),
        };
        let (_, provider) = self.provider(wanted, switch)?;
        let drawn = || Secret::draw("");
        let (state, nonce, verifier, kept) = (drawn()?, drawn()?, drawn()?, drawn()?);
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.reveal().as_bytes()));
        let back = format!("{base}{RETURN}");
        let mut url = provider.authorization.clone();
        for (name, value) in [
            ("response_type", "code"),
            ("client_id", &wanted.client),
            ("redirect_uri", &back),
            ("scope", "openid email profile"),
            ("state", state.reveal()),
            ("nonce", nonce.reveal()),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ] {
            url.add(name, value);
        }
        let begun = Begun {
            at: Instant::now(),
            issuer: wanted.issuer.clone(),
            nonce: nonce.reveal().to_owned(),
            verifier,
            kept: kept.hash(),
            back,
            to,
        };
        self.put(state.hash(), begun);
        Ok(AccessAnswer::SignInBegun { url: Secret::new(url.to_string()), kept })
    }

    /// Keeps one; the oldest makes room.
    fn put(&self, state: String, one: Begun) {
        let mut kept = self.state();
        kept.begun.retain(|_, begun| begun.at.elapsed() < limits::OIDC_WAIT);
        if kept.begun.len() >= limits::OIDC_BEGUN {
            let oldest = kept.begun.iter().min_by_key(|(_, begun)| begun.at).map(|(state, _)| state.clone());
            oldest.and_then(|oldest| kept.begun.remove(&oldest));
        }
        kept.begun.insert(state, one);
    }

    /// What was begun, once.
    fn taken(&self, state: &Secret, kept: Option<&Secret>) -> Result<Begun, EngineError> {
        let begun = self.state().begun.remove(&state.hash());
        let begun = begun.filter(|begun| begun.at.elapsed() < limits::OIDC_WAIT);
        let begun = begun.ok_or_else(|| broken("it was not begun here, is over, or took too long"))?;
        // Hashes, of which nobody learns anything by the time that it takes.
        match kept.is_some_and(|kept| kept.hash() == begun.kept) {
            true => Ok(begun),
            false => Err(broken("another browser has begun it")),
        }
    }

    fn finish(
        &self,
        home: &Home,
        wanted: &Wanted,
        begun: &Begun,
        code: &Secret,
        secrets: &dyn Secrets,
        switch: &EndSwitch,
    ) -> Result<AccessAnswer, EngineError> {
        let (client, mut provider) = self.provider(wanted, switch)?;
        let sent = (code.reveal(), begun.verifier.reveal(), begun.back.as_str());
        let token =
            provider.exchange(wanted, sent, secrets, &client, switch).map_err(|error| match error {
                NoToken::Provider(why) => down(why),
                NoToken::Refused(why) => broken(&format!("the provider does not take the code: {why}")),
            })?;
        let expected =
            || Expected { issuer: &wanted.issuer, client: &wanted.client, nonce: &begun.nonce, now: now() };
        let mut account = token::account(&token, &provider.keys, expected());
        if account == Err(Broken::Unsigned) {
            // It may have a new key. Who comes here has had a code taken by the provider.
            let found = provider.with_new_keys(&client, switch).map_err(down)?;
            (_, provider) = self.learned(wanted, &client, found);
            account = token::account(&token, &provider.keys, expected());
        }
        let account = account.map_err(|error| match error {
            Broken::Unsigned => broken("no key of the provider has signed the token"),
            Broken::Wrong(why) => broken(why),
        })?;
        let Some(mut reader) = reader(home)? else { return Err(AccessError::NoPeople.into()) };
        if reader.people()?.is_empty() {
            return Err(AccessError::NoPeople.into());
        }
        let person = rule::person(home, &mut reader, wanted, &account)?;
        let (expires_at, secret) = begin_session(home, &person, "sign in by the provider")?;
        Ok(AccessAnswer::SignInFinished { user: person, expires_at, secret, to: begun.to.clone() })
    }
}

/// Whether a text is a place on this server, and can be nothing else to a browser.
fn is_path(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next() == Some(b'/')
        && !matches!(bytes.next(), Some(b'/' | b'\\'))
        && text.len() <= limits::OIDC_TEXT
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~?=&%+:@".contains(&byte))
}

fn broken(why: &str) -> EngineError {
    AccessError::Broken { why: why.to_owned() }.into()
}

fn down(why: String) -> EngineError {
    AccessError::Provider { why }.into()
}

/// Does something that may wait for others, and ends that when the time is over.
fn within<T>(
    time: Duration,
    what: impl FnOnce(&EndSwitch) -> Result<T, EngineError>,
) -> Result<T, EngineError> {
    let switch = EndSwitch::new().map_err(|error| down(error.to_string()))?;
    let (done, waits) = bounded::<()>(0);
    std::thread::scope(|scope| {
        let ending = || {
            if waits.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
                switch.end(EndReason::Timeout);
            }
        };
        // Without a thread for it nothing is begun that could wait for ever.
        let watch = std::thread::Builder::new().name("oidc".into()).spawn_scoped(scope, ending);
        watch.map_err(|error| down(error.to_string()))?;
        let came = what(&switch);
        drop(done);
        came
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(age: Duration) -> Begun {
        Begun {
            at: Instant::now().checked_sub(age).unwrap(),
            issuer: "https://login.example".to_owned(),
            nonce: String::new(),
            verifier: Secret::new("v"),
            kept: Secret::new("k").hash(),
            back: String::new(),
            to: "/".to_owned(),
        }
    }

    #[test]
    fn p11_so_many_are_on_their_way_and_for_a_time() {
        let providers = Providers::default();
        let state = |number: usize| Secret::new(format!("s{number}"));
        for number in 0..=limits::OIDC_BEGUN {
            let age = Duration::from_secs(1).saturating_sub(Duration::from_micros(number as u64));
            providers.put(state(number).hash(), begun(age));
        }
        let kept = Secret::new("k");
        assert_eq!(providers.taken(&state(0), Some(&kept)).unwrap_err().code(), "R0626");
        assert!(providers.taken(&state(1), Some(&kept)).is_ok());
        assert_eq!(providers.taken(&state(1), Some(&kept)).unwrap_err().code(), "R0626", "once");
        assert_eq!(providers.taken(&state(2), Some(&Secret::new("x"))).unwrap_err().code(), "R0626");
        assert_eq!(providers.taken(&state(3), None).unwrap_err().code(), "R0626");
        providers.put(state(0).hash(), begun(limits::OIDC_WAIT));
        assert_eq!(providers.taken(&state(0), Some(&kept)).unwrap_err().code(), "R0626");
    }

    #[test]
    fn nobody_is_sent_elsewhere() {
        for good in ["/", "/api/v1/docs", "/runs/r_1?tab=log&x=%2F"] {
            assert!(is_path(good), "{good}");
        }
        let long = format!("/{}", "x".repeat(limits::OIDC_TEXT));
        for bad in [
            "",
            "x",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\\b",
            "/a\nb",
            "/<",
            &long,
        ] {
            assert!(!is_path(bad), "{bad}");
        }
    }

    #[test]
    fn p11_a_provider_has_its_time() {
        let ended = within(Duration::from_millis(1), |switch| {
            use crate::executor::Control as _;
            while switch.ended().is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(switch.ended())
        });
        assert_eq!(ended.unwrap(), Some(EndReason::Timeout));
    }
}
