//! Whose requests are answered.
//!
//! A process of the user who runs the server acts as that user without showing anything, and a browser is one. A web
//! page may reach it as well: by a name of its own that it lets point here (then `Host` is that name), or by sending a
//! request from where it stands (then `Origin` and `Sec-Fetch-Site` say so). Neither is answered.

use hyper::HeaderMap;
use hyper::header::{HOST, HeaderName, ORIGIN};

use crate::listen::{Front, PublicUrl};
use crate::problem::Problem;

/// The names by which this machine calls itself.
const OWN: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Refuses a request that was meant for somebody else, or comes from a page of somebody else. `opened`: somebody follows
/// a link that may stand anywhere, in a mail say, and changes nothing by it.
pub(crate) fn admit(
    headers: &HeaderMap,
    authority: Option<&str>,
    port: u16,
    ip: &str,
    front: &Front,
    opened: bool,
) -> Result<(), Problem> {
    let hosts: Vec<&str> = headers.get_all(HOST).iter().map(|host| host.to_str().unwrap_or("?")).collect();
    let host = match hosts.as_slice() {
        [host] => *host,
        [] => authority.unwrap_or_default(),
        _ => "several",
    };
    let is_ours = |host: &str| {
        is_own(host, port, ip)
            || match &front.public {
                Some(url) => url.is(host),
                // By which names others know this machine nobody has said, and all of them show who they are.
                None => front.open && !host.is_empty() && hosts.len() < 2,
            }
    };
    if !is_ours(host) || authority.is_some_and(|authority| !is_ours(authority)) {
        let place = front.public.as_ref().map_or_else(|| format!("http://{ip}:{port}"), PublicUrl::origin);
        return Err(Problem::new(403, "H0101", "the request is for another host than this one")
            .help(format!("ask at {place}")));
    }
    if opened {
        return Ok(());
    }
    let from_here = |origin: &str| {
        let plain = origin.strip_prefix("http://");
        plain.is_some_and(|from| is_own(from, port, ip) || (front.open && from.eq_ignore_ascii_case(host)))
            || front.public.as_ref().is_some_and(|url| url.origin().eq_ignore_ascii_case(origin))
    };
    let mut foreign = headers.get_all(ORIGIN).iter().any(|origin| !origin.to_str().is_ok_and(from_here));
    let site = headers.get_all(HeaderName::from_static("sec-fetch-site"));
    foreign |= site.iter().any(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"));
    match foreign {
        true => Err(Problem::new(403, "H0102", "the request comes from a page of another origin")
            .help("ask from a program, or from a page of this server")),
        false => Ok(()),
    }
}

fn is_own(host: &str, port: u16, ip: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let name = match host.strip_suffix(&format!(":{port}")) {
        Some(name) => name,
        // What stands for the port of the scheme.
        None if port == 80 => &host,
        None => return false,
    };
    OWN.contains(&name) || name == ip
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(&'static str, &str)]) -> Result<(), Problem> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        admit(&map, None, 7700, "127.0.0.1", &Front::default(), false)
    }

    fn asked_at(front: &Front, host: &str, origin: &str) -> Result<(), Problem> {
        let mut map = HeaderMap::new();
        map.append(HOST, host.parse().unwrap());
        map.append(ORIGIN, origin.parse().unwrap());
        admit(&map, None, 7700, "0.0.0.0", front, false)
    }

    #[test]
    fn behind_a_proxy_its_name_counts_and_no_other() {
        let public = PublicUrl::read("https://stead.example.org").ok();
        let front = Front { public, open: false };
        let good = "https://stead.example.org";
        assert!(asked_at(&front, "stead.example.org", good).is_ok());
        assert!(asked_at(&front, "127.0.0.1:7700", good).is_ok(), "as the proxy may name it");
        for origin in ["http://stead.example.org", "https://evil.example", "null"] {
            assert_eq!(
                asked_at(&front, "stead.example.org", origin).unwrap_err().code.as_ref(),
                "H0102",
                "{origin}"
            );
        }
        assert_eq!(asked_at(&front, "evil.example", good).unwrap_err().code.as_ref(), "H0101");
        // Reached by itself, by whatever name: a page comes from the same name.
        let open = Front { public: None, open: true };
        assert!(asked_at(&open, "box.example:7700", "http://box.example:7700").is_ok());
        let error = asked_at(&open, "box.example:7700", "http://evil.example:7700").unwrap_err();
        assert_eq!(error.code.as_ref(), "H0102");
        assert_eq!(asked_at(&open, "", "http://box.example").unwrap_err().code.as_ref(), "H0101");
    }

    #[test]
    fn what_is_meant_for_this_machine_is_answered() {
        for host in ["127.0.0.1:7700", "localhost:7700", "LocalHost:7700", "[::1]:7700"] {
            assert!(asked(&[("host", host)]).is_ok(), "{host}");
        }
        let own = [
            ("host", "localhost:7700"),
            ("origin", "http://localhost:7700"),
            ("sec-fetch-site", "same-origin"),
        ];
        assert!(asked(&own).is_ok());
        assert!(
            asked(&[("host", "localhost:7700"), ("sec-fetch-site", "none")]).is_ok(),
            "typed by a person"
        );
    }

    #[test]
    fn a_forged_host_is_refused() {
        for host in [
            "evil.example:7700",
            "evil.example",
            "127.0.0.1",
            "127.0.0.1:80",
            "127.0.0.1.evil.example:7700",
            "",
            "localhost:7700:7700",
        ] {
            assert_eq!(asked(&[("host", host)]).unwrap_err().code.as_ref(), "H0101", "{host}");
        }
        assert_eq!(asked(&[]).unwrap_err().code.as_ref(), "H0101");
        assert_eq!(
            asked(&[("host", "localhost:7700"), ("host", "localhost:7700")]).unwrap_err().code.as_ref(),
            "H0101"
        );
    }

    #[test]
    fn a_link_may_stand_anywhere_and_leads_to_this_host_only() {
        let opened = |host: &str| {
            let mut map = HeaderMap::new();
            map.append(HOST, host.parse().unwrap());
            map.append("sec-fetch-site", "cross-site".parse().unwrap());
            admit(&map, None, 7700, "127.0.0.1", &Front::default(), true)
        };
        assert!(opened("localhost:7700").is_ok());
        assert_eq!(opened("evil.example:7700").unwrap_err().code.as_ref(), "H0101");
    }

    #[test]
    fn a_page_of_another_origin_is_refused() {
        for origin in [
            "http://evil.example",
            "null",
            "https://localhost:7700",
            "http://localhost:7701",
            "http://127.0.0.1",
        ] {
            let got = asked(&[("host", "localhost:7700"), ("origin", origin)]);
            assert_eq!(got.unwrap_err().code.as_ref(), "H0102", "{origin}");
        }
        for site in ["cross-site", "same-site"] {
            let got = asked(&[("host", "localhost:7700"), ("sec-fetch-site", site)]);
            assert_eq!(got.unwrap_err().code.as_ref(), "H0102", "{site}");
        }
    }
}
