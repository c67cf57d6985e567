//! Who is let in: what a request shows of who asks, and what is made of it.
//!
//! | what is known of the connection | without a secret | with one |
//! | --- | --- | --- |
//! | a program of a step | acts as that | refused |
//! | a process of the user who runs the server | acts as that user | acts as whom the secret is for |
//! | anybody else, or nobody knows | refused | acts as whom the secret is for |
//!
//! As soon as the server can be reached from elsewhere, by itself or through a proxy, the row in the middle is gone:
//! a proxy is often a process of the same user, and speaks for everybody. The same holds for a single request that says
//! that it came through a proxy.
//!
//! A browser that has signed in carries a session in its cookie, which stands for a secret; with that everything which
//! changes something needs what the pages of this server know besides, and no other site's page does.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HeaderName};
use stead_engine::EngineError;
use stead_engine::access::Secret;
use stead_engine::engine::Asker;
use stead_platform::peer::own_user;
use stead_platform::tcp;

use crate::call::Reply;
use crate::cookie::{Cookie, csrf, same};
use crate::limits;
use crate::links::{self, Followed};
use crate::listen::Front;
use crate::problem::Problem;
use crate::server::Host;

/// What the page of a session sends along with all that changes something.
const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What a request shows of who asks.
#[derive(Debug)]
pub(crate) struct Shown {
    /// The secret, or what is shown instead of one.
    secret: Option<Result<Secret, Problem>>,
    /// The session that a browser carries, and what its page sends along.
    session: Option<(Secret, Option<String>)>,
    /// It says that it came through a proxy.
    forwarded: bool,
    /// Where it comes from, as far as that can be believed.
    pub(crate) from: IpAddr,
}

impl Shown {
    /// Whether a browser carries a session, and nothing that goes before it.
    pub(crate) fn carries_session(&self) -> bool {
        self.secret.is_none() && self.session.is_some()
    }

    /// As the head of a request has it.
    pub(crate) fn of(headers: &HeaderMap, theirs: SocketAddr, front: &Front, cookie: &Cookie) -> Self {
        let along = headers.get(CSRF).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let session = cookie.of(headers).map(|session| (session, along));
        let forwarded = headers.keys().any(|name| {
            let name = name.as_str();
            name == "forwarded" || name == "via" || name == "x-real-ip" || name.starts_with("x-forwarded-")
        });
        // Only a proxy on this machine that was told of is believed, and of what it sends only what it has added itself.
        let believed = front.public.is_some() && theirs.ip().is_loopback();
        let last = headers.get_all(FORWARDED_FOR).iter().next_back().filter(|_| believed);
        let last = last.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
        Self { secret: secret(headers), session, forwarded, from: last.unwrap_or_else(|| theirs.ip()) }
    }
}

fn secret(headers: &HeaderMap) -> Option<Result<Secret, Problem>> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let first = all.next()?;
    let other = || {
        Problem::new(401, "H0104", "what `Authorization` has is not understood")
            .help("send it once, as `Authorization: Bearer TOKEN`")
    };
    let text = first.to_str().ok().filter(|_| all.next().is_none());
    let Some((scheme, secret)) = text.and_then(|text| text.split_once(' ')) else {
        return Some(Err(other()));
    };
    Some(match scheme.eq_ignore_ascii_case("bearer") {
        true => Ok(Secret::new(secret.trim())),
        false => Err(other()),
    })
}

/// Who is at the other end of a connection.
pub(crate) struct Client {
    theirs: SocketAddr,
    ours: SocketAddr,
    /// Looked up with the first request, which may take some milliseconds. Nobody: no process of this user.
    found: OnceLock<Option<Asker>>,
}

impl Client {
    pub(crate) fn new(theirs: SocketAddr, ours: SocketAddr) -> Self {
        Self { theirs, ours, found: OnceLock::new() }
    }

    /// Where it comes from.
    pub(crate) fn theirs(&self) -> SocketAddr {
        self.theirs
    }

    /// Which process of this user it is, if it is one.
    fn found(&self, host: &Host) -> Option<&Asker> {
        let look = || {
            let peer = tcp::peer(self.theirs, self.ours).filter(|peer| peer.user == own_user())?;
            Some(peer.process.map_or_else(|| host.asker.clone(), |process| host.asker.of_process(process)))
        };
        self.found.get_or_init(look).as_ref()
    }

    /// What a secret is shown to: a program of a step shows none.
    fn opener<'a>(&'a self, host: &'a Host) -> &'a Asker {
        self.found(host).filter(|asker| asker.is_step()).unwrap_or(&host.asker)
    }

    /// Who asks before it is known who they are: a program of a step as that, anybody else as nobody.
    pub(crate) fn stranger(&self, host: &Host) -> Host {
        let step = self.found(host).filter(|asker| asker.is_step());
        let asker = step.cloned().unwrap_or_else(|| host.asker.of_nobody());
        Host { asker, ..host.clone() }
    }

    /// What is told of a password that was looked at: that it was another one counts.
    pub(crate) fn guessed(
        &self,
        host: &Host,
        from: IpAddr,
        problem: Problem,
        failures: &Failures,
    ) -> Problem {
        let code = problem.code.clone();
        failures.refused(&host.asker, from, &code, problem)
    }

    /// The page of a link, which shows by itself who asks.
    pub(crate) fn linked(
        &self,
        host: &Host,
        from: IpAddr,
        followed: &Followed,
        failures: &Failures,
    ) -> Reply {
        followed
            .answer(self.opener(host))
            .unwrap_or_else(|problem| links::refused(&self.guess_only(host, from, problem, failures)))
    }

    /// One that has run out was somebody's: that is no guess, and who had it may go on another way at once.
    fn guess_only(&self, host: &Host, from: IpAddr, problem: Problem, failures: &Failures) -> Problem {
        match &*problem.code == "R0602" {
            true => self.guessed(host, from, problem, failures),
            false => problem,
        }
    }

    /// Who performs operations for a request of theirs that carries a session, and what its page sends along.
    fn session(
        &self,
        host: &Host,
        (session, along): (&Secret, Option<&str>),
        writes: bool,
        from: IpAddr,
        failures: &Failures,
    ) -> Result<(Host, Option<String>), Problem> {
        let asker = self.opener(host).of_session(session);
        let asker = asker.map_err(|error| self.guess_only(host, from, Problem::from(error), failures))?;
        let wanted = csrf(session);
        if writes && !along.is_some_and(|along| same(along, &wanted)) {
            return Err(Problem::new(
                403,
                "H0107",
                "the request is of a session, and its `X-CSRF-Token` is not",
            )
            .help("send along `csrf` of the answer to GET /session"));
        }
        Ok((Host { asker, ..host.clone() }, Some(wanted)))
    }

    /// Who performs operations for a request of theirs; of a session also what its page sends along.
    pub(crate) fn host(
        &self,
        host: &Host,
        front: &Front,
        shown: Shown,
        writes: bool,
        failures: &Failures,
    ) -> Result<(Host, Option<String>), Problem> {
        if let (None, Some((session, along))) = (&shown.secret, &shown.session) {
            return self.session(host, (session, along.as_deref()), writes, shown.from, failures);
        }
        self.without_session(host, front, shown, failures).map(|host| (host, None))
    }

    fn without_session(
        &self,
        host: &Host,
        front: &Front,
        shown: Shown,
        failures: &Failures,
    ) -> Result<Host, Problem> {
        let found = self.found(host);
        let of = |asker: Asker| Host { asker, ..host.clone() };
        let step = found.filter(|asker| asker.is_step());
        match (shown.secret, step, found) {
            (None, Some(step), _) => Ok(of(step.clone())),
            (Some(secret), step, _) => {
                let asker = step.unwrap_or(&host.asker);
                let opened = secret.and_then(|secret| asker.of_secret(&secret).map_err(Problem::from));
                opened.map(of).map_err(|problem| {
                    let code = problem.code.clone();
                    failures.refused(&host.asker, shown.from, &code, problem)
                })
            }
            (None, ..) if front.everybody_shows() => {
                Err(Problem::from(EngineError::from(stead_engine::access::AccessError::Unproven)))
            }
            (None, ..) if shown.forwarded => Err(Problem::new(
                401,
                "H0105",
                "the request came through a proxy, so it is not known who asks",
            )
            .help("show a token; `stead serve --public-url URL` is for a server behind a proxy")),
            (None, None, Some(asker)) => Ok(of(asker.clone())),
            (None, None, None) => Err(Problem::new(
                403,
                "H0103",
                "the request does not come from a process of the user who runs the server",
            )
            .help("ask as that user, or show a token: `Authorization: Bearer TOKEN`")),
        }
    }
}

/// Who has shown what means nobody, and how often of late. Of so many addresses it is known; the one that was noted
/// longest ago makes room.
#[derive(Debug)]
pub(crate) struct Failures {
    known: Mutex<HashMap<IpAddr, (u32, Instant)>>,
    most: u32,
    window: Duration,
}

impl Failures {
    pub(crate) fn new(most: u32, window: Duration) -> Self {
        Self { known: Mutex::default(), most, window }
    }

    /// What is told to who was not let in: after so many times, to wait. Who shows what is right is let in meanwhile,
    /// for they may have the address in common; a token cannot be guessed.
    fn told(&self, from: IpAddr, problem: Problem) -> Problem {
        // That the password which holds is another one is said with 403, and is a guess all the same.
        if problem.status != 401 && &*problem.code != "R0618" {
            return problem;
        }
        self.noted(from, Instant::now()).map_or(problem, too_often)
    }

    /// As `told`; a secret that was wrong is noted for `stead audit`, with the code of the reason.
    pub(crate) fn refused(&self, asker: &Asker, from: IpAddr, code: &str, problem: Problem) -> Problem {
        let problem = self.told(from, problem);
        if problem.status == 401 {
            asker.note_refused(&from.to_string(), code);
        }
        problem
    }

    /// Refuses to look at a password: other than a token it can be guessed, so whoever has failed too often is not even
    /// told that one is right.
    pub(crate) fn spare(&self, from: IpAddr) -> Result<(), Problem> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let at = Instant::now();
        match known.get(&network(from)) {
            Some((count, since)) if *count >= self.most && at.duration_since(*since) < self.window => {
                Err(too_often(self.window.saturating_sub(at.duration_since(*since))))
            }
            _ => Ok(()),
        }
    }

    /// Notes one more, and says how long is to be waited where that was one too many.
    fn noted(&self, from: IpAddr, at: Instant) -> Option<Duration> {
        let from = network(from);
        // A map, whole after every step.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= limits::FAILED_ADDRESSES && !known.contains_key(&from) {
            known.retain(|_, (_, since)| at.duration_since(*since) < self.window);
            let oldest = known.iter().min_by_key(|(_, (_, since))| *since).map(|(from, _)| *from);
            if let Some(oldest) = oldest.filter(|_| known.len() >= limits::FAILED_ADDRESSES) {
                known.remove(&oldest);
            }
        }
        let (count, since) = known.entry(from).or_insert((0, at));
        if at.duration_since(*since) >= self.window {
            (*count, *since) = (0, at);
        }
        *count = count.saturating_add(1);
        (*count > self.most).then(|| self.window.saturating_sub(at.duration_since(*since)))
    }
}

fn too_often(left: Duration) -> Problem {
    let detail = "too many requests from this address have shown what means nobody";
    let problem = Problem::new(429, "H0106", detail).help("wait, and see which token or password is sent");
    Problem { retry_after: Some(u16::try_from(left.as_secs().max(1)).unwrap_or(u16::MAX)), ..problem }
}

/// Of the newer addresses somebody has as many as they like, with the first half in common.
fn network(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) >> 64 << 64).into()),
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen::PublicUrl;

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in all {
            map.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        map
    }

    #[test]
    fn only_a_proxy_that_was_told_of_is_believed_where_a_request_comes_from() {
        let front = |public: bool| Front {
            public: public.then(|| PublicUrl::read("https://stead.example.org").unwrap()),
            open: false,
        };
        let from = |headers: &HeaderMap, theirs: &str, public: bool| {
            Shown::of(headers, theirs.parse().unwrap(), &front(public), &Cookie::new(&front(public), 7700))
                .from
                .to_string()
        };
        let said = headers(&[("x-forwarded-for", "192.0.2.1"), ("x-forwarded-for", "192.0.2.2, 192.0.2.3")]);
        assert_eq!(from(&said, "127.0.0.1:9", true), "192.0.2.3", "what was said before it may be a lie");
        assert_eq!(from(&said, "127.0.0.1:9", false), "127.0.0.1");
        assert_eq!(from(&said, "198.51.100.7:9", true), "198.51.100.7");
        assert_eq!(from(&headers(&[("x-forwarded-for", "?")]), "127.0.0.1:9", true), "127.0.0.1");
        for name in ["forwarded", "via", "x-real-ip", "x-forwarded-proto"] {
            let cookie = Cookie::new(&front(false), 7700);
            let shown =
                Shown::of(&headers(&[(name, "x")]), "127.0.0.1:9".parse().unwrap(), &front(false), &cookie);
            assert!(shown.forwarded, "{name}");
        }
    }

    #[test]
    fn a_secret_is_shown_once_and_in_one_way() {
        let shown = |all: &[(&'static str, &str)]| secret(&headers(all));
        assert!(shown(&[]).is_none());
        for good in ["Bearer stead_a", "bearer  stead_a "] {
            assert_eq!(shown(&[("authorization", good)]).unwrap().unwrap().reveal(), "stead_a");
        }
        for bad in ["Basic YTpi", "stead_a", "Bearer"] {
            assert_eq!(
                shown(&[("authorization", bad)]).unwrap().unwrap_err().code.as_ref(),
                "H0104",
                "{bad}"
            );
        }
        let twice = [("authorization", "Bearer a"), ("authorization", "Bearer b")];
        assert_eq!(shown(&twice).unwrap().unwrap_err().code.as_ref(), "H0104");
    }

    #[test]
    fn p11_who_fails_too_often_waits_and_so_many_are_known() {
        let failures = Failures::new(limits::FAILURES, limits::FAILURE_TIME);
        let (most, time) = (limits::FAILURES, limits::FAILURE_TIME);
        let (ip, start) = (IpAddr::from([192, 0, 2, 1]), Instant::now());
        assert!((0..most).all(|_| failures.noted(ip, start).is_none()));
        assert_eq!(failures.spare(ip).unwrap_err().status, 429, "no password is looked at");
        assert_eq!(failures.noted(ip, start + time / 3), Some(time - time / 3));
        assert_eq!(failures.noted([192, 0, 2, 2].into(), start), None);
        assert_eq!(failures.noted(ip, start + time), None, "it is over");
        // An address of the newer kind is one of as many as somebody likes.
        let near = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, last]);
        assert!((0..most).all(|last| failures.noted(near(last as u16), start).is_none()));
        assert!(failures.noted(near(99), start).is_some());
        for number in 0..limits::FAILED_ADDRESSES as u32 + 10 {
            failures.noted(IpAddr::V4((0x0a00_0000 + number).into()), start);
        }
        assert!(failures.known.lock().unwrap().len() <= limits::FAILED_ADDRESSES);
    }
}
