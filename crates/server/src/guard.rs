//! Whose requests are answered.
//!
//! As long as nobody has to say who they are, whoever reaches the address acts as the user who runs the server. A web
//! page may reach it as well: by a name of its own that it lets point here (then `Host` is that name), or by sending a
//! request from where it stands (then `Origin` and `Sec-Fetch-Site` say so). Neither is answered.

use hyper::HeaderMap;
use hyper::header::{HOST, HeaderName, ORIGIN};

use crate::problem::Problem;

/// The names by which this machine calls itself.
const OWN: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Refuses a request that was meant for somebody else, or comes from a page of somebody else.
pub(crate) fn admit(
    headers: &HeaderMap,
    authority: Option<&str>,
    port: u16,
    ip: &str,
) -> Result<(), Problem> {
    let hosts: Vec<&str> = headers.get_all(HOST).iter().map(|host| host.to_str().unwrap_or("?")).collect();
    let host = match hosts.as_slice() {
        [host] => *host,
        [] => authority.unwrap_or_default(),
        _ => "several",
    };
    if !is_own(host, port, ip) || authority.is_some_and(|authority| !is_own(authority, port, ip)) {
        return Err(Problem::new(403, "H0101", "the request is for another host than this one")
            .help(format!("ask at http://{ip}:{port}")));
    }
    let mut foreign = headers.get_all(ORIGIN).iter().any(|origin| {
        !origin
            .to_str()
            .ok()
            .and_then(|origin| origin.strip_prefix("http://"))
            .is_some_and(|host| is_own(host, port, ip))
    });
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
        admit(&map, None, 7700, "127.0.0.1")
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
