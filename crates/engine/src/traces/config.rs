//! What the environment says of traces, by the variables that OpenTelemetry has for that.

use serde_json::Value;

use super::span::attributes;
use crate::net::Url;

/// Where spans go, and what is said of who sends them.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) url: Url,
    pub(super) headers: Vec<(String, String)>,
    pub(super) resource: Value,
}

/// Reads it. `None`: nothing is to be sent.
pub(super) fn read(get: impl Fn(&str) -> Option<String>) -> Result<Option<Config>, String> {
    // One that is empty is not set, as the standard has it.
    let get = |name: &str| get(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let disabled = get("OTEL_SDK_DISABLED");
    match disabled.as_deref().map(str::to_ascii_lowercase).as_deref() {
        Some("true") => return Ok(None),
        Some("false") | None => {}
        Some(_) => return Err("OTEL_SDK_DISABLED is to be true or false".to_owned()),
    }
    match get("OTEL_TRACES_EXPORTER").as_deref() {
        Some("none") => return Ok(None),
        Some("otlp") | None => {}
        Some(other) => {
            return Err(format!(
                "OTEL_TRACES_EXPORTER is `{}`: traces are sent by otlp, or by none",
                other.escape_debug()
            ));
        }
    }
    let own = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    let all = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let (name, url) = match (get(own), get(all)) {
        (Some(url), _) => (own, Url::parse(&url)),
        (None, Some(url)) if url.contains(['?', '#']) => {
            return Err(format!("{all} is to be an address without a query: /v1/traces is added to it"));
        }
        (None, Some(url)) => (all, Url::parse(&format!("{}/v1/traces", url.trim_end_matches('/')))),
        (None, None) => return Ok(None),
    };
    let url = url.map_err(|why| format!("{name}: the address {why}"))?;
    for name in ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] {
        match get(name).as_deref() {
            Some("http/json") => break,
            None => {}
            Some(other) => {
                return Err(format!(
                    "{name} is `{}`: traces are sent by http/json, which collectors take where they take http/protobuf (port 4318)",
                    other.escape_debug()
                ));
            }
        }
    }
    let name = "OTEL_EXPORTER_OTLP_TRACES_HEADERS";
    let (name, text) = match get(name) {
        Some(text) => (name, Some(text)),
        None => ("OTEL_EXPORTER_OTLP_HEADERS", get("OTEL_EXPORTER_OTLP_HEADERS")),
    };
    let headers = pairs(name, text.as_deref().unwrap_or_default())?;
    for (header, value) in &headers {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if !header.bytes().all(plain) || value.chars().any(char::is_control) {
            // The value may be a secret, and what stands before it a part of one.
            return Err(format!("{name} has something that is no header"));
        }
    }
    let name = "OTEL_RESOURCE_ATTRIBUTES";
    let mut resource = pairs(name, get(name).as_deref().unwrap_or_default())?;
    let mut put = |key: &str, value: String, wins: bool| {
        let known = resource.iter().any(|(known, _)| known == key);
        if wins || !known {
            resource.retain(|(known, _)| known != key);
            resource.push((key.to_owned(), value));
        }
    };
    let service = get("OTEL_SERVICE_NAME");
    put("service.name", service.clone().unwrap_or_else(|| "stead".to_owned()), service.is_some());
    put("service.version", env!("CARGO_PKG_VERSION").to_owned(), false);
    let resource: Vec<(String, Value)> =
        resource.into_iter().map(|(key, value)| (key, Value::String(value))).collect();
    let resource = attributes(resource.iter().map(|(key, value)| (key.as_str(), value)));
    Ok(Some(Config { url, headers, resource }))
}

/// `k=v,k=v`, with `%xx` in the values.
fn pairs(name: &str, text: &str) -> Result<Vec<(String, String)>, String> {
    let read = |(at, pair): (usize, &str)| {
        let wrong =
            || format!("{name}: part {} is not NAME=VALUE, with `%xx` for what cannot stand in it", at + 1);
        let (key, value) = pair.split_once('=').ok_or_else(wrong)?;
        let key = key.trim();
        let value = decoded(value.trim()).filter(|_| !key.is_empty()).ok_or_else(wrong)?;
        Ok((key.to_owned(), value))
    };
    text.split(',').enumerate().filter(|(_, pair)| !pair.trim().is_empty()).map(read).collect()
}

/// A text with `%xx` put back; `None` where that is none.
fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<Option<Config>, String> {
        read(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    const ALL: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    const OWN: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";

    #[test]
    fn the_standard_variables_say_where_spans_go() {
        let url = |variables: &[(&str, &str)]| of(variables).unwrap().map(|config| config.url.to_string());
        let all = (ALL, "http://collector:4318/");
        assert_eq!(url(&[all]).unwrap(), "http://collector:4318/v1/traces");
        assert_eq!(url(&[(ALL, "https://c.example/at")]).unwrap(), "https://c.example/at/v1/traces");
        assert_eq!(url(&[all, (OWN, "http://own:1/x")]).unwrap(), "http://own:1/x");
        assert_eq!(url(&[all, ("OTEL_SDK_DISABLED", "TRUE")]), None);
        assert_eq!(url(&[all, ("OTEL_TRACES_EXPORTER", "none")]), None);
        assert_eq!(url(&[]), None);
        assert_eq!(url(&[(ALL, " "), (HEADERS, "no pairs")]), None);
        let said = [
            all,
            (HEADERS, "Authorization=Bearer%20x, b = 1=2 ,"),
            ("OTEL_SERVICE_NAME", "own"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,a=b%2Cc"),
        ];
        let config = of(&said).unwrap().unwrap();
        let headers: Vec<(&str, &str)> =
            config.headers.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(headers, [("Authorization", "Bearer x"), ("b", "1=2")]);
        let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
        let version = text("service.version", env!("CARGO_PKG_VERSION"));
        assert_eq!(config.resource, json!([text("a", "b,c"), text("service.name", "own"), version]));
    }

    #[test]
    fn what_cannot_be_understood_is_said_and_no_value_of_a_header_is() {
        let all = (ALL, "http://collector:4318");
        for (variables, said) in [
            (vec![(ALL, "collector:4318")], "does not begin with"),
            (vec![(ALL, "http://u:p@c/")], "user or password"),
            (vec![(ALL, "http://c/?token=x")], "without a query"),
            (vec![all, (OWN, "nothing")], OWN),
            (vec![all, ("OTEL_SDK_DISABLED", "yes")], "OTEL_SDK_DISABLED"),
            (vec![all, ("OTEL_TRACES_EXPORTER", "zipkin")], "zipkin"),
            (vec![all, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")], "http/json"),
            (vec![all, (HEADERS, "a=b,hidden")], "part 2"),
            (vec![all, (HEADERS, "a=hidden%zz")], "part 1"),
            (vec![all, (HEADERS, "a=hidden%0d%0ax")], "no header"),
            (vec![all, (HEADERS, "a hidden=b")], "no header"),
            (vec![all, ("OTEL_RESOURCE_ATTRIBUTES", "hidden")], "OTEL_RESOURCE_ATTRIBUTES"),
        ] {
            let why = of(&variables).unwrap_err();
            assert!(why.contains(said) && !why.contains("hidden"), "{why}");
        }
    }
}
